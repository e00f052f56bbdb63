#include "host/lineage/lineage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "host/lineage/differences.hpp"
#include "host/lineage/missing_files.hpp"
#include "host/runs/record_names.hpp"
#include "host/views/stored.hpp"
#include "host/core/text.hpp"
#include "host/runs/explain.hpp"
#include "host/runs/offline_setup.hpp"
#include "host/runs/registry.hpp"
#include "host/storage/attachments.hpp"
#include "host/storage/mapping_revisions.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/runs.hpp"
#include "host/storage/waiting.hpp"

namespace berth::lineage {

namespace {

using storage::Connection;
using storage::Row;

json::Value time_or_null(Instant instant) { return instant.unix_ms == 0 ? json::Value() : json::Value(berth::to_string(instant)); }
json::Value text_or_null(const std::string& text) { return text.empty() ? json::Value() : json::Value(text); }

/// One lineage under way, within one snapshot.
class Reader {
 public:
  Reader(Connection& connection, const Services& services, const runs::Setup* setup, const std::optional<Error>& no_setup)
      : connection_(connection), services_(services), setup_(setup), no_setup_(no_setup) {}

  Result<json::Value> read(std::string_view integration, std::string_view name) {
    named_ = BERTH_TRY(runs::find_document(connection_, integration, name));
    const std::optional<storage::Record>& record = named_.record;
    integration_ = integration;
    json::Value view = json::Value::object({{"integration", integration},
                                            {"ref", fmt::format("{}/{}", record ? record->entity : named_.source.entity, named_.source.remote_id)}});
    if (named_.entry != 0) {
      view.set("asked", json::Value::object({{"entry", named_.entry}, {"line", named_.line == 0 ? json::Value() : json::Value(named_.line)}}));
    }
    if (record) {
      BERTH_CHECK(add_record(view, *record));
      BERTH_CHECK(add_waiting(view, *record));
      BERTH_CHECK(add_versions(view, *record));
      BERTH_CHECK(add_files(view, *record));
      view.set("mapping", BERTH_TRY(mapping_of(*record)));
    } else if (const auto row = BERTH_TRY(storage::rows::find_by_remote(connection_, named_.source.entity, integration, named_.source.remote_id))) {
      add_row(view, *row);
    }
    if (kind_.empty()) kind_ = ledger_kind();
    BERTH_CHECK(add_entries(view));
    BERTH_CHECK(add_open_items(view));
    return view;
  }

 private:
  /// The run that was under way at that moment: an integration has one at a time.
  Result<json::Value> run_at(Instant when) {
    if (when.unix_ms == 0) return json::Value();
    const auto run = BERTH_TRY(storage::runs::at(connection_, integration_, when));
    return run ? json::Value(*run) : json::Value();
  }

  /// What the ledger calls a document that has no row: the rules' word, which may be another one than the remote's.
  [[nodiscard]] std::string ledger_kind() const {
    if (named_.entry != 0 || !named_.record || setup_ == nullptr) return named_.source.entity;
    const std::vector<std::string> kinds = setup_->rules->entities_of(named_.source.entity);
    return kinds.empty() ? named_.source.entity : kinds.front();
  }

  Result<std::string> name_of(const std::string& local_id) {
    if (local_id.empty()) return std::string();
    const auto known = names_.find(local_id);
    if (known != names_.end()) return known->second;
    const auto row = BERTH_TRY(storage::rows::find(connection_, local_id));
    return names_[local_id] = row ? row->name : std::string();
  }

  Status add_record(json::Value& view, const storage::Record& record) {
    json::Value shown = views::record_view(record);
    shown.set("record", record.id);
    shown.set("run", BERTH_TRY(run_at(record.state_since)));
    view.set("record", std::move(shown));
    if (const auto row = record.local_id.empty() ? std::nullopt : BERTH_TRY(storage::rows::find(connection_, record.local_id))) add_row(view, *row);
    return success();
  }

  void add_row(json::Value& view, const storage::LocalRow& row) {
    kind_ = row.kind;
    view.set("row", json::Value::object({{"id", row.id},
                                         {"kind", row.kind},
                                         {"name", row.name},
                                         {"company", row.company},
                                         {"state", row.state},
                                         {"created", time_or_null(row.created)}}));
  }

  Status add_waiting(json::Value& view, const storage::Record& record) {
    json::Value waits = json::Value::array();
    for (const std::string& key : BERTH_TRY(storage::waiting::waits_of(connection_, record.id))) {
      json::Value one = json::Value::object({{"key", key}});
      if (setup_ != nullptr) one.set("why", BERTH_TRY(runs::why_not_there(connection_, *setup_, key)));
      waits.push_back(std::move(one));
    }
    view.set("waits_for", std::move(waits));
    std::vector<std::string> kinds = setup_ != nullptr ? setup_->rules->entities_of(record.entity) : std::vector<std::string>();
    if (kinds.empty()) kinds.push_back(record.entity);
    json::Value waited = json::Value::array();
    for (const std::string& kind : kinds) {
      for (const std::int64_t id : BERTH_TRY(storage::waiting::waiters(connection_, integration_, kind + "/" + record.remote_id, kLineageRowsMax))) {
        const auto waiter = BERTH_TRY(storage::records::find(connection_, id));
        if (!waiter) continue;
        waited.push_back(json::Value::object({{"ref", waiter->entity + "/" + waiter->remote_id}, {"state", waiter->state}, {"reason", waiter->reason}}));
      }
    }
    view.set("waited_for_by", std::move(waited));
    return success();
  }

  /// What the host leaves out when it decides whether an answer is a new version.
  [[nodiscard]] bool is_volatile(const std::string& path, const storage::Record& record) const {
    const runs::Phase* phase = setup_ == nullptr ? nullptr : setup_->phase_of_entity(record.entity);
    if (phase == nullptr) return false;
    const std::string member = path.substr(0, path.find_first_of(".["));
    return std::any_of(phase->volatile_keys.begin(), phase->volatile_keys.end(), [&](const std::string& glob) { return matches_glob(glob, member); });
  }

  Status add_versions(json::Value& view, const storage::Record& record) {
    std::vector<storage::StoredBody> all = BERTH_TRY(storage::records::versions(connection_, record.id));
    json::Value list = json::Value::array();
    view.set("versions_total", static_cast<std::int64_t>(all.size()));
    if (all.size() > kLineageRowsMax) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(kLineageRowsMax));
    std::map<std::string, json::Value> before;   // by kind
    for (const storage::StoredBody& one : all) {
      const storage::StoredBody stored = BERTH_TRY(storage::records::version(connection_, one.id));
      json::Parsed parsed = json::parse(stored.body);
      if (!parsed.ok()) return make_error(Code::kInternal, "storage.body_damaged", parsed.error.message);
      json::Value version = json::Value::object({{"id", one.id},
                                                 {"kind", one.kind},
                                                 {"version", one.version},
                                                 {"fetched", berth::to_string(one.fetched)},
                                                 {"run", BERTH_TRY(run_at(one.fetched))},
                                                 {"content_hash", one.content_hash}});
      const auto known = before.find(one.kind);
      if (known == before.end()) {
        version.set("differences", json::Value());
      } else {
        json::Value changes = json::Value::array();
        std::int64_t count = 0;
        for (const Difference& difference : differences(known->second, parsed.value)) {
          if (is_volatile(difference.path, record)) continue;
          if (static_cast<std::size_t>(++count) > kDifferencesShown) continue;
          json::Value change = json::Value::object({{"path", difference.path}});
          if (difference.before) change.set("before", *difference.before);
          if (difference.after) change.set("after", *difference.after);
          changes.push_back(std::move(change));
        }
        version.set("differences", std::move(changes));
        version.set("differences_total", count);
      }
      before[one.kind] = std::move(parsed.value);
      list.push_back(std::move(version));
    }
    view.set("versions", std::move(list));
    return success();
  }

  Status add_files(json::Value& view, const storage::Record& record) {
    json::Value files = json::Value::array();
    for (const storage::Attachment& file : BERTH_TRY(storage::attachments::list(connection_, record.id))) {
      files.push_back(json::Value::object({{"name", file.name}, {"media_type", file.media_type}, {"size", file.size}, {"sha256", file.hash}, {"version", file.version}}));
    }
    view.set("files", std::move(files));
    view.set("missing_files", setup_ == nullptr ? json::Value::array() : BERTH_TRY(missing_files(connection_, *setup_, record)));
    return success();
  }

  /// The newest version through the rules that decided it.
  Result<json::Value> mapping_of(const storage::Record& record) {
    const auto unavailable = [](std::string_view why) { return json::Value::object({{"unavailable", why}}); };
    if (setup_ == nullptr) return unavailable(no_setup_ ? no_setup_->message : "no rules");
    runs::Setup setup = *setup_;
    json::Value saved;
    if (!record.rules_revision.empty() && record.rules_revision != setup.rules->revision()) {
      const auto revision = BERTH_TRY(storage::mapping_revisions::find(connection_, integration_, record.rules_revision));
      if (!revision) return unavailable(fmt::format("the rules {} that decided it are not stored", record.rules_revision));
      config::Findings findings;
      auto earlier = setup_->with_rules(revision->text, fmt::format("mapping.yaml of {}", berth::to_string(revision->saved)), findings);
      if (!earlier.ok()) return unavailable(fmt::format("the rules {} that decided it are not understood any more: {}", record.rules_revision, earlier.error().message));
      setup = std::move(earlier).value();
      saved = berth::to_string(revision->saved);
    }
    const auto explained = runs::explain(connection_, setup, runs::companies_of(services_.config), record.entity + "/" + record.remote_id);
    if (!explained.ok()) {
      if (explained.error().reason.starts_with("storage.")) return explained.error();
      return unavailable(explained.error().message);
    }
    json::Value view = mapping::explain_json(*setup.rules, explained->entity, explained->loaded, explained->outcome, explained->judgement);
    view.set("rules_saved", std::move(saved));
    view.set("is_current", record.rules_revision == setup_->rules->revision());
    return view;
  }

  Status add_entries(json::Value& view) {
    ledger::EntryFilter filter;
    filter.integration = integration_;
    filter.entity = kind_;
    filter.remote_id = named_.source.remote_id;
    filter.limit = kLineageRowsMax;
    const ledger::EntryPage page = BERTH_TRY(ledger::list_entries(connection_, filter));
    std::map<std::int64_t, std::int64_t> replaced;
    for (const ledger::StoredEntry& entry : page.entries) {
      if (entry.supersedes != 0) replaced[entry.supersedes] = entry.id;
    }
    json::Value list = json::Value::array();
    for (const ledger::StoredEntry& entry : page.entries) {
      json::Value one = views::entry_view(entry);
      one.set("state", entry.reverses != 0 ? "reversal" : entry.reversed_by != 0 ? "reversed" : "live");
      one.set("created", berth::to_string(entry.created_at));
      one.set("run", BERTH_TRY(run_at(entry.created_at)));
      one.set("base_currency", entry.base_currency.code());
      one.set("rate", text_or_null(entry.rate));
      one.set("replaces", entry.supersedes == 0 ? json::Value() : json::Value(entry.supersedes));
      const auto by = replaced.find(entry.id);
      one.set("replaced_by", by == replaced.end() ? json::Value() : json::Value(by->second));
      std::int64_t number = 0;
      json::Value lines = *one.find("lines");
      for (json::Value& line : lines.make_array()) {
        line.set("line", ++number);
        for (const char* dimension : {"party", "location", "service_type"}) {
          const std::string name = BERTH_TRY(name_of(std::string(line.text_of(dimension))));
          if (!name.empty()) line.set(std::string(dimension) + "_name", name);
        }
      }
      one.set("lines", std::move(lines));
      list.push_back(std::move(one));
    }
    view.set("entries", std::move(list));
    view.set("has_more_entries", !page.next_cursor.empty());
    return success();
  }

  Result<json::Value> matches(std::string_view condition) {
    json::Value list = json::Value::array();
    Status read = success();
    BERTH_CHECK(connection_.each(
        "SELECT m.entry, e.event, e.date, e.entity, e.remote_id, m.entity, m.remote_id, m.control, m.opens, m.currency, m.document_minor, e.reverses "
        "FROM open_item_match AS m JOIN entry AS e ON e.id = m.entry WHERE " +
            std::string(condition) +
            " AND (e.integration <> m.integration OR e.entity <> m.entity OR e.remote_id <> m.remote_id) ORDER BY m.entry, m.position LIMIT ?",
        {integration_, kind_, named_.source.remote_id, kLineageRowsMax}, [&](const Row& row) {
          const auto currency = Currency::of(row.text(9));
          if (!currency) {
            read = make_error(Code::kEnvironment, "ledger.damaged", "a stored currency is unknown: " + row.text(9));
            return false;
          }
          list.push_back(json::Value::object({{"entry", row.integer(0)},
                                              {"event", row.text(1)},
                                              {"date", row.text(2)},
                                              {"by", row.text(3) + "/" + row.text(4)},
                                              {"item", row.text(5) + "/" + row.text(6)},
                                              {"control", row.text(7)},
                                              {"amount", Money(row.integer(10), *currency).to_string()},
                                              {"currency", row.text(9)},
                                              {"is_reversal", !row.is_null(11)}}));
          return true;
        }));
    BERTH_CHECK(read);
    return list;
  }

  /// Entries of others that moved what is open of this one, and what this one's entries moved of others.
  Status add_open_items(json::Value& view) {
    view.set("moved_by", BERTH_TRY(matches("m.integration = ? AND m.entity = ? AND m.remote_id = ?")));
    view.set("moves", BERTH_TRY(matches("e.integration = ? AND e.entity = ? AND e.remote_id = ?")));
    return success();
  }

  Connection& connection_;
  const Services& services_;
  const runs::Setup* const setup_;
  const std::optional<Error>& no_setup_;
  runs::NamedDocument named_;
  std::string integration_;
  std::string kind_;   // of its row: what the ledger calls it
  std::map<std::string, std::string> names_;   // by local id
};

}  // namespace

Result<json::Value> of(const Services& services, std::string_view integration, std::string_view name) {
  std::optional<Error> no_setup;
  auto made = runs::offline_setup(services.config, services.discovered, services.database, integration);
  if (!made.ok()) {
    if (made.error().reason == "runs.integration_unknown") {
      // One that the configuration has no more: its documents are there still.
      bool is_stored = false;
      BERTH_CHECK(services.database.read([&](Connection& connection) -> Status {
        is_stored = BERTH_TRY(storage::integrations::find(connection, integration)).has_value();
        return success();
      }));
      if (!is_stored) return made.error();
    }
    no_setup = made.error();
  }
  json::Value view;
  BERTH_CHECK(services.database.read([&](Connection& connection) -> Status {
    Reader reader(connection, services, made.ok() ? &(*made)->setup : nullptr, no_setup);
    view = BERTH_TRY(reader.read(integration, name));
    return success();
  }));
  return view;
}

}  // namespace berth::lineage
