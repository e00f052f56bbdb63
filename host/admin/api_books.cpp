// What people do to the books by REST: closing months, revaluing what is open in a foreign currency.
#include "host/admin/api.hpp"
#include "host/admin/handlers.hpp"
#include "host/admin/periods.hpp"
#include "host/admin/revaluation.hpp"

namespace berth::admin {

using server::Request;

void Api::add_books() {
  router_.add({"GET", "/api/v1/ledger/periods", Access::kViewer, "Closed months; filter company", answering([this](const Request& request) -> Result<json::Value> {
                 json::Value list;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   list = BERTH_TRY(periods_view(connection, request.argument("company")));
                   return success();
                 }));
                 return json::Value::object({{"closed", std::move(list)}});
               }), {}});
  router_.add({"PUT", "/api/v1/ledger/periods/{company}/{month}", Access::kAdmin, "Closes a month, or opens it and applies what waited for that",
               answering([this](const Request& request) -> Result<json::Value> {
                 const json::Value body = BERTH_TRY(body_of(request));
                 const std::string_view state = body.text_of("state");
                 if (state != "open" && state != "closed") return make_error(Code::kInvalidArgument, "admin.field_missing", "the body needs \"state\": \"open\" or \"closed\"");
                 json::Value view = BERTH_TRY(set_period(services_.database, services_.config, request.parameters.at("company"), request.parameters.at("month"),
                                                         state == "open", request.actor, services_.clock.now()));
                 if (view.find("woken")->integer().value_or(0) > 0) BERTH_CHECK(apply_everywhere());
                 return view;
               }),
               json::Value::object({{"type", "object"}, {"properties", json::Value::object({{"state", text_property("open or closed")}})}})});
  router_.add({"POST", "/api/v1/integrations/{id}/revaluation", Access::kAdmin,
               "Posts what is open in a foreign currency at the rate of a period's last day, and takes it back on the next",
               answering([this](const Request& request) -> Result<json::Value> {
                 const json::Value body = BERTH_TRY(body_of(request));
                 RevaluationOrder order{.integration = request.parameters.at("id"), .company = {}, .currency = {}, .rate = {}, .period_end = {}};
                 const std::pair<const char*, std::string*> fields[] = {{"currency", &order.currency}, {"rate", &order.rate}, {"date", &order.period_end}};
                 for (const auto& [name, value] : fields) {
                   // A rate may be a number too: it is read digit by digit.
                   const json::Value* given = body.find(name);
                   if (given == nullptr || given->text().empty()) return make_error(Code::kInvalidArgument, "admin.field_missing", std::string("the body needs \"") + name + "\"");
                   *value = given->text();
                 }
                 order.company = body.text_of("company");
                 return revalue(services_.database, services_.config, order, request.actor, services_.clock.now());
               }),
               json::Value::object({{"type", "object"},
                                    {"properties", json::Value::object({{"currency", text_property("of the receivables, e.g. EUR")},
                                                                        {"rate", text_property("base units for one unit of it, e.g. \"1.5\"")},
                                                                        {"date", text_property("the period's last day, YYYY-MM-DD")},
                                                                        {"company", text_property("company id; that of the integration where it is left out")}})}})});
}

}  // namespace berth::admin
