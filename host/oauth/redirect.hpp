#pragma once
// Reading the query of a redirect, which anybody can send. Pure. Internal to this folder.
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/oauth/provider.hpp"

namespace berth::oauth {

struct Redirect {
  std::string state;
  Secret code;                  // empty: `error` says why
  std::string error;            // "access_denied"
  std::string accounts_server;  // decoded once; untrusted
  std::string location;
};

/// "state=…&code=…&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu&": an "&" too many is normal, parameters
/// that are not known are passed over. Errors: oauth.redirect_invalid for anything that is broken, doubled, missing,
/// too long, or has characters that the remote does not send.
[[nodiscard]] Result<Redirect> parse_redirect(std::string_view query, const Provider& provider);

}  // namespace berth::oauth
