#include "tests/zoho_sim/oauth_server.hpp"

#include "tests/zoho_sim/json_writer.hpp"

#include <algorithm>
#include <array>

namespace zoho_sim {
namespace {

// Lifetimes and limits: Zoho Books API v3, OAuth.
constexpr Time kCodeSeconds = 120;
constexpr Time kAccessSeconds = 3600;
constexpr Time kThrottleSeconds = 600;
constexpr int kTokensPerWindow = 10;
constexpr std::size_t kCodesPerWindow = 10;
constexpr std::size_t kActiveAccessTokens = 15;
constexpr std::size_t kRefreshTokensPerUser = 20;

Response json_answer(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json;charset=UTF-8"}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

Response error_answer(std::string_view error, int status = 200) {
  return json_answer(status, JsonWriter().object().text("error", error).end().take());
}

Response page(int status, const std::string& title, const std::string& inner) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/html;charset=UTF-8"}};
  response.body = "<!doctype html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1>" + inner +
                  "</body></html>";
  return response;
}

Response redirect(const std::string& target) {
  Response response;
  response.status = 302;
  response.headers = {{"Location", target}};
  return response;
}

std::string html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '&')
      result += "&amp;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

std::string decode_base64(std::string_view text) {
  std::string result;
  unsigned buffer = 0;
  int bits = 0;
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) break;
    buffer = (buffer << 6U) | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      result += static_cast<char>((buffer >> static_cast<unsigned>(bits)) & 0xFFU);
    }
  }
  return result;
}

bool scope_is_known(std::string_view scope) {
  const auto small = lower(scope);
  return small.rfind("zohobooks.", 0) == 0 && std::count(small.begin(), small.end(), '.') == 2;
}

// Comma separated; a blank is accepted too.
bool scopes_are_known(std::string_view scopes) {
  bool any = false;
  while (!scopes.empty()) {
    const auto end = scopes.find_first_of(", ");
    if (end != 0) {
      if (!scope_is_known(scopes.substr(0, end))) return false;
      any = true;
    }
    scopes.remove_prefix(end == std::string_view::npos ? scopes.size() : end + 1);
  }
  return any;
}

// Query and form pairs together, and client id and secret from HTTP Basic, as Zoho Accounts reads them.
Pairs parameters_of(const Request& request) {
  Pairs pairs = request.query;
  if (lower(header_of(request.headers, "Content-Type")).rfind("application/x-www-form-urlencoded", 0) == 0) {
    for (auto& pair : parse_pairs(request.body)) pairs.push_back(std::move(pair));
  }
  const auto authorization = header_of(request.headers, "Authorization");
  if (authorization.rfind("Basic ", 0) == 0) {
    const auto plain = decode_base64(authorization.substr(6));
    const auto colon = plain.find(':');
    if (colon != std::string::npos) {
      pairs.emplace_back("client_id", plain.substr(0, colon));
      pairs.emplace_back("client_secret", plain.substr(colon + 1));
    }
  }
  return pairs;
}

}  // namespace

OAuthServer::OAuthServer(OAuthOptions options, std::uint64_t seed)
    : options_(std::move(options)), random_(seed ^ 0xACC0077ULL) {}

bool OAuthServer::serves(std::string_view path) {
  return path.rfind("/oauth/", 0) == 0;
}

std::string OAuthServer::random_token() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "1000.";
  for (int part = 0; part < 2; ++part) {
    if (part == 1) text += '.';
    for (int i = 0; i < 32; ++i) text += kHex[random_.next() & 15U];
  }
  return text;
}

bool OAuthServer::redirect_allowed(std::string_view uri) const {
  return std::any_of(options_.redirect_uris.begin(), options_.redirect_uris.end(), [&](const std::string& known) {
    if (known != "*") return known == uri;
    static constexpr std::array<std::string_view, 4> kHosts = {"http://127.0.0.1", "http://localhost",
                                                               "https://127.0.0.1", "https://localhost"};
    return std::any_of(kHosts.begin(), kHosts.end(), [&](std::string_view host) {
      return uri.rfind(host, 0) == 0 &&
             (uri.size() == host.size() || uri[host.size()] == ':' || uri[host.size()] == '/');
    });
  });
}

Response OAuthServer::handle(const Request& request, Time now, const std::string& origin) {
  const auto& path = request.path;
  if (path == "/oauth/v2/auth" && request.method == "GET") return authorize(request, now, origin);
  if (path == "/oauth/v2/auth/decision" && request.method == "POST") return decide(request, now, origin);
  if (path == "/oauth/v2/token") return token(request, now, origin);
  if ((path == "/oauth/v2/token/revoke" || path == "/oauth/v2/revoke/token") && request.method == "POST")
    return revoke(request);
  if (path == "/oauth/serverinfo" && request.method == "GET") {
    return json_answer(200, JsonWriter()
                                .object()
                                .text("result", "success")
                                .object("locations")
                                .text(options_.location, origin)
                                .end()
                                .end()
                                .take());
  }
  return page(404, "Not found", "<p>There is no such page.</p>");
}

Response OAuthServer::authorize(const Request& request, Time now, const std::string& origin) {
  const auto& query = request.query;
  if (value_of(query, "client_id") != options_.client_id)
    return page(400, "Invalid client", "<p>invalid_client: the client id is not known here.</p>");
  if (!redirect_allowed(value_of(query, "redirect_uri")))
    return page(400, "Invalid redirect", "<p>invalid_redirect_uri</p>");
  if (value_of(query, "response_type") != "code") return page(400, "Invalid request", "<p>invalid_response_type</p>");
  if (!scopes_are_known(value_of(query, "scope"))) return page(400, "Invalid scope", "<p>Enter a valid scope.</p>");
  Grant grant;
  grant.redirect_uri = value_of(query, "redirect_uri");
  grant.scope = value_of(query, "scope");
  grant.state = value_of(query, "state");
  grant.offline = value_of(query, "access_type") == "offline";
  grant.prompt = value_of(query, "prompt") == "consent";
  if (options_.auto_consent) return redirect_with_code(grant, now, origin);
  const std::string ticket = random_token();
  waiting_[ticket] = grant;
  return page(200, "Allow access to your books?",
              "<p>The application asks for: " + html(grant.scope) +
                  "</p><form method=\"post\" action=\"/oauth/v2/auth/decision\">" +
                  "<input type=\"hidden\" name=\"ticket\" value=\"" + ticket + "\">" +
                  "<button type=\"submit\" name=\"decision\" value=\"accept\">Accept</button> " +
                  "<button type=\"submit\" name=\"decision\" value=\"reject\">Reject</button></form>");
}

Response OAuthServer::decide(const Request& request, Time now, const std::string& origin) {
  const auto pairs = parse_pairs(request.body);
  const auto found = waiting_.find(std::string(value_of(pairs, "ticket")));
  if (found == waiting_.end()) return page(400, "Expired", "<p>This page is out of date.</p>");
  const Grant grant = found->second;
  waiting_.erase(found);
  if (value_of(pairs, "decision") == "accept") return redirect_with_code(grant, now, origin);
  const char mark = grant.redirect_uri.find('?') == std::string::npos ? '?' : '&';
  return redirect(grant.redirect_uri + mark + "state=" + percent_encode(grant.state) + "&error=access_denied");
}

Response OAuthServer::redirect_with_code(const Grant& grant, Time now, const std::string& origin) {
  const char mark = grant.redirect_uri.find('?') == std::string::npos ? '?' : '&';
  std::string target = grant.redirect_uri + mark + "state=" + percent_encode(grant.state);
  while (!codes_made_.empty() && codes_made_.front() <= now - kThrottleSeconds) codes_made_.pop_front();
  if (options_.throttle && codes_made_.size() >= kCodesPerWindow) return redirect(target + "&error=access_denied");
  codes_made_.push_back(now);
  const std::string code = random_token();
  codes_[code] = grant;
  codes_[code].expires = now + kCodeSeconds;
  const auto& server = options_.accounts_server.empty() ? origin : options_.accounts_server;
  // Zoho's redirect ends in a stray "&".
  return redirect(target + "&code=" + code + "&location=" + percent_encode(options_.location) +
                  "&accounts-server=" + percent_encode(server) + "&");
}

OAuthServer::Refresh* OAuthServer::find_refresh(std::string_view token) {
  const auto found =
      std::find_if(refreshes_.begin(), refreshes_.end(), [&](const Refresh& entry) { return entry.token == token; });
  return found == refreshes_.end() ? nullptr : &*found;
}

std::string OAuthServer::add_access(const std::string& refresh, const std::string& scope, Time now) {
  std::erase_if(accesses_, [&](const Access& entry) { return entry.expires <= now; });
  const auto of_refresh = [&](const Access& entry) { return entry.refresh == refresh; };
  if (!refresh.empty() &&
      static_cast<std::size_t>(std::count_if(accesses_.begin(), accesses_.end(), of_refresh)) >= kActiveAccessTokens) {
    accesses_.erase(std::find_if(accesses_.begin(), accesses_.end(), of_refresh));  // the oldest dies without a word
  }
  accesses_.push_back({random_token(), refresh, scope, now + kAccessSeconds});
  return accesses_.back().token;
}

std::string OAuthServer::issue_refresh_token(const std::string& scopes, Time now) {
  if (refreshes_.size() >= kRefreshTokensPerUser) revoke_refresh_token(refreshes_.front().token);
  refreshes_.push_back({random_token(), scopes, now, 0});
  return refreshes_.back().token;
}

std::string OAuthServer::issue_access_token(const std::string& scopes, Time now) {
  return add_access({}, scopes, now);
}

Response OAuthServer::token(const Request& request, Time now, const std::string& origin) {
  if (request.method != "POST") return error_answer("server_error", 400);
  const auto pairs = parameters_of(request);
  if (value_of(pairs, "client_id") != options_.client_id) return error_answer("invalid_client");
  if (value_of(pairs, "client_secret") != options_.client_secret) return error_answer("invalid_client_secret");
  const auto grant_type = value_of(pairs, "grant_type");
  JsonWriter json;
  const auto finish = [&](const std::string& access, const std::string& refresh) {
    json.object().text("access_token", access);
    if (!refresh.empty()) json.text("refresh_token", refresh);
    json.text("api_domain", options_.api_domain.empty() ? origin : options_.api_domain)
        .text("token_type", "Bearer")
        .integer("expires_in", kAccessSeconds)
        .end();
    return json_answer(200, json.take());
  };
  if (grant_type == "authorization_code") {
    const auto found = codes_.find(std::string(value_of(pairs, "code")));
    if (found == codes_.end()) return error_answer("invalid_code");
    const Grant grant = found->second;
    if (grant.redirect_uri != value_of(pairs, "redirect_uri")) return error_answer("invalid_redirect_uri");
    codes_.erase(found);  // one use, also a late one
    if (now >= grant.expires) return error_answer("invalid_code");
    std::string refresh;
    if (grant.offline && (!consented_before_ || grant.prompt)) refresh = issue_refresh_token(grant.scope, now);
    consented_before_ = true;
    if (auto* entry = find_refresh(refresh)) ++entry->issued_in_window;
    return finish(add_access(refresh, grant.scope, now), refresh);
  }
  if (grant_type == "refresh_token") {
    auto* entry = find_refresh(value_of(pairs, "refresh_token"));
    if (entry == nullptr) return error_answer("invalid_code");
    if (now >= entry->window_start + kThrottleSeconds) {
      entry->window_start = now;
      entry->issued_in_window = 0;
    }
    if (options_.throttle && entry->issued_in_window >= kTokensPerWindow) {
      return json_answer(400,
                         JsonWriter()
                             .object()
                             .text("error_description",
                                   "You have made too many requests continuously. Please try again after some time.")
                             .text("error", "Access Denied")
                             .text("status", "failure")
                             .end()
                             .take());
    }
    ++entry->issued_in_window;
    return finish(add_access(entry->token, entry->scope, now), {});
  }
  return error_answer("unsupported_grant_type");
}

Response OAuthServer::revoke(const Request& request) {
  const auto pairs = parameters_of(request);
  const std::string token(value_of(pairs, "token"));
  const auto erased = std::erase_if(accesses_, [&](const Access& entry) { return entry.token == token; });
  if (!token.empty() && (erased != 0 || revoke_refresh_token(token)))
    return json_answer(200, R"({"status":"success"})");
  return error_answer("invalid_token", 400);
}

std::optional<std::string> OAuthServer::scopes_of(std::string_view access_token, Time now) const {
  const auto found = std::find_if(accesses_.begin(), accesses_.end(),
                                  [&](const Access& entry) { return entry.token == access_token; });
  if (found == accesses_.end() || found->expires <= now) return std::nullopt;
  return found->scope;
}

void OAuthServer::expire_access_tokens() {
  accesses_.clear();
}

bool OAuthServer::revoke_refresh_token(std::string_view token) {
  const std::string gone(token);  // the argument may live inside what is erased
  const bool all = gone.empty();
  const auto erased = std::erase_if(refreshes_, [&](const Refresh& entry) { return all || entry.token == gone; });
  // Revoking a refresh token also ends its access tokens (Zoho Accounts, Revoke).
  if (erased != 0) std::erase_if(accesses_, [&](const Access& entry) { return all || entry.refresh == gone; });
  return erased != 0;
}

std::vector<std::string> OAuthServer::refresh_tokens() const {
  std::vector<std::string> tokens;
  for (const auto& entry : refreshes_) tokens.push_back(entry.token);
  return tokens;
}

}  // namespace zoho_sim
