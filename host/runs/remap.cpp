#include "host/runs/remap.hpp"

#include <algorithm>
#include <functional>
#include <optional>

#include "berth/json.hpp"
#include "host/runs/engine.hpp"
#include "host/runs/lease.hpp"
#include "host/runs/scratch.hpp"
#include "host/runs/status.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

namespace {

RecordFace face_of(const storage::Record& record) {
  RecordFace face{record.state, record.reason, {}};
  const json::Parsed facts = json::parse(record.detail_json);
  if (const json::Value* keys = facts.value.find("waits_for")) {
    for (const json::Value& key : keys->items()) face.waits_for.emplace_back(key.text());
  }
  std::sort(face.waits_for.begin(), face.waits_for.end());
  return face;
}

/// Faces by what they say, to keep each once.
std::string key_of(const RecordFace& face) {
  std::string key = face.state + '\n' + face.reason;
  for (const std::string& wait : face.waits_for) (key += '\n') += wait;
  return key;
}

void count_state(const std::string& state, Remapped& counts) {
  if (state == "posted") ++counts.posted;
  if (state == "parked") ++counts.waiting;
  if (state == "pending") ++counts.waiting;
  if (state == "failed") ++counts.failed;
  if (state == "ignored") ++counts.ignored;
  if (state == "skipped") ++counts.skipped;
}

std::string ref_of(const documents::Source& source) { return source.entity + "/" + source.remote_id; }

/// How many entries each document got, and what all of them come to.
using EntryCounts = std::unordered_map<std::string, std::int64_t>;
Result<EntryCounts> count_entries(storage::Connection& connection, const std::string& integration, std::int64_t recorded_after, Remapped& counts) {
  EntryCounts of_document;
  std::map<std::pair<std::string, std::string>, MoneyTotal> nets;
  // By their numbers alone: asked for those of an integration, the database would sort all of them in memory.
  ledger::EntryFilter later;
  later.recorded_after = recorded_after;
  BERTH_CHECK(ledger::each_entry(connection, later, [&](const ledger::StoredEntry& entry) -> Status {
    if (entry.source.integration != integration) return success();
    ++of_document[ref_of(entry.source)];
    ++(entry.reverses != 0 ? counts.entries_reversed : counts.entries_posted);
    for (const ledger::StoredLine& line : entry.lines) {
      MoneyTotal& net = nets.try_emplace({entry.company, line.account}, MoneyTotal(entry.base_currency)).first->second;
      net += line.side == ledger::Side::kDebit ? line.base : line.base.negated();
    }
    return success();
  }));
  for (const auto& [place, net] : nets) {
    if (!net.is_zero()) counts.effects.push_back({place.first, place.second, net});
  }
  return of_document;
}

Result<std::int64_t> queue_length(storage::Connection& connection, std::string_view integration) {
  std::int64_t length = 0;
  for (const storage::QueueCount& of_entity : BERTH_TRY(storage::detail_queue::counts(connection, integration))) length += of_entity.count;
  return length;
}

Result<std::vector<ledger::StoredEntry>> entries_of(storage::Connection& connection, ledger::EntryFilter filter, const std::string& ref) {
  const auto slash = ref.find('/');
  filter.entity = ref.substr(0, slash);
  filter.remote_id = ref.substr(slash + 1);
  filter.limit = ledger::kEntryPageMax;
  std::vector<ledger::StoredEntry> entries;
  do {
    ledger::EntryPage page = BERTH_TRY(ledger::list_entries(connection, filter));
    std::move(page.entries.begin(), page.entries.end(), std::back_inserter(entries));
    filter.cursor = page.next_cursor;
  } while (!filter.cursor.empty());
  return entries;
}

/// What a reader of the change wants to know of its entries.
Status add_entries(storage::Connection& connection, const ledger::EntryFilter& filter, RecordChange& change) {
  change.entries = BERTH_TRY(entries_of(connection, filter, change.ref));
  for (const ledger::StoredEntry& entry : change.entries) {
    const std::string& id = customer_of(entry);
    if (id.empty() || change.customers.contains(id)) continue;
    const auto row = BERTH_TRY(storage::rows::find(connection, id));
    change.customers[id] = row ? row->name : std::string();
  }
  return success();
}

}  // namespace

const std::string& customer_of(const ledger::StoredEntry& entry) {
  static const std::string nobody;
  for (const ledger::StoredLine& line : entry.lines) {
    if (!line.party.empty()) return line.party;
  }
  return nobody;
}

Result<RecordFaces> RecordFaces::read(storage::Connection& connection, std::string_view integration) {
  RecordFaces all;
  all.integration_ = integration;
  std::unordered_map<std::string, std::uint32_t> places;
  BERTH_CHECK(storage::records::each(connection, integration, [&](const storage::Record& record) -> Status {
    RecordFace face = face_of(record);
    const auto [place, is_new] = places.try_emplace(key_of(face), static_cast<std::uint32_t>(all.faces_.size()));
    if (is_new) all.faces_.push_back(std::move(face));
    all.known_.push_back({record.id, std::hash<std::string>()(record.document_hash), place->second});
    return success();
  }));
  all.last_entry_ = BERTH_TRY(ledger::last_entry(connection));
  return all;
}

Status RecordFaces::compare(storage::Connection& connection, const OnRecordChange& on_change, Remapped& counts) const {
  ledger::EntryFilter made_since;
  made_since.integration = integration_;
  made_since.recorded_after = last_entry_;
  EntryCounts with_entries = BERTH_TRY(count_entries(connection, integration_, last_entry_, counts));

  auto at = known_.begin();
  BERTH_CHECK(storage::records::each(connection, integration_, [&](const storage::Record& record) -> Status {
    at = std::lower_bound(at, known_.end(), record.id, [](const Known& known, std::int64_t id) { return known.record < id; });
    if (at == known_.end() || at->record != record.id) return success();   // captured meanwhile
    RecordChange change;
    change.ref = record.entity + "/" + record.remote_id;
    change.after = face_of(record);
    change.has_new_content = at->content != std::hash<std::string>()(record.document_hash);
    const bool has_entries = with_entries.erase(change.ref) > 0;
    const RecordFace& before = faces_[at->face];
    // What an interrupted run left pending was posted before that.
    const bool was_left = before.state == "pending" && change.after.state == "posted" && !record.document_hash.empty();
    if (!has_entries && !change.has_new_content && (before == change.after || was_left)) return success();
    ++counts.changed;
    if (change.after.state != before.state) count_state(change.after.state, counts);
    if (change.has_new_content && change.after.state == "posted" && before.state == "posted") ++counts.new_content;
    if (!on_change) return success();
    change.before = before;
    change.message = record.message;
    if (has_entries) BERTH_CHECK(add_entries(connection, made_since, change));
    return on_change(change);
  }));
  // Sorted, so that two runs tell them in one order.
  const std::map<std::string, std::int64_t> without_record(with_entries.begin(), with_entries.end());
  for (const auto& [ref, count] : without_record) {
    ++counts.changed;
    if (!on_change) continue;
    RecordChange change;
    change.ref = ref;
    change.is_stored = false;
    BERTH_CHECK(add_entries(connection, made_since, change));
    BERTH_CHECK(on_change(change));
  }
  return success();
}

Engine Engine::over(storage::Database& database) const {
  return Engine({.database = database,
                 .transport = dependencies_.transport,
                 .runner = dependencies_.runner,
                 .clock = dependencies_.clock,
                 .random = dependencies_.random,
                 .log = dependencies_.log,
                 .companies = dependencies_.companies,
                 .owner = dependencies_.owner,
                 .is_dead_owner = dependencies_.is_dead_owner,
                 .metrics = nullptr,
                 .retry = dependencies_.retry,
                 .lease_ttl = dependencies_.lease_ttl});
}

Result<Remapped> Engine::foretell(const Setup& setup, const RemapRequest& request, const OnRecordChange& on_change, std::stop_token stop) {
  Scratch scratch = BERTH_TRY(Scratch::of(dependencies_.database, dependencies_.clock));
  return over(scratch.database()).remap(setup, request, on_change, std::move(stop));
}

Result<Remapped> Engine::remap(const Setup& setup, const RemapRequest& request, const OnRecordChange& on_change, std::stop_token stop) {
  if (!setup.rules) return make_error(Code::kInvalidConfig, "mapping.no_rules", setup.id + " has no mapping rules; name a file under `mapping:`");
  const HeldLease lease = BERTH_TRY(take_lease(setup));
  std::optional<LeaseKeeper> keeper(std::in_place, dependencies_.database, dependencies_.clock, lease, stop);
  stop = keeper->stop();
  bool is_lease_given = false;
  storage::Database& database = dependencies_.database;
  Remapped result;
  result.revision = setup.rules->revision();
  const Status done = [&]() -> Status {
    static_cast<void>(BERTH_TRY(take_queued_work(lease)));
    RecordFaces before;
    std::int64_t queued_before = 0;
    BERTH_CHECK(database.read([&](storage::Connection& connection) -> Status {
      before = BERTH_TRY(RecordFaces::read(connection, setup.id));
      queued_before = BERTH_TRY(queue_length(connection, setup.id));
      return success();
    }));
    BERTH_CHECK(database.write("remap.begin", [&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, lease, dependencies_.clock.now()));
      result.decided = BERTH_TRY(storage::records::requeue_for_rules(connection, setup.id, result.revision, request.all, dependencies_.clock.now()));
      return request.on_begin ? request.on_begin(connection, result.revision, result.decided) : success();
    }));
    Applier applier({.database = database,
                     .clock = dependencies_.clock,
                     .random = dependencies_.random,
                     .log = dependencies_.log.with({{"integration", setup.id}}),
                     .setup = setup,
                     .lease = lease,
                     .companies = dependencies_.companies,
                     .on_batch = [&](std::int64_t decided) {
                       if (request.on_progress) request.on_progress(decided, result.decided);
                     }});
    result.was_stopped = BERTH_TRY(applier.apply_pending(std::move(stop))).was_stopped;
    BERTH_CHECK(database.write("remap.end", [&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, lease, dependencies_.clock.now()));
      return refresh_setup_state(connection, setup, dependencies_.clock.now());
    }));
    return database.read([&](storage::Connection& connection) -> Status {
      result.asked_for = std::max<std::int64_t>(0, BERTH_TRY(queue_length(connection, setup.id)) - queued_before);
      // What is told is what this read sees; whoever reads it may take long over it and keeps no run away.
      keeper.reset();
      give_lease(lease);
      is_lease_given = true;
      return before.compare(connection, on_change, result);
    });
  }();
  if (!is_lease_given) give_lease(lease);
  if (!done.ok()) return done.error();
  return result;
}

}  // namespace berth::runs
