#include "host/admin/master_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "host/admin/views.hpp"
#include "host/core/stable_id.hpp"
#include "host/core/text.hpp"
#include "host/runs/classifications.hpp"
#include "host/runs/relink.hpp"
#include "host/storage/links.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/waiting.hpp"

namespace berth::admin {

namespace {

constexpr std::string_view kCustomer = "customer";
constexpr std::size_t kRowsMax = 100'000;
constexpr std::size_t kCandidatesShown = 8;
constexpr std::size_t kOpeningsShown = 50;

json::Value customer_view(const std::string& remote_id, const storage::LocalRow* row, std::string_view origin, std::int64_t waiting) {
  return json::Value::object({{"remote_id", remote_id},
                              {"customer", row == nullptr ? json::Value() : json::Value(row->id)},
                              {"name", row == nullptr ? std::string() : row->name},
                              {"origin", origin},
                              {"waiting", waiting}});
}

/// A row made here has no document of a remote behind it yet.
std::string_view origin_of(const storage::LocalRow& row) {
  const json::Parsed document = json::parse(row.document_json);
  return document.ok() && document.value.text_of("origin") == "person" ? "made" : "synced";
}

/// All rows of a kind, page by page.
template <class Visit>
Status each_row(storage::Connection& connection, const storage::RowFilter& filter, Visit visit) {
  std::string after;
  std::size_t seen = 0;
  do {
    const auto page = BERTH_TRY(storage::rows::list(connection, filter, {after, 500}));
    for (const storage::LocalRow& row : page.items) visit(row);
    seen += page.items.size();
    after = page.next;
  } while (!after.empty() && seen < kRowsMax);
  return success();
}

std::string candidate_text(const storage::LocalRow& row) {
  if (row.remote_id.empty()) return fmt::format("{} (made here)", row.id);
  return fmt::format("{} ({} of {}{})", row.id, row.remote_id, row.integration, row.active ? "" : ", inactive");
}

/// The customer of that id, or the only one of that whole name: two may have one name, and entries in the wrong one's name
/// would look right.
Result<storage::LocalRow> customer_of(storage::Connection& connection, std::string_view local) {
  const auto by_id = BERTH_TRY(storage::rows::find(connection, local));
  if (by_id && by_id->kind == kCustomer && by_id->state == "open") return *by_id;
  const std::vector<storage::LocalRow> named = BERTH_TRY(storage::rows::all_by_name(connection, kCustomer, "", local, kCandidatesShown + 1));
  if (named.size() == 1) return named.front();
  if (named.size() > 1) {
    std::string list;
    for (std::size_t i = 0; i < std::min(named.size(), kCandidatesShown); ++i) list += (i == 0 ? "" : ", ") + candidate_text(named[i]);
    return make_error(Code::kInvalidArgument, "admin.customer_ambiguous",
                      fmt::format("{} customers are named \"{}\", say which by its id: {}",
                                  named.size() > kCandidatesShown ? fmt::format("more than {}", kCandidatesShown) : std::to_string(named.size()), shortened(local, 80), list));
  }
  const auto near = BERTH_TRY(storage::rows::find_nearest_name(connection, kCustomer, "", local));
  return make_error(Code::kNotFound, "admin.customer_unknown",
                    fmt::format("there is no customer \"{}\"{}", shortened(local, 80), near ? fmt::format("; did you mean \"{}\" ({})?", near->name, near->id) : ""));
}

/// Who documents of that remote customer are posted in the name of now.
Result<std::optional<storage::LocalRow>> customer_now(storage::Connection& connection, const runs::Setup& setup, std::string_view remote_id) {
  auto linked = BERTH_TRY(storage::links::find(connection, kCustomer, setup.id, remote_id));
  if (linked) return linked;
  return storage::rows::find_by_remote(connection, kCustomer, setup.id, remote_id);
}

/// What stays in the name of that row although documents move away from it.
Status add_kept_openings(storage::Connection& connection, const runs::Setup& setup, std::string_view row, json::Value& view) {
  json::Value kept = json::Value::array();
  for (const std::string& number : BERTH_TRY(runs::openings_kept(connection, setup, row, kOpeningsShown))) kept.push_back(number);
  view.set("openings_kept", std::move(kept));
  return success();
}

/// Nobody links what nothing ever named: a slip of the pen would lead nowhere.
Status check_remote(storage::Connection& connection, const runs::Setup& setup, std::string_view remote_id) {
  if (BERTH_TRY(storage::rows::find_by_remote(connection, kCustomer, setup.id, remote_id))) return success();
  const std::string entity = setup.remote_entity_of(kCustomer);
  if (!entity.empty() && BERTH_TRY(storage::records::find(connection, setup.id, entity, remote_id))) return success();
  const std::string key = fmt::format("customer/{}", remote_id);
  for (const storage::Awaited& awaited : BERTH_TRY(storage::waiting::awaited(connection, setup.id, key))) {
    if (awaited.key == key) return success();
  }
  return make_error(Code::kNotFound, "admin.customer_remote_unknown",
                    fmt::format("{} has no customer {}, and nothing waits for one; see `berth customers list {}`", setup.id, shortened(remote_id, 80), setup.id));
}

}  // namespace

Result<json::Value> customers_view(storage::Connection& connection, std::string_view integration) {
  std::map<std::string, std::int64_t> waiting;
  for (const storage::Awaited& awaited : BERTH_TRY(storage::waiting::awaited(connection, integration, "customer/"))) {
    waiting[awaited.key.substr(std::string_view("customer/").size())] = awaited.records;
  }
  const auto take = [&](const std::string& remote_id) {
    const auto found = waiting.find(remote_id);
    if (found == waiting.end()) return std::int64_t{0};
    const std::int64_t records = found->second;
    waiting.erase(found);
    return records;
  };
  std::map<std::string, storage::LocalRow> linked;
  for (const storage::Link& link : BERTH_TRY(storage::links::list(connection, kCustomer, integration))) {
    if (const auto row = BERTH_TRY(storage::rows::find(connection, link.row))) linked[link.remote_id] = *row;
  }
  json::Value known = json::Value::array();
  for (const auto& [remote_id, row] : linked) known.push_back(customer_view(remote_id, &row, "linked", take(remote_id)));
  storage::RowFilter filter;
  filter.kind = kCustomer;
  filter.integration = integration;
  BERTH_CHECK(each_row(connection, filter, [&](const storage::LocalRow& row) {
    if (!linked.contains(row.remote_id)) known.push_back(customer_view(row.remote_id, &row, origin_of(row), take(row.remote_id)));
  }));
  json::Value all = json::Value::array();
  for (const auto& [remote_id, records] : waiting) all.push_back(customer_view(remote_id, nullptr, "", records));
  for (const json::Value& one : known.items()) all.push_back(one);
  return all;
}

Result<json::Value> link_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view local,
                                  std::string_view actor, Instant now) {
  json::Value view;
  BERTH_CHECK(database.write("customer.link", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(check_remote(connection, setup, remote_id));
    const storage::LocalRow row = BERTH_TRY(customer_of(connection, local));
    const auto before = BERTH_TRY(customer_now(connection, setup, remote_id));
    BERTH_CHECK(storage::links::set(connection, {.kind = std::string(kCustomer), .integration = setup.id, .remote_id = std::string(remote_id), .row = row.id, .linked = now}));
    const std::int64_t woken = BERTH_TRY(storage::waiting::wake(connection, setup.id, fmt::format("customer/{}", remote_id), now));
    view = customer_view(std::string(remote_id), &row, "linked", woken);
    const bool is_other = before && before->id != row.id;
    view.set("decided_again", is_other ? BERTH_TRY(runs::decide_again(connection, setup, remote_id, before->id, now)) : std::int64_t{0});
    if (is_other) BERTH_CHECK(add_kept_openings(connection, setup, before->id, view));
    return note(connection, actor, "customer.link", setup.id, now, json::dump(view));
  }));
  return view;
}

Result<json::Value> unlink_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view actor, Instant now) {
  json::Value view;
  BERTH_CHECK(database.write("customer.unlink", [&](storage::Connection& connection) -> Status {
    const auto linked = BERTH_TRY(storage::links::find(connection, kCustomer, setup.id, remote_id));
    if (!linked) {
      return make_error(Code::kNotFound, "admin.customer_not_linked",
                        fmt::format("customer {} of {} is not linked; see `berth customers list {}`", shortened(remote_id, 80), setup.id, setup.id));
    }
    const std::int64_t posted = BERTH_TRY(runs::posted_in_name_of(connection, setup, linked->id));
    if (posted > 0 && !BERTH_TRY(runs::is_by_itself(connection, setup, remote_id))) {
      return make_error(Code::kConflict, "admin.customer_in_use",
                        fmt::format("{} documents of {} are posted in the name of \"{}\" ({}), and without the link customer {} is nobody here: sync contacts first, or link it to "
                                    "another one",
                                    posted, setup.id, linked->name, linked->id, shortened(remote_id, 80)));
    }
    BERTH_TRY(storage::links::remove(connection, kCustomer, setup.id, remote_id));
    const std::int64_t again = BERTH_TRY(runs::decide_again(connection, setup, remote_id, linked->id, now));
    const auto own = BERTH_TRY(storage::rows::find_by_remote(connection, kCustomer, setup.id, remote_id));
    view = customer_view(std::string(remote_id), own ? &*own : nullptr, own ? origin_of(*own) : "", 0);
    view.set("was", linked->id);
    view.set("decided_again", again);
    BERTH_CHECK(add_kept_openings(connection, setup, linked->id, view));
    return note(connection, actor, "customer.unlink", setup.id, now, json::dump(view));
  }));
  return view;
}

Result<json::Value> create_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view name,
                                    std::string_view actor, Instant now) {
  if (trim(name).empty()) return make_error(Code::kInvalidArgument, "admin.field_missing", "a customer needs a name");
  json::Value view;
  BERTH_CHECK(database.write("customer.create", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(check_remote(connection, setup, remote_id));
    storage::LocalRow row;
    // The id that a pull would give it.
    row.id = stable_id("cus", {kCustomer, setup.id, remote_id});
    row.kind = kCustomer;
    row.name = name;
    row.integration = setup.id;
    row.remote_id = remote_id;
    row.created = now;
    row.document_json = json::dump(json::Value::object({{"name", name}, {"origin", "person"}}));
    if (const auto linked = BERTH_TRY(storage::links::find(connection, kCustomer, setup.id, remote_id))) {
      return make_error(Code::kConflict, "admin.customer_exists", fmt::format("customer {} is linked to \"{}\" already", remote_id, linked->name));
    }
    const storage::InsertedRow made = BERTH_TRY(storage::rows::insert(connection, row));
    if (!made.inserted) return make_error(Code::kConflict, "admin.customer_exists", fmt::format("customer {} is here already, as \"{}\"", remote_id, made.row.name));
    const std::int64_t woken = BERTH_TRY(storage::waiting::wake(connection, setup.id, fmt::format("customer/{}", remote_id), now));
    view = customer_view(std::string(remote_id), &row, "made", woken);
    return note(connection, actor, "customer.create", setup.id, now, json::dump(view));
  }));
  return view;
}

Result<json::Value> classifications_view(storage::Connection& connection) {
  std::map<std::string, std::vector<std::string>> lines;
  storage::RowFilter filter;
  filter.kind = "classification";
  BERTH_CHECK(each_row(connection, filter, [&](const storage::LocalRow& row) { lines[row.name]; }));
  filter.kind = "classification_line";
  BERTH_CHECK(each_row(connection, filter, [&](const storage::LocalRow& row) { lines[row.scope].push_back(row.name); }));
  json::Value all = json::Value::array();
  for (auto& [name, of_it] : lines) {
    std::sort(of_it.begin(), of_it.end());
    json::Value names = json::Value::array();
    for (const std::string& line : of_it) names.push_back(line);
    all.push_back(json::Value::object({{"name", name}, {"lines", std::move(names)}}));
  }
  return all;
}

Result<json::Value> add_classification(storage::Database& database, std::string_view name, std::string_view line, std::string_view actor, Instant now) {
  if (trim(name).empty()) return make_error(Code::kInvalidArgument, "admin.field_missing", "a classification needs a name");
  json::Value view;
  BERTH_CHECK(database.write("classification.add", [&](storage::Connection& connection) -> Status {
    const runs::Declared declared = BERTH_TRY(runs::declare_classification(connection, name, line, now));
    view = json::Value::object({{"classification", name}, {"line", line}, {"added", declared.is_new}, {"woken", declared.woken}});
    if (!declared.near.empty()) {
      view.set("near", declared.near);
      view.set("near_is", declared.is_near_awaited ? "in documents" : "here");
    }
    return note(connection, actor, "classification.add", name, now, json::dump(view));
  }));
  return view;
}

Result<json::Value> remove_classification(storage::Database& database, const config::Config& config, std::string_view name, std::string_view line,
                                          std::string_view actor, Instant now) {
  if (trim(name).empty()) return make_error(Code::kInvalidArgument, "admin.field_missing", "a classification has a name");
  for (const config::Classification& declared : config.classifications) {
    const bool is_it = declared.name == name && (line.empty() || std::find(declared.lines.begin(), declared.lines.end(), line) != declared.lines.end());
    if (is_it) {
      return make_error(Code::kConflict, "admin.classification_in_use",
                        fmt::format("berth.yaml declares {}, which would come back; take it out there first", line.empty() ? name : fmt::format("{} / {}", name, line)));
    }
  }
  json::Value view = json::Value::object({{"classification", name}, {"line", line}, {"removed", true}});
  BERTH_CHECK(database.write("classification.remove", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(runs::remove_classification(connection, name, line));
    return note(connection, actor, "classification.remove", name, now, json::dump(view));
  }));
  return view;
}

}  // namespace berth::admin
