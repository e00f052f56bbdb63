// One document among good ones that cannot be taken: it says why, the others go on, and it posts when it is mended.
#include <doctest/doctest.h>

#include "bad_input/remote.hpp"

using namespace bad_input;

namespace {

constexpr const char* kRecords = "berth records list zoho --entity invoice --state failed";
constexpr const char* kSync = "berth sync zoho";
constexpr auto kSection = Section::kAnswers;

const Row kScale(kSection, "amount.scale", "an amount with more decimals than its currency has", kRecords, "mapping.amount_scale");
const Row kText(kSection, "amount.text", "an amount that is no number", kRecords, "mapping.amount_invalid");
const Row kNanText(kSection, "amount.nan_text", "an amount \"NaN\"", kRecords, "mapping.amount_invalid");
const Row kDigits(kSection, "amount.400_digits", "an amount of 400 digits", kRecords, "mapping.amount_invalid");
const Row kExponent(kSection, "amount.exponent", "an amount of 1e400", kRecords, "mapping.amount_invalid");
const Row kNull(kSection, "amount.null", "an amount that is null", kRecords, "mapping.required_missing");
const Row kGroup(kSection, "amount.group", "a group of values instead of an amount", kRecords, "mapping.type");
const Row kNegative(kSection, "amount.negative", "a negative total", kRecords, "ledger.totals");
const Row kNan(kSection, "document.nan", "NaN where a number belongs", kSync, "zoho_books.remote.not_json");
const Row kOther(kSection, "document.another", "a document with the id of another one", kSync, "zoho_books.detail.unreadable");
const Row kNoDocument(kSection, "document.missing", "an answer without the document", kSync, "zoho_books.detail.unreadable");
const Row kRefused(kSection, "document.refused", "a document that Zoho refuses", kSync, "zoho_books.detail.refused");
const Row kHtml(kSection, "document.html", "an HTML page instead of a document", kSync, "zoho_books.detail.unavailable");
const Row kCut(kSection, "document.cut", "a document that is cut off", kSync, "zoho_books.detail.unavailable");

struct Documents {
  const Remote remote;

  std::string fault_for(const std::string& id, const std::string& rest) const {
    return R"({"path":"/books/v3/invoices/)" + id + R"(","count":-1,)" + rest + "}";
  }
  /// A new invoice, whose amounts are bad, and a good one: the bad one fails with the reason, the good one posts.
  void fails(const std::string& rest, const Row& row) const {
    const std::string bad = remote.invoice("70.00");
    const std::string good = remote.invoice("30.00");
    remote.breaks(fault_for(bad, rest));
    const e2e::Outcome outcome = remote.berth.run({"sync", "zoho"});
    CHECK_MESSAGE(outcome.exit == 0, outcome.out, outcome.err);
    row.refused(remote.berth, 0, {{R"(invoice/\d+)", "invoice/1000000301"}});
    const e2e::Value record = remote.record(bad);
    CHECK(record.text_of("state") == "failed");
    CHECK(record.text_of("reason") == row.reason());
    heals(bad, good);
  }
  /// The detail of a new invoice cannot be had: the run goes on, and says so.
  void waits(const std::string& rest, const Row& row) const {
    const std::string bad = remote.invoice("70.00");
    const std::string good = remote.invoice("30.00");
    remote.breaks(fault_for(bad, rest));
    Replacements more = of_syncs();
    more.emplace_back(bad, "1000000301");
    row.refused(remote.berth, 0, more);
    CHECK(remote.record(bad).text_of("state") == "pending");
    heals(bad, good);
  }
  void heals(const std::string& bad, const std::string& good) const {
    CHECK(remote.record(good).text_of("state") == "posted");
    CHECK(remote.journal().find(bad) == std::string::npos);
    remote.mends();
    // A record that failed for its content waits for another version of it.
    remote.simulator.post("clock", R"({"advance":2})");
    remote.simulator.post("invoices/" + bad, R"({"notes":"mended"})");
    remote.mends();
    CHECK(remote.record(bad).text_of("state") == "posted");
  }
};

std::string field(const std::string& name, const std::string& value) { return R"("kind":"field","field":")" + name + R"(","body":")" + value + "\""; }

}  // namespace

TEST_CASE("amounts that are not exact refuse the document with the place of the value, and are never rounded") {
  const Documents documents;
  documents.fails(field("total", "70.005"), kScale);
  documents.fails(field("total", R"(\"seventy\")"), kText);
  documents.fails(field("total", R"(\"NaN\")"), kNanText);
  documents.fails(field("total", std::string(400, '7')), kDigits);
  documents.fails(field("total", "1e400"), kExponent);
  documents.fails(field("total", "null"), kNull);
  documents.fails(field("total", R"({\"value\":70})"), kGroup);
  documents.fails(field("total", "-70"), kNegative);
  documents.remote.books_are_undisturbed();
}

TEST_CASE("a document that cannot be had waits for the next run, the others go on") {
  const Documents documents;
  documents.waits(field("total", "NaN"), kNan);
  documents.waits(field("invoice_id", R"(\"1\")"), kOther);
  documents.waits(R"("kind":"status","status":200,"body":"{\"code\":0,\"message\":\"success\"}")", kNoDocument);
  documents.waits(R"("kind":"status","status":400,"body":"{\"code\":1049,\"message\":\"This invoice cannot be shown.\"}")", kRefused);
  documents.waits(R"("kind":"html","status":200)", kHtml);
  documents.waits(R"("kind":"truncated","bytes":300)", kCut);
  documents.remote.books_are_undisturbed();
}

TEST_CASE("amounts written as text or with an exponent are exact all the same") {
  const Documents documents;
  const Remote& remote = documents.remote;
  const std::string as_text = remote.invoice("70.00");
  remote.breaks(documents.fault_for(as_text, field("total", R"(\"70.00\")")));
  const std::string with_exponent = remote.invoice("70.00");
  remote.breaks(documents.fault_for(with_exponent, field("total", "0.7e2")));
  const e2e::Outcome outcome = remote.berth.run({"sync", "zoho"});
  CHECK_MESSAGE(outcome.exit == 0, outcome.out, outcome.err);
  CHECK(remote.record(as_text).text_of("state") == "posted");
  CHECK(remote.record(with_exponent).text_of("state") == "posted");
  e2e::http("DELETE", remote.simulator.origin() + "/_control/faults");
  remote.books_are_undisturbed();
}
