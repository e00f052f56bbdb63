#pragma once
// What a person is shown of a record and of an integration, answers that a test gives in the remote's place, and the rules
// that come with the connector. For test programs: it checks by itself.
#include <fstream>
#include <iterator>

#include "host/admin/views.hpp"
#include "host/storage/rows.hpp"
#include "integration/world.hpp"

namespace berth::integration {

inline json::Value view_of(World& world, std::string_view entity, std::string_view id) { return admin::record_view(world.record(entity, id)); }

inline json::Value integration_view(World& world) {
  json::Value view;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(admin::integration_view(connection, world.registry->quota_keys(), world.integration(), world.clock.now()));
    return success();
  }).ok());
  return view;
}

/// A customer that is here, and that no remote document is behind.
inline void add_customer(World& world, const std::string& id, const std::string& name) {
  storage::LocalRow row;
  row.id = id;
  row.kind = "customer";
  row.name = name;
  row.created = world.clock.now();
  REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(storage::rows::insert(connection, row));
    return success();
  }).ok());
}

/// For `transport.before`: that answer to every call that contains `part`.
inline std::function<std::optional<http::Response>(const std::string&)> always(std::string_view part, int status, std::string body) {
  return [part = std::string(part), status, body = std::move(body)](const std::string& call) -> std::optional<http::Response> {
    if (call.find(part) == std::string::npos) return std::nullopt;
    http::Response response;
    response.status = status;
    response.headers = {{"content-type", "application/json"}};
    response.body = body;
    return response;
  };
}

inline std::string rules_of_the_connector() {
  std::ifstream in(BERTH_SOURCE_DIR "/plugins/zoho_books/mapping.yaml", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Books in which an invoice of 100.00 is posted. The remote has raised it to 300.00 and taken a payment of that; `old_answer`
/// is what it said of the invoice before.
struct OverPayment {
  explicit OverPayment(World& in) : world(in) {
    world.connect();
    invoice = world.make_invoice("100.00");
    world.sync();
    world.map_all();
    world.map("payment_mode", "Check", "acme_us", "undeposited");
    world.later(std::chrono::minutes(5));
    zoho_sim::Request ask = zoho_sim::make_request("GET", "/books/v3/invoices/" + invoice + "?organization_id=927000001");
    ask.headers.emplace_back("Authorization", "Zoho-oauthtoken " + world.simulator.access_token());
    old_answer = world.simulator.handle(ask).body;
    world.control("POST", "invoices/" + invoice, R"({"line_items":[{"name":"Work","rate":300.00,"quantity":1}]})");
    payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Check"})");
    world.later(std::chrono::minutes(5));
    world.transport.forget_calls();
  }
  /// From now on the remote answers about the invoice as it did before, however often it is asked.
  void keep_disagreeing() { world.transport.before = always("GET /books/v3/invoices/" + invoice, 200, old_answer); }

  World& world;
  std::string invoice, payment, old_answer;
};

}  // namespace berth::integration
