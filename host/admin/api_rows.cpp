// Customers and classifications.
#include "host/admin/api.hpp"
#include "host/admin/handlers.hpp"
#include "host/admin/master_rows.hpp"

namespace berth::admin {

using server::Request;

void Api::add_master_rows() {
  router_.add({"GET", "/api/v1/integrations/{id}/customers", Access::kViewer, "Customers of the remote and which of ours they are; those that something waits for first",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 json::Value list;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   list = BERTH_TRY(customers_view(connection, integration.id));
                   return success();
                 }));
                 return json::Value::object({{"customers", std::move(list)}});
               }), {}});
  router_.add({"PUT", "/api/v1/integrations/{id}/customers/{remote_id}", Access::kAdmin, "Links a customer of the remote to one here, or makes it, and applies what waited for it",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const json::Value body = BERTH_TRY(body_of(request));
                 const std::string& remote_id = request.parameters.at("remote_id");
                 if (body.text_of("customer").empty() == body.text_of("name").empty()) {
                   return make_error(Code::kInvalidArgument, "admin.field_missing", "the body needs either \"customer\", to link, or \"name\", to make one");
                 }
                 const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                 const Instant now = services_.clock.now();
                 json::Value view = body.text_of("name").empty()
                                        ? BERTH_TRY(link_customer(services_.database, unit->setup, remote_id, body.text_of("customer"), request.actor, now))
                                        : BERTH_TRY(create_customer(services_.database, unit->setup, remote_id, body.text_of("name"), request.actor, now));
                 view.set("applied", BERTH_TRY(services_.engine.apply_or_queue(unit->setup, {})));
                 return view;
               }),
               json::Value::object({{"type", "object"},
                                    {"properties", json::Value::object({{"customer", text_property("id or whole name of a customer here: link")},
                                                                        {"name", text_property("name of a customer to make")}})}})});
  router_.add({"DELETE", "/api/v1/integrations/{id}/customers/{remote_id}", Access::kAdmin,
               "Takes the link of a customer of the remote back; what is posted in the other's name is posted again in its own",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                 json::Value view =
                     BERTH_TRY(unlink_customer(services_.database, unit->setup, request.parameters.at("remote_id"), request.actor, services_.clock.now()));
                 view.set("applied", BERTH_TRY(services_.engine.apply_or_queue(unit->setup, {})));
                 return view;
               }), {}});
  router_.add({"GET", "/api/v1/classifications", Access::kViewer, "Classifications with their lines", answering([this](const Request&) -> Result<json::Value> {
                 json::Value list;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   list = BERTH_TRY(classifications_view(connection));
                   return success();
                 }));
                 return json::Value::object({{"classifications", std::move(list)}});
               }), {}});
  router_.add({"POST", "/api/v1/classifications", Access::kAdmin, "Adds a classification or a line of one, and applies again what lacked the line",
               answering([this](const Request& request) -> Result<json::Value> {
                 const json::Value body = BERTH_TRY(body_of(request));
                 json::Value view = BERTH_TRY(add_classification(services_.database, body.text_of("name"), body.text_of("line"), request.actor, services_.clock.now()));
                 if (view.find("woken")->integer().value_or(0) > 0) BERTH_CHECK(apply_everywhere());
                 return view;
               }),
               json::Value::object({{"type", "object"},
                                    {"properties", json::Value::object({{"name", text_property("of the classification, e.g. Service Type")},
                                                                        {"line", text_property("a line of it; may be left out")}})}})});
  router_.add({"DELETE", "/api/v1/classifications", Access::kAdmin, "Takes back a classification, or a line of one, that nothing uses; arguments name and line",
               answering([this](const Request& request) -> Result<json::Value> {
                 return remove_classification(services_.database, services_.config, request.argument("name"), request.argument("line"), request.actor,
                                              services_.clock.now());
               }), {}});
}

Status Api::apply_everywhere() {
  for (const std::string& id : BERTH_TRY(services_.registry.ids())) {
    const auto unit = services_.registry.unit(id);
    // One that cannot be opened now applies with its next run.
    if (unit.ok()) BERTH_TRY(services_.engine.apply_or_queue((*unit)->setup, {}));
  }
  return success();
}

}  // namespace berth::admin
