#include "host/admin/deletions.hpp"

#include "host/admin/views.hpp"
#include "host/runs/deletions.hpp"

namespace berth::admin {

Result<json::Value> confirm_deletions(storage::Database& database, const storage::Integration& integration, std::string_view actor, Instant now) {
  json::Value released = json::Value::array();
  BERTH_CHECK(database.write("deletions.confirm", [&](storage::Connection& connection) -> Status {
    released = json::Value::array();
    for (const storage::Brake& brake : BERTH_TRY(runs::confirm_deletions(connection, integration.id, now))) {
      released.push_back(json::Value::object({{"phase", brake.phase}, {"entity", brake.entity}, {"missing", brake.missing}}));
    }
    return released.items().empty() ? success() : note(connection, actor, "deletions.confirm", integration.id, now);
  }));
  return json::Value::object({{"id", integration.id}, {"released", std::move(released)}});
}

}  // namespace berth::admin
