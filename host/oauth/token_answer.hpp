#pragma once
// One request to a token endpoint, and what its answer means. Internal to this folder.
#include <chrono>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/core/time.hpp"
#include "host/http/transport.hpp"
#include "host/oauth/provider.hpp"

namespace berth::oauth {

struct TokenAnswer {
  Secret access;
  Secret refresh;          // empty: none in the answer
  std::string api_domain;  // as it came: untrusted
  Instant expires_at;
};

/// Form fields of a request; the values may be secrets.
using Form = std::vector<std::pair<std::string, Secret>>;
[[nodiscard]] http::Request form_request(std::string url, const Form& form);

/// What a token request is about, for messages.
struct TokenRequest {
  enum class Grant { kCode, kRefresh } grant = Grant::kCode;
  const Provider& provider;
  const DataCenter& data_center;
  std::string began_at;  // location where the authorisation began; empty: not known
};

/// Sends the form once, never again, and judges the answer by its body whatever the status. Errors as listed in
/// authorization.hpp; a permanent one when refreshing is kUnauthenticated.
[[nodiscard]] Result<TokenAnswer> ask_for_tokens(http::Transport& transport, const TokenRequest& about,
                                                 const Form& form, const Clock& clock, std::stop_token stop);

}  // namespace berth::oauth
