// The main job, from the consent page to the books: what a first sync brings and costs, what waits for a person, what the
// second sync costs, and what one edit costs. One world for all steps, because each starts where the last one ended.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const char* const kPhases[] = {"invoices", "customer_payments", "contacts", "items", "credit_notes"};

const Value& phase_of(const Value& report, std::string_view phase) { return row_where(*report.find("phases"), "phase", phase); }

/// The calls of a report by kind are what the simulator counted since its counters were reset, and the fewest possible.
void check_calls(const Value& report, const Simulator& simulator) {
  std::map<std::string, std::int64_t> sums;
  for (const char* phase : kPhases) {
    CAPTURE(phase);
    const Value& row = phase_of(report, phase);
    for (const char* kind : {"list", "detail", "file", "other"}) sums[kind] += number_at(row, std::string("calls.") + kind);
    CHECK(number_at(row, "calls.total") == number_at(row, "lower_bound"));
  }
  for (const auto& [kind, sum] : sums) {
    CAPTURE(kind);
    CHECK(sum == simulator.calls(kind));
  }
}

/// The table that `berth sync` prints has a row for each phase with the same numbers as its JSON.
void check_table(const std::string& text, const std::map<std::string, std::vector<std::int64_t>>& rows) {
  std::istringstream lines(text);
  std::string heading;
  std::getline(lines, heading);
  for (const char* column : {"phase", "listed", "fetched", "posted", "parked", "calls", "lower bound"}) {
    CAPTURE(column);
    CHECK(heading.find(column) != std::string::npos);
  }
  std::size_t found = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string phase, outcome;
    words >> phase >> outcome;
    if (!rows.contains(phase)) continue;
    ++found;
    std::vector<std::int64_t> numbers;
    for (std::int64_t number = 0; words >> number;) numbers.push_back(number);
    CAPTURE(line);
    CHECK(numbers == rows.at(phase));
  }
  CHECK(found == rows.size());
}

/// Sums in hundredths by "company/account", as hledger computes them from the journal; nothing where hledger refuses it.
std::map<std::string, std::int64_t> balances_by_hledger(const std::string& journal) {
  const Outcome outcome = run({"hledger", "-f", "-", "balance", "--flat", "--no-total", "--empty", "-O", "csv"}, Start{.folder = ".", .environment = {}, .input = journal});
  REQUIRE_MESSAGE(outcome.exit == 0, outcome.err);
  std::map<std::string, std::int64_t> balances;
  std::istringstream lines(outcome.out);
  std::string line;
  std::getline(lines, line);
  REQUIRE(line == "\"account\",\"balance\"");
  while (std::getline(lines, line)) {
    const auto middle = line.find("\",\"");
    const std::string name = line.substr(1, middle - 1);          // assets:acme_us:receivable
    const std::string amount = line.substr(middle + 3, line.size() - middle - 4);
    const auto first = name.find(':'), second = name.find(':', first + 1);
    balances[name.substr(first + 1, second - first - 1) + "/" + name.substr(second + 1)] = cents(amount.substr(0, amount.find(' ')));
  }
  return balances;
}

void check_hledger(const Workspace& berth) {
  const std::string journal = berth.must({"ledger", "export", "--format", "hledger"});
  const Outcome checked = run({"hledger", "-f", "-", "check"}, Start{.folder = ".", .environment = {}, .input = journal});
  if (checked.exit == 127) return;   // the last case of this file tells
  CHECK_MESSAGE(checked.exit == 0, checked.err);
  std::map<std::string, std::int64_t> ours;
  const Value balances = berth.json({"ledger", "balance"});
  for (const Value& row : balances.find("balances")->items()) {
    ours[std::string(row.text_of("company")) + "/" + std::string(row.text_of("account"))] = cents(row.text_of("balance"));
  }
  CHECK(ours.size() > 10);
  CHECK(balances_by_hledger(journal) == ours);
}

/// What is open of every posted invoice, against the simulator's own arithmetic.
void check_receivables(const Workspace& berth, const Simulator& simulator) {
  const Value books = simulator.control("books");
  CHECK(books.find("problems")->size() == 0);
  std::map<std::string, std::int64_t> theirs, ours;
  for (const auto& [id, invoice] : books.find("invoices")->members()) {
    if (invoice.text_of("status") != "draft" && invoice.text_of("status") != "void") theirs[id] = cents(invoice.text_of("balance"));
  }
  const Value receivables = berth.json({"ledger", "receivables"});
  for (const Value& row : receivables.find("receivables")->items()) ours[std::string(row.text_of("remote_id"))] = cents(row.text_of("open"));
  CHECK(theirs.size() > 200);
  CHECK(ours == theirs);
}

std::int64_t sum_of_states(const Value& status, std::string_view entity, std::initializer_list<std::string_view> states) {
  std::int64_t sum = 0;
  const Value* counts = status.find("records")->find(entity);
  for (const std::string_view state : states) {
    const Value* count = counts == nullptr ? nullptr : counts->find(state);
    if (count != nullptr) sum += count->integer().value();
  }
  return sum;
}

}  // namespace

TEST_CASE("D1 D4 D5 D7 D9 D10 D11 D16: connect, sync, map, post, sync again, one edit") {
  const Simulator simulator;
  const Workspace berth(simulator);

  // D1: the consent flow.
  CHECK(berth.status().text_of("status") != "connected");
  const Outcome connected = berth.connect();
  CHECK(connected.out.find("Acme Trading") != std::string::npos);
  CHECK(berth.status().text_of("status") == "initial_sync");

  // D5, D11: the first sync asks once for each page of a list and once for each document, and for nothing else.
  simulator.reset_counters();
  const Value first = berth.json({"sync", "zoho"});
  CHECK(first.text_of("outcome") == "succeeded");
  check_calls(first, simulator);
  const Value books = simulator.control("books");
  std::int64_t drafts = 0, voids = 0;
  for (const auto& [id, invoice] : books.find("invoices")->members()) {
    drafts += invoice.text_of("status") == "draft";
    voids += invoice.text_of("status") == "void";
  }
  REQUIRE(drafts > 0);
  REQUIRE(voids > 0);
  const Value& invoices = phase_of(first, "invoices");
  CHECK(number_at(invoices, "listed") == 300);
  CHECK(number_at(invoices, "fetched") == 300 - drafts);          // D9: a draft costs no detail call
  CHECK(number_at(invoices, "files") == 300 - drafts - voids);
  CHECK(number_at(invoices, "ignored") == drafts + voids);
  CHECK(number_at(invoices, "posted") + number_at(invoices, "parked") == 300 - drafts - voids);
  CHECK(number_at(phase_of(first, "customer_payments"), "fetched") == 200);
  CHECK(number_at(phase_of(first, "items"), "listed") == 30);
  CHECK(number_at(phase_of(first, "items"), "calls.total") == 1);

  // D4, D7, D10: what waits for accounts says so, and posts from the store once they are mapped, with no remote call.
  const Value waiting = berth.status();
  CHECK(waiting.text_of("status") == "setup_incomplete");
  CHECK(sum_of_states(waiting, "item", {"parked"}) == 30);
  const Value rows = berth.json({"accounts", "list", "zoho"});
  CHECK(row_where(*rows.find("accounts"), "row", "default_income/-/acme_us").find("account")->is_null());
  const Value calls_before = simulator.control("counters");
  berth.map_all_accounts();
  CHECK(simulator.control("counters") == calls_before);
  const Value mapped = berth.status();
  CHECK(mapped.text_of("status") == "connected");
  CHECK(number_at(mapped, "unmapped_accounts") == 0);
  CHECK(sum_of_states(mapped, "invoice", {"posted"}) == 300 - drafts - voids);
  CHECK(sum_of_states(mapped, "customer_payment", {"posted"}) == 200);
  CHECK(sum_of_states(mapped, "item", {"posted"}) == 30);
  for (const char* entity : {"contact", "item", "invoice", "customer_payment", "credit_note"}) {
    CAPTURE(entity);
    CHECK(sum_of_states(mapped, entity, {"parked", "failed", "skipped", "pending"}) == 0);
  }
  CHECK(berth.run({"ledger", "check"}).exit == 0);
  check_receivables(berth, simulator);
  check_hledger(berth);

  // Nothing has changed: one list call for each phase, no document, no file, nothing posted.
  const std::string journal = berth.must({"ledger", "export", "--format", "hledger"});
  simulator.reset_counters();
  const std::string second = berth.must({"sync", "zoho"});
  CHECK(second.find("nothing_changed") != std::string::npos);
  CHECK(simulator.calls("list") == 5);
  CHECK(second.find("calls: 5 of lists, 0 of details, 0 of files, 0 others; the fewest possible: 5, 0, 0, 0") != std::string::npos);
  for (const char* kind : {"detail", "file", "other", "token"}) CHECK(simulator.calls(kind) == 0);
  // listed, fetched, files, unchanged, posted, parked, skipped, failed, ignored, calls, lower bound
  check_table(second, {{"customer_payments", {200, 0, 0, 200, 0, 0, 0, 0, 0, 1, 1}}, {"items", {30, 0, 0, 30, 0, 0, 0, 0, 0, 1, 1}}});
  CHECK(berth.must({"ledger", "export", "--format", "hledger"}) == journal);

  // One edit: its page, its document, its PDF; its entry is reversed and posted anew.
  std::string edited;
  const Value open_books = simulator.control("books");
  for (const auto& [id, invoice] : open_books.find("invoices")->members()) {
    const std::string_view status = invoice.text_of("status");
    if ((status == "sent" || status == "overdue") && invoice.text_of("balance") == invoice.text_of("total") && cents(invoice.text_of("total")) > 0) edited = id;
  }
  REQUIRE(!edited.empty());
  const std::string source = "invoice/" + edited;
  const Value before = berth.json({"ledger", "entries", "--source", source});
  REQUIRE(before.find("entries")->size() == 1);
  simulator.post("invoices/" + edited, R"({"adjustment": 12.34, "adjustment_description": "late fee"})");
  simulator.reset_counters();
  const Value third = berth.json({"sync", "zoho"});
  CHECK(third.text_of("outcome") == "succeeded");
  CHECK(simulator.calls("list") == 5);
  CHECK(simulator.calls("detail") == 1);
  CHECK(simulator.calls("file") == 1);
  check_calls(third, simulator);
  CHECK(number_at(phase_of(third, "invoices"), "posted") == 1);
  const Value after = berth.json({"ledger", "entries", "--source", source});
  REQUIRE(after.find("entries")->size() == 3);
  const auto& entries = after.find("entries")->items();
  CHECK(entries[1].text_of("reverses") == entries[0].text_of("id"));
  CHECK(entries[0].text_of("reversed_by") == entries[1].text_of("id"));
  CHECK(entries[2].text_of("version") != entries[0].text_of("version"));
  CHECK(entries[2].text_of("sequence") != entries[0].text_of("sequence"));
  CHECK(berth.must({"ledger", "check"}) == "the books are sound\n");
  check_receivables(berth, simulator);
  check_hledger(berth);
}

TEST_CASE("hledger accepts the journal and agrees with every balance") {
  // Checked above, twice; this case is what counts as skipped where the program is missing.
  const Outcome version = run({"hledger", "--version"}, Start{});
  if (version.exit == 127) {
    MESSAGE("skipped: hledger is not installed, so nobody but Berth has looked at the journal");
    return;
  }
  CHECK(version.exit == 0);
}
