// Records and the account rows that they wait for.
#include <fmt/format.h>

#include "host/lineage/lineage.hpp"
#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"

namespace berth::cli {

int records_list(const Global& global, const std::string& id, const std::string& entity, const std::string& state, std::size_t limit) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  if (const auto found = integration_of(*opened->database, opened->config, id); !found.ok()) return fail(global, found.error());
  storage::RecordFilter filter;
  filter.integration = id;
  filter.entity = entity;
  filter.state = state;
  json::Value list = json::Value::array();
  Table table({"record", "state", "reason", "waits for or message"});
  std::string next;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    const auto page = BERTH_TRY(storage::records::list(connection, filter, {{}, limit}));
    next = page.next;
    for (const storage::Record& record : page.items) {
      const json::Value view = admin::record_view(record);
      std::string waits;
      if (const json::Value* keys = view.find("waits_for")) {
        for (const json::Value& key : keys->items()) waits += (waits.empty() ? "" : ", ") + std::string(key.text());
      }
      table.add({std::string(view.text_of("ref")), record.state, record.reason, waits.empty() ? record.message : waits});
      list.push_back(view);
    }
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(json::Value::object({{"records", std::move(list)}, {"next", next}}));
  } else {
    print(table.text());
    print_ways_out(list.items());
    if (!next.empty()) note(global, "There are more; raise --limit.");
  }
  return kFine;
}

int apply_now(const Global& global, app::Host& host, const std::string& id, json::Value answer, const std::string& done) {
  const auto unit = host.registry().unit(id);
  if (!unit.ok()) return fail(global, unit.error());
  const auto applied = host.engine().apply((*unit)->setup, stop_on_signal());
  if (!applied.ok() && applied.error().reason != "runs.busy") return fail(global, applied.error());
  std::int64_t posted = 0, parked = 0;
  if (applied.ok()) {
    for (const auto& [entity, counts] : applied->by_entity()) {
      posted += counts.posted;
      parked += counts.parked;
    }
  } else if (const auto queued = host.engine().apply_or_queue((*unit)->setup, stop_on_signal()); !queued.ok()) {
    return fail(global, queued.error());
  }
  if (global.json) {
    answer.set("applied", applied.ok());
    answer.set("posted", posted);
    answer.set("parked", parked);
    print_json(answer);
  } else if (applied.ok()) {
    print_line(fmt::format("{}; {} records posted, {} still wait", done, posted, parked));
  } else {
    print_line(fmt::format("{}; a run is under way and applies it after its slice", done));
  }
  return kFine;
}

int records_show(const Global& global, const std::string& id, const std::string& name) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  if (const auto found = integration_of(*opened->database, opened->config, id); !found.ok()) return fail(global, found.error());
  const std::vector<plugins::Discovered> discovered = discover_plugins(global, opened->config);
  const auto view = lineage::of({opened->config, discovered, *opened->database}, id, name);
  if (!view.ok()) return fail(global, view.error());
  if (global.json) {
    print_json(*view);
  } else {
    print(lineage::to_text(*view));
  }
  return kFine;
}

int records_retry(const Global& global, const std::string& id, const std::string& reference) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto slash = reference.find('/');
  const Status set = (*host)->database().write("record.retry", [&](storage::Connection& connection) -> Status {
    const auto record = BERTH_TRY(storage::records::find(connection, id, reference.substr(0, slash), slash == std::string::npos ? "" : reference.substr(slash + 1)));
    if (!record) return make_error(Code::kNotFound, "runs.record_unknown", fmt::format("{} has no record {}", id, reference));
    return storage::records::set_pending(connection, record->id, (*host)->clock().now());
  });
  if (!set.ok()) return fail(global, set.error());
  return apply_now(global, **host, id, json::Value::object({{"ref", reference}}), reference + " is applied again");
}

int accounts_list(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  if (const auto found = integration_of(*opened->database, opened->config, id); !found.ok()) return fail(global, found.error());
  json::Value list = json::Value::array();
  Table table({"row", "account", "mapped by", "waiting"}, {3});
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    for (const auto& row : BERTH_TRY(storage::account_rows::list(connection, id))) {
      const json::Value view = admin::account_row_view(row);
      table.add({std::string(view.text_of("row")), row.is_mapped() ? row.account : "(map me)", row.is_mapped() ? row.origin : "", std::to_string(row.waiting)});
      list.push_back(view);
    }
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(json::Value::object({{"accounts", std::move(list)}}));
  } else {
    print(table.text());
  }
  return kFine;
}

int accounts_map(const Global& global, const std::string& id, const std::string& row, const std::string& account) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  if (const auto found = integration_of((*host)->database(), (*host)->config(), id); !found.ok()) return fail(global, found.error());
  const auto name = storage::account_rows::parse_name(row);
  if (!name) {
    return fail(global, make_error(Code::kInvalidArgument, "cli.account_row", fmt::format("\"{}\" is not KIND/KEY/COMPANY; see `berth accounts list {}`", row, id)));
  }
  const auto mapped =
      admin::map_account((*host)->database(), (*host)->config(), id, name->kind, name->label, name->company, account, "cli", (*host)->clock().now());
  if (!mapped.ok()) return fail(global, mapped.error());
  return apply_now(global, **host, id, admin::account_row_view(*mapped), fmt::format("{} posts to {}", row, account));
}

}  // namespace berth::cli
