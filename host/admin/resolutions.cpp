#include "host/admin/resolutions.hpp"

#include <algorithm>
#include <iterator>

namespace berth::admin {

namespace {

constexpr Resolution kResolutions[] = {
    {"oauth.code_expired_or_used", "The authorization code is older than two minutes, was used before, or belongs to another data centre.",
     "Authorize again and use the fresh code at once, with the accounts server of the same redirect."},
    {"oauth.clock", "This machine's clock is wrong by more than the code's lifetime.", "Set the clock (NTP), then authorize again."},
    {"oauth.accounts_server_refused", "The accounts server is not one of the provider's data centres.",
     "Use the accounts-server value of the redirect, unchanged; another host can only be added in berth.yaml under data_centers."},
    {"oauth.client_rejected", "Client id or client secret are not right at this data centre.",
     "Check ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET against the API console; secrets differ per data centre unless the console says otherwise."},
    {"oauth.redirect_uri", "The redirect URI is not the registered one, character by character.",
     "Register exactly the value of ZOHO_REDIRECT_URI in the API console, or change the variable."},
    {"oauth.no_refresh_token", "The answer has no refresh token: offline access was not granted.",
     "Authorize again; the consent page must appear (access_type=offline and prompt=consent are always asked for)."},
    {"oauth.throttled", "Too many token requests in ten minutes.", "Wait 15 minutes, then authorize again."},
    {"oauth.unreachable", "The accounts server did not answer.", "Check the network of this machine and https://status.zoho.com."},
    {"oauth.access_denied", "The person at the consent page refused, or too many codes were asked for.", "Authorize again and accept."},
    {"oauth.state_unknown", "Nobody here began this authorization, or its redirect was used already.", "Begin again with `berth connect`."},
    {"oauth.state_expired", "The authorization was begun more than 15 minutes ago.", "Begin again with `berth connect`."},
    {"oauth.needs_reauth", "The refresh token was refused for good: revoked, or pushed out by the 21st connection of the same user.",
     "Connect again with `berth connect`; cursors and mappings are kept."},
    {"oauth.refresh_refused", "The refresh token was refused for good: revoked, or pushed out by the 21st connection of the same user.",
     "Connect again with `berth connect`; cursors and mappings are kept."},
    {"oauth.not_connected", "There are no tokens for this integration.", "Connect it with `berth connect`."},
    {"runs.no_organization", "The user belongs to no Zoho Books organisation.", "Authorize with a user who has access to the organisation."},
    {"runs.not_connected", "There are no tokens for this integration.", "Connect it with `berth connect`."},
    {"runs.paused", "The integration is paused.", "Resume it with `berth resume`."},
    {"runs.disabled", "The integration is disabled.", "Enable it with `berth enable`."},
    {"runs.busy", "Another process holds the integration's lease.", "Wait for its run to end; of a dead process on another machine it is free after two minutes."},
    {"plugin.untrusted", "The plugin's library is not pinned.", "Look at it and run `berth plugin trust PATH`."},
    {"plugin.changed", "The plugin's library is not the one that was pinned, or not the one its plugin.yaml was built with.",
     "If you upgraded it, run `berth plugin trust PATH` again; if plugin.yaml and library do not belong together, install the plugin anew."},
    {"runs.organization_taken", "Another integration is connected to this organisation.", "Reconnect that one, or disconnect it first."},
    {"vault.wrong_key", "The vault was sealed with another master key.", "Configure the key whose id the message names."},
    {"config.secret_missing", "A variable or file that holds a secret is not there.", "Set it in the environment of the host, or make the file."},
};

}  // namespace

const Resolution* find_resolution(std::string_view reason) {
  const auto found = std::find_if(std::begin(kResolutions), std::end(kResolutions), [&](const Resolution& r) { return r.reason == reason; });
  return found == std::end(kResolutions) ? nullptr : found;
}

}  // namespace berth::admin
