// The redirect and the token answer: whatever they hold, code, secret and tokens go to hosts of the table and nowhere
// else, a state is good once, and nothing that is stored names another host. Input: the redirect's query, with {state}
// for the state that was given; the accounts server of a pasted code; the status, and the token endpoint's answer.
#include <algorithm>
#include <set>

#include "berth/json.hpp"
#include "fuzz/fuzz.hpp"
#include "host/core/random.hpp"
#include "host/core/text.hpp"
#include "host/http/url.hpp"
#include "host/oauth/authorization.hpp"
#include "host/oauth/integration_tokens.hpp"
#include "host/oauth/server_info.hpp"

namespace berth::fuzz {
namespace {

constexpr const char* kRedirectUri = "http://127.0.0.1:8484/oauth/callback";
constexpr const char* kSecret = "made-up-secret-of-the-client";
const Instant kStart{1'780'012'800'000};

/// The connector's own nine data centres, and one that an operator added.
const oauth::Provider& provider() {
  static const oauth::Provider made = [] {
    const auto descriptor = json::parse(repository_file("plugins/zoho_books/descriptor.json"));
    FUZZ_CHECK(descriptor.ok() && descriptor.value.find("oauth") != nullptr, descriptor.error.message);
    const std::vector<oauth::DataCenter> added{{"test", "http://127.0.0.1:9100", "http://127.0.0.1:9101", true, false}};
    auto parsed = oauth::Provider::parse(*descriptor.value.find("oauth"), added);
    FUZZ_CHECK(parsed.ok(), parsed.error().message);
    return std::move(parsed).value();
  }();
  return made;
}

bool is_accounts(std::string_view origin) {
  const auto& all = provider().data_centers;
  return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.accounts == origin; });
}

bool is_api(std::string_view origin) {
  const auto& all = provider().data_centers;
  return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.api == origin; });
}

/// Gives every request the same answer, and sees where it goes.
class Remote final : public http::Transport {
 public:
  explicit Remote(http::Response response) : response_(std::move(response)) {}
  Result<http::Response> send(const http::Request& request, std::stop_token) override {
    const auto url = http::Url::parse(request.url);
    FUZZ_CHECK(url.ok() && is_accounts(url->origin()), request.url);
    FUZZ_CHECK(request.url.find(kSecret) == std::string::npos, "a secret in an address");
    ++sent;
    return response_;
  }
  int sent = 0;

 private:
  http::Response response_;
};

void check_error(const Error& error) {
  FUZZ_CHECK(is_reason_id(error.reason) && error.reason.starts_with("oauth."), error.reason);
  FUZZ_CHECK(is_one_line(error.message), error.reason + ": " + error.message);
}

/// An error of an exchange that sent the secret: an answer that repeats it must not carry it into a message.
void check_answer_error(const Error& error) {
  check_error(error);
  FUZZ_CHECK(error.message.find(kSecret) == std::string::npos, error.message);
}

void check_tokens(const oauth::TokenSet& tokens, Instant now) {
  FUZZ_CHECK(is_accounts(tokens.accounts_server), tokens.accounts_server);
  FUZZ_CHECK(is_api(tokens.api_domain), tokens.api_domain);
  FUZZ_CHECK(provider().by_location(tokens.location) != nullptr, tokens.location);
  FUZZ_CHECK(!tokens.access.empty() && !tokens.refresh.empty(), tokens.location);
  FUZZ_CHECK(is_one_line(tokens.access.reveal()), "an access token that is no header");
  FUZZ_CHECK(tokens.expires_at > now && tokens.expires_at <= now + std::chrono::hours(24),
             to_string(tokens.expires_at));
  const auto sealed = oauth::from_sealed_json(oauth::to_sealed_json(tokens));
  FUZZ_CHECK(sealed.ok() && sealed->access.reveal() == tokens.access.reveal() &&
                 sealed->refresh.reveal() == tokens.refresh.reveal() && sealed->api_domain == tokens.api_domain,
             "tokens that are not read back");
}

/// What a stored connection does with the same answer to a refresh.
void use_tokens(oauth::TokenSet tokens, const oauth::ClientSettings& client, Remote& remote, ManualClock& clock) {
  oauth::MemoryTokenStore store;
  oauth::IntegrationTokens mine("zoho_acme", provider(), client, remote, store, clock);
  FUZZ_CHECK(mine.connect(std::move(tokens)).ok(), "tokens are stored");
  const auto base = mine.api_base();
  FUZZ_CHECK(base.ok(), base.error().message);
  const auto url = http::Url::parse(*base);
  FUZZ_CHECK(url.ok() && is_api(url->origin()), *base);
  const auto header = mine.token({});
  FUZZ_CHECK(header.ok() && is_one_line(header->header_value.reveal()), "an Authorization header");
  const auto renewed = mine.refresh(header->generation, {});
  if (renewed.ok()) {
    FUZZ_CHECK(is_one_line(renewed->header_value.reveal()) && renewed->generation > header->generation,
               "a renewed token");
    check_tokens(mine.current().value(), clock.now());
  } else {
    check_answer_error(renewed.error());
  }
  if (const auto revoked = mine.revoke({}); !revoked.ok()) check_answer_error(revoked.error());
}

std::string with_state(std::string_view query, const std::string& state) {
  return replace_all(std::string(query), "{state}", state);
}

}  // namespace

void fuzz_oauth_callback(std::string_view input) {
  Input in(input);
  const std::string_view query = in.line();
  const std::string_view pasted_server = in.line();
  const std::string_view status = in.line();
  http::Response response;
  response.status = status.starts_with('5') ? 500 : status.starts_with('4') ? 400 : 200;
  if (const auto space = status.find(' '); space != std::string_view::npos)
    response.headers.emplace_back("date", status.substr(space + 1));
  response.body = in.rest();

  ManualClock clock(kStart);
  SeededRandom random(7);
  Remote remote(response);
  oauth::MemoryStateStore states(clock);
  oauth::Authorizer authorizer(provider(), remote, states, clock, random);
  const oauth::ClientSettings client{"1000.MADEUP", Secret(kSecret), kRedirectUri, "us"};
  const auto begun = authorizer.begin("zoho_acme", client, {});
  FUZZ_CHECK(begun.ok() && http::Url::parse(begun->url).ok(), begun.error().message);
  const std::string state = begun->url.substr(begun->url.find("&state=") + 7);
  const std::string sent = with_state(query, state);

  const auto grant = authorizer.accept_redirect(sent, kRedirectUri);
  FUZZ_CHECK(remote.sent == 0, "a redirect is answered by a request");
  std::vector<oauth::Grant> grants;
  if (grant.ok()) {
    FUZZ_CHECK(query.find("{state}") != std::string_view::npos || percent_decode(sent).find(state) != std::string::npos,
               "a redirect without the state that was given is accepted");
    FUZZ_CHECK(grant->integration == "zoho_acme" && grant->redirect_uri == kRedirectUri, grant->integration);
    const auto again = authorizer.accept_redirect(sent, kRedirectUri);
    FUZZ_CHECK(!again.ok() && again.error().reason == "oauth.state_unknown", "a state is good twice");
    grants.push_back(*grant);
  } else {
    check_error(grant.error());
  }
  const auto pasted = authorizer.accept_code("zoho_acme", Secret("1000.pasted"), pasted_server, client,
                                             oauth::Authorizer::CodeOf::kRedirect);
  if (pasted.ok()) grants.push_back(*pasted);
  if (!pasted.ok()) check_error(pasted.error());

  for (const auto& one : grants) {
    FUZZ_CHECK(provider().by_location(one.location) != nullptr, one.location);
    const auto tokens = authorizer.exchange(one, client, {});
    if (tokens.ok()) {
      check_tokens(*tokens, clock.now());
      use_tokens(*tokens, client, remote, clock);
    } else {
      check_answer_error(tokens.error());
    }
    const int before = remote.sent;
    FUZZ_CHECK(!authorizer.exchange(one, client, {}).ok() && remote.sent == before, "a code is sent twice");
  }
  const auto disagreement = oauth::check_server_info(provider(), remote, "eu", {});
  if (!disagreement.ok()) check_error(disagreement.error());
  if (disagreement.ok() && disagreement->has_value()) FUZZ_CHECK(is_one_line(**disagreement), **disagreement);
}

}  // namespace berth::fuzz
