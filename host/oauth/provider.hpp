#pragma once
// What an authorisation server wants, as data: the `oauth` block of a connector's descriptor, and the table of its data
// centres with those that the operator added (`data_centers:` in berth.yaml).
//
//   Provider provider = BERTH_TRY(Provider::parse(*descriptor.find("oauth"), added));
//   const DataCenter* dc = provider.by_accounts("https://accounts.zoho.eu");      // untrusted text; nullptr: not ours
//
// The table is the whole list of hosts that ever get a client secret, a code or a token. An address that comes from
// outside (the redirect, a token answer, a REST body) chooses an entry of it or is refused; it is never sent to.
//
// Plain data after parse(): any thread.
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"

namespace berth::oauth {

struct DataCenter {
  std::string location = {};         // "eu"
  std::string accounts = {};         // "https://accounts.zoho.eu": an origin, nothing after it
  std::string api = {};              // "https://www.zohoapis.eu"
  bool allow_http_loopback = false;  // plain http to this machine, for a second server beside the real ones
  bool added = false;                // by the operator, not by the connector
};

struct Provider {
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  std::string authorize_url = {};  // templates with {accounts}
  std::string token_url = {};
  std::vector<std::string> revoke_urls = {};
  std::string serverinfo_url = {};  // may be empty
  std::string status_page = {};     // where the remote announces outages; may be empty
  std::string api_base = {};        // template with {api}: "{api}/books/v3"
  Parameters authorize_params;      // sent as they are: access_type, prompt, response_type
  std::string scope_separator = " ";
  std::vector<std::string> base_scopes = {};
  std::vector<std::pair<std::string, std::vector<std::string>>> phase_scopes = {};
  bool pkce = false;
  std::string accounts_server_param = {};  // names of redirect parameters; empty: the remote sends none
  std::string location_param = {};
  bool answers_api_domain = false;            // token answers have `api_domain`
  std::string authorization_header = {};      // "Zoho-oauthtoken {access_token}"
  std::vector<DataCenter> data_centers = {};  // added ones first
  std::chrono::milliseconds code_lifetime{120'000};
  std::chrono::milliseconds refresh_margin{300'000};
  std::vector<std::string> permanent_errors = {};  // values of `error` in a token answer
  std::vector<std::string> throttled_errors = {};

  /// `block` is the `oauth` object of the descriptor. An added data centre replaces one of the same location.
  /// Errors: oauth.provider_invalid (kInvalidConfig) with the place in the block.
  static Result<Provider> parse(const json::Value& block, std::span<const DataCenter> added);

  /// Calls another version of the API: "v4" makes "{api}/books/v3" into "{api}/books/v4". Errors: oauth.provider_invalid where
  /// that is no version, or the connector's address ends with none.
  Status set_api_version(std::string_view version);

  /// The entry whose accounts (API) address is exactly this text, apart from case and one "/" at the end; nullptr for
  /// anything else.
  [[nodiscard]] const DataCenter* by_accounts(std::string_view untrusted) const;
  [[nodiscard]] const DataCenter* by_api(std::string_view untrusted) const;
  [[nodiscard]] const DataCenter* by_location(std::string_view location) const;
  /// Where authorisations begin: the entry of that location, never null; for an empty one the first added data centre,
  /// else the connector's first. Errors: oauth.data_center_unknown (kInvalidConfig) with the nearest location.
  [[nodiscard]] Result<const DataCenter*> home(std::string_view location) const;
  /// What the enabled phases need and nothing more, each scope once, joined by the provider's separator.
  [[nodiscard]] std::string scopes_for(std::span<const std::string> phases) const;
  /// "https://www.zohoapis.eu/books/v3" for a data centre.
  [[nodiscard]] std::string api_base_of(std::string_view api_origin) const;
};

/// `template_text` with {accounts} put in.
[[nodiscard]] std::string with_accounts(std::string_view template_text, const DataCenter& data_center);

}  // namespace berth::oauth
