#pragma once
// Ids that come from what they name and not from chance: two hosts that took the same documents give them the same ids,
// whatever happened on the way, and so does a host that begins again after a crash.
//
//   stable_id("cus", {"customer", "zoho_acme", "46…"});   // "cus_7d0f9e2a…"
#include <initializer_list>
#include <string>
#include <string_view>

namespace berth {

/// Prefix, underline, 26 hex digits of a hash over the parts; as long as what new_id() makes. [any thread]
std::string stable_id(std::string_view prefix, std::initializer_list<std::string_view> parts);

}  // namespace berth
