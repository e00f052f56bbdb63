// The exports beside hledger's: ledger and beancount judge theirs, CSV and JSON Lines are read back.
#include <fstream>

#include "unit/ledger/exported.hpp"

namespace berth::ledger::testing {
namespace {

/// Names that a remote chose to break other languages, two currencies, a void, and a reversal.
void post_everything(Fixture& fixture) {
  REQUIRE(fixture
              .post(R"x({"kind":"invoice","id":"I1","number":"=INV-1; \"odd\" | na\\me\nwith, signs  (x) [2026-13-99]","lines":[{"item":"goods","amount":"100.00",
    "description":"@SUM(A1)"}],"sub_total":"100.00","tax_total":"10.00","taxes":[{"tax":"T10","name":"VAT","amount":"10.00"}],"total":"110.00"})x")
              .entries.size() == 1);
  REQUIRE(fixture
              .post(R"({"kind":"invoice","id":"I2","currency":"EUR","rate":"1.085433","lines":[{"item":"goods","amount":"333.33"},
    {"item":"goods","amount":"333.33"},{"item":"goods","amount":"333.34"}],"sub_total":"1000.00","total":"1000.00"})")
              .entries.size() == 1);
  REQUIRE(fixture
              .post(R"({"kind":"customer_payment","id":"P1","currency":"EUR","rate":"1.1","amount":"400.00","unused":"0.00",
    "allocations":[{"id":"A1","invoice":"I2","amount":"400.00"}]})")
              .entries.size() == 2);
  REQUIRE(fixture.post(R"({"kind":"invoice","id":"I1","state":"void"})").entries.size() == 1);
}

TEST_CASE("B8: bean-check accepts the beancount export") {
  if (run("bean-check --version").code != 0) {
    MESSAGE("skipped: beancount is not installed");
    return;
  }
  Fixture fixture;
  post_everything(fixture);
  TempFolder folder;
  std::ofstream(folder.file("journal")) << exported(fixture, ExportFormat::kBeancount);
  const Output checked = run("bean-check " + folder.file("journal"));
  CHECK_MESSAGE(checked.code == 0, checked.text);
  CHECK(checked.text == "");
  const Output asked = run("bean-query -f csv " + folder.file("journal") + " \"SELECT sum(weight) WHERE account = 'Assets:Acme-us:Undeposited'\"");
  CHECK_MESSAGE(asked.text.find("440.0") != std::string::npos, asked.text);
}

TEST_CASE("B8: ledger accepts its export, pedantically, and adds it up as we do") {
  if (run("ledger --version").code != 0) {
    MESSAGE("skipped: ledger is not installed");
    return;
  }
  Fixture fixture;
  post_everything(fixture);
  TempFolder folder;
  std::ofstream(folder.file("journal")) << exported(fixture, ExportFormat::kLedger);
  const Output checked = run("ledger -f " + folder.file("journal") + " --pedantic bal -B --flat --no-total undeposited");
  CHECK_MESSAGE(checked.code == 0, checked.text);
  CHECK_MESSAGE(checked.text.find("440.00 USD") != std::string::npos, checked.text);
}

TEST_CASE("B8: beancount refuses a journal in which a cent is changed") {
  if (run("bean-check --version").code != 0) {
    MESSAGE("skipped: beancount is not installed");
    return;
  }
  Fixture fixture;
  post_everything(fixture);
  TempFolder folder;
  std::string text = exported(fixture, ExportFormat::kBeancount);
  const auto at = text.find("@@ 361.81 USD");
  REQUIRE(at != std::string::npos);
  text.replace(at, 13, "@@ 361.82 USD");
  std::ofstream(folder.file("journal")) << text;
  CHECK(run("bean-check " + folder.file("journal")).code != 0);
}

/// RFC 4180, read by hand.
std::vector<std::vector<std::string>> rows_of(const std::string& csv) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool is_quoted = false;
  for (std::size_t i = 0; i < csv.size(); ++i) {
    const char c = csv[i];
    std::string& cell = rows.back().back();
    if (is_quoted) {
      if (c == '"' && i + 1 < csv.size() && csv[i + 1] == '"') {
        cell += csv[++i];
      } else if (c == '"') {
        is_quoted = false;
      } else {
        cell += c;
      }
    } else if (c == '"') {
      is_quoted = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\r' && i + 1 < csv.size() && csv[i + 1] == '\n') {
      ++i;
      rows.push_back({""});
    } else {
      cell += c;
    }
  }
  REQUIRE(rows.back() == std::vector<std::string>{""});
  rows.pop_back();
  return rows;
}

TEST_CASE("B8: the CSV has one row a line, every row all columns, and no cell that a spreadsheet would compute") {
  Fixture fixture;
  post_everything(fixture);
  const auto rows = rows_of(exported(fixture, ExportFormat::kCsv));
  std::map<std::string, std::size_t> column;
  for (std::size_t i = 0; i < rows.at(0).size(); ++i) column[rows[0][i]] = i;
  std::int64_t debit = 0;
  std::int64_t credit = 0;
  std::size_t lines = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    REQUIRE(rows[i].size() == rows[0].size());
    for (const std::string& cell : rows[i]) CHECK_MESSAGE((cell.empty() || std::string_view("=+-@").find(cell[0]) == std::string_view::npos), cell);
    if (const std::string& text = rows[i][column.at("debit")]; !text.empty()) debit += money(text).minor();
    if (const std::string& text = rows[i][column.at("credit")]; !text.empty()) credit += money(text).minor();
    if (!rows[i][column.at("account")].empty()) ++lines;
  }
  CHECK(debit == credit);
  CHECK(debit > 100'000);
  CHECK(lines == fixture.read<std::size_t>([](storage::Connection& c) -> Result<std::size_t> {
          return static_cast<std::size_t>(BERTH_TRY(c.first("SELECT COUNT(*) FROM entry_line"))->integer(0));
        }));
  CHECK(rows[1][column.at("description")].starts_with("'="));
  CHECK(rows[2][column.at("description")] == "'@SUM(A1)");
}

TEST_CASE("B8: JSON Lines hold every entry, one object a line, with amounts as texts") {
  Fixture fixture;
  post_everything(fixture);
  std::size_t entries = 0;
  for (const std::string& line : split(exported(fixture, ExportFormat::kJsonLines), '\n')) {
    if (line.empty()) continue;
    const json::Parsed parsed = json::parse(line);
    REQUIRE_MESSAGE(parsed.ok(), line);
    std::int64_t sum = 0;
    for (const json::Value& row : parsed.value.find("lines")->items()) {
      if (const json::Value* amount = row.find("debit")) sum += money(amount->text()).minor();
      if (const json::Value* amount = row.find("credit")) sum -= money(amount->text()).minor();
    }
    CHECK(sum == 0);
    ++entries;
  }
  CHECK(entries == fixture.entry_count());
}

TEST_CASE("B8: every format gives the same bytes twice, and sorted by source without this host's numbers") {
  Fixture fixture;
  post_everything(fixture);
  for (const char* name : {"hledger", "ledger", "beancount", "csv", "jsonl"}) {
    CAPTURE(name);
    const ExportFormat format = *parse_export_format(name);
    const std::string text = exported(fixture, format);
    CHECK(text == exported(fixture, format));
    CHECK(text.size() > 500);
  }
  Fixture other;  // the same documents, but other numbers of entries
  REQUIRE(other.post(R"({"kind":"invoice","id":"I1","state":"void"})").entries.empty());
  post_everything(other);
  for (const char* name : {"beancount", "csv", "jsonl"}) {
    CAPTURE(name);
    const ExportFormat format = *parse_export_format(name);
    CHECK(exported(fixture, format, EntryOrder::kSource) == exported(other, format, EntryOrder::kSource));
    CHECK(exported(fixture, format, EntryOrder::kSource).find("inv_I1") == std::string::npos);
  }
}

TEST_CASE("B8: two accounts that escaping would make one keep two names") {
  Fixture fixture;
  ledger::Company& company = fixture.context.companies.at("acme_us");
  for (const char* id : {"ar_x", "ar-x", "ar.x"}) company.chart.accounts[id] = {id, id, AccountType::kIncome};
  for (const char* id : {"ar_x", "ar-x", "ar.x"}) {
    fixture.context.accounts->set("default_income", "", "acme_us", id);
    REQUIRE(fixture
                .post(fmt::format(R"({{"kind":"invoice","id":"I{}","lines":[{{"amount":"1.00"}}],"sub_total":"1.00","total":"1.00"}})", id))
                .entries.size() == 1);
  }
  const std::string text = exported(fixture, ExportFormat::kBeancount);
  for (const char* name : {"open Income:Acme-us:Ar-x\n", "open Income:Acme-us:Ar-x-2\n", "open Income:Acme-us:Ar-x-3\n"})
    CHECK_MESSAGE(text.find(name) != std::string::npos, text);
}

}  // namespace
}  // namespace berth::ledger::testing
