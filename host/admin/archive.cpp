#include "host/admin/archive.hpp"

#include "host/admin/views.hpp"
#include "host/runs/hand_archive.hpp"
#include "host/storage/records.hpp"

namespace berth::admin {

namespace {

Result<std::int64_t> last_entry(const ArchiveServices& services) {
  std::int64_t last = 0;
  BERTH_CHECK(services.database.read([&](storage::Connection& connection) -> Status {
    const auto row = BERTH_TRY(connection.first("SELECT COALESCE(MAX(id), 0) FROM entry"));
    last = row ? row->integer(0) : 0;
    return success();
  }));
  return last;
}

/// Applies what is pending, and tells what became of the record: of it and not of what depends on it, which waits or follows.
Result<json::Value> applied(const ArchiveServices& services, const runs::Setup& setup, std::int64_t id, std::string_view count, bool counts_reversals, std::stop_token stop) {
  const std::int64_t before = BERTH_TRY(last_entry(services));
  const bool is_applied = BERTH_TRY(services.engine.apply_or_queue(setup, std::move(stop)));
  json::Value view;
  BERTH_CHECK(services.database.read([&](storage::Connection& connection) -> Status {
    const auto record = BERTH_TRY(storage::records::find(connection, id));
    if (!record) return make_error(Code::kInternal, "runs.record_unknown", "the record is not there any more");
    view = record_view(*record);
    const std::string sql = std::string("SELECT COUNT(*) FROM entry WHERE id > ? AND local_id = ? AND reverses IS ") + (counts_reversals ? "NOT NULL" : "NULL");
    const auto row = BERTH_TRY(connection.first(sql, {before, record->local_id}));
    view.set(std::string(count), row ? row->integer(0) : 0);
    return success();
  }));
  view.set("applied", is_applied);
  return view;
}

json::Value noted(const storage::Record& record, std::string_view why) {
  return json::Value::object({{"ref", record.entity + "/" + record.remote_id}, {"state", record.state}, {"why", why}});
}

}  // namespace

Result<json::Value> archive_record(const ArchiveServices& services, const runs::Setup& setup, std::string_view name, std::string_view why, std::string_view actor,
                                   std::stop_token stop) {
  std::int64_t id = 0;
  BERTH_CHECK(services.database.write("record.archive", [&](storage::Connection& connection) -> Status {
    const Instant now = services.clock.now();
    const runs::HandArchiveNoted archived = BERTH_TRY(runs::archive_by_hand(connection, setup.id, name, why, actor, now));
    id = archived.record.id;
    return archived.is_new ? note(connection, actor, "record.archive", setup.id, now, json::dump(noted(archived.record, archived.archive.why))) : success();
  }));
  return applied(services, setup, id, "entries_reversed", true, std::move(stop));
}

Result<json::Value> unarchive_record(const ArchiveServices& services, const runs::Setup& setup, std::string_view name, std::string_view actor, std::stop_token stop) {
  std::int64_t id = 0;
  BERTH_CHECK(services.database.write("record.unarchive", [&](storage::Connection& connection) -> Status {
    const Instant now = services.clock.now();
    const runs::HandArchiveTaken taken = BERTH_TRY(runs::unarchive_by_hand(connection, setup.id, name, now));
    id = taken.record.id;
    return note(connection, actor, "record.unarchive", setup.id, now, json::dump(noted(taken.record, taken.archive.why)));
  }));
  return applied(services, setup, id, "entries_posted", false, std::move(stop));
}

}  // namespace berth::admin
