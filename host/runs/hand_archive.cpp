#include "host/runs/hand_archive.hpp"

#include <fmt/format.h>

#include "host/core/one_line.hpp"
#include "host/core/text.hpp"
#include "host/runs/record_names.hpp"

namespace berth::runs {

namespace {

std::string ref_of(const storage::Record& record) { return fmt::format("{}/{}", record.entity, record.remote_id); }

Result<storage::Record> record_of(storage::Connection& connection, std::string_view integration, std::string_view name) {
  NamedDocument named = BERTH_TRY(find_document(connection, integration, name));
  if (named.record) return *std::move(named.record);
  return make_error(Code::kNotFound, "runs.record_unknown",
                    fmt::format("\"{}\" is in the books of {} and was made here: only documents of the remote are archived", shortened(name, 80), integration));
}

Error gone_at_remote(const storage::Record& record, std::string_view so) {
  return make_error(Code::kConflict, "runs.gone_at_remote", fmt::format("{} is gone at the remote: {}", ref_of(record), so));
}

}  // namespace

std::string archived_text(const storage::HandArchive& archive, const storage::Record& record) {
  return fmt::format("archived by {} on {}: {}{}", archive.actor, to_string(archive.at), archive.why,
                     record.captured > archive.captured ? "; the remote has changed it since, and it stays archived until it is unarchived" : "");
}

json::Value archived_fact(const storage::HandArchive& archive, const storage::Record& record) {
  return json::Value::object({{"by", archive.actor}, {"at", to_string(archive.at)}, {"why", archive.why}, {"is_changed_since", record.captured > archive.captured}});
}

Result<HandArchiveNoted> archive_by_hand(storage::Connection& connection, std::string_view integration, std::string_view name, std::string_view why,
                                         std::string_view actor, Instant now) {
  const std::string reason = one_line(trim(why), kArchiveWhyMax);
  if (reason.empty()) {
    return make_error(Code::kInvalidArgument, "runs.archive_why", fmt::format("why {} is archived has to be said; it is kept with it", shortened(name, 80)));
  }
  const storage::Record record = BERTH_TRY(record_of(connection, integration, name));
  if (const auto known = BERTH_TRY(storage::hand_archives::find(connection, record.id))) {
    if (record.state == "archived") {
      return make_error(Code::kConflict, "runs.archived_already", fmt::format("{} was {}", ref_of(record), archived_text(*known, record)));
    }
    BERTH_CHECK(storage::records::set_pending(connection, record.id, now));
    return HandArchiveNoted{record, *known, false};
  }
  if (record.remote_state == "deleted") return gone_at_remote(record, "it is archived because of that, and comes back only with it");
  const storage::HandArchive archive{.record = record.id, .actor = std::string(actor), .why = reason, .at = now, .captured = record.captured};
  BERTH_CHECK(storage::hand_archives::put(connection, archive));
  BERTH_CHECK(storage::records::set_pending(connection, record.id, now));
  return HandArchiveNoted{record, archive, true};
}

Result<HandArchiveTaken> unarchive_by_hand(storage::Connection& connection, std::string_view integration, std::string_view name, Instant now) {
  const storage::Record record = BERTH_TRY(record_of(connection, integration, name));
  const auto known = BERTH_TRY(storage::hand_archives::find(connection, record.id));
  if (record.remote_state == "deleted") return gone_at_remote(record, "it cannot be unarchived before it is there again");
  if (!known) {
    return make_error(Code::kConflict, "runs.not_archived", fmt::format("{} is not archived: it is {}", ref_of(record), record.state));
  }
  BERTH_TRY(storage::hand_archives::remove(connection, record.id));
  BERTH_CHECK(storage::records::set_pending(connection, record.id, now));
  return HandArchiveTaken{record, *known};
}

}  // namespace berth::runs
