// The database itself keeps the journal: whatever writes to it, also by hand.
#include "unit/ledger/fixture.hpp"

namespace berth::ledger::testing {
namespace {

constexpr std::string_view kInvoice =
    R"({"kind":"invoice","id":"I1","lines":[{"item":"goods","amount":"10.00"}],"sub_total":"10.00","total":"10.00"})";

struct RawLine {
  std::string_view account;
  std::int64_t base;
  std::int64_t document;
};
/// Writes an entry without the ledger's code, as a bug or a person with a database shell would.
Status insert_raw(storage::Connection& c, std::int64_t id, const std::vector<RawLine>& lines, std::int64_t line_count,
                  std::string_view currency = "USD", std::string_view verb = "INSERT",
                  std::string_view event = "post") {
  std::int64_t position = 0;
  for (const RawLine& line : lines) {
    BERTH_CHECK(c.execute(
        "INSERT INTO entry_line (entry, position, account, base_minor, document_minor) VALUES (?, ?, ?, ?, ?)",
        {id, position++, line.account, line.base, line.document}));
  }
  BERTH_CHECK(c.execute(
      std::string(verb) +
          " INTO entry (id, integration, entity, remote_id, event, sequence, company, date, document_date, currency, "
          "base_currency, fingerprint, line_count, local_id, version, rules_revision, created_ms) "
          "VALUES (?, 'x', 'invoice', 'raw', ?, 1, 'acme_us', '2026-05-04', '2026-05-04', ?, 'USD', 'f', ?, 'inv', "
          "'1', 'r', 0)",
      {id, event, currency, line_count}));
  return success();
}

TEST_CASE("I1: an entry whose debits and credits differ by one cent cannot be stored, not even by hand") {
  Fixture fixture;
  const Error error = fixture.refused_write([](storage::Connection& c) {
    return insert_raw(c, 900, {{"a", 1000, 1000}, {"b", -999, -999}}, 2);
  });
  CHECK(error.reason == "storage.refused");
  CHECK(error.message.find("ledger.unbalanced") != std::string::npos);
  CHECK(fixture.entry_count() == 0);
}

TEST_CASE("I2: an entry that balances in base but not in its own currency cannot be stored") {
  Fixture fixture;
  const Error error = fixture.refused_write([](storage::Connection& c) {
    return insert_raw(c, 900, {{"a", 1100, 1000}, {"b", -1100, -999}}, 2, "EUR");
  });
  CHECK(error.message.find("ledger.unbalanced") != std::string::npos);
}

TEST_CASE(
    "an entry with one line, with fewer lines than it says, or with two amounts in one currency cannot be stored") {
  Fixture fixture;
  CHECK(fixture.refused_write([](storage::Connection& c) { return insert_raw(c, 900, {}, 2); })
            .message.find("ledger.lines") != std::string::npos);
  CHECK(
      fixture.refused_write([](storage::Connection& c) {
               return insert_raw(c, 900, {{"a", 5, 5}, {"b", -5, -5}}, 0);
             })
          .message.find("ledger.lines") != std::string::npos);
  CHECK(
      fixture.refused_write([](storage::Connection& c) {
               return insert_raw(c, 900, {{"a", 5, 4}, {"b", -5, -4}}, 2);
             })
          .message.find("ledger.currency") != std::string::npos);
}

TEST_CASE("lines without an entry cannot be committed") {
  Fixture fixture;
  const Error error = fixture.refused_write([](storage::Connection& c) -> Status {
    BERTH_CHECK(c.execute(
        "INSERT INTO entry_line (entry, position, account, base_minor, document_minor) VALUES (901, 0, 'a', 5, 5)"));
    return success();
  });
  CHECK(error.reason == "storage.refused");
  const auto findings = fixture.read<std::vector<CheckFinding>>([](storage::Connection& c) { return check(c); });
  CHECK(findings.empty());
}

TEST_CASE("a line on a control account without an open item cannot be stored") {
  Fixture fixture;
  const Error error = fixture.refused_write([](storage::Connection& c) -> Status {
    BERTH_CHECK(
        c.execute("INSERT INTO entry_line (entry, position, account, base_minor, document_minor, control) VALUES (900, "
                  "7, 'ar', 5, 5, 'ar')"));
    return insert_raw(c, 900, {{"b", -5, -5}}, 2);
  });
  CHECK(error.message.find("ledger.open_items") != std::string::npos);
}

TEST_CASE("recorded entries, lines and matches are neither changed nor deleted nor added to") {
  Fixture fixture;
  REQUIRE(fixture.post(kInvoice).entries.size() == 1);
  for (const char* sql :
       {"UPDATE entry SET description = 'x'", "DELETE FROM entry",
        "UPDATE entry_line SET base_minor = base_minor * 2, document_minor = document_minor * 2",
        "DELETE FROM entry_line", "UPDATE open_item_match SET base_minor = 0", "DELETE FROM open_item_match",
        "INSERT INTO entry_line (entry, position, account, base_minor, document_minor) VALUES (1, 9, 'a', 5, 5)",
        "INSERT OR REPLACE INTO entry_line (entry, position, account, base_minor, document_minor) VALUES (1, 0, 'a', "
        "5, 5)",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry", "UPDATE OR REPLACE entry SET id = 1"}) {
    CAPTURE(sql);
    const Error error = fixture.refused_write([&](storage::Connection& c) -> Status {
      BERTH_CHECK(c.execute(sql));
      return success();
    });
    CHECK(error.message.find("ledger.") != std::string::npos);
  }
  CHECK(fixture.balances("acme_us") == "ar 10.00, goods -10.00");
  fixture.check_sound();
}

TEST_CASE("I8: a second live entry of the same event cannot be stored under another sequence") {
  Fixture fixture;
  const Posted posted = fixture.post(kInvoice);
  const auto document = fixture.parse(json::parse(kInvoice).value);
  Plan again;
  again.entries.push_back({});
  Entry& entry = again.entries.back();
  entry.event = "post";
  entry.sequence = 2;
  entry.company = "acme_us";
  entry.date = entry.document_date = {2026, 5, 4};
  entry.currency = entry.base_currency = usd();
  const Error error = fixture.refused_write([&](storage::Connection& c) -> Status {
    BERTH_CHECK(commit(c, again, Fixture::commit_context(document)));
    return success();
  });
  CHECK(error.message.find("ledger.second_live_entry") != std::string::npos);
}

TEST_CASE("committing a plan twice writes it once") {
  Fixture fixture;
  const auto document = fixture.parse(json::parse(kInvoice).value);
  const Posted posted = fixture.post(document);
  fixture.write([&](storage::Connection& c) -> Status {
    const Committed again = BERTH_TRY(commit(c, *posted.planned.plan, Fixture::commit_context(document)));
    CHECK(again.entries.empty());
    return success();
  });
  CHECK(fixture.open_of("invoice", "I1") == "10.00");

  const Posted gone = fixture.post(R"({"kind":"invoice","id":"I1","state":"void"})");
  fixture.write([&](storage::Connection& c) -> Status {
    const Committed again = BERTH_TRY(commit(c, *gone.planned.plan, Fixture::commit_context(document)));
    CHECK(again.entries.empty());
    return success();
  });
  CHECK(fixture.entry_count() == 2);
  fixture.check_sound();
}

TEST_CASE("T13: the same key with other content is ledger.key_conflict") {
  Fixture fixture;
  const auto document = fixture.parse(json::parse(kInvoice).value);
  Plan changed = *fixture.post(document).planned.plan;
  changed.entries.at(0).fingerprint = "another";
  const Error error = fixture.refused_write([&](storage::Connection& c) -> Status {
    BERTH_CHECK(commit(c, changed, Fixture::commit_context(document)));
    return success();
  });
  CHECK(error.reason == "ledger.key_conflict");
}

TEST_CASE("T12: an entry is reversed at most once, and a reversal not at all") {
  Fixture fixture;
  const auto document = fixture.parse(json::parse(kInvoice).value);
  const Posted posted = fixture.post(document);
  const Posted gone = fixture.post(R"({"kind":"invoice","id":"I1","state":"void"})");
  for (const std::int64_t entry : {posted.entries.at(0).id, gone.entries.at(0).id}) {
    Plan second;
    second.reversals.push_back({entry, "void", 2, {2026, 5, 4}});
    const Error error = fixture.refused_write([&](storage::Connection& c) -> Status {
      BERTH_CHECK(commit(c, second, Fixture::commit_context(document)));
      return success();
    });
    CHECK(error.reason == "ledger.already_reversed");
  }
  // The database refuses it as well.
  const Error error = fixture.refused_write([&](storage::Connection& c) -> Status {
    BERTH_CHECK(
        c.execute("INSERT INTO entry SELECT 77, integration, entity, remote_id, event, 9, company, date, "
                  "document_date, currency, "
                  "base_currency, rate, description, fingerprint, reverses, supersedes, 0, local_id, version, "
                  "rules_revision, created_ms "
                  "FROM entry WHERE reverses IS NOT NULL"));
    return success();
  });
  CHECK(error.message.find("ledger.") != std::string::npos);
  CHECK(fixture.entry_count() == 2);
}

TEST_CASE("C1: a reversal that is not the exact negation cannot be stored") {
  Fixture fixture;
  REQUIRE(fixture.post(kInvoice).entries.size() == 1);
  const Error error = fixture.refused_write([](storage::Connection& c) -> Status {
    BERTH_CHECK(
        c.execute("INSERT INTO entry_line (entry, position, account, base_minor, document_minor) VALUES (50, 0, "
                  "'goods', 1000, 1000), (50, 1, 'sales', -1000, -1000)"));
    BERTH_CHECK(
        c.execute("INSERT INTO entry SELECT 50, integration, entity, remote_id, 'void', 1, company, date, "
                  "document_date, currency, base_currency, "
                  "rate, description, fingerprint, 1, NULL, 2, local_id, version, rules_revision, created_ms FROM "
                  "entry WHERE id = 1"));
    return success();
  });
  CHECK(error.message.find("ledger.reversal") != std::string::npos);
}

TEST_CASE("an entry remembers the record version and the rules that made it, and what it replaces") {
  Fixture fixture;
  REQUIRE(fixture.post(kInvoice).entries.size() == 1);
  const Posted edited = fixture.post(
      R"({"kind":"invoice","id":"I1","version":"2026-06-01T00:00:00Z","lines":[{"item":"goods","amount":"11.00"}],"sub_total":"11.00","total":"11.00"})");
  REQUIRE(edited.entries.size() == 2);
  CHECK(edited.entries[0].reverses == 1);
  CHECK(edited.entries[1].supersedes == 1);
  CHECK(edited.entries[1].sequence == 3);
  CHECK(edited.entries[1].source.version == "2026-06-01T00:00:00Z");
  CHECK(edited.entries[1].rules_revision == "rules1");
  CHECK(edited.entries[1].local_id == "inv_I1");
  CHECK(edited.committed.moved == std::vector<std::string>{"invoice/I1"});
}

TEST_CASE("T4: a document without a customer is refused") {
  Fixture fixture;
  auto document = fixture.parse(json::parse(kInvoice).value);
  std::get<documents::Invoice>(document).customer.clear();
  CHECK(fixture.post(document).reason() == "ledger.customer_missing");
  CHECK(fixture.entry_count() == 0);
}

TEST_CASE("T15: a payment in another currency than its invoice is refused") {
  Fixture fixture;
  const auto document = fixture.parse(
      json::parse(
          R"({"kind":"customer_payment","id":"P1","amount":"5.00","allocations":[{"id":"A1","invoice":"I1","amount":"5.00"}]})")
          .value);
  Books books = fixture.read<Books>([&](storage::Connection& c) { return load_books(c, document, fixture.context); });
  ReferredDocument& invoice = books.referred.at("inv_I1");
  invoice.posted = true;
  invoice.company = "acme_us";
  invoice.currency = *Currency::of("EUR");
  const Planned planned = plan(document, books);
  REQUIRE(planned.refusal.has_value());
  CHECK(planned.refusal->reason == "ledger.currency_mismatch");
}

TEST_CASE("master data plans nothing") {
  Fixture fixture;
  documents::Customer customer;
  customer.source = {std::string(kIntegration), "contact", "C1", "1"};
  customer.name = "Bowman";
  const Posted posted = fixture.post(documents::Document(customer));
  REQUIRE(posted.planned.plan.has_value());
  CHECK(posted.planned.plan->is_empty());
}

}  // namespace
}  // namespace berth::ledger::testing
