#pragma once
// HTTP as a browser, a script or the simulator's control interface needs it. Loopback, no redirect is followed by itself.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "berth/json.hpp"

namespace e2e {

struct Answer {
  int status = 0;  // 0: nobody answered
  std::string body, location, content_type;
  [[nodiscard]] berth::json::Value json() const;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

Answer http(const std::string& method, const std::string& url, const std::string& body = {}, const Headers& headers = {});
inline Answer get(const std::string& url, const Headers& headers = {}) { return http("GET", url, {}, headers); }

/// A value of a query, decoded; empty where it is not there.
std::string query_value(const std::string& url, const std::string& name);
/// The same address with one value replaced.
std::string with_query_value(const std::string& url, const std::string& name, const std::string& value);
std::string percent_encoded(const std::string& text);

/// What a person does with the address that `berth connect` prints: opens the consent page, presses Accept; returns the
/// address the browser is sent back to, without opening it.
std::string accept_consent(const std::string& authorize_url);

}  // namespace e2e
