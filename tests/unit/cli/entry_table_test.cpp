// Entries on a terminal: none is left out, and what its lines share is printed once.
#include "host/cli/entry_table.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::cli;

namespace {

json::Value entry(const std::string& lines, const std::string& more = {}) {
  const json::Parsed parsed = json::parse(R"({"id":7,"date":"2026-05-04","company":"acme_us","entity":"invoice","remote_id":"I1","event":"post",)"
                                          R"("description":"INV-1","currency":"EUR","base_currency":"USD",)" + more + R"("lines":[)" + lines + "]}");
  REQUIRE(parsed.ok());
  return parsed.value;
}

constexpr const char* kDebit = R"({"account":"ar","side":"debit","amount":"110.00","document_amount":"100.00"})";
constexpr const char* kCredit = R"({"account":"sales","side":"credit","amount":"110.00","document_amount":"100.00"})";

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

// `berth ledger entries` once printed nothing of an entry without lines, so a list could be empty although --limit was met.
TEST_CASE("an entry without lines is listed, too") {
  EntryTable table(EntryIds::kShown);
  table.add(entry(""));
  CHECK(table.text().find("invoice/I1") != std::string::npos);
  CHECK(table.text().find("(no lines)") != std::string::npos);
}

TEST_CASE("what the lines of an entry share stands in its first row, each amount in base with that of its document beside it") {
  EntryTable table(EntryIds::kShown);
  table.add(entry(std::string(kDebit) + "," + kCredit));
  const std::string text = table.text();
  CHECK(times(text, "invoice/I1") == 1);
  CHECK(times(text, "110.00  ") == 2);
  CHECK(times(text, "100.00 EUR") == 2);
  CHECK(times(text, "USD") == 2);
}

TEST_CASE("entries of a copy have no ids, and a reversal says that it is one") {
  EntryTable table(EntryIds::kHidden);
  table.add(entry(kDebit, R"("reverses":3,)"));
  CHECK(table.text().find("post, reversal") != std::string::npos);
  CHECK(table.text().starts_with("date"));
}
