#pragma once
// From a plugin's call to a request that may be sent: what is checked before anything leaves the host. Internal.
#include <string>

#include "host/core/result.hpp"
#include "host/http/api_client.hpp"
#include "host/http/transport.hpp"

namespace berth::http {

/// Without authorisation. Errors: berth.pull_only, http.method_refused, http.path_refused, http.header_refused,
/// http.too_large.
[[nodiscard]] Result<Request> make_request(const ApiCall& call, const ApiOptions& options);
/// Whether the caller wants JSON rather than a file.
[[nodiscard]] bool expects_json(const ApiCall& call);

}  // namespace berth::http
