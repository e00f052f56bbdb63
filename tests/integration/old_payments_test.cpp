// Edits of payments that are years old: lists of payments have no filter by change that the remote documents, and its clock of
// changes is asked for as a favour. Whatever it does with that, no edit is missed.
#include <fmt/format.h>

#include "integration/shown.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kEdits = 50;

/// Ids of payments, the oldest first.
std::vector<std::string> oldest_payments(World& world, std::size_t count) {
  return world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    std::vector<std::pair<std::int64_t, std::string>> all;
    for (const auto& payment : books.payments.all()) {
      if (!payment.is_deleted) all.emplace_back(payment.date, std::to_string(payment.id));
    }
    std::sort(all.begin(), all.end());
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(all.at(i).second);
    return ids;
  });
}

}  // namespace

TEST_CASE("D11: 50 edits of old payments are found with the change filter honoured, ignored or refused by the server") {
  for (const auto& [how, name] : {std::pair{zoho_sim::Undocumented::kHonoured, "honoured"}, {zoho_sim::Undocumented::kIgnored, "ignored"},
                                  {zoho_sim::Undocumented::kRefused, "refused"}}) {
    CAPTURE(std::string(name));
    World world({.contacts = 30, .items = 10, .invoices = 700, .payments = 450, .credit_notes = 0, .undocumented = how});
    world.connect();
    world.sync();
    world.map_all();
    world.later(24h * 90);   // far beyond any overlap
    world.sync();
    world.later(1h);
    const auto ids = oldest_payments(world, kEdits);
    for (const std::string& id : ids) world.control("POST", "payments/" + id, fmt::format(R"({{"reference_number":"edited {}"}})", id));
    world.later(1h);
    world.transport.forget_calls();
    const runs::RunReport report = world.sync(only("customer_payments"));
    CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << report.message);
    std::size_t found = 0;
    for (const std::string& id : ids) {
      std::string body;
      REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
        const auto record = BERTH_TRY(storage::records::find(connection, kIntegration, "customer_payment", id));
        if (record) body = BERTH_TRY(storage::records::load(connection, record->id)).detail.value_or(storage::StoredBody{}).body;
        return success();
      }).ok());
      found += body.find("edited " + id) != std::string::npos ? 1 : 0;
    }
    const runs::PhaseReport& phase = phase_of(report, "customer_payments");
    MESSAGE(std::string(name) << ": " << found << " of " << kEdits << " edits found, " << phase.calls.list << " list calls of " << phase.listed << " rows, " << phase.calls.detail << " detail calls");
    CHECK(found == kEdits);
    CHECK(phase.fetched == static_cast<std::int64_t>(kEdits));   // and nothing else is fetched again
    if (how == zoho_sim::Undocumented::kHonoured) CHECK(phase.calls.list == 1);
    world.check_books();
  }
}
