#pragma once
// What differs between two JSON documents, member by member: between two versions of what a remote answered.
//
//   for (const Difference& one : differences(before, after)) show(one.path, one.before, one.after);
//
// Elements of lists are told apart by their ids where they have some ("line_items[4815].rate"), else by their place. Pure.
#include <optional>
#include <string>
#include <vector>

#include "berth/json.hpp"

namespace berth::lineage {

struct Difference {
  std::string path;                               // "customer_name", "line_items[4815162342].rate"
  std::optional<json::Value> before, after;       // nothing: it was not there, it is not there any more
};
/// In the order of `after`, then what is gone. Below kDepthMax levels a value is compared as a whole.
[[nodiscard]] std::vector<Difference> differences(const json::Value& before, const json::Value& after);

}  // namespace berth::lineage
