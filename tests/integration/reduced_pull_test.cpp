// `pull: reduced`: list rows stand for invoices, credit notes and contacts. What that saves, what it posts, what it says is missing,
// and how it becomes more later.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "host/admin/estimate.hpp"
#include "host/runs/estimate.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/rows.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

const std::string kReduced = "    pull: reduced\n";

WorldOptions reduced(WorldOptions options = {}) {
  options.more += kReduced;
  return options;
}

/// Calls for single invoices, credit notes or contacts: details, parts and files.
std::size_t details(World& world, const std::string& what) { return world.transport.count("GET /books/v3/" + what + "/"); }

std::string text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// Each `begin` is taken out with what follows it for as long as that `belongs`.
std::string without(std::string text, std::string_view begin, bool (*belongs)(char)) {
  for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    auto end = at + begin.size();
    while (end < text.size() && belongs(text[end])) ++end;
    text.erase(at, end - at);
  }
  return text;
}

/// Live entries without their sequence, which says how often a document posted before.
std::vector<std::string> standing(World& world) {
  std::vector<std::string> lines = world.journal(true);
  for (std::string& line : lines) line = without(std::move(line), " #", [](char c) { return c >= '0' && c <= '9'; });
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Balances of accounts that have one.
std::vector<std::string> balances(World& world) {
  std::vector<std::string> lines = world.balances();
  std::erase_if(lines, [](const std::string& line) { return line.ends_with(" 0.00"); });
  return lines;
}

std::int64_t by_row_alone(World& world, const std::string& entity) {
  return world.number("SELECT COUNT(*) FROM reduced_record WHERE entity = '" + entity + "'");
}

/// What the simulator's invoices come to in base currency, in cents, and how many credit notes need their detail.
struct Remote {
  std::int64_t invoices = 0, notes_in_use = 0, not_drafts = 0;
};
Remote remote_sums(World& world) {
  Remote sums;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (const auto& invoice : books.invoices.all()) {
      if (invoice.stage == zoho_sim::Stage::kDraft) continue;
      ++sums.not_drafts;
      if (invoice.stage == zoho_sim::Stage::kVoid) continue;
      if (invoice.currency == 0) sums.invoices += invoice.total;   // the base currency
    }
    for (const auto& note : books.credit_notes.all()) {
      if (note.stage == zoho_sim::Stage::kDraft || note.stage == zoho_sim::Stage::kVoid) continue;
      if (note.balance() != note.total) ++sums.notes_in_use;
    }
  });
  return sums;
}

/// Debits less credits of an account, in cents, over the lines of live and reversed entries.
std::int64_t net_of(World& world, const std::string& account) {
  return world.number("SELECT CAST(COALESCE(SUM(base_minor), 0) AS BIGINT) FROM entry_line WHERE account = '" + account + "'");
}

}  // namespace

TEST_CASE("C5: a reduced first sync reads list pages, and of invoices, credit notes and contacts nothing else: the fewest calls, counted by hand") {
  WorldOptions options;
  options.contacts = kIsSanitized ? 60 : 300;
  options.invoices = kIsSanitized ? 1'000 : 10'000;
  options.payments = 60;
  options.credit_notes = 30;
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 1000000}";
  World world(reduced(options));
  world.connect();
  const Remote remote = remote_sums(world);
  std::int64_t customers = 0, with_mode = 0;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (const auto& contact : books.contacts.all()) customers += contact.is_vendor ? 0 : 1;
    for (const auto& payment : books.payments.all()) with_mode += payment.mode.empty() ? 0 : 1;
  });
  REQUIRE(remote.notes_in_use > 0);
  world.transport.forget_calls();
  const runs::RunReport report = world.sync();
  REQUIRE_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);

  const runs::PhaseReport& invoices = phase_of(report, "invoices");
  CHECK(invoices.calls.list == (kIsSanitized ? 5 : 50));
  CHECK(invoices.calls.total() == invoices.calls.list);
  const runs::PhaseReport& contacts = phase_of(report, "contacts");
  CHECK(contacts.calls.list == (customers <= 200 ? 1 : 2));
  CHECK(contacts.calls.total() == contacts.calls.list);
  const runs::PhaseReport& notes = phase_of(report, "credit_notes");
  CHECK(notes.calls.list == 1);
  CHECK(notes.calls.detail == 3 * remote.notes_in_use);   // what it was applied to or refunded is not in the row
  CHECK(notes.calls.total() == notes.calls.list + notes.calls.detail);
  CHECK(phase_of(report, "customer_payments").calls.detail == with_mode);   // allocations are needed
  std::int64_t calls = 0;
  for (const runs::PhaseReport& phase : report.phases) {
    CAPTURE(phase.phase);
    CHECK(phase.calls.list == phase.fewest.list);
    CHECK(phase.calls.detail == phase.fewest.detail);
    CHECK(phase.calls.file == phase.fewest.file);
    calls += phase.calls.total();
  }
  CHECK(calls == static_cast<std::int64_t>(world.transport.count("GET /books/v3/")));
  MESSAGE(calls << " calls in all");

  // What is missing is said, for people and for programs.
  CHECK(invoices.reduced.missing == std::vector<std::string>{"line_items", "taxes", "discounts", "shipping", "custom_fields"});
  CHECK(invoices.reduced.documents == remote.not_drafts);
  CHECK(contacts.reduced.missing == std::vector<std::string>{"billing_address", "shipping_address", "contact_persons"});
  CHECK(contacts.reduced.documents == customers);
  CHECK(phase_of(report, "customer_payments").reduced.missing.empty());
  const json::Value told = report.to_json();
  const json::Value& first = told.find("phases")->items().front();
  REQUIRE(first.text_of("phase") == "invoices");
  CHECK(json::dump(*first.find("reduced")->find("missing")) == R"(["line_items","taxes","discounts","shipping","custom_fields"])");
  CHECK(first.find("reduced")->find("documents")->integer() == remote.not_drafts);

  // Nothing has changed: a list call a phase.
  world.later(std::chrono::hours(1));
  world.transport.forget_calls();
  const runs::RunReport second = world.sync();
  CHECK(second.outcome == runs::RunOutcome::kNothingChanged);
  CHECK(world.transport.count("GET /books/v3/") == 5);
}

TEST_CASE("C5: totals post to receivables and to the one account that was mapped for them, exact to the cent, until then they wait, and mapping costs no call") {
  WorldOptions options;
  options.credit_notes = 0;
  World world(reduced(options));
  world.connect();
  world.sync();
  const Remote remote = remote_sums(world);
  // Nobody has said where totals go, and nothing stands in for it.
  CHECK(world.records("invoice", "posted").empty());
  const auto parked = world.records("invoice", "parked");
  REQUIRE(!parked.empty());
  for (const storage::Record& record : parked) {
    CHECK(record.reason == "ledger.unmapped");
    CHECK(record.message.find("reduced_total") != std::string::npos);
  }
  world.map("default_income", "-", "acme_us", "sales");   // which is another thing
  world.map("default_expense", "-", "acme_us", "cogs");
  world.apply();
  CHECK(world.records("invoice", "posted").empty());
  CHECK(world.integration().actual == "setup_incomplete");
  world.transport.forget_calls();
  world.map_all();
  CHECK(world.transport.count("GET /books/v3/") == 0);
  CHECK(world.records("invoice", "parked").empty());
  CHECK(world.records("invoice", "failed").empty());
  CHECK(world.integration().actual == "connected");
  const json::Value facts = json::parse(world.records("invoice", "posted").front().detail_json).value;
  CHECK(facts.find("known_by_row") != nullptr);
  world.check_books();   // receivables of every invoice against the remote's balance
  CHECK(net_of(world, "owner_equity") == -remote.invoices);
  for (const char* account : {"sales", "sales_tax", "discounts", "shipping", "returns", "other_charges"}) {
    CAPTURE(account);
    CHECK(net_of(world, account) == 0);
  }
}

TEST_CASE("C5: documents in foreign currencies post at the rate of their list row, with a write-off, and the books add up") {
  WorldOptions options;
  options.foreign = 6'000;
  options.write_offs = 2'000;
  World world(reduced(options));
  world.connect();
  world.sync();
  world.map_all();
  CHECK(details(world, "invoices") == 0);
  CHECK(world.records("invoice", "failed").empty());
  CHECK(world.number("SELECT COUNT(*) FROM entry WHERE currency <> base_currency") > 0);
  world.check_books();
}

TEST_CASE("C5: pull: full fetches what was known by its row alone, posts it anew with its lines, and leaves the books as if it had been full from the start") {
  WorldOptions options;
  options.foreign = 2'000;
  World full(options);
  full.connect();
  full.sync();
  full.map_all();
  full.sync();
  full.map_all();

  World world(reduced(options));
  world.connect();
  world.sync();
  world.map_all();
  const std::int64_t waiting = by_row_alone(world, "invoice");
  REQUIRE(waiting > 0);
  REQUIRE(by_row_alone(world, "customer") == 0);
  REQUIRE(by_row_alone(world, "contact") > 0);
  world.later(std::chrono::hours(1));
  world.reconfigure("pull: reduced", "pull: full");
  world.transport.forget_calls();
  const runs::RunReport report = world.sync();
  CHECK(report.outcome == runs::RunOutcome::kSucceeded);
  CHECK(phase_of(report, "invoices").calls.detail == waiting);
  CHECK(phase_of(report, "invoices").fewest.detail == waiting);
  CHECK(phase_of(report, "invoices").reduced.missing.empty());
  CHECK(phase_of(report, "contacts").reduced.missing.empty());
  for (const char* entity : {"invoice", "credit_note", "contact"}) CHECK(by_row_alone(world, entity) == 0);
  world.map_all();
  world.later(std::chrono::hours(1));
  world.transport.forget_calls();
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
  CHECK(world.transport.count("GET /books/v3/") == 5);
  world.check_books();
  CHECK(balances(world) == balances(full));
  CHECK(standing(world) == standing(full));
  CHECK(net_of(world, "owner_equity") == 0);
}

TEST_CASE("C5: a run that ends in the middle of becoming full goes on with the next one, and nothing is fetched twice") {
  World world(reduced());
  world.connect();
  world.sync();
  world.map_all();
  const std::size_t waiting = static_cast<std::size_t>(by_row_alone(world, "invoice"));
  world.reconfigure("pull: reduced", "pull: full\n    budgets: {run: 20, invoices.pdf: 0}");
  world.transport.forget_calls();
  for (int i = 0; i < 20 && world.number("SELECT COUNT(*) FROM reduced_record") > 0; ++i) {
    world.later(std::chrono::hours(1));
    world.sync();
  }
  CHECK(world.number("SELECT COUNT(*) FROM reduced_record") == 0);
  CHECK(details(world, "invoices") == waiting);
  world.later(std::chrono::hours(1));
  world.map_all();
  world.check_books();
}

TEST_CASE("C5: pull: reduced takes nothing from documents that are known in full: they keep their lines, and are fetched when they change") {
  World world;
  world.connect();
  world.sync();
  world.map_all();
  const std::vector<std::string> before = world.journal();
  const std::string edited = world.some_invoice("sent");
  world.later(std::chrono::hours(1));
  world.reconfigure("mode: pull_only\n", "mode: pull_only\n" + kReduced);
  world.transport.forget_calls();
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
  CHECK(world.transport.count("GET /books/v3/") == 5);
  CHECK(world.journal() == before);

  // One that is known is edited, and one is new.
  world.control("POST", "invoices/" + edited, R"({"line_items":[{"name":"Work","rate":77.00,"quantity":1}]})");
  const std::string made = world.make_invoice("33.00");
  world.later(std::chrono::minutes(5));
  world.transport.forget_calls();
  const runs::RunReport report = world.sync();
  world.map_all();
  CHECK(world.transport.count("GET /books/v3/invoices/" + edited) > 0);
  CHECK(world.transport.count("GET /books/v3/invoices/" + made) == 0);
  CHECK(phase_of(report, "invoices").reduced.documents == 1);
  CHECK(net_of(world, "owner_equity") == -3300);
  CHECK(world.number("SELECT COUNT(*) FROM reduced_record") == 1);
  world.check_books();
}

TEST_CASE("C5: details that were asked for and never came are asked for no more with pull: reduced") {
  WorldOptions options;
  options.more = "    budgets: {run: 5}\n";
  World world(options);
  world.connect();
  world.sync();
  REQUIRE(world.number("SELECT COUNT(*) FROM detail_queue WHERE entity = 'invoice' AND want = 1") > 5);
  world.later(std::chrono::hours(1));
  world.reconfigure("    budgets: {run: 5}\n", kReduced);
  const runs::RunReport report = world.sync();
  world.map_all();
  CHECK(phase_of(report, "invoices").calls.detail == 0);
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE entity = 'invoice' AND want = 1") == 0);
  CHECK(world.records("invoice", "pending").empty());
  world.check_books();
}

TEST_CASE("C5: edits, voids, drafts and deletions of documents known by their rows alone are found, and cost no detail but that of the deletion") {
  World world(reduced());
  world.connect();
  world.sync();
  world.map_all();
  const std::string raised = world.make_invoice("10.00");
  const std::string voided = world.make_invoice("20.00");
  const std::string gone = world.make_invoice("40.00");
  const std::string draft = world.make_invoice("80.00", R"("status":"draft")");
  world.later(std::chrono::minutes(10));
  world.sync();
  world.map_all();
  const std::int64_t before = net_of(world, "owner_equity");
  CHECK(world.record("invoice", voided).state == "posted");
  CHECK(world.record("invoice", draft).state == "ignored");

  world.later(std::chrono::hours(1));
  world.control("POST", "invoices/" + raised, R"({"line_items":[{"name":"Work","rate":11.00,"quantity":1}]})");
  world.control("POST", "invoices/" + voided + "/void");
  world.control("POST", "invoices/" + draft + "/sent");
  world.control("DELETE", "invoices/" + gone);
  world.later(std::chrono::minutes(10));
  world.transport.forget_calls();
  world.sync();
  CHECK(details(world, "invoices") == 0);
  CHECK(world.record("invoice", voided).state == "ignored");
  CHECK(net_of(world, "owner_equity") == before - 100 + 2000 - 8000);
  world.sync(everything());
  CHECK(world.record("invoice", gone).state == "archived");
  CHECK(details(world, "invoices") == 1);   // asked whether it is gone, which two lists did not show
  CHECK(net_of(world, "owner_equity") == before - 100 + 2000 - 8000 + 4000);
  world.check_books();
}

TEST_CASE("C5: a credit note is known by its row until it is applied, which is fetched") {
  // Credits are known in full, and go to the company that their field names; invoices have to be told the same by their rows.
  WorldOptions options;
  options.credit_notes = 12;
  options.mapping = replaced(text_of_file(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml"), "{custom_field: Company}", "{custom_field: {api_name: cf_company}}");
  World world(reduced(options));
  world.connect();
  world.sync();
  world.map_all();
  CHECK(world.number("SELECT COUNT(*) FROM entry WHERE company = 'acme_west'") > 0);
  CHECK(world.records("credit_note", "parked").empty());
  const Remote remote = remote_sums(world);
  CHECK(world.records("credit_note", "failed").empty());
  CHECK(by_row_alone(world, "credit_note") > 0);
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE entity = 'credit_note' AND detail_fetched_ms > 0") == remote.notes_in_use);
  world.check_books();
}

TEST_CASE("C5: a row that lacks what the connector needs of it has its document fetched, and nothing is guessed") {
  WorldOptions options;
  options.phases = replaced(text_of_file(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/phases.yaml"), "needs: [status, invoice_number,", "needs: [salesperson_name, invoice_number,");
  World world(reduced(options));
  world.connect();
  const runs::RunReport report = world.sync();
  CHECK(phase_of(report, "invoices").calls.detail == remote_sums(world).not_drafts);
  CHECK(by_row_alone(world, "invoice") == 0);
  CHECK(phase_of(report, "invoices").reduced.documents == 0);
  world.map_all();
  world.check_books();
}

TEST_CASE("C5: rules that do not say that a total may stand for a document park it, and say so") {
  WorldOptions options;
  const std::string rules = text_of_file(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml");
  options.mapping = without(rules, "\n    reduced: total", [](char c) { return c != '\n'; });
  World world(reduced(options));
  world.connect();
  world.sync();
  const auto parked = world.records("invoice", "parked");
  REQUIRE(!parked.empty());
  for (const storage::Record& record : parked) CHECK(record.reason == "mapping.reduced_unsupported");
  CHECK(world.number("SELECT COUNT(*) FROM entry") == 0);
}

TEST_CASE("C5: files are fetched without their documents only where the operator has given them calls") {
  WorldOptions options;
  options.more = "    budgets: {invoices.pdf: 1000}\n";
  World world(reduced(options));
  world.connect();
  const runs::RunReport report = world.sync();
  const runs::PhaseReport& invoices = phase_of(report, "invoices");
  CHECK(invoices.calls.detail == 0);
  CHECK(invoices.calls.file > 0);
  CHECK(invoices.files == invoices.calls.file);
  CHECK(invoices.fewest.file == invoices.calls.file);
}

TEST_CASE("C5: a contact known by its row has its name, company and currency, no country, and is not asked for") {
  World world(reduced());
  world.connect();
  world.sync();
  CHECK(details(world, "contacts") == 0);
  const auto contacts = world.records("contact", "posted");
  REQUIRE(!contacts.empty());
  for (const storage::Record& record : contacts) {
    std::optional<storage::LocalRow> row;
    REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
      row = BERTH_TRY(storage::rows::find_by_remote(connection, "customer", kIntegration, record.remote_id));
      return success();
    }).ok());
    REQUIRE(row.has_value());
    const json::Value document = json::parse(row->document_json).value;
    CHECK(!document.text_of("name").empty());
    CHECK(!document.text_of("currency").empty());
    CHECK(document.find("country") == nullptr);
  }
}

TEST_CASE("C5: the estimate and the status know what is not pulled, and what pull: full will cost") {
  World world(reduced());
  world.connect();
  world.sync();
  world.map_all();
  world.later(std::chrono::hours(1));
  const auto estimated = [&] {
    runs::Estimate estimate;
    REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
      estimate = BERTH_TRY(runs::estimate_sync(connection, world.unit().setup, {}));
      return success();
    }).ok());
    return estimate;
  };
  const auto view = [&] {
    json::Value one;
    REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
      one = BERTH_TRY(admin::integration_view(connection, world.registry->quota_keys(), BERTH_TRY(storage::integrations::find(connection, kIntegration)).value(), world.clock.now()));
      return success();
    }).ok());
    return one;
  };
  const std::int64_t waiting = by_row_alone(world, "invoice");
  const auto invoices_of = [](const runs::Estimate& estimate) {
    return *std::find_if(estimate.phases.begin(), estimate.phases.end(), [](const runs::PhaseEstimate& one) { return one.phase == "invoices"; });
  };
  const runs::PhaseEstimate before = invoices_of(estimated());
  CHECK(before.at_least.total() == 1);
  REQUIRE(before.if_all_changed.has_value());
  CHECK(before.if_all_changed->detail == 0);
  CHECK(before.if_all_changed->file == 0);
  CHECK(view().text_of("pull") == "reduced");
  CHECK(view().find("known_by_row")->integer() == world.number("SELECT COUNT(*) FROM reduced_record"));

  world.reconfigure("pull: reduced", "pull: full");
  CHECK(invoices_of(estimated()).at_least.detail == waiting);
  CHECK(view().text_of("pull") == "full");
  const runs::RunReport report = world.sync();
  CHECK(phase_of(report, "invoices").calls.detail == waiting);
  CHECK(view().find("known_by_row")->integer() == 0);
}

TEST_CASE("C5: histories in windows ask for no details either, and the forecast knows it") {
  WorldOptions options;
  options.invoices = 120;
  options.backfill = "{from: 12_months_then_all}";
  World world(reduced(options));
  world.connect();
  for (int i = 0; i < 5; ++i) {
    world.sync();
    world.later(std::chrono::hours(1));
  }
  world.map_all();
  CHECK(details(world, "invoices") == 0);
  CHECK(by_row_alone(world, "invoice") == remote_sums(world).not_drafts);
  world.check_books();
}

TEST_CASE("C5: killed at any commit while what is known by rows becomes full, the next run goes on, and the books come out the same") {
  std::vector<std::string> wanted;
  int commits = 0;
  {
    World world;
    world.connect();
    world.sync();
    world.map_all();
    wanted = standing(world);
  }
  for (int at = 1; commits == 0 || at < commits; at += 4 * kEvery) {
    CAPTURE(at);
    World world(reduced());
    world.connect();
    world.sync();
    world.map_all();
    world.reconfigure("pull: reduced", "pull: full");
    const int before = world.database->commits();
    world.database->die_after(at);
    const auto cut = world.try_sync();
    world.database->revive();
    if (cut.ok()) commits = world.database->commits() - before;
    world.restart();
    for (int i = 0; i < 3; ++i) {
      world.later(std::chrono::hours(1));
      world.sync();
    }
    world.map_all();
    CHECK(world.number("SELECT COUNT(*) FROM reduced_record") == 0);
    CHECK(standing(world) == wanted);
    world.check_books();
    if (cut.ok()) break;
  }
}
