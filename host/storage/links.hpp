#pragma once
// Remote things that a person linked to rows of these books. A link counts before the row that a remote document became.
//
//   BERTH_CHECK(storage::links::set(c, {.kind = "customer", .integration = "zoho_acme", .remote_id = "46…", .row = "cus_…"}));
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/rows.hpp"

namespace berth::storage {

struct Link {
  std::string kind{};
  std::string integration{};
  std::string remote_id{};
  std::string row{};
  Instant linked{};
};

namespace links {

/// Makes the link, or leads it elsewhere.
Status set(Connection& connection, const Link& link);
/// The row that it leads to.
Result<std::optional<LocalRow>> find(Connection& connection, std::string_view kind, std::string_view integration, std::string_view remote_id);
/// False if there was none.
Result<bool> remove(Connection& connection, std::string_view kind, std::string_view integration, std::string_view remote_id);
Result<std::vector<Link>> list(Connection& connection, std::string_view kind, std::string_view integration);

}  // namespace links
}  // namespace berth::storage
