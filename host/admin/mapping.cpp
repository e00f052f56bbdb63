// Mapping rules over REST: why a record is what it is, what changed rules would change, and applying them.
#include <fmt/format.h>

#include <algorithm>

#include "host/admin/api.hpp"
#include "host/admin/handlers.hpp"
#include "host/admin/remap_views.hpp"
#include "host/admin/views.hpp"
#include "host/runs/explain.hpp"
#include "host/storage/leases.hpp"

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
               "How each value of a stored record comes about, and why what it waits for is not there; argument record, any name of it",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                 json::Value view;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   const runs::Explained explained = BERTH_TRY(runs::explain(connection, unit->setup, services_.registry.companies(), request.argument("record")));
                   view = mapping::explain_json(*unit->setup.rules, explained.entity, explained.loaded, explained.outcome, explained.judgement);
                   view.set("state", explained.record.state);
                   return success();
                 }));
                 return view;
               }), {}});
  router_.add({"POST", "/api/v1/integrations/{id}/mapping/diff", Access::kAdmin,
               "Begins a job: what rules would change in stored documents and entries; changes nothing. One at a time",
               [this](const Request& request) { return begin_diff(request); }, schema(true)});
  router_.add({"POST", "/api/v1/integrations/{id}/mapping/apply", Access::kAdmin,
               "Begins a job: applies the integration's rules file to stored documents, with no remote call; 409 while somebody runs the integration",
               [this](const Request& request) { return begin_apply(request); }, schema(false)});
}

namespace {

/// 202 with what a GET of the job says now.
server::Response accepted(const Jobs& jobs, const Result<std::string>& begun) {
  if (!begun.ok()) return problem(begun.error());
  const Result<json::Value> view = jobs.view(*begun);
  if (!view.ok()) return problem(view.error());
  server::Response response = json_answer(*view, 202);
  response.headers.emplace_back("Location", "/api/v1/jobs/" + *begun);
  return response;
}

}  // namespace

Result<Api::RulesToTry> Api::rules_to_try(const Request& request, bool takes_rules) {
  RulesToTry wanted;
  wanted.integration = BERTH_TRY(integration_of(request)).id;
  const json::Value body = request.body.empty() ? json::Value::object() : BERTH_TRY(body_of(request));
  const auto unit = BERTH_TRY(services_.registry.unit(wanted.integration));
  wanted.candidate = BERTH_TRY(candidate_of(unit->setup, takes_rules ? body : json::Value::object()));
  wanted.all = all_of(body);
  wanted.shown = shown_of(body);
  return wanted;
}

server::Response Api::begin_diff(const Request& request) {
  auto wanted = rules_to_try(request, true);
  if (!wanted.ok()) return problem(wanted.error());
  // Each takes a copy of the books, hence one at a time.
  JobOrder order{"mapping_diff", wanted->integration, request.actor};
  return accepted(jobs_, jobs_.begin(std::move(order), true, [this, wanted = std::move(*wanted)](const Jobs::Running& job) -> Result<json::Value> {
    json::Value changes = json::Value::array();
    runs::RemapRequest remap;
    remap.all = wanted.all;
    remap.on_progress = job.progress;
    const runs::Remapped remapped = BERTH_TRY(services_.engine.foretell(wanted.candidate, remap, first_changes(changes, wanted.shown), job.stop));
    return answer_of(std::move(changes), remapped);
  }));
}

server::Response Api::begin_apply(const Request& request) {
  auto wanted = rules_to_try(request, false);
  if (!wanted.ok()) return problem(wanted.error());
  // A run that is under way is seen now; one that begins in this moment ends the job with the same reason.
  const Status free = services_.database.read([&](storage::Connection& connection) -> Status {
    const auto lease = BERTH_TRY(storage::leases::find(connection, wanted->integration, services_.clock.now()));
    if (lease) return make_error(Code::kConflict, "runs.busy", fmt::format("{} is run by {} now", wanted->integration, lease->owner));
    return success();
  });
  if (!free.ok()) return problem(free.error());
  JobOrder order{"mapping_apply", wanted->integration, request.actor};
  return accepted(jobs_, jobs_.begin(std::move(order), false, [this, actor = request.actor, wanted = std::move(*wanted)](const Jobs::Running& job) -> Result<json::Value> {
    json::Value changes = json::Value::array();
    runs::RemapRequest remap = noted_remap(wanted.all, actor, wanted.integration, services_.clock);
    remap.on_progress = job.progress;
    const runs::Remapped remapped = BERTH_TRY(services_.engine.remap(wanted.candidate, remap, first_changes(changes, wanted.shown), job.stop));
    return answer_of(std::move(changes), remapped);
  }));
}

void Api::add_jobs() {
  router_.add({"GET", "/api/v1/jobs", Access::kViewer, "Jobs of this process, newest first, without their results", answering([this](const Request&) -> Result<json::Value> {
                 return json::Value::object({{"jobs", jobs_.list()}});
               }), {}});
  router_.add({"GET", "/api/v1/jobs/{job}", Access::kViewer, "One job: state (running, stopping, done, failed), progress, result or error",
               answering([this](const Request& request) { return jobs_.view(request.parameters.at("job")); }), {}});
  router_.add({"POST", "/api/v1/jobs/{job}/stop", Access::kAdmin, "Asks a job to stop; it ends with what it has by then",
               answering([this](const Request& request) { return jobs_.stop(request.parameters.at("job")); }), {}});
}

}  // namespace berth::admin
