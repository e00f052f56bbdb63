// The calls of a sync against the fewest that are possible, counted by hand from what the simulator has.
#include <set>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// Books of a company of some size; a sanitized build takes a tenth of them, with the numbers of pages that follow.
constexpr int kContacts = kIsSanitized ? 200 : 2'000;
constexpr int kItems = kIsSanitized ? 50 : 500;
constexpr int kInvoices = kIsSanitized ? 1'000 : 10'000;
constexpr int kPayments = kIsSanitized ? 500 : 5'000;

/// Rows that are read after each page where the next one begins at the last row of the one before: 200 of 200, 199 from the
/// 200th on, 198 from the 397th on and so on. Written out, so that no formula of the product is behind it.
constexpr std::int64_t kReached[] = {200, 398, 594, 788, 980, 1170, 1358, 1544, 1728, 1910, 2090};

std::int64_t joined_pages(std::int64_t rows) {
  std::int64_t pages = 1;
  for (const std::int64_t reached : kReached) pages += rows > reached ? 1 : 0;
  REQUIRE(rows <= 2090);
  return pages;
}

struct ByHand {
  std::int64_t lists = 0, details = 0, files = 0;
};

/// What the books of the simulator ask for, by phase.
std::map<std::string, ByHand> count_by_hand(World& world) {
  std::map<std::string, ByHand> hand;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    std::set<zoho_sim::Id> told;   // customers whose country an invoice tells, which is fetched anyway
    ByHand& invoices = hand["invoices"];
    for (const auto& invoice : books.invoices.all()) {
      if (invoice.stage == zoho_sim::Stage::kDraft) continue;   // of a draft the row is enough
      ++invoices.details;
      if (invoice.stage != zoho_sim::Stage::kVoid) ++invoices.files;
      told.insert(invoice.contact);
    }
    const auto size = [](const auto& table) { return static_cast<std::int64_t>(table.all().size()); };
    invoices.lists = (size(books.invoices) + 199) / 200;        // counted by the remote: side by side
    ByHand& payments = hand["customer_payments"];
    for (const auto& payment : books.payments.all()) payments.details += payment.mode.empty() ? 0 : 1;   // written off: the row is enough
    payments.lists = size(books.payments) == 5'000 ? 27 : joined_pages(size(books.payments));            // table of decision 12
    std::int64_t customers = 0;
    ByHand& contacts = hand["contacts"];
    for (const auto& contact : books.contacts.all()) {
      if (contact.is_vendor) continue;
      ++customers;
      contacts.details += told.contains(contact.id) ? 0 : 1;
    }
    contacts.lists = joined_pages(customers);                   // sorted by change, newest first, and proven by overlap
    hand["items"].lists = joined_pages(size(books.items));      // an item has no detail that anybody reads
    hand["credit_notes"].lists = 1;                             // there are none, which has to be asked
  });
  return hand;
}

WorldOptions books_of_a_company() {
  WorldOptions options;
  options.contacts = kContacts;
  options.items = kItems;
  options.invoices = kInvoices;
  options.payments = kPayments;
  options.credit_notes = 0;
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 1000000}";
  return options;
}

const std::string kPhaseIds[] = {"invoices", "customer_payments", "contacts", "items", "credit_notes"};

}  // namespace

TEST_CASE("B2: the first sync of 2,000 contacts, 500 items, 10,000 invoices and 5,000 payments makes the fewest calls that are possible, and so do those after it") {
  World world(books_of_a_company());
  world.connect();
  std::map<std::string, ByHand> hand = count_by_hand(world);
  if (!kIsSanitized) {
    CHECK(hand["invoices"].lists == 50);
    CHECK(hand["items"].lists == 3);
  }
  world.transport.forget_calls();
  const runs::RunReport first = world.sync();
  REQUIRE_MESSAGE(first.outcome == runs::RunOutcome::kSucceeded, first.reason << ": " << first.message);
  std::int64_t calls = 0;
  for (const std::string& id : kPhaseIds) {
    CAPTURE(id);
    const runs::PhaseReport& phase = phase_of(first, id);
    CHECK(phase.calls.list == hand[id].lists);
    CHECK(phase.calls.detail == hand[id].details);
    CHECK(phase.calls.file == hand[id].files);
    CHECK(phase.calls.other == 0);
    // The report's own bound, kind by kind.
    CHECK(phase.fewest.list == hand[id].lists);
    CHECK(phase.fewest.detail == hand[id].details);
    CHECK(phase.fewest.file == hand[id].files);
    calls += phase.calls.total();
    MESSAGE(id << ": " << phase.calls.list << " lists, " << phase.calls.detail << " details, " << phase.calls.file << " files");
  }
  CHECK(calls == static_cast<std::int64_t>(world.transport.count("GET /books/v3/")));   // none that the report does not know
  CHECK(world.transport.strangers().empty());
  MESSAGE(calls << " calls in all");

  // Nothing has changed: one list call a phase, and each is its own lower bound.
  world.later(std::chrono::hours(1));
  world.transport.forget_calls();
  const runs::RunReport second = world.sync();
  CHECK(second.outcome == runs::RunOutcome::kNothingChanged);
  for (const std::string& id : kPhaseIds) {
    CAPTURE(id);
    const runs::PhaseReport& phase = phase_of(second, id);
    CHECK(phase.listed <= 200);   // a sorted list is read until it comes to what was known
    CHECK(phase.unchanged == phase.listed);
    CHECK(phase.calls.list == 1);
    CHECK(phase.calls.total() == 1);
    CHECK(phase.fewest.total() == 1);
  }
  CHECK(world.transport.count("GET /books/v3/") == 5);

  // One edited invoice: its list page, its detail, and its file, which shows what was edited.
  const std::string edited = world.some_invoice("sent");
  world.later(std::chrono::hours(1));
  world.control("POST", "invoices/" + edited, R"({"notes":"please pay"})");
  world.later(std::chrono::minutes(5));
  world.transport.forget_calls();
  const runs::RunReport third = world.sync();
  CHECK(third.outcome == runs::RunOutcome::kSucceeded);
  const runs::PhaseReport& invoices = phase_of(third, "invoices");
  CHECK(invoices.calls.list == 1);
  CHECK(invoices.calls.detail == 1);
  CHECK(invoices.calls.file == 1);
  CHECK(invoices.fewest.total() == 3);
  CHECK(world.transport.count("GET /books/v3/invoices/" + edited, 200) == 2);
  CHECK(world.transport.count("GET /books/v3/") == 7);
}

TEST_CASE("B2: without files an edited invoice costs its list page and one detail call") {
  WorldOptions options;
  options.more = "    budgets: {invoices.pdf: 0}\n";
  World world(options);
  world.connect();
  world.sync();
  const std::string edited = world.some_invoice("sent");
  world.later(std::chrono::hours(1));
  world.control("POST", "invoices/" + edited, R"({"notes":"please pay"})");
  world.later(std::chrono::minutes(5));
  world.transport.forget_calls();
  const runs::RunReport report = world.sync(only("invoices"));
  CHECK(world.transport.count("GET /books/v3/") == 2);
  CHECK(phase_of(report, "invoices").fewest.total() == 2);
}

TEST_CASE("B2: the report says the calls and their lower bound by kind") {
  World world;
  world.connect();
  const json::Value told = world.sync().to_json();
  for (const json::Value& phase : told.find("phases")->items()) {
    CAPTURE(phase.text_of("phase"));
    for (const char* kind : {"list", "detail", "file", "other", "total"}) {
      REQUIRE(phase.find("calls")->find(kind) != nullptr);
      REQUIRE(phase.find("lower_bound_by_kind")->find(kind) != nullptr);
      CHECK(phase.find("calls")->find(kind)->integer() == phase.find("lower_bound_by_kind")->find(kind)->integer());
    }
    CHECK(phase.find("lower_bound")->integer() == phase.find("lower_bound_by_kind")->find("total")->integer());
  }
}
