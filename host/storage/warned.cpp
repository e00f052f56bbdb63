#include "host/storage/warned.hpp"

#include <set>

#include "berth/json.hpp"
#include "host/core/text.hpp"

namespace berth::storage {

namespace {

/// For LIKE with ESCAPE '!': `"what":"..."` as it stands in a record, `cut` characters of its end left out.
std::string pattern_of(std::string_view what, std::size_t cut) {
  std::string pattern = json::dump(json::Value::object({{"what", what}}));
  pattern = pattern.substr(1, pattern.size() - 1 - cut);
  for (const char* special : {"!", "%", "_"}) pattern = replace_all(pattern, special, std::string("!") + special);
  return pattern;
}

}  // namespace

Result<std::vector<std::string>> warned_of(Connection& connection, std::string_view beginning, std::size_t limit) {
  std::set<std::string> names;
  BERTH_CHECK(connection.each("SELECT detail_json FROM record WHERE detail_json LIKE ? ESCAPE '!' LIMIT ?", {"%" + pattern_of(beginning, 2) + "%", kWarnedRecordsMax},
                              [&](const Row& row) {
                                const json::Parsed facts = json::parse(row.text(0));
                                const json::Value* warnings = facts.value.find("warnings");
                                if (warnings == nullptr) return true;
                                for (const json::Value& warning : warnings->items()) {
                                  const std::string_view what = warning.text_of("what");
                                  if (what.starts_with(beginning)) names.emplace(what.substr(beginning.size()));
                                }
                                return names.size() < limit;
                              }));
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::int64_t> requeue_warned(Connection& connection, std::string_view what, Instant now) {
  const std::string pattern = pattern_of(what, 1);   // a hint may follow
  return connection.execute(
      "UPDATE record SET state = 'pending', reason = '', message = '', state_since_ms = ? "
      "WHERE state NOT IN ('pending', 'archived', 'skipped') AND detail_json LIKE ? ESCAPE '!'",
      {now, "%" + pattern + "%"});
}

}  // namespace berth::storage
