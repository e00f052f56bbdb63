#include "host/runs/classifications.hpp"

#include <fmt/format.h>

#include <set>

#include "host/core/edit_distance.hpp"
#include "host/core/hash.hpp"
#include "host/core/text.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/warned.hpp"

namespace berth::runs {

namespace {

constexpr std::size_t kNamesMax = 1'000;   // that a slip of the pen is looked for among

Result<bool> declare(storage::Connection& connection, std::string_view kind, std::string_view scope, std::string_view name, Instant now) {
  if (BERTH_TRY(storage::rows::find_by_name(connection, kind, scope, name))) return false;
  storage::LocalRow row;
  // Named by its content, so that the same file gives the same ids everywhere.
  row.id = fmt::format("cl_{}", sha256_hex(fmt::format("{}\n{}\n{}", kind, scope, name)).substr(0, 20));
  row.kind = kind;
  row.scope = scope;
  row.name = name;
  row.created = now;
  return BERTH_TRY(storage::rows::insert(connection, row)).inserted;
}

Result<std::vector<std::string>> names_of(storage::Connection& connection, std::string_view kind, std::string_view scope) {
  std::vector<std::string> names;
  BERTH_CHECK(connection.each("SELECT name FROM local_row WHERE kind = ? AND scope = ? ORDER BY name LIMIT ?", {kind, scope, kNamesMax}, [&](const storage::Row& row) {
    names.push_back(row.text(0));
    return true;
  }));
  return names;
}

}  // namespace

Result<Declared> declare_classification(storage::Connection& connection, std::string_view name, std::string_view line, Instant now) {
  Declared declared;
  const std::vector<std::string> known = BERTH_TRY(names_of(connection, "classification", ""));
  declared.is_new = BERTH_TRY(declare(connection, "classification", "", name, now));
  if (declared.is_new) declared.near = near_miss(name, known);
  if (line.empty()) return declared;
  const std::vector<std::string> lines = BERTH_TRY(names_of(connection, "classification_line", name));
  declared.is_new = BERTH_TRY(declare(connection, "classification_line", name, line, now));
  if (!declared.is_new) return declared;
  declared.woken = BERTH_TRY(storage::requeue_warned(connection, fmt::format("classification_line/{}/{}", name, line), now));
  if (const std::string near = near_miss(line, lines); !near.empty()) declared.near = near;
  // What documents carry and no line is named like: what the person meant to add, perhaps.
  if (declared.near.empty() && declared.woken == 0) {
    declared.near = near_miss(line, BERTH_TRY(storage::warned_of(connection, fmt::format("classification_line/{}/", name), kNamesMax)));
    declared.is_near_awaited = !declared.near.empty();
  }
  return declared;
}

Status remove_classification(storage::Connection& connection, std::string_view name, std::string_view line) {
  const bool is_line = !line.empty();
  const auto row = BERTH_TRY(storage::rows::find_by_name(connection, is_line ? "classification_line" : "classification", is_line ? name : "", is_line ? line : name));
  const std::string what = is_line ? fmt::format("line \"{}\" of {}", shortened(line, 80), shortened(name, 80)) : fmt::format("classification \"{}\"", shortened(name, 80));
  if (!row) {
    const std::vector<std::string> names = BERTH_TRY(names_of(connection, is_line ? "classification_line" : "classification", is_line ? name : ""));
    const std::string near = nearest(is_line ? line : name, names);
    return make_error(Code::kNotFound, "admin.classification_unknown",
                      fmt::format("there is no {}{}", what, near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  if (!is_line) {
    const auto lines = BERTH_TRY(storage::rows::count(connection, "classification_line", name));
    if (lines > 0) return make_error(Code::kConflict, "admin.classification_in_use", fmt::format("the {} has {} lines; remove them first", what, lines));
  } else {
    const auto used = BERTH_TRY(connection.first("SELECT COUNT(DISTINCT entry) FROM entry_line WHERE location = ? OR service_type = ?", {row->id, row->id}));
    if (used && used->integer(0) > 0) {
      return make_error(Code::kConflict, "admin.classification_in_use",
                        fmt::format("{} entries carry the {}, reversed ones among them; what is recorded keeps its name", used->integer(0), what));
    }
  }
  BERTH_TRY(storage::rows::remove(connection, row->id));
  return success();
}

Result<std::vector<std::string>> missing_classifications(storage::Connection& connection, const mapping::Rules& rules) {
  std::set<std::string> wanted;
  for (const std::string& entity : rules.entities()) {
    const auto& names = rules.reads_of(rules.remote_entity(entity)).classifications;
    wanted.insert(names.begin(), names.end());
  }
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    if (!BERTH_TRY(storage::rows::find_by_name(connection, "classification", "", name))) missing.push_back(name);
  }
  return missing;
}

}  // namespace berth::runs
