#include "host/oauth/token_answer.hpp"

#include <algorithm>

#include "berth/json.hpp"
#include "host/core/text.hpp"
#include "host/http/error_rules.hpp"
#include "host/http/readable.hpp"
#include "host/oauth/authorization.hpp"

namespace berth::oauth {
namespace {

constexpr std::size_t kTokenAnswerBytesMax = 256u << 10u;
constexpr std::chrono::milliseconds kTokenDeadline{30'000};

/// "https://accounts.zoho.eu (eu)", and the other data centre where there is one.
std::string where(const TokenRequest& about) {
  std::string text = about.data_center.accounts + " (" + about.data_center.location + ")";
  if (!about.began_at.empty() && about.began_at != about.data_center.location) {
    const auto* other = about.provider.by_location(about.began_at);
    if (other != nullptr) text += "; the authorisation began at " + other->accounts + " (" + other->location + ")";
  }
  return text;
}

Error unreachable(const TokenRequest& about, const std::string& why) {
  const auto& page = about.provider.status_page;
  return make_error(Code::kUnavailable, "oauth.unreachable",
                    "No tokens from " + where(about) + ": " + why +
                        (page.empty() ? "" : " Outages are announced at " + page + "."));
}

Error throttled(const TokenRequest& about) {
  auto error = make_error(Code::kUnavailable, "oauth.throttled",
                          "Too many token requests at " + where(about) + "; nothing is asked there for 15 minutes.");
  error.retry_after_ms = kThrottleWait.count();
  return error;
}

// Zoho, "OAuth": invalid_code also means that the code belongs to another data centre, or on a refresh that the refresh
// token was revoked or pushed out by the user's 21st one.
Error invalid_code(const TokenRequest& about, const http::Response& response, const Clock& clock) {
  if (about.grant == TokenRequest::Grant::kRefresh) {
    return make_error(Code::kUnauthenticated, "oauth.refresh_refused",
                      "The refresh token is refused by " + where(about) +
                          ": it was revoked, or pushed out by newer ones of the same user; connect again.");
  }
  if (const auto header = response.header("date")) {
    const auto theirs = http::parse_http_date(*header);
    const auto apart = theirs ? clock.now() - *theirs : std::chrono::milliseconds(0);
    if (std::chrono::abs(apart) > about.provider.code_lifetime) {
      return make_error(
          Code::kUnauthenticated, "oauth.clock",
          "The code is refused by " + where(about) + ", and this machine's clock is " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::abs(apart)).count()) +
              " s " + (apart.count() > 0 ? "ahead of" : "behind") + " theirs; set the clock and begin again.");
    }
  }
  return make_error(Code::kUnauthenticated, "oauth.code_expired_or_used",
                    "The code is refused by " + where(about) + ": it is good once, for " +
                        to_string_duration(about.provider.code_lifetime) +
                        ", and only at the data centre that gave it; begin again.");
}

Error judge_error(const TokenRequest& about, const std::string& name, const std::string& description,
                  const http::Response& response, const Clock& clock) {
  const auto& throttling = about.provider.throttled_errors;
  if (std::find(throttling.begin(), throttling.end(), name) != throttling.end()) return throttled(about);
  const bool refreshing = about.grant == TokenRequest::Grant::kRefresh;
  if (name == "invalid_code" || name == "invalid_grant") return invalid_code(about, response, clock);
  // These two are settings of this host, also on a refresh: the refresh token is as good as before, and with the right
  // settings the next try works.
  if (name == "invalid_client" || name == "invalid_client_secret") {
    return make_error(
        Code::kInvalidConfig, "oauth.client_rejected",
        "Client id or secret are refused (" + name + ") by " + where(about) +
            "; each data centre has its own secret unless the client uses one for all, and must be switched on "
            "in the client's settings there.");
  }
  if (name == "invalid_redirect_uri" || name == "redirect_uri_mismatch") {
    return make_error(Code::kInvalidConfig, "oauth.redirect_uri",
                      "The redirect URI is not the registered one, says " + where(about) + ".");
  }
  if (name == "access_denied") {
    return make_error(Code::kUnauthenticated, "oauth.access_denied", "Access was denied by " + where(about) + ".");
  }
  const auto& permanent = about.provider.permanent_errors;
  const bool is_permanent = std::find(permanent.begin(), permanent.end(), name) != permanent.end();
  return make_error(is_permanent || !refreshing ? Code::kUnauthenticated : Code::kUnavailable, "oauth.rejected",
                    "Tokens are refused by " + where(about) + ": " + http::one_line(name, 100) +
                        (description.empty() ? "" : " (" + http::one_line(description, 200) + ")") + ".");
}

/// Text of an answer for a message, without what was sent: some servers repeat the request in their errors.
std::string without_sent(std::string text, const Form& form) {
  constexpr std::size_t kSecretBytesMin = 8;  // shorter ones would blot out ordinary words
  for (const auto& [name, value] : form) {
    const bool is_secret = name != "grant_type" && name != "redirect_uri" && name != "client_id";
    if (is_secret && value.reveal().size() >= kSecretBytesMin) text = replace_all(std::move(text), value.reveal(), "***");
  }
  return text;
}

/// What an answer is that is no object with tokens. Of JSON that breaks off nothing is quoted: it may begin with a token.
std::string what_came(const http::Response& response, const json::Parsed& parsed, const Form& form) {
  if (parsed.ok()) return "JSON with neither an access token nor an error";
  if (trim(response.body).starts_with('{')) return http::one_line(without_sent(parsed.error.message, form), 120);
  return http::instead_of_json(without_sent(response.body, form), parsed.error.message);
}

/// Lifetime in seconds; very old answers have milliseconds, which no real lifetime reaches as seconds.
Instant expiry(const json::Value& answer, Instant now) {
  constexpr std::int64_t kDaySeconds = 86'400;
  constexpr std::int64_t kUsualSeconds = 3'600;
  const auto* value = answer.find("expires_in");
  // Some servers send the number as a text.
  auto lifetime = value == nullptr ? std::nullopt : value->integer();
  if (!lifetime && value != nullptr) lifetime = json::Value::number(std::string(value->text())).integer();
  std::int64_t seconds = lifetime.value_or(kUsualSeconds);
  if (seconds > kDaySeconds) seconds /= 1'000;
  if (seconds <= 0 || seconds > kDaySeconds) seconds = kUsualSeconds;
  return now + std::chrono::seconds(seconds);
}

}  // namespace

http::Request form_request(std::string url, const Form& form) {
  http::Request request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  for (const auto& [name, value] : form) {
    if (!request.body.empty()) request.body += '&';
    request.body += percent_encode(name) + "=" + percent_encode(value.reveal());
  }
  request.total_deadline = kTokenDeadline;
  request.max_body_bytes = kTokenAnswerBytesMax;
  request.max_inflated_bytes = kTokenAnswerBytesMax;
  return request;
}

// Zoho answers errors with HTTP 200 as well as 400: an answer is good if it is an object with an access token and no
// error.
Result<TokenAnswer> ask_for_tokens(http::Transport& transport, const TokenRequest& about, const Form& form,
                                   const Clock& clock, std::stop_token stop) {
  const auto sent = clock.now();
  auto response = transport.send(form_request(with_accounts(about.provider.token_url, about.data_center), form), stop);
  if (!response) {
    if (response.error().code == Code::kCancelled) return std::move(response).error();
    return unreachable(about, response.error().message);
  }
  const auto parsed = json::parse(response->body);
  const bool is_object = parsed.ok() && parsed.value.is_object();
  const auto* error = is_object ? parsed.value.find("error") : nullptr;
  if (error != nullptr && !error->is_null()) {
    return judge_error(about, without_sent(std::string(error->text()), form),
                       without_sent(std::string(parsed.value.text_of("error_description")), form), *response, clock);
  }
  if (response->status >= 500) return unreachable(about, "HTTP " + std::to_string(response->status) + ".");
  if (response->status == 429) return throttled(about);
  const auto* access = is_object ? parsed.value.find("access_token") : nullptr;
  if (access == nullptr || !access->is_string() || access->text().empty()) {
    // Not the fault of the tokens, which are kept: a later run asks again.
    return make_error(Code::kUnavailable, "oauth.answer_unreadable",
                      "The answer of " + where(about) + " to a token request (HTTP " +
                          std::to_string(response->status) + ") cannot be used: " + what_came(*response, parsed, form) + ".");
  }
  TokenAnswer answer;
  answer.access = Secret(std::string(access->text()));
  if (!http::check_header("Authorization", answer.access.reveal())) {
    return make_error(Code::kUnavailable, "oauth.answer_unreadable",
                      "The access token of " + where(about) + " has characters that no token has.");
  }
  answer.refresh = Secret(std::string(parsed.value.text_of("refresh_token")));
  answer.api_domain = parsed.value.text_of("api_domain");
  answer.expires_at = expiry(parsed.value, sent);
  return answer;
}

}  // namespace berth::oauth
