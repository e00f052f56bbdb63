#pragma once
// Files of records. Bytes are stored once under their content hash, as soon as they arrive; the checkpoint links them.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Attachment {
  std::int64_t record = 0;
  std::string name{};
  std::string media_type{};
  std::string hash{};
  std::string version{};  // of the document it belongs to
  std::int64_t size = 0;
};

namespace attachments {

constexpr std::size_t kBytesMax = 15u << 20u;

/// Stores the bytes and returns their hash (SHA-256, hex). Errors: storage.attachment_too_large.
Result<std::string> store(Connection& connection, std::string_view bytes);
/// The file `name` of the record is now the stored `hash`.
Status link(Connection& connection, const Attachment& attachment);
Result<std::vector<Attachment>> list(Connection& connection, std::int64_t record);
/// Errors: storage.not_found.
Result<std::string> bytes(Connection& connection, std::string_view hash);
/// Removes bytes that no record links (a run that ended before its checkpoint). Returns how many.
Result<std::int64_t> prune(Connection& connection);

}  // namespace attachments
}  // namespace berth::storage
