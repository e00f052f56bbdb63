#pragma once
// Which document a person means by a word: "invoice/4815", "4815", "INV-000317", "record/12", "inv_c2f…", "entry/12",
// "line/12.3" (also with a blank for the slash). Within one integration.
//
// A number that no posted document has is looked for in the stored answers of those that did not post, the newest kBodiesReadMax of them.
//
// Any thread. Errors: runs.record_unknown with the nearest name, admin.record_ambiguous with the ways to say which one,
// admin.entry_unknown, storage's.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/documents/documents.hpp"
#include "host/storage/database.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

inline constexpr std::size_t kBodiesReadMax = 2'000;

struct NamedDocument {
  std::optional<storage::Record> record;   // nothing: entries without a document of the remote, such as opening receivables
  documents::Source source;                // as the ledger names it, where it is known
  std::int64_t entry = 0, line = 0;        // where one of them was named; lines count from 1
};
/// `entity_of` says what the remote calls a kind of the rules ("customer": "contact"), where the caller knows it.
using EntityOf = std::function<std::string(std::string_view kind)>;
Result<NamedDocument> find_document(storage::Connection& connection, std::string_view integration, std::string_view name, const EntityOf& entity_of = {});

}  // namespace berth::runs
