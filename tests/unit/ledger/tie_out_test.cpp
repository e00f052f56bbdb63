// I10, B9: every difference between the open items here and the remote's balances is listed with its cause, and nothing is
// adjusted. The differences are seeded: each case makes one and expects exactly it.
#include "host/ledger/tie_out.hpp"

#include "host/core/hash.hpp"
#include "host/storage/records.hpp"
#include "unit/ledger/fixture.hpp"

namespace berth::ledger::testing {
namespace {

constexpr std::string_view kInvoice =
    R"({"kind":"invoice","id":"I1","number":"INV-1","lines":[{"item":"goods","amount":"100.00"}],"sub_total":"100.00","total":"100.00"})";
constexpr std::string_view kNote =
    R"({"kind":"credit_note","id":"C1","lines":[{"item":"goods","amount":"30.00"}],"sub_total":"30.00","total":"30.00"})";
constexpr std::string_view kPayment =
    R"({"kind":"customer_payment","id":"P1","amount":"60.00","unused":"20.00","allocations":[{"id":"A1","invoice":"I1","amount":"40.00"}]})";

struct Books : Fixture {
  /// An answer of the remote, as a pull stores it, and what became of it.
  void store(const std::string& entity, const std::string& id, const std::string& body, storage::RecordOutcome outcome,
             Instant fetched = kNow) {
    write([&](storage::Connection& c) -> Status {
      const std::string hash = blake2b_hex(body);
      const auto captured = BERTH_TRY(storage::records::capture_detail(
          c, {.integration = kIntegration, .entity = entity, .remote_id = id, .version = "1", .content_hash = hash, .body = body, .fetched = fetched}));
      return storage::records::set_state(c, captured.record, outcome, kNow);
    });
  }
  void invoice(const std::string& id, const std::string& balance, storage::RecordOutcome outcome = {.state = "posted"}) {
    store("invoice", id,
          fmt::format(R"({{"invoice_id":"{}","invoice_number":"INV-{}","customer_id":"C1","currency_code":"USD","balance":{}}})", id, id, balance),
          std::move(outcome));
  }
  void note(const std::string& id, const std::string& balance) {
    store("credit_note", id, fmt::format(R"({{"currency_code":"USD","customer_id":"C1","balance":"{}"}})", balance), {.state = "posted"});
  }
  void customer(const std::string& outstanding, const std::string& unused, Instant fetched) {
    store("contact", "C1",
          fmt::format(R"({{"currency_code":"USD","contact_name":"Bowman","outstanding_receivable_amount":{},"unused_credits_receivable_amount":{}}})",
                      outstanding, unused),
          {.state = "posted", .local_id = "cus_1"}, fetched);
  }
  void post_all() {
    REQUIRE(post(kInvoice).reason() == "");
    REQUIRE(post(kNote).reason() == "");
    REQUIRE(post(kPayment).reason() == "");
  }
  TieOut tie_out() {
    const std::size_t before = entry_count();
    TieOut found = read<TieOut>([](storage::Connection& c) { return tie_out_with_remote(c, std::string(kIntegration)); });
    CHECK(entry_count() == before);
    return found;
  }
  /// "invoice I1: 60.00, remote 59.99, unexplained" lines.
  std::string shown() {
    std::string text;
    for (const TieOutDifference& one : tie_out().differences) {
      text += fmt::format("{} {}: {}, remote {}, {}{}{}\n", one.kind, one.remote_id, one.ours.to_string(), one.remote ? one.remote->to_string() : "-",
                          to_string(one.cause), one.related.empty() ? "" : " " + one.related, one.reason.empty() ? "" : ", " + one.reason);
    }
    return text;
  }
};

const Instant kLater{kNow.unix_ms + 1000};

TEST_CASE("B9: books that are the remote's show no difference") {
  Books books;
  books.post_all();
  books.invoice("I1", "60");
  books.note("C1", "30.0");
  books.customer("60.00", "50.00", kLater);  // credits: 30.00 of the note, 20.00 of the payment
  CHECK(books.shown() == "");
  const TieOut found = books.tie_out();
  CHECK(found.invoices == 1);
  CHECK(found.credit_notes == 1);
  CHECK(found.customers == 1);
  CHECK(found.without_balance == 0);
}

TEST_CASE("B9: a cent of an invoice, of a credit note and of a customer is found, and nothing explains it") {
  Books books;
  books.post_all();
  books.invoice("I1", "59.99");
  books.note("C1", "30.01");
  books.customer("60.00", "50.00", kLater);
  CHECK(books.shown() ==
        "credit_note C1: 30.00, remote 30.01, unexplained\n"
        "invoice I1: 60.00, remote 59.99, unexplained\n");
  books.customer("60.01", "49.99", kLater);
  CHECK(books.shown() ==
        "credit_note C1: 30.00, remote 30.01, unexplained\n"
        "invoice I1: 60.00, remote 59.99, unexplained\n"
        "outstanding C1: 60.00, remote 60.01, unexplained\n"
        "unused_credits C1: 50.00, remote 49.99, unexplained\n");
}

TEST_CASE("B9: what is parked, failed, skipped or not applied yet is named as such, with its reason") {
  Books books;
  books.invoice("I1", "10.00", {.state = "parked", .reason = "ledger.unmapped"});
  books.invoice("I2", "20.00", {.state = "failed", .reason = "ledger.totals"});
  books.invoice("I3", "30.00", {.state = "skipped", .reason = "ledger.period_locked"});
  books.invoice("I4", "40.00", {.state = "pending"});
  CHECK(books.shown() ==
        "invoice I1: 0.00, remote 10.00, waits, ledger.unmapped\n"
        "invoice I2: 0.00, remote 20.00, failed, ledger.totals\n"
        "invoice I3: 0.00, remote 30.00, skipped, ledger.period_locked\n"
        "invoice I4: 0.00, remote 40.00, pending\n");
}

TEST_CASE("B9: a payment that is not posted explains its invoice, and the invoice its customer") {
  Books books;
  REQUIRE(books.post(kInvoice).reason() == "");
  books.invoice("I1", "60.00");
  books.store("customer_payment", "P1", R"({"payment_id":"P1","invoices":[{"invoice_id":"I1","amount_applied":40}]})",
              {.state = "failed", .reason = "ledger.bank_charges"});
  books.customer("60.00", "0.00", kLater);
  CHECK(books.shown() ==
        "invoice I1: 100.00, remote 60.00, related customer_payment/P1, ledger.bank_charges\n"
        "outstanding C1: 100.00, remote 60.00, documents\n");
}

TEST_CASE("B9: a newer version that was refused or not fetched, and what the remote never sent, are told apart") {
  Books books;
  REQUIRE(books.post(kInvoice).reason() == "");
  books.invoice("I1", "90.00", {.state = "posted", .detail_json = R"({"attention":{"state":"failed","reason":"ledger.totals"}})"});
  CHECK(books.shown() == "invoice I1: 100.00, remote 90.00, attention, ledger.totals\n");
  REQUIRE(books.post(R"({"kind":"invoice","id":"I9","lines":[{"amount":"5.00"}],"sub_total":"5.00","total":"5.00"})").reason() == "");
  books.write([&](storage::Connection& c) -> Status {
    BERTH_TRY(storage::records::capture_row(c, {.integration = kIntegration, .entity = "invoice", .remote_id = "I1", .version = "2", .content_hash = "h2",
                                                .body = R"({"invoice_id":"I1","currency_code":"USD","balance":80})", .fetched = kLater}));
    const auto record = BERTH_TRY(storage::records::find(c, kIntegration, "invoice", "I1"));
    return storage::records::set_state(c, record->id, {.state = "posted"}, kNow);
  });
  CHECK(books.shown() ==
        "invoice I1: 100.00, remote 80.00, not_fetched\n"
        "invoice I9: 5.00, remote -, not_stored\n");
}

TEST_CASE("B9: a customer's balance that was stored before its documents posted is older, not wrong") {
  Books books;
  REQUIRE(books.post(kInvoice).reason() == "");
  books.invoice("I1", "100.00");
  books.customer("0.00", "0.00", Instant{kNow.unix_ms - 5000});
  CHECK(books.shown() == "outstanding C1: 100.00, remote 0.00, older\n");
}

TEST_CASE("B9: drafts and voids are no receivables, and what is posted of one is a difference") {
  Books books;
  books.invoice("I1", "100.00", {.state = "ignored"});
  CHECK(books.shown() == "");
  REQUIRE(books.post(kInvoice).reason() == "");
  CHECK(books.shown() == "invoice I1: 100.00, remote 0.00, unexplained\n");
}

TEST_CASE("B9: an answer without a balance, or with a text that is none, is counted and not compared") {
  Books books;
  REQUIRE(books.post(kInvoice).reason() == "");
  books.invoice("I1", R"("a lot")");
  CHECK(books.shown() == "");
  CHECK(books.tie_out().without_balance == 1);
  CHECK(books.tie_out().invoices == 0);
}

}  // namespace
}  // namespace berth::ledger::testing
