#pragma once
// The provider's own list of its data centres, as a cross-check of the redirect: GET {accounts}/oauth/serverinfo of an
// entry of our table. What it says is compared and never followed: hosts come from the table alone.
//
//   auto disagreement = check_server_info(provider, transport, "eu", stop);     // nothing: it agrees, or it could not be asked
//
// Zoho Accounts, "Multi DC support": {"result":"success","locations":{"us":"https://accounts.zoho.com", ...}}.
// Any thread.
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "host/http/transport.hpp"
#include "host/oauth/provider.hpp"

namespace berth::oauth {

/// A sentence that names both addresses when the provider lists another accounts server for that location than our
/// table has, or does not list the location. Errors: http.… when it could not be asked, oauth.answer_unreadable.
Result<std::optional<std::string>> check_server_info(const Provider& provider, http::Transport& transport,
                                                     std::string_view location, std::stop_token stop);

}  // namespace berth::oauth
