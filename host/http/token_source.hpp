#pragma once
// Where the API client gets its authorisation from. host/oauth implements it; tests have their own.
// Every function may be called from any thread and may block for a token request.
#include <cstdint>
#include <stop_token>
#include <string>

#include "host/core/result.hpp"
#include "host/core/secret.hpp"

namespace berth::http {

struct AccessToken {
  Secret header_value;           // "Zoho-oauthtoken 1000.aaaa.bbbb", the whole value of the Authorization header
  std::uint64_t generation = 0;  // grows with every refresh and every new connection
};

class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// A token that is good for some minutes more. Errors: kUnauthenticated (a person must connect again),
  /// kUnavailable (the token endpoint; with retry_after_ms), kCancelled.
  virtual Result<AccessToken> token(std::stop_token stop) = 0;
  /// The remote refused the token of that generation: a newer one, asked for at most once however many callers come.
  virtual Result<AccessToken> refresh(std::uint64_t generation_rejected, std::stop_token stop) = 0;
  /// The address below which all API paths lie: "https://www.zohoapis.eu/books/v3". Errors: kUnauthenticated.
  virtual Result<std::string> api_base() = 0;
};

}  // namespace berth::http
