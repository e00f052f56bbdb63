// Zoho Accounts, as far as an application sees it: consent page, codes, tokens, throttles, revocation.
//
// Token errors come with HTTP 200 and {"error":"invalid_code"} (Zoho Books API v3, OAuth; wire captures). A refresh
// answer has no refresh_token. Not thread safe; the Simulator guards it.
#pragma once

#include "tests/zoho_sim/clock.hpp"
#include "tests/zoho_sim/message.hpp"
#include "tests/zoho_sim/random.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zoho_sim {

struct OAuthOptions {
  std::string client_id = "1000.SIMULATORCLIENT";
  std::string client_secret = "simulator-secret";
  std::vector<std::string> redirect_uris = {"*"};  // "*": any http(s) URI on a loopback host
  std::string location = "us";                     // what the redirect calls this data centre
  bool auto_consent = false;
  bool throttle = true;  // 10 codes and 10 access tokens in 10 minutes
  // For hostile tests: sent instead of the own origin when not empty.
  std::string accounts_server = {};
  std::string api_domain = {};
};

class OAuthServer {
 public:
  OAuthServer(OAuthOptions options, std::uint64_t seed);

  static bool serves(std::string_view path);
  Response handle(const Request& request, Time now, const std::string& origin);

  // The scopes of a live access token.
  std::optional<std::string> scopes_of(std::string_view access_token, Time now) const;
  std::string issue_access_token(const std::string& scopes, Time now);  // without the browser part, for tests
  std::string issue_refresh_token(const std::string& scopes, Time now);
  void expire_access_tokens();
  bool revoke_refresh_token(std::string_view token);  // empty: all of them
  std::vector<std::string> refresh_tokens() const;
  OAuthOptions& options() { return options_; }

 private:
  struct Grant {  // what waits for consent, and after it, what a code stands for
    std::string redirect_uri, scope, state;
    bool offline = false, prompt = false;
    Time expires = 0;
  };
  struct Refresh {
    std::string token, scope;
    Time window_start = 0;
    int issued_in_window = 0;
  };
  struct Access {
    std::string token, refresh, scope;
    Time expires = 0;
  };

  Response authorize(const Request& request, Time now, const std::string& origin);
  Response decide(const Request& request, Time now, const std::string& origin);
  Response redirect_with_code(const Grant& grant, Time now, const std::string& origin);
  Response token(const Request& request, Time now, const std::string& origin);
  Response revoke(const Request& request);
  std::string add_access(const std::string& refresh, const std::string& scope, Time now);
  std::string random_token();
  Refresh* find_refresh(std::string_view token);
  bool redirect_allowed(std::string_view uri) const;

  OAuthOptions options_;
  Random random_;
  std::map<std::string, Grant> waiting_, codes_;
  std::deque<Time> codes_made_;
  std::deque<Refresh> refreshes_;
  std::deque<Access> accesses_;
  bool consented_before_ = false;
};

}  // namespace zoho_sim
