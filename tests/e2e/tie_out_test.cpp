// `berth ledger tie-out` and its REST face: the books of an ordinary first sync are the remote's, and where they differ every
// place is listed with its cause, and nothing is adjusted.
#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

/// "invoice 4815: here 100.00, remote 1.00, by 99.00, unexplained" of each, then the reason and the other record if there are some.
std::set<std::string> shown(const Value& view) {
  std::set<std::string> lines;
  for (const Value& one : view.find("differences")->items()) {
    std::string line = std::string(one.text_of("what")) + " " + std::string(one.text_of("remote_id")) + ": here " + std::string(one.text_of("here")) +
                       ", remote " + std::string(one.text_of("remote")) + ", by " + std::string(one.text_of("difference")) + ", " + std::string(one.text_of("cause"));
    for (const char* member : {"related", "reason"}) {
      if (!one.text_of(member).empty()) line += ", " + std::string(one.text_of(member));
    }
    lines.insert(line);
  }
  return lines;
}

std::string text_of(const std::set<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::int64_t calls_of(const Simulator& simulator) { return simulator.control("counters").find("calls")->integer().value(); }

}  // namespace

TEST_CASE("B8: after a first sync every invoice, credit note and customer has the remote's balance, voids and drafts among them, and nobody is called") {
  const Simulator simulator({.contacts = 15, .items = 8, .invoices = 60, .payments = 40, .credit_notes = 10, .more = {"--voids", "20", "--drafts", "20", "--foreign", "20"}});
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  // Before the rows are mapped nearly everything waits: each is listed as waiting, and the exit code says that there is something.
  const Value before = berth.json({"ledger", "tie-out", "zoho"}, 1);
  CHECK(before.find("differences")->size() > 10);
  for (const Value& one : before.find("differences")->items()) {
    const std::string_view cause = one.text_of("cause");
    CHECK_MESSAGE((cause == "waits" || cause == "documents" || cause == "related"), berth::json::dump(one));
  }
  berth.map_all_accounts();
  // What is void after it posted: the remote keeps its balance, and it is no receivable there either.
  const std::string voided(simulator.post("invoices", R"({"line_items":[{"name":"Work","rate":70,"quantity":1}]})").text_of("id"));
  berth.must({"sync", "zoho"});
  simulator.post("invoices/" + voided + "/void");
  berth.must({"sync", "zoho"});

  simulator.reset_counters();
  const std::string journal = berth.sorted_journal();
  const Value view = berth.json({"ledger", "tie-out", "zoho"});
  CHECK_MESSAGE(view.find("differences")->size() == 0, text_of(shown(view)));
  CHECK(number_at(view, "invoices") > 35);
  CHECK(number_at(view, "credit_notes") > 5);
  CHECK(number_at(view, "customers") > 5);
  CHECK(number_at(view, "without_balance") == 0);
  CHECK(berth.must({"ledger", "tie-out", "zoho"}).find("no difference") != std::string::npos);
  CHECK(berth.sorted_journal() == journal);
  CHECK(calls_of(simulator) == 0);
}

TEST_CASE("B8: where balances differ each is listed with its cause, on the command line and by REST, and nothing is adjusted") {
  const Simulator simulator({.contacts = 6, .items = 4, .invoices = 10, .payments = 5, .credit_notes = 2});
  const Workspace berth(simulator);
  berth.connect();
  const auto make_invoice = [&](const std::string& rate, const std::string& more = "") {
    return std::string(simulator.post("invoices", R"({"line_items":[{"name":"Work","rate":)" + rate + R"(,"quantity":1)" + more + "}]}").text_of("id"));
  };
  const std::string misread = make_invoice("100"), paid = make_invoice("200"), stale = make_invoice("300"), refused = make_invoice("400"), untouched = make_invoice("500");
  const Value remote = simulator.control("books");
  const std::string customer(remote.find("invoices")->find(untouched)->text_of("customer_id"));
  const std::string note(simulator.post("credit_notes", R"({"customer_id":")" + customer + R"(","line_items":[{"name":"Work","rate":60,"quantity":1}]})").text_of("id"));
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  berth.must({"sync", "zoho"});
  const Value fine = berth.json({"ledger", "tie-out", "zoho"});
  REQUIRE_MESSAGE(fine.find("differences")->size() == 0, text_of(shown(fine)));
  const std::int64_t invoices = number_at(fine, "invoices");

  // The chosen places. Answers about the first say a balance that is not its own; the payment of the second has a mode that
  // nobody mapped; the new version of the third cannot be fetched; that of the fourth has a total that is not its lines'; a
  // new one waits for its tax; and the credit note's balance is a cent off.
  const auto fault = [&](const std::string& what, const std::string& path) { simulator.post("faults", "{" + what + R"(,"path":"/books/v3/)" + path + R"(","count":-1})"); };
  fault(R"("kind":"field","field":"balance","body":"1.00")", "invoices/" + misread);
  fault(R"("kind":"status","status":400,"body":"{\"code\":9999,\"message\":\"not today\"}")", "invoices/" + stale);
  fault(R"("kind":"field","field":"total","body":"401.00")", "invoices/" + refused);
  fault(R"("kind":"field","field":"balance","body":"59.99")", "creditnotes/" + note);
  simulator.post("invoices/" + misread, R"({"reference_number":"again"})");
  const std::string payment(simulator.post("payments", R"({"invoice_id":")" + paid + R"(","payment_mode":"Barter"})").text_of("id"));
  simulator.post("invoices/" + stale, R"({"line_items":[{"name":"Work","rate":350,"quantity":1}]})");
  simulator.post("invoices/" + refused, R"({"line_items":[{"name":"Work","rate":450,"quantity":1}]})");
  const std::string waiting = make_invoice("20", R"(,"tax_percentage":20)");
  simulator.post("credit_notes/" + note + "/apply", R"({"invoice_id":")" + untouched + R"(","amount":10})");
  (void)berth.run({"sync", "zoho"});
  simulator.clear_faults();

  simulator.reset_counters();
  const std::string journal = berth.sorted_journal();
  const Value view = berth.json({"ledger", "tie-out", "zoho"}, 1);
  std::set<std::string> documents = shown(view), customers;
  for (auto line = documents.begin(); line != documents.end();) {
    const bool is_customer = line->starts_with("outstanding ") || line->starts_with("unused_credits ");
    if (is_customer) customers.insert(*line);
    line = is_customer ? documents.erase(line) : std::next(line);
  }
  CHECK_MESSAGE(documents == (std::set<std::string>{
                                 "invoice " + misread + ": here 100.00, remote 1.00, by 99.00, unexplained",
                                 "invoice " + paid + ": here 200.00, remote 0.00, by 200.00, related, customer_payment/" + payment + ", ledger.unmapped",
                                 "invoice " + stale + ": here 300.00, remote 350.00, by -50.00, not_fetched, berth.detail_missing",
                                 "invoice " + refused + ": here 400.00, remote 450.00, by -50.00, attention, ledger.totals",
                                 "invoice " + waiting + ": here 0.00, remote 24.00, by -24.00, waits, ledger.unmapped",
                                 "credit_note " + note + ": here 50.00, remote 59.99, by -9.99, unexplained",
                             }),
                text_of(documents));
  // What the remote said of the customer is older than the credit note's application.
  CHECK_MESSAGE(customers.size() == 2, text_of(customers));
  for (const std::string& one : customers) CHECK_MESSAGE((one.find(" " + customer + ":") != std::string::npos && one.ends_with(", older")), one);
  CHECK(number_at(view, "invoices") == invoices + 1);

  const Outcome printed = berth.run({"ledger", "tie-out", "zoho"});
  CHECK(printed.exit == 1);
  for (const Value& one : view.find("differences")->items()) CHECK_MESSAGE(printed.out.find(one.text_of("remote_id")) != std::string::npos, printed.out);
  for (const char* part : {"related customer_payment/", "  not_fetched: the remote's list shows a newer version", "; 8 differences\n"}) {
    CHECK_MESSAGE(printed.out.find(part) != std::string::npos, printed.out);
  }

  const std::string token(berth.json({"token", "create", "watcher", "--role", "viewer"}).text_of("token"));
  berth.must({"pause", "zoho"});
  const auto host = berth.serve();
  const Answer answer = get(berth.origin() + "/api/v1/integrations/zoho/tie-out", {{"Authorization", "Bearer " + token}});
  CHECK(answer.status == 200);
  CHECK(berth::json::dump(answer.json()) == berth::json::dump(view));
  CHECK(get(berth.origin() + "/api/v1/integrations/zoho/tie-out").status == 401);
  CHECK(calls_of(simulator) == 0);
  CHECK(berth.sorted_journal() == journal);
  host->signal(SIGTERM);
  CHECK(host->wait(std::chrono::seconds(20)).exit == 0);
}
