// Mapping rules over REST: why a record is what it is, what changed rules would change, and applying them.
#include <fmt/format.h>

#include <algorithm>

#include "host/admin/api.hpp"
#include "host/admin/handlers.hpp"
#include "host/admin/remap_views.hpp"
#include "host/admin/views.hpp"
#include "host/runs/explain.hpp"

namespace berth::admin {

namespace {

using server::Request;

constexpr std::size_t kChangesShown = 100;     // where the request does not say
constexpr std::size_t kChangesShownMax = 1000;

std::size_t shown_of(const json::Value& body) {
  const json::Value* limit = body.find("limit");
  const std::int64_t wanted = limit == nullptr ? static_cast<std::int64_t>(kChangesShown) : limit->integer().value_or(0);
  return static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 0, static_cast<std::int64_t>(kChangesShownMax)));
}

bool all_of(const json::Value& body) {
  const json::Value* all = body.find("all");
  return all != nullptr && all->boolean();
}

/// The rules of the request's body, else of the integration's file as it is now.
Result<runs::Setup> candidate_of(const runs::Setup& setup, const json::Value& body) {
  config::Findings findings;
  const std::string_view text = body.text_of("mapping");
  auto candidate = text.empty() ? setup.with_rules_of({}, findings) : setup.with_rules(text, "mapping.yaml", findings);
  if (candidate.ok() || findings.empty()) return candidate;
  Error error = std::move(candidate).error();
  error.message += ":\n" + findings.print();
  return error;
}

json::Value answer_of(json::Value changes, const runs::Remapped& remapped) {
  const bool is_whole = static_cast<std::int64_t>(changes.size()) == remapped.changed;
  return json::Value::object({{"changes", std::move(changes)}, {"is_whole", is_whole}, {"summary", remapped_view(remapped)}});
}

json::Value schema(bool takes_rules) {
  json::Value properties = json::Value::object();
  if (takes_rules) properties.set("mapping", text_property("rules to try; without it the file of the integration"));
  properties.set("all", json::Value::object({{"type", "boolean"}, {"description", "also records that these very rules decided"}}));
  properties.set("limit", json::Value::object({{"type", "integer"}, {"description", "changes in the answer, at most 1000 (default: 100)"}}));
  return json::Value::object({{"type", "object"}, {"properties", std::move(properties)}});
}

}  // namespace

void Api::add_mapping() {
  router_.add({"GET", "/api/v1/integrations/{id}/mapping/explain", Access::kViewer,
               "How each value of a stored record comes about, and why what it waits for is not there; argument record, ENTITY/REMOTE_ID",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const runs::IntegrationUnit* unit = BERTH_TRY(services_.registry.unit(integration.id));
                 json::Value view;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   const runs::Explained explained = BERTH_TRY(runs::explain(connection, unit->setup, services_.registry.companies(), request.argument("record")));
                   view = mapping::explain_json(*unit->setup.rules, explained.entity, explained.loaded, explained.outcome, explained.judgement);
                   view.set("state", explained.record.state);
                   return success();
                 }));
                 return view;
               }), {}});
  router_.add({"POST", "/api/v1/integrations/{id}/mapping/diff", Access::kAdmin, "What rules would change in stored documents and entries; changes nothing. One at a time",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const json::Value body = request.body.empty() ? json::Value::object() : BERTH_TRY(body_of(request));
                 const std::unique_lock trying(trying_, std::try_to_lock);
                 if (!trying.owns_lock()) return make_error(Code::kConflict, "mapping.diff_busy", "another comparison of rules is under way; each takes a copy of the books");
                 const runs::IntegrationUnit* unit = BERTH_TRY(services_.registry.unit(integration.id));
                 const runs::Setup candidate = BERTH_TRY(candidate_of(unit->setup, body));
                 json::Value changes = json::Value::array();
                 const runs::Remapped remapped = BERTH_TRY(services_.engine.foretell(candidate, {.all = all_of(body)}, first_changes(changes, shown_of(body)), {}));
                 return answer_of(std::move(changes), remapped);
               }),
               schema(true)});
  router_.add({"POST", "/api/v1/integrations/{id}/mapping/apply", Access::kAdmin,
               "Applies the integration's rules file to stored documents, with no remote call; 409 while somebody runs the integration",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const json::Value body = request.body.empty() ? json::Value::object() : BERTH_TRY(body_of(request));
                 const runs::IntegrationUnit* unit = BERTH_TRY(services_.registry.unit(integration.id));
                 const runs::Setup candidate = BERTH_TRY(candidate_of(unit->setup, json::Value::object()));
                 json::Value changes = json::Value::array();
                 const runs::Remapped remapped = BERTH_TRY(services_.engine.remap(candidate, {.all = all_of(body)}, first_changes(changes, shown_of(body)), {}));
                 BERTH_CHECK(services_.database.write([&](storage::Connection& connection) -> Status {
                   return note(connection, request.actor, "mapping.apply", integration.id, services_.clock.now(), json::dump(remapped_view(remapped)));
                 }));
                 return answer_of(std::move(changes), remapped);
               }),
               schema(false)});
}

}  // namespace berth::admin
