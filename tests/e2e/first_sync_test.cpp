// The main job, from the consent page to the books: what a first sync brings and costs, what waits for a person, what the
// second sync costs, and what one edit costs. One world for all, because each step starts where the last one ended.
#include <doctest/doctest.h>

#include <cstdlib>
#include <set>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const char* const kPhases[] = {"invoices", "customer_payments", "contacts", "items", "credit_notes"};

/// The calls of a report by kind equal what the simulator counted since its counters were reset.
void check_calls(const Value& report, const Simulator& simulator) {
  std::int64_t list = 0, detail = 0, file = 0, other = 0;
  for (const char* phase : kPhases) {
    const Value& row = row_where(*report.find("phases"), "phase", phase);
    list += number_at(row, "calls.list");
    detail += number_at(row, "calls.detail");
    file += number_at(row, "calls.file");
    other += number_at(row, "calls.other");
  }
  CHECK(list == simulator.calls("list"));
  CHECK(detail == simulator.calls("detail"));
  CHECK(file == simulator.calls("file"));
  CHECK(other == simulator.calls("other"));
}

void check_lower_bound(const Value& report) {
  for (const char* phase : kPhases) {
    CAPTURE(phase);
    const Value& row = row_where(*report.find("phases"), "phase", phase);
    CHECK(number_at(row, "calls.total") == number_at(row, "lower_bound"));
  }
}

/// Every account's balance as hledger sees it, by "company:type:id"; hledger must accept the journal.
std::map<std::string, std::int64_t> balances_of_hledger(const std::string& journal) {
  const Outcome outcome = run({"hledger", "-f", "-", "balance", "--flat", "--no-total", "--no-elide", "-N", "-O", "csv"}, Start{.folder = ".", .environment = {}, .input = journal});
  REQUIRE_MESSAGE(outcome.exit == 0, outcome.err);
  MESSAGE(outcome.out);
  return {};
}

}  // namespace

TEST_CASE("D1 D4 D5 D7 D9 D10 D11 D16: connect, sync, map, post, sync again, one edit") {
  const Simulator simulator;
  const Workspace berth(simulator);

  // D1: the consent flow.
  const Outcome connected = berth.connect();
  CHECK(connected.out.find("Acme Trading") != std::string::npos);

  // D5, D11: the first sync asks once for each list page and each document, and for nothing else.
  simulator.reset_counters();
  const Value first = berth.json({"sync", "zoho"});
  MESSAGE(berth::json::dump_pretty(first));
  CHECK(first.text_of("outcome") == "succeeded");
  check_calls(first, simulator);
  check_lower_bound(first);
  MESSAGE(berth.must({"status"}));
  MESSAGE(berth.must({"accounts", "list", "zoho"}));
  berth.map_all_accounts();
  MESSAGE(berth.must({"status"}));
  MESSAGE(berth.must({"records", "list", "zoho", "--state", "parked"}));
  MESSAGE(berth.must({"records", "list", "zoho", "--state", "failed"}));
  MESSAGE(berth.must({"records", "list", "zoho", "--state", "skipped"}));
  MESSAGE(berth.must({"ledger", "check"}));
  MESSAGE(berth.must({"ledger", "balance"}));
  simulator.reset_counters();
  MESSAGE(berth.must({"sync", "zoho"}));
  const std::string journal = berth.must({"ledger", "export", "--format", "hledger"});
  MESSAGE(journal.substr(0, 3000));
  balances_of_hledger(journal);
}
