#pragma once
// Rows of these books: customers, vendors, items, classifications and their lines, and the local identity of posted
// documents. Making a row is idempotent: one row for a kind and a remote document.
//
//   auto made = BERTH_TRY(storage::rows::insert(c, {.id = new_id("cus", clock, random), .kind = "customer", .name =
//   "Bowman",
//       .integration = "zoho_acme", .remote_id = "46…", .created = now}));
//   made.row.id;                                            // of the row that was there, if one was
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"
#include "host/storage/page.hpp"

namespace berth::storage {

struct LocalRow {
  std::string id{};
  std::string kind{};   // customer | vendor | item | classification | classification_line | invoice | ...
  std::string scope{};  // classification of a line, "service_line" of an item made from one
  std::string name{};
  std::string company{};  // "" = of all
  std::string integration{};
  std::string remote_id{};     // "" = made here
  std::string state = "open";  // of a document: open | void | deleted
  bool active = true;
  std::string document_json = "{}";
  Instant created{};
};
struct InsertedRow {
  LocalRow row{};
  bool inserted = false;
};
struct RowFilter {
  std::string kind{};  // "" = any; so for each
  std::string scope{};
  std::string company{};
  std::string integration{};
};

namespace rows {

constexpr std::size_t kNameCandidatesMax = 5000;

Result<std::optional<LocalRow>> find(Connection& connection, std::string_view id);
Result<std::optional<LocalRow>> find_by_remote(Connection& connection, std::string_view kind,
                                               std::string_view integration, std::string_view remote_id);
/// Active rows first, then the oldest. Exact, byte for byte.
Result<std::optional<LocalRow>> find_by_name(Connection& connection, std::string_view kind, std::string_view scope,
                                             std::string_view name);
/// All open rows of that name, as above; no more than `limit`. For who must not take one of several.
Result<std::vector<LocalRow>> all_by_name(Connection& connection, std::string_view kind, std::string_view scope,
                                          std::string_view name, std::size_t limit);
/// The active row of the kind whose name is nearest by edit distance, for "did you mean"; of kNameCandidatesMax names.
Result<std::optional<LocalRow>> find_nearest_name(Connection& connection, std::string_view kind, std::string_view scope,
                                                  std::string_view name);
/// Makes it, unless a row of that id, or of its kind and remote document, is there: then that one is returned
/// unchanged.
Result<InsertedRow> insert(Connection& connection, const LocalRow& row);
/// Everything but id, kind and created. Errors: storage.not_found, storage.unique (remote document of another row).
Status update(Connection& connection, const LocalRow& row);
/// False if there was none. For rows that nothing names; the caller knows.
Result<bool> remove(Connection& connection, std::string_view id);
Result<std::int64_t> count(Connection& connection, std::string_view kind, std::string_view scope);
/// By id.
Result<Page<LocalRow>> list(Connection& connection, const RowFilter& filter, const PageRequest& page = {});

}  // namespace rows
}  // namespace berth::storage
