// Bringing in what was open before: whose it is, and what is decided again because of it.
#include "host/ledger/opening.hpp"

#include "host/storage/links.hpp"
#include "host/storage/records.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/waiting.hpp"
#include "unit/ledger/fixture.hpp"

namespace berth::ledger::testing {
namespace {

class Opening {
 public:
  Fixture fixture;

  void add_customer(const char* id, const char* remote_id) {
    fixture.write([&](storage::Connection& c) -> Status {
      storage::LocalRow row;
      row.id = id;
      row.kind = "customer";
      row.name = id;
      row.integration = kIntegration;
      row.remote_id = remote_id;
      row.document_json = "{}";
      row.created = kNow;
      BERTH_CHECK(storage::rows::insert(c, row));
      return success();
    });
  }
  std::int64_t add_record(const char* entity, const char* remote_id, const char* state, const char* reason, const std::vector<std::string>& waits) {
    std::int64_t id = 0;
    fixture.write([&](storage::Connection& c) -> Status {
      const storage::Captured captured = BERTH_TRY(storage::records::capture_detail(c, {.integration = kIntegration,
                                                                                      .entity = entity,
                                                                                      .remote_id = remote_id,
                                                                                      .version = "1",
                                                                                      .content_hash = remote_id,
                                                                                      .body = "{}",
                                                                                      .fetched = kNow}));
      id = captured.record;
      storage::RecordOutcome outcome;
      outcome.state = state;
      outcome.reason = reason;
      BERTH_CHECK(storage::records::set_state(c, id, outcome, kNow));
      return storage::waiting::set_waits(c, id, kIntegration, waits);
    });
    return id;
  }
  std::string state_of(std::int64_t record) {
    return fixture.read<std::string>([&](storage::Connection& c) -> Result<std::string> {
      return BERTH_TRY(storage::records::find(c, record))->state;
    });
  }
  ImportedOpenings import(const std::string& lines) {
    ImportedOpenings imported;
    fixture.write([&](storage::Connection& c) -> Status {
      const auto openings =
          BERTH_TRY(parse_openings("invoice,number,customer,company,currency,open,base,date\n" + lines, fixture.context.companies));
      imported = BERTH_TRY(import_openings(c, openings, fixture.context, kNow));
      return success();
    });
    return imported;
  }
  std::string customer_of(const char* invoice) {
    for (const Receivable& row : fixture.read<std::vector<Receivable>>(
             [](storage::Connection& c) { return receivables(c, kIntegration, "invoice"); })) {
      if (row.remote_id == invoice) return row.customer;
    }
    return "nobody";
  }
};

TEST_CASE("an opening receivable belongs to the customer that a person linked, as its payments do") {
  Opening books;
  books.add_customer("cus_pulled", "C9");
  books.add_customer("cus_kept", "C8");
  books.fixture.write([](storage::Connection& c) -> Status {
    BERTH_CHECK(storage::links::set(c, {.kind = "customer", .integration = std::string(kIntegration), .remote_id = "C9", .row = "cus_kept"}));
    // Of a customer that no pull has shown.
    return storage::links::set(c, {.kind = "customer", .integration = std::string(kIntegration), .remote_id = "C404", .row = "cus_kept"});
  });
  CHECK(books.import("I1,INV-1,C9,acme_us,USD,10.00,,2025-12-31\nI2,INV-2,C404,acme_us,USD,10.00,,2025-12-31\n"
                     "I3,INV-3,cus_pulled,acme_us,USD,10.00,,2025-12-31\nI4,INV-4,C8,acme_us,USD,10.00,,2025-12-31\n")
            .posted == 4);
  CHECK(books.customer_of("I1") == "cus_kept");
  CHECK(books.customer_of("I2") == "cus_kept");
  CHECK(books.customer_of("I3") == "cus_pulled");  // named by its own id
  CHECK(books.customer_of("I4") == "cus_kept");
}

TEST_CASE("only what waited for an opening receivable is decided again, not everything that has failed") {
  Opening books;
  const std::int64_t failed = books.add_record("customer_payment", "P1", "failed", "zoho_books.payment.no_importable_invoices", {"invoice/I1", "invoice/I7"});
  const std::int64_t parked = books.add_record("customer_payment", "P2", "parked", "mapping.none_posted", {"invoice/I1"});
  const std::int64_t share = books.add_record("customer_payment", "P3", "posted", "", {"invoice/I1"});
  const std::int64_t other = books.add_record("customer_payment", "P4", "failed", "zoho_books.payment.no_importable_invoices", {"invoice/I2"});
  const std::int64_t wrong = books.add_record("invoice", "I5", "failed", "ledger.totals", {});
  const ImportedOpenings imported = books.import("I1,INV-1,C1,acme_us,USD,10.00,,2025-12-31\n");
  CHECK(imported.posted == 1);
  CHECK(imported.woken == 3);
  for (const std::int64_t record : {failed, parked, share}) CHECK(books.state_of(record) == "pending");
  for (const std::int64_t record : {other, wrong}) CHECK(books.state_of(record) == "failed");
  // The same file again posts nothing and wakes nobody.
  const ImportedOpenings again = books.import("I1,INV-1,C1,acme_us,USD,10.00,,2025-12-31\n");
  CHECK(again.posted == 0);
  CHECK(again.there == 1);
  CHECK(again.woken == 0);
}

TEST_CASE("C2: the line of a file stays the same line when its customer becomes another one of ours and the invoice moves with it") {
  Opening books;
  books.add_customer("cus_pulled", "C9");
  books.add_customer("cus_kept", "C8");
  const std::string line = "I1,INV-1,C9,acme_us,USD,10.00,,2025-12-31\n";
  CHECK(books.import(line).posted == 1);
  books.fixture.write([](storage::Connection& c) -> Status {
    return storage::links::set(c, {.kind = "customer", .integration = std::string(kIntegration), .remote_id = "C9", .row = "cus_kept"});
  });
  // Nobody has pulled the invoice, and it is in the name of the first one still.
  CHECK(books.import(line).there == 1);
  CHECK(books.customer_of("I1") == "cus_pulled");
  const Posted posted = books.fixture.post(R"({"kind": "invoice", "id": "I1", "version": "2", "company": "acme_west", "customer": "cus_kept",
    "lines": [{"item": "goods", "amount": "10.00"}], "sub_total": "10.00", "total": "10.00"})");
  REQUIRE_MESSAGE(posted.planned.plan.has_value(), posted.planned.refusal->message);
  CHECK(books.customer_of("I1") == "cus_kept");
  const ImportedOpenings again = books.import(line + "I2,INV-2,C9,acme_us,USD,10.00,,2025-12-31\n");
  CHECK(again.there == 1);
  CHECK(again.posted == 1);
}

}  // namespace
}  // namespace berth::ledger::testing
