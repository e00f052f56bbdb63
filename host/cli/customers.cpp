// Customers of a remote and which of ours they are; classifications and their lines.
#include <fmt/format.h>

#include "host/admin/master_rows.hpp"
#include "host/cli/commands.hpp"
#include "host/core/edit_distance.hpp"
#include "host/core/text.hpp"

namespace berth::cli {

int customers_list(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  if (const auto found = integration_of(*opened->database, opened->config, id); !found.ok()) return fail(global, found.error());
  json::Value list;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    list = BERTH_TRY(admin::customers_view(connection, id));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(json::Value::object({{"customers", std::move(list)}}));
    return kFine;
  }
  Table table({"remote id", "customer", "name", "how", "waiting"}, {4});
  for (const json::Value& one : list.items()) {
    const bool is_missing = one.find("customer")->is_null();
    table.add({std::string(one.text_of("remote_id")), is_missing ? "(link or create me)" : std::string(one.text_of("customer")), std::string(one.text_of("name")),
               std::string(one.text_of("origin")), std::string(one.find("waiting")->text())});
  }
  print(table.text());
  return kFine;
}

namespace {

template <class Change>
int change_customer(const Global& global, const std::string& id, const std::string& remote_id, Change change) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto unit = (*host)->registry().unit(id);
  if (!unit.ok()) return fail(global, unit.error());
  const Result<json::Value> view = change(**host, (*unit)->setup);
  if (!view.ok()) return fail(global, view.error());
  std::string done = view->find("customer")->is_null() ? fmt::format("{} is nobody here until contacts are synced", remote_id)
                                                        : fmt::format("{} is \"{}\" ({})", remote_id, view->text_of("name"), view->text_of("customer"));
  const json::Value* again = view->find("decided_again");
  if (again != nullptr && again->integer().value_or(0) > 0) done += fmt::format("; {} posted in another name are decided again", counted(*again->integer(), "document", "documents"));
  if (const json::Value* kept = view->find("openings_kept"); kept != nullptr && !kept->items().empty()) {
    std::vector<std::string> numbers;
    for (const json::Value& one : kept->items()) numbers.emplace_back(one.text());
    done += fmt::format("; opening receivables whose invoices were never pulled stay in the old name until they are: {}", join(numbers, ", "));
  }
  return apply_now(global, **host, id, *view, done);
}

}  // namespace

int customers_link(const Global& global, const std::string& id, const std::string& remote_id, const std::string& local) {
  return change_customer(global, id, remote_id, [&](app::Host& host, const runs::Setup& setup) {
    return admin::link_customer(host.database(), setup, remote_id, local, "cli", host.clock().now());
  });
}

int customers_unlink(const Global& global, const std::string& id, const std::string& remote_id) {
  return change_customer(global, id, remote_id, [&](app::Host& host, const runs::Setup& setup) {
    return admin::unlink_customer(host.database(), setup, remote_id, "cli", host.clock().now());
  });
}

int customers_create(const Global& global, const std::string& id, const std::string& remote_id, const std::string& name) {
  return change_customer(global, id, remote_id, [&](app::Host& host, const runs::Setup& setup) {
    return admin::create_customer(host.database(), setup, remote_id, name, "cli", host.clock().now());
  });
}

int classifications_list(const Global& global) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  json::Value list;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    list = BERTH_TRY(admin::classifications_view(connection));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(json::Value::object({{"classifications", std::move(list)}}));
    return kFine;
  }
  Table table({"classification", "line"});
  for (const json::Value& one : list.items()) {
    const json::Value& lines = *one.find("lines");
    if (lines.items().empty()) table.add({std::string(one.text_of("name")), "(none)"});
    for (const json::Value& line : lines.items()) table.add({std::string(one.text_of("name")), std::string(line.text())});
  }
  print(table.text());
  return kFine;
}

int classifications_add(const Global& global, const std::string& name, const std::string& line) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto view = admin::add_classification((*host)->database(), name, line, "cli", (*host)->clock().now());
  if (!view.ok()) return fail(global, view.error());
  std::int64_t posted = 0;
  if (view->find("woken")->integer().value_or(0) > 0) {
    const auto ids = (*host)->registry().ids();
    if (!ids.ok()) return fail(global, ids.error());
    for (const std::string& id : *ids) {
      const auto unit = (*host)->registry().unit(id);
      if (!unit.ok()) continue;   // it applies with its next run
      const auto applied = (*host)->engine().apply((*unit)->setup, stop_on_signal());
      if (applied.ok()) {
        for (const auto& [entity, counts] : applied->by_entity()) posted += counts.posted;
      } else if (const auto queued = (*host)->engine().apply_or_queue((*unit)->setup, stop_on_signal()); !queued.ok()) {
        return fail(global, queued.error());
      }
    }
  }
  if (global.json) {
    json::Value answer = *view;
    answer.set("posted", posted);
    print_json(answer);
    return kFine;
  }
  const std::string what = line.empty() ? name : fmt::format("{} / {}", name, line);
  print_line(view->find("added")->boolean() ? fmt::format("{} is added; {} records posted again with it", what, posted) : fmt::format("{} is there already", what));
  if (const std::string_view near = view->text_of("near"); !near.empty()) {
    print_line(fmt::format("{}{}; if that was meant: berth classifications remove \"{}\"{}", view->text_of("near_is") == "here" ? "" : "no document carries it; ",
                           near_miss_hint(line.empty() ? name : line, near), name, line.empty() ? "" : fmt::format(" \"{}\"", line)));
  }
  return kFine;
}

int classifications_remove(const Global& global, const std::string& name, const std::string& line) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto view = admin::remove_classification(*opened->database, opened->config, name, line, "cli", opened->clock->now());
  if (!view.ok()) return fail(global, view.error());
  if (global.json) {
    print_json(*view);
  } else {
    print_line(fmt::format("{} is removed", line.empty() ? name : fmt::format("{} / {}", name, line)));
  }
  return kFine;
}

}  // namespace berth::cli
