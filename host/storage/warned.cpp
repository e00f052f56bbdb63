#include "host/storage/warned.hpp"

#include "berth/json.hpp"
#include "host/core/text.hpp"

namespace berth::storage {

Result<std::int64_t> requeue_warned(Connection& connection, std::string_view what, Instant now) {
  std::string pattern = json::dump(json::Value::object({{"what", what}}));
  pattern.pop_back();   // a hint may follow
  pattern = pattern.substr(1);
  for (const char* special : {"!", "%", "_"}) pattern = replace_all(pattern, special, std::string("!") + special);
  return connection.execute(
      "UPDATE record SET state = 'pending', reason = '', message = '', state_since_ms = ? "
      "WHERE state NOT IN ('pending', 'archived', 'skipped') AND detail_json LIKE ? ESCAPE '!'",
      {now, "%" + pattern + "%"});
}

}  // namespace berth::storage
