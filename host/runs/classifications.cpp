#include "host/runs/classifications.hpp"

#include <fmt/format.h>

#include <set>

#include "host/core/hash.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/warned.hpp"

namespace berth::runs {

namespace {

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

}  // namespace

Result<Declared> declare_classification(storage::Connection& connection, std::string_view name, std::string_view line, Instant now) {
  Declared declared;
  declared.is_new = BERTH_TRY(declare(connection, "classification", "", name, now));
  if (line.empty()) return declared;
  declared.is_new = BERTH_TRY(declare(connection, "classification_line", name, line, now));
  if (declared.is_new) declared.woken = BERTH_TRY(storage::requeue_warned(connection, fmt::format("classification_line/{}/{}", name, line), now));
  return declared;
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
