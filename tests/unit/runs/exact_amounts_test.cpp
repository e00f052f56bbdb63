// A million amounts as a remote may write them, from its JSON to the lines of the journal: exact, or refused by rule. What each
// is worth is worked out here from its digits, in whole numbers, without anything of the product.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "berth/json.hpp"
#include "host/core/time.hpp"
#include "host/documents/documents.hpp"
#include "host/ledger/books.hpp"
#include "host/ledger/commit.hpp"
#include "host/ledger/invariants.hpp"
#include "host/ledger/plan.hpp"
#include "host/mapping/mapping.hpp"
#include "host/storage/database.hpp"

using namespace berth;

namespace {

__extension__ typedef __int128 Wide;

#ifdef BERTH_SANITIZED
constexpr int kAmounts = 30'000;
#else
constexpr int kAmounts = 1'000'000;
#endif
constexpr std::size_t kLines = 200;                      // of an invoice that has many
constexpr std::int64_t kLineMinorMax = 1'000'000'000'000'000;    // of those that share an invoice, whose total is an amount, too
constexpr std::int64_t kMinorMax = 999'999'999'999'999'999;     // 18 digits: 15 before the point in dinars, which have three behind it
constexpr std::size_t kInvoicesInTransaction = 50;

struct MoneyUnit {
  std::string code;
  int scale;
  std::string company;
};
const std::array<MoneyUnit, 3> kUnits{{{"USD", 2, "co_usd"}, {"JPY", 0, "co_jpy"}, {"KWD", 3, "co_kwd"}}};

enum class Fate { kExact, kTooManyDecimals, kTooLarge, kNoNumber };
struct Amount {
  std::string text;   // as it stands in the JSON, quoted or not
  Fate fate = Fate::kExact;
  Wide minor = 0;
};

Wide power_of_ten(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

class Amounts {
 public:
  Amount next(const MoneyUnit& unit) {
    const int kind = number(0, 99);
    if (kind == 0) {
      static const std::array<const char*, 10> kWrong{"abc", "1,50", "NaN", "1e", "--1", "0x10", "1.2.3", "1 000", "Infinity", "12-"};
      return {fmt::format("\"{}\"", kWrong[static_cast<std::size_t>(number(0, 9))]), Fate::kNoNumber, 0};
    }
    const int whole_digits = number(1, 15);
    const int decimals = number(0, 6);
    std::string whole(1, static_cast<char>('1' + number(0, 8)));
    for (int i = 1; i < whole_digits; ++i) whole += digit();
    std::string fraction;
    // Often as many as the currency has, or zeros after that: else most of them would be refused.
    for (int i = 0; i < decimals; ++i) fraction += i >= unit.scale && kind < 70 ? '0' : digit();
    int exponent = 0;
    std::string text = fraction.empty() ? whole : whole + "." + fraction;
    if (kind % 5 == 0) {
      exponent = number(-4, 4);
      text += fmt::format("{}{}{}", kind % 2 == 0 ? "e" : "E", exponent > 0 && kind % 3 == 0 ? "+" : "", exponent);
    }
    Amount amount{kind % 3 == 0 ? "\"" + text + "\"" : text, Fate::kExact, 0};
    Wide mantissa = 0;
    for (const char c : whole + fraction) mantissa = mantissa * 10 + (c - '0');
    const int shift = exponent - static_cast<int>(fraction.size()) + unit.scale;
    if (shift >= 0) {
      amount.minor = mantissa * power_of_ten(shift);
    } else if (mantissa % power_of_ten(-shift) != 0) {
      amount.fate = Fate::kTooManyDecimals;
      return amount;
    } else {
      amount.minor = mantissa / power_of_ten(-shift);
    }
    if (amount.minor > kMinorMax) amount.fate = Fate::kTooLarge;
    return amount;
  }

 private:
  int number(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  char digit() { return static_cast<char>('0' + number(0, 9)); }
  std::mt19937_64 random_{20260522};
};

std::string digits_of(Wide value) {
  std::string digits;
  for (; value > 0 || digits.empty(); value /= 10) digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
  return digits;
}

std::string decimal_text(Wide minor, int scale) {
  std::string digits = digits_of(minor);
  if (scale == 0) return digits;
  const auto places = static_cast<std::size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  return digits.insert(digits.size() - places, ".");
}

/// Customers are there; nothing else is asked for.
class CustomersOnly final : public mapping::Lookups {
 public:
  mapping::LookupAnswer find(std::string_view kind, std::string_view, std::string_view, std::string_view value) override {
    if (kind == "customer") return {mapping::Known::kPosted, std::string(value)};
    return {};
  }
  std::optional<std::string> account(std::string_view, std::string_view, std::string_view) override { return std::nullopt; }
  std::string nearest(std::string_view, std::string_view, std::string_view) override { return {}; }
};

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().reason << ": " << result.error().message);
  return std::move(result).value();
}

/// Every line of an invoice goes to an account of its own, so each amount is one line of the journal.
ledger::BooksContext books_of(const MoneyUnit& unit) {
  ledger::Company company{.id = unit.company, .name = unit.company, .base_currency = *Currency::of(unit.code), .policies = {}, .chart = {}};
  for (const ledger::Role& role : ledger::roles()) {
    const std::string account(role.name);
    company.chart.accounts[account] = {account, account, role.type};
    company.chart.roles[account] = account;
  }
  ledger::AccountTable table;
  for (std::size_t i = 0; i < kLines; ++i) {
    const std::string account = fmt::format("inc_{}", i);
    company.chart.accounts[account] = {account, account, ledger::AccountType::kIncome};
    table.set("zoho_account", fmt::format("A{}", i), unit.company, account);
  }
  table.set("default_income", "", unit.company, "inc_0");
  ledger::BooksContext context;
  context.integration = {"zoho", unit.company, unit.code};
  context.companies[unit.company] = company;
  context.accounts = table;
  return context;
}

class Books {
 public:
  Books() {
    std::string name = ((std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path()) / std::filesystem::path("berth-amounts-XXXXXX")).string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder_ = name;
    database = must(storage::open_sqlite({.path = name + "/berth.db"}, clock));
    config::Findings findings;
    rules.emplace(must(mapping::load_file(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml", findings)));
  }
  ~Books() {
    database.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  /// The JSON text of an invoice, as it would come over the wire, to what the rules make of it.
  mapping::Outcome map(const MoneyUnit& unit, const std::string& id, const std::vector<std::string>& amounts, const std::string& total) {
    std::string lines;
    for (std::size_t i = 0; i < amounts.size(); ++i) lines += fmt::format("{}{{\"account_id\":\"A{}\",\"item_total\":{}}}", i == 0 ? "" : ",", i, amounts[i]);
    const std::string text = fmt::format(
        R"({{"invoice_id":"{0}","status":"sent","invoice_number":"{0}","date":"2026-01-05","currency_code":"{1}","customer_id":"C1","sub_total":{2},"total":{2},"line_items":[{3}]}})",
        id, unit.code, total, lines);
    json::Parsed parsed = json::parse(text);
    REQUIRE_MESSAGE(parsed.ok(), text);
    mapping::Record record;
    record.remote_id = id;
    record.version = "1";
    record.detail = std::move(parsed.value);
    return mapping::evaluate(*rules, "invoice", record, lookups, {.integration = "zoho", .company = unit.company, .base_currency = unit.code, .settings = settings});
  }

  Status post(storage::Connection& connection, ledger::Books& books, const json::Value& mapped, const std::string& id) {
    const documents::Document document = BERTH_TRY(documents::parse(mapped));
    BERTH_CHECK(ledger::load_document(connection, document, books));
    const ledger::Planned planned = ledger::plan(document, books);
    if (planned.refusal) return make_error(Code::kBadResponse, planned.refusal->reason, planned.refusal->message);
    BERTH_CHECK(ledger::commit(connection, *planned.plan,
                               {.integration = "zoho", .source = documents::source_of(document), .local_id = "inv_" + id, .number = id, .rules_revision = "1", .now = clock.now()}));
    return success();
  }

  SystemClock clock;
  std::unique_ptr<storage::Database> database;
  std::optional<mapping::Rules> rules;
  CustomersOnly lookups;
  const std::map<std::string, json::Value> settings{{"use_zoho_accounts", json::Value(true)}};

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("B3: a million amounts go from the wire to the journal exactly, or are refused by rule") {
  Books books;
  Amounts amounts;
  struct Invoice {
    const MoneyUnit* unit;
    std::vector<Amount> amounts;
  };
  std::array<Invoice, 3> open;
  for (std::size_t i = 0; i < kUnits.size(); ++i) open[i].unit = &kUnits[i];
  std::array<ledger::BooksContext, 3> contexts{books_of(kUnits[0]), books_of(kUnits[1]), books_of(kUnits[2])};
  std::vector<Invoice> whole;                     // to be posted with the next transaction
  std::vector<std::vector<std::int64_t>> wanted;  // by number of the invoice
  std::array<std::int64_t, 4> fates{};
  std::int64_t wrong = 0;

  const auto post_all = [&] {
    const Status posted = books.database->write("test.write", [&](storage::Connection& connection) -> Status {
      std::array<std::optional<ledger::Books>, 3> common;
      for (const Invoice& invoice : whole) {
        const auto unit = static_cast<std::size_t>(invoice.unit - kUnits.data());
        if (!common[unit]) common[unit].emplace(BERTH_TRY(ledger::load_common(connection, contexts[unit])));
        std::vector<std::string> texts;
        std::vector<std::int64_t> minors;
        Wide total = 0;
        for (const Amount& amount : invoice.amounts) {
          texts.push_back(amount.text);
          minors.push_back(static_cast<std::int64_t>(amount.minor));
          total += amount.minor;
        }
        const std::string id = fmt::format("I{}", wanted.size());
        const mapping::Outcome outcome = books.map(*invoice.unit, id, texts, decimal_text(total, invoice.unit->scale));
        if (outcome.kind != mapping::OutcomeKind::kMapped) return make_error(Code::kInternal, outcome.reason, outcome.message);
        BERTH_CHECK(books.post(connection, *common[unit], outcome.document, id));
        wanted.push_back(std::move(minors));
      }
      return success();
    });
    whole.clear();
    if (!posted.ok()) FAIL(posted.error().reason << ": " << posted.error().message);
  };
  const auto refuse_alone = [&](const MoneyUnit& unit, const Amount& amount) {
    const mapping::Outcome outcome = books.map(unit, "R1", {amount.text}, "1");  // it is the line that is refused, not the total
    const std::string reason = outcome.reason;
    const bool is_right = outcome.kind == mapping::OutcomeKind::kFailed && outcome.at == std::vector<std::string>{"lines[0].amount"} &&
                          reason == (amount.fate == Fate::kTooManyDecimals ? "mapping.amount_scale" : "mapping.amount_invalid");
    if (is_right) return;
    ++wrong;
    CHECK_MESSAGE(wrong > 20, amount.text << " " << unit.code << " is refused with \"" << reason << "\"");
  };

  for (int i = 0; i < kAmounts; ++i) {
    const auto unit = static_cast<std::size_t>(i) % kUnits.size();
    Amount amount = amounts.next(kUnits[unit]);
    ++fates[static_cast<std::size_t>(amount.fate)];
    if (amount.fate != Fate::kExact) {
      refuse_alone(kUnits[unit], amount);
    } else if (amount.minor > kLineMinorMax) {
      whole.push_back({&kUnits[unit], {std::move(amount)}});
    } else {
      open[unit].amounts.push_back(std::move(amount));
      if (open[unit].amounts.size() == kLines) whole.push_back({&kUnits[unit], std::exchange(open[unit].amounts, {})});
    }
    if (whole.size() >= kInvoicesInTransaction) post_all();
  }
  for (Invoice& rest : open) whole.push_back(rest);
  post_all();
  CHECK(wrong == 0);

  // The journal, line by line.
  std::int64_t exact = 0;
  std::map<std::string, Wide> sums;  // by company: of many times more than 64 bits hold
  const Status read = books.database->read([&](storage::Connection& connection) -> Status {
    return connection.each("SELECT e.remote_id, l.account, e.company, l.base_minor, l.document_minor FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.account LIKE 'inc_%'", {},
                           [&](const storage::Row& row) {
                             const auto& minors = wanted[std::stoul(row.text(0).substr(1))];
                             const std::size_t place = std::stoul(row.text(1).substr(4));
                             const bool is_exact = place < minors.size() && row.integer(3) == -minors[place] && (row.is_null(4) || row.integer(4) == -minors[place]);
                             exact += is_exact ? 1 : 0;
                             sums[row.text(2)] += is_exact ? minors[place] : 0;
                             if (!is_exact) CHECK_MESSAGE(is_exact, row.text(0) << " " << row.text(1) << " " << row.integer(3));
                             return is_exact;
                           });
  });
  REQUIRE(read.ok());
  CHECK(exact == fates[0]);
  const Status checked = books.database->read([&](storage::Connection& connection) -> Status {
    for (const ledger::CheckFinding& finding : BERTH_TRY(ledger::check(connection))) FAIL_CHECK(finding.invariant << ": " << finding.message);
    ledger::BalanceFilter receivables;
    receivables.account = "ar";
    for (const ledger::Balance& balance : BERTH_TRY(ledger::trial_balance(connection, receivables))) {
      std::string digits = balance.net().to_string();
      std::erase(digits, '.');
      CHECK(digits == digits_of(sums[balance.company]));
      CHECK(sums[balance.company] > Wide{std::numeric_limits<std::int64_t>::max()});
    }
    return success();
  });
  REQUIRE(checked.ok());
  MESSAGE("exact " << fates[0] << ", too many decimals " << fates[1] << ", too large " << fates[2] << ", no number " << fates[3]);
  for (const std::int64_t count : fates) CHECK(count > kAmounts / 500);
}

TEST_CASE("B3: a text that is no number of JSON is no document") {
  for (const char* text : {"NaN", "Infinity", "+1", "01", ".5", "1.", "0x10", "1_000", "--1", "1e"}) {
    CAPTURE(text);
    CHECK_FALSE(json::parse(fmt::format(R"({{"total":{}}})", text)).ok());
  }
}
