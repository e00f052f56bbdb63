#pragma once
// The customer's own OAuth client: what ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REDIRECT_URI say. Plain data.
#include <string>

#include "host/core/secret.hpp"

namespace berth::oauth {

struct ClientSettings {
  std::string client_id = {};
  Secret client_secret = {};
  std::string redirect_uri = {};  // must equal the registered one, character by character
  std::string home = {};          // data centre where the client is registered, "us"; empty: the provider's home
};

}  // namespace berth::oauth
