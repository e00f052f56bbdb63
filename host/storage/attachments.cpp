#include "host/storage/attachments.hpp"

#include "host/core/hash.hpp"

namespace berth::storage::attachments {

Result<std::string> store(Connection& connection, std::string_view bytes) {
  if (bytes.size() > kBytesMax) {
    return make_error(
        Code::kInvalidArgument, "storage.attachment_too_large",
        "A file of " + std::to_string(bytes.size()) + " bytes is larger than " + std::to_string(kBytesMax));
  }
  auto hash = sha256_hex(bytes);
  BERTH_CHECK(connection.execute("INSERT INTO blob (hash, size, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                                 {hash, bytes.size(), Blob{std::string(bytes)}}));
  return hash;
}

Status link(Connection& connection, const Attachment& attachment) {
  BERTH_CHECK(connection.execute(
      "INSERT INTO attachment (record, name, media_type, hash, version) VALUES (?, ?, ?, ?, ?) ON CONFLICT (record, "
      "name) "
      "DO UPDATE SET media_type = excluded.media_type, hash = excluded.hash, version = excluded.version",
      {attachment.record, attachment.name, attachment.media_type, attachment.hash, attachment.version}));
  return success();
}

Result<std::vector<Attachment>> list(Connection& connection, std::int64_t record) {
  std::vector<Attachment> all;
  BERTH_CHECK(connection.each(
      "SELECT a.record, a.name, a.media_type, a.hash, a.version, b.size FROM attachment a JOIN blob b ON b.hash = "
      "a.hash "
      "WHERE a.record = ? ORDER BY a.name",
      {record}, [&](const Row& row) {
        all.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5)});
        return true;
      }));
  return all;
}

Result<std::string> bytes(Connection& connection, std::string_view hash) {
  const auto row = BERTH_TRY(connection.first("SELECT body FROM blob WHERE hash = ?", {hash}));
  if (!row) return make_error(Code::kNotFound, "storage.not_found", "There is no stored file " + std::string(hash));
  return row->bytes(0);
}

Result<std::int64_t> prune(Connection& connection) {
  return connection.execute(
      "DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM attachment WHERE attachment.hash = blob.hash)");
}

}  // namespace berth::storage::attachments
