// Taking a document out of the books by hand and back, as a person types it.
#include <doctest/doctest.h>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("P7: berth records archive and unarchive, with what they print, their exit codes, and no call to the remote") {
  const Simulator simulator({.contacts = 4, .items = 3, .invoices = 8, .payments = 0, .credit_notes = 0});
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  const std::string receivables = berth.must({"ledger", "receivables", "zoho"});
  const Value open = berth.json({"ledger", "receivables", "zoho"});
  const std::string id(open.find("receivables")->items().at(0).text_of("remote_id"));
  const std::string number(open.find("receivables")->items().at(0).text_of("number"));
  simulator.reset_counters();

  CHECK(berth.run({"records", "archive", "zoho", "invoice/" + id}).exit == 2);   // nobody said why
  const Outcome unknown = berth.run({"records", "archive", "zoho", "invoice/4711", "--reason", "x"});
  CHECK(unknown.exit != 0);
  CHECK(has(unknown.err, "runs.record_unknown"));
  const std::string done = berth.must({"records", "archive", "zoho", "invoice", id, "--reason", "entered twice"});
  CHECK_MESSAGE(has(done, "invoice/" + id + " is archived; entries reversed: 1"), done);
  const std::string shown = berth.must({"records", "show", "zoho", number});
  CHECK_MESSAGE(has(shown, "berth.archived_by_hand: archived by cli on "), shown);
  CHECK(has(shown, "entered twice"));
  CHECK(has(berth.must({"records", "list", "zoho", "--state", "archived"}), id));
  const Outcome twice = berth.run({"records", "archive", "zoho", number, "--reason", "another"});
  CHECK(twice.exit != 0);
  CHECK_MESSAGE(has(twice.err, "runs.archived_already"), twice.err);
  CHECK(has(twice.err, "entered twice"));
  const std::string tied = berth.run({"ledger", "tie-out", "zoho"}).out;
  CHECK_MESSAGE(has(tied, "archived"), tied);
  CHECK(simulator.calls("list") + simulator.calls("detail") == 0);
  berth.must({"sync", "zoho", "--full"});
  CHECK(has(berth.must({"records", "list", "zoho", "--state", "archived"}), id));
  CHECK(has(berth.must({"mapping", "explain", "zoho", number}), "archived"));

  simulator.reset_counters();
  const std::string back = berth.must({"records", "unarchive", "zoho", "invoice/" + id});
  CHECK_MESSAGE(has(back, "invoice/" + id + " is posted; entries posted: 1"), back);
  CHECK(berth.must({"ledger", "receivables", "zoho"}) == receivables);
  CHECK(simulator.calls("list") + simulator.calls("detail") == 0);
  const Outcome again = berth.run({"records", "unarchive", "zoho", "invoice/" + id});
  CHECK(again.exit != 0);
  CHECK_MESSAGE(has(again.err, "runs.not_archived"), again.err);
  berth.must({"ledger", "check"});
}
