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

/// As a connector declares them; each case that is about the names has its own.
const documents::RemoteBalances kZoho{
    .invoice = {"invoice", "invoice_number", "customer_id", "currency_code", "balance", ""},
    .credit_note = {"credit_note", "creditnote_number", "customer_id", "currency_code", "balance", "parts.applications.invoice_id"},
    .payment = {"customer_payment", "customer_id", "invoices.invoice_id"},
    .customer = {"contact", "contact_name", "currency_code", "outstanding_receivable_amount", "unused_credits_receivable_amount"}};

struct Books : Fixture {
  documents::RemoteBalances remote = kZoho;

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
  void customer(const std::string& outstanding, const std::string& unused, Instant fetched, const std::string& id = "C1", std::string_view currency = "USD") {
    store("contact", id,
          fmt::format(R"({{"currency_code":"{}","contact_name":"Bowman","outstanding_receivable_amount":{},"unused_credits_receivable_amount":{}}})",
                      currency, outstanding, unused),
          {.state = "posted", .local_id = "cus_1"}, fetched);
  }
  void post_all() {
    REQUIRE(post(kInvoice).reason() == "");
    REQUIRE(post(kNote).reason() == "");
    REQUIRE(post(kPayment).reason() == "");
  }
  TieOut tie_out() {
    const std::size_t before = entry_count();
    TieOut found = read<TieOut>([this](storage::Connection& c) { return tie_out_with_remote(c, std::string(kIntegration), remote); });
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

TEST_CASE("B8: several contacts of the remote that are one customer here are compared as one") {
  Books books;
  books.post_all();
  books.invoice("I1", "60");
  books.note("C1", "30");
  books.customer("45.00", "50.00", kLater, "C1");
  books.customer("15.00", "0.00", kLater, "C2");
  CHECK(books.shown() == "");
  CHECK(books.tie_out().customers == 2);

  books.customer("15.01", "0.00", kLater, "C2");
  CHECK(books.shown() == "outstanding C1: 60.00, remote 60.01, unexplained\n");
  CHECK(books.tie_out().differences.at(0).also == std::vector<std::string>{"C2"});
  CHECK(books.tie_out().differences.at(0).number == "Bowman, Bowman");

  // One that says nothing makes the sum unknown: that is counted, no difference is made up.
  books.store("contact", "C3", R"({"contact_name":"Bowman"})", {.state = "posted", .local_id = "cus_1"}, kLater);
  CHECK(books.shown() == "");
  CHECK(books.tie_out().customers == 0);
  CHECK(books.tie_out().without_balance == 3);
}

// Differences of a customer's documents in two currencies were once added up, which ended the process.
TEST_CASE("B8: a customer with documents in two currencies is compared in each of them") {
  Books books;
  REQUIRE(books.post(kInvoice).reason() == "");
  REQUIRE(books.post(R"({"kind":"invoice","id":"I2","currency":"EUR","rate":"1.1","lines":[{"amount":"5.00"}],"sub_total":"5.00","total":"5.00"})").reason() == "");
  books.invoice("I1", "99.00");
  books.store("invoice", "I2", R"({"invoice_id":"I2","customer_id":"C1","currency_code":"EUR","balance":4})", {.state = "posted"});
  books.customer("99.00", "0.00", kLater, "C1");
  books.customer("4.00", "0.00", kLater, "C2", "EUR");
  CHECK(books.shown() ==
        "invoice I1: 100.00, remote 99.00, unexplained\n"
        "invoice I2: 5.00, remote 4.00, unexplained\n"
        "outstanding C1: 100.00, remote 99.00, documents\n"
        "outstanding C2: 5.00, remote 4.00, documents\n");
}

TEST_CASE("B8: the names of entities and balances are the connector's, so another remote is compared by its own") {
  Books books;
  books.remote = {.invoice = {"bill_out", "no", "buyer.id", "money.code", "money.due", ""},
                  .credit_note = {"refund_note", "no", "buyer.id", "money.code", "money.left", "parts.uses.bill"},
                  .payment = {"receipt", "", "splits.bill"},
                  .customer = {"buyer", "label", "code", "owes", ""}};
  books.post_all();
  const auto posted = [] { return storage::RecordOutcome{.state = "posted"}; };
  books.store("bill_out", "I1", R"({"no":"B-1","buyer":{"id":"C1"},"money":{"code":"USD","due":"59.00"}})", posted());
  books.store("bill_out", "I2", R"({"no":"B-2","buyer":{"id":"C1"},"money":{"code":"USD","due":7}})", {.state = "parked", .reason = "ledger.unmapped"});
  books.store("refund_note", "C1", R"({"money":{"code":"USD","left":"29.00"}})", posted());
  books.store("receipt", "P9", R"({"splits":[{"bill":"I8"},{"bill":"I1"}]})", {.state = "failed", .reason = "ledger.rate"});
  books.store("buyer", "C1", R"({"code":"USD","label":"Bowman","owes":"66.00","unused_credits_receivable_amount":1})",
              {.state = "posted", .local_id = "cus_1"}, kLater);
  // What another connector calls its records is none of this one's.
  books.invoice("I1", "1.00");
  CHECK(books.shown() ==
        "credit_note C1: 30.00, remote 29.00, unexplained\n"
        "invoice I1: 60.00, remote 59.00, related receipt/P9, ledger.rate\n"
        "invoice I2: 0.00, remote 7.00, waits, ledger.unmapped\n"
        "outstanding C1: 60.00, remote 66.00, documents\n");
  CHECK(books.tie_out().differences.at(2).number == "B-2");
  CHECK(books.tie_out().differences.at(2).customer == "cus_1");
}

TEST_CASE("B8: a credit note that is not posted explains the invoices that it is applied to") {
  Books books;
  REQUIRE(books.post(kInvoice).reason() == "");
  books.invoice("I1", "90.00");
  books.write([&](storage::Connection& c) -> Status {
    const auto captured = BERTH_TRY(storage::records::capture_detail(
        c, {.integration = kIntegration, .entity = "credit_note", .remote_id = "C7", .version = "1", .content_hash = "h",
            .body = R"({"currency_code":"USD","balance":0})", .fetched = kNow}));
    BERTH_TRY(storage::records::capture_part(
        c, {.integration = kIntegration, .entity = "credit_note", .remote_id = "C7", .version = "1", .content_hash = "p",
            .body = R"([{"invoice_id":"I1","amount":10}])", .fetched = kNow}, "applications"));
    return storage::records::set_state(c, captured.record, {.state = "failed", .reason = "ledger.totals"}, kNow);
  });
  CHECK(books.shown() == "invoice I1: 100.00, remote 90.00, related credit_note/C7, ledger.totals\n");
}

TEST_CASE("B8: a credit note whose invoice is not posted, and a customer with a payment that is not, name the document that is missing") {
  Books books;
  REQUIRE(books.post(kNote).reason() == "");
  books.invoice("I5", "90.00", {.state = "parked", .reason = "ledger.unmapped"});
  books.write([&](storage::Connection& c) -> Status {
    const auto captured = BERTH_TRY(storage::records::capture_detail(
        c, {.integration = kIntegration, .entity = "credit_note", .remote_id = "C1", .version = "1", .content_hash = "h",
            .body = R"({"currency_code":"USD","balance":20})", .fetched = kNow}));
    BERTH_TRY(storage::records::capture_part(
        c, {.integration = kIntegration, .entity = "credit_note", .remote_id = "C1", .version = "1", .content_hash = "p",
            .body = R"([{"invoice_id":"I5","amount":10}])", .fetched = kNow}, "applications"));
    return storage::records::set_state(c, captured.record, {.state = "posted"}, kNow);
  });
  books.store("customer_payment", "P1", R"({"payment_id":"P1","customer_id":"C1","invoices":[]})", {.state = "parked", .reason = "ledger.unmapped"});
  books.customer("90.00", "75.00", kLater);
  CHECK(books.shown() ==
        "credit_note C1: 30.00, remote 20.00, related invoice/I5, ledger.unmapped\n"
        "invoice I5: 0.00, remote 90.00, waits, ledger.unmapped\n"
        "outstanding C1: 0.00, remote 90.00, documents\n"
        "unused_credits C1: 30.00, remote 75.00, related customer_payment/P1, ledger.unmapped\n");
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
