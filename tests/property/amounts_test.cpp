// A million amounts from the wire to the journal: the real JSON reader, the mapping's conversion, the ledger, the stored line.
// What should be there is worked out from the text of the number alone, digit by digit.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "berth/json.hpp"
#include "host/ledger/books.hpp"
#include "host/ledger/commit.hpp"
#include "host/ledger/plan.hpp"
#include "host/ledger/queries.hpp"
#include "host/mapping/convert.hpp"
#include "property/world.hpp"

namespace berth::property {
namespace {

#ifdef BERTH_SANITIZED
constexpr std::size_t kAmounts = 50'000;
#else
constexpr std::size_t kAmounts = 1'000'000;
#endif
constexpr std::size_t kLinesInInvoice = 400;
/// Minor units that the ledger takes, as digits: docs/accounting.md, "Numbers".
constexpr std::string_view kLimit = "1000000000000000";

struct Scaled {
  std::string_view code;
  int scale;
};
constexpr Scaled kScaled[] = {{"USD", 2}, {"JPY", 0}, {"KWD", 3}, {"EUR", 2}};

/// What a text of a number has to become: minor units as digits, or the reason of the refusal.
struct Expected {
  std::string minor;   // without sign and leading zeros; "0"
  std::string reason;
};

std::string without_leading_zeros(std::string digits) {
  const auto first = digits.find_first_not_of('0');
  return first == std::string::npos ? "0" : digits.substr(first);
}

/// By shifting digits, with no arithmetic on the value. `text` has no sign.
Expected expect_minor(const std::string& text, int scale) {
  std::string digits;
  int shift = 0;
  bool is_after_point = false;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      is_after_point = true;
      continue;
    }
    digits += text[i];
    if (is_after_point) --shift;
  }
  if (i < text.size()) shift += std::atoi(text.c_str() + i + 1);
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    ++shift;
  }
  digits = without_leading_zeros(digits);
  if (digits == "0") return {"0", ""};
  if (shift < -scale) return {"", "mapping.amount_scale"};
  digits.append(static_cast<std::size_t>(shift + scale), '0');
  if (digits.size() > 18) return {"", "mapping.amount_invalid"};
  return {digits, ""};
}

std::string with_point(std::string minor, int scale) {
  if (scale == 0) return minor;
  const auto places = static_cast<std::size_t>(scale);
  if (minor.size() <= places) minor.insert(0, places + 1 - minor.size(), '0');
  minor.insert(minor.size() - places, ".");
  return minor;
}

bool is_beyond_limit(const std::string& minor) {
  return minor.size() > kLimit.size() || (minor.size() == kLimit.size() && minor > kLimit);
}

/// A number as a remote may write it: up to 15 digits before the point, up to 6 behind it, sometimes with an exponent.
std::string some_number(Random& random, int scale) {
  std::string digits;
  for (Minor n = random.between(1, 15); n > 0; --n) digits += static_cast<char>('0' + random.between(0, 9));
  digits = without_leading_zeros(digits);
  // Mostly as many decimals as the currency has, so that most amounts are good.
  const auto places = static_cast<std::size_t>(random.chance(75) ? random.between(0, scale) : random.between(0, 6));
  std::string decimals;
  for (std::size_t n = 0; n < places; ++n) decimals += static_cast<char>('0' + (random.chance(30) ? 0 : random.between(0, 9)));
  std::string text = digits + (decimals.empty() ? "" : "." + decimals);
  if (!random.chance(15)) return text;
  // The same value, or another one, with an exponent.
  const Minor exponent = random.between(-3, 3);
  const char* sign = exponent < 0 ? "-" : random.chance(50) ? "+" : "";
  return text + (random.chance(50) ? "e" : "E") + sign + std::to_string(exponent < 0 ? -exponent : exponent);
}

const std::vector<std::string>& not_numbers() {
  static const std::vector<std::string> texts{R"("12,50")", R"("NaN")", R"("Infinity")", "1e400",  "-1e400", R"("1 000.00")", R"("0x10")",
                                              R"("--5")",   R"("1.2.3")", R"("$5")",     R"("5-")", R"("e5")", R"(".")",     R"("1e")"};
  return texts;
}

class Ledger {
 public:
  Ledger() {
    const std::filesystem::path memory("/dev/shm");
    std::string pattern =
        ((std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) / "berth-amounts-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    auto opened = storage::open_sqlite({.path = (folder_ / "ledger.db").string()}, clock_);
    REQUIRE(opened.ok());
    database_ = std::move(*opened);
    context_.integration = {"zoho_acme", "acme_USD", ""};
    ledger::AccountTable table;
    for (const Scaled& currency : kScaled) {
      ledger::Company company;
      company.id = company.name = "acme_" + std::string(currency.code);
      company.base_currency = *Currency::of(currency.code);
      company.chart.accounts = {{"ar", {"ar", "ar", ledger::AccountType::kAsset}}, {"sales", {"sales", "sales", ledger::AccountType::kIncome}}};
      company.chart.roles = {{"ar", "ar"}};
      table.set("default_income", "", company.id, "sales");
      context_.companies[company.id] = company;
    }
    context_.accounts = std::move(table);
  }
  ~Ledger() {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// "" when it posted, else the reason.
  std::string post(const json::Value& canonical) {
    const auto document = documents::parse(canonical);
    if (!document.ok()) return document.error().reason;
    std::string reason;
    const Status status = database_->write([&](storage::Connection& c) -> Status {
      const ledger::Books books = BERTH_TRY(ledger::load_books(c, *document, context_));
      const ledger::Planned planned = ledger::plan(*document, books);
      if (planned.refusal) {
        reason = planned.refusal->reason;
        return success();
      }
      ledger::CommitContext context;
      context.integration = "zoho_acme";
      context.source = documents::source_of(*document);
      context.local_id = "inv_" + context.source.remote_id;
      context.now = Instant{1780000000000};
      (void)BERTH_TRY(ledger::commit(c, *planned.plan, context));
      return success();
    });
    return status.ok() ? reason : status.error().reason;
  }
  /// Every line with a description of its own, as it is stored: "Cr 12.50 USD".
  std::map<std::string, std::string> stored_lines(const std::string& remote_id) {
    std::map<std::string, std::string> lines;
    const Status status = database_->read([&](storage::Connection& c) -> Status {
      ledger::EntryFilter filter;
      filter.remote_id = remote_id;
      for (const ledger::StoredEntry& entry : BERTH_TRY(ledger::list_entries(c, filter)).entries) {
        for (const ledger::StoredLine& line : entry.lines) {
          if (line.description.starts_with('#'))
            lines[line.description] = fmt::format("{} {} {}", line.side == ledger::Side::kDebit ? "Dr" : "Cr", line.base.to_string(),
                                                  line.base.currency().code());
        }
      }
      return success();
    });
    REQUIRE(status.ok());
    return lines;
  }

 private:
  std::filesystem::path folder_;
  ManualClock clock_{Instant{1780000000000}};
  std::unique_ptr<storage::Database> database_;
  ledger::BooksContext context_;
};

struct WireLine {
  std::string number, text;  // "#17", "-12.5e1"
  std::string minor;         // without sign
  bool is_negative = false;
};

/// What a mapping does with an answer: reads it, converts every amount, and makes the canonical invoice.
json::Value canonical_of(const std::string& wire, const Scaled& currency, const std::string& id) {
  const json::Parsed parsed = json::parse(wire);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  const Currency code = *Currency::of(currency.code);
  const auto money = [&](const json::Value& value) {
    auto converted = mapping::convert(value, documents::FieldType::kMoney, code);
    REQUIRE_MESSAGE(converted.ok(), (converted.ok() ? "" : converted.error().message));
    return std::move(*converted);
  };
  json::Value lines = json::Value::array();
  for (const json::Value& row : parsed.value.find("line_items")->items())
    lines.push_back(json::Value::object({{"description", *row.find("name")}, {"amount", money(*row.find("item_total"))}}));
  json::Value invoice = json::Value::object(
      {{"model", "invoice/1"},
       {"source", json::Value::object({{"integration", "zoho_acme"}, {"entity", "invoice"}, {"remote_id", id}, {"version", "1"}})},
       {"state", "open"},
       {"company", "acme_" + std::string(currency.code)},
       {"currency", currency.code},
       {"number", id},
       {"date", "2026-05-04"},
       {"customer", "cus_1"},
       {"discount_kind", "item"},
       {"lines", std::move(lines)},
       {"taxes", json::Value::array()},
       {"unsupported", json::Value::array()}});
  const std::string zero = with_point("0", currency.scale);
  for (const char* key : {"discount", "shipping", "shipping_with_tax", "adjustment", "round_off", "tax_total", "payments_applied",
                          "credits_applied", "withheld", "written_off"})
    invoice.set(key, zero);
  for (json::Value& line : invoice.find("lines")->make_array()) line.set("discount", zero);
  for (const char* key : {"sub_total", "total"}) invoice.set(key, money(*parsed.value.find("total")));
  return invoice;
}

std::string wire_of(const std::vector<WireLine>& lines, const std::string& total) {
  std::string wire = R"({"line_items":[)";
  for (const WireLine& line : lines) {
    if (wire.back() == '}') wire += ',';
    wire += fmt::format(R"({{"name":"{}","item_total":{}}})", line.number, line.text);
  }
  return wire + R"(],"total":)" + total + "}";
}

struct Tally {
  std::size_t exact = 0, zero = 0, scale = 0, invalid = 0, limit = 0, wrong = 0;
};

/// The lines of one invoice whose total stays between nothing and the limit; signs are chosen so that it does.
class Batch {
 public:
  Batch(Ledger& ledger, const Scaled& currency, Tally& tally) : ledger_(ledger), currency_(currency), tally_(tally) {}
  void add(const std::string& number, std::string text, std::string minor) {
    const Minor amount = std::stoll(minor);
    const Minor limit = std::stoll(std::string(kLimit));
    bool is_negative = sum_ >= amount && (lines_.size() % 3 == 2 || sum_ + amount > limit);
    if (!is_negative && sum_ + amount > limit) {
      flush();
      is_negative = false;
    }
    sum_ += is_negative ? -amount : amount;
    // The sign belongs inside the quotes of an amount that is written as text.
    if (is_negative) text.insert(text.starts_with('"') ? 1 : 0, "-");
    lines_.push_back({number, std::move(text), std::move(minor), is_negative});
    if (lines_.size() == kLinesInInvoice) flush();
  }
  void flush() {
    if (lines_.empty()) return;
    if (sum_ == 0) {  // L2: an invoice of nothing posts nothing, so it gets something
      lines_.push_back({"#more", with_point("1", currency_.scale), "1", false});
      sum_ = 1;
    }
    const std::string id = fmt::format("{}{}", currency_.code, ++invoices_);
    const json::Value canonical = canonical_of(wire_of(lines_, with_point(std::to_string(sum_), currency_.scale)), currency_, id);
    const std::string reason = ledger_.post(canonical);
    CHECK_MESSAGE(reason == "", id);
    const auto stored = ledger_.stored_lines(id);
    for (const WireLine& line : lines_) {
      const auto found = stored.find(line.number);
      if (line.minor == "0") {
        tally_.zero += found == stored.end() ? 1 : 0;
        tally_.wrong += found == stored.end() ? 0 : 1;
        continue;
      }
      const std::string wanted =
          fmt::format("{} {} {}", line.is_negative ? "Dr" : "Cr", with_point(line.minor, currency_.scale), currency_.code);
      if (found != stored.end() && found->second == wanted) {
        tally_.exact += line.number == "#more" ? 0 : 1;
      } else if (++tally_.wrong < 20) {
        FAIL_CHECK("wire " << line.text << " is stored as " << (found == stored.end() ? "nothing" : found->second) << ", should be "
                           << wanted);
      }
    }
    lines_.clear();
    sum_ = 0;
  }

 private:
  Ledger& ledger_;
  const Scaled& currency_;
  Tally& tally_;
  std::vector<WireLine> lines_;
  Minor sum_ = 0;
  int invoices_ = 0;
};

/// Alone in an invoice: converted exactly, and then more than the ledger takes.
void expect_limit(Ledger& ledger, const Scaled& currency, const std::string& text, const std::string& number, Tally& tally) {
  const json::Value canonical = canonical_of(wire_of({{number, text, "", false}}, text), currency, "L" + number.substr(1));
  if (ledger.post(canonical) == "ledger.amount_limit") {
    ++tally.limit;
  } else if (++tally.wrong < 20) {
    FAIL_CHECK(text << " " << currency.code << " is beyond the limit and was not refused for it");
  }
}

TEST_CASE("a million amounts go from the wire to the journal exactly, or are refused by rule") {
  Random random(20260504);
  Ledger ledger;
  Tally tally;
  std::vector<Batch> batches;
  for (const Scaled& currency : kScaled) batches.emplace_back(ledger, currency, tally);
  for (std::size_t i = 0; i < kAmounts; ++i) {
    const auto which = static_cast<std::size_t>(random.between(0, 3));
    const Scaled& currency = kScaled[which];
    const bool is_number = !random.chance(2);
    std::string text = is_number ? some_number(random, currency.scale) : random.of(not_numbers());
    const Expected expected = is_number ? expect_minor(text, currency.scale) : Expected{"", "mapping.amount_invalid"};
    // A remote may write an amount as a text, too.
    if (is_number && random.chance(20)) text = '"' + text + '"';
    const std::string number = fmt::format("#{}", i);
    if (expected.reason.empty() && !is_beyond_limit(expected.minor)) {
      batches[which].add(number, text, expected.minor);
      continue;
    }
    if (expected.reason.empty()) {
      // Every tenth of these goes all the way; each of them is converted.
      if (i % 10 == 0) {
        expect_limit(ledger, currency, text, number, tally);
        continue;
      }
      const json::Parsed parsed = json::parse(text);
      const auto converted = mapping::convert(parsed.value, documents::FieldType::kMoney, *Currency::of(currency.code));
      const bool is_exact = converted.ok() && converted->text() == with_point(expected.minor, currency.scale);
      ++(is_exact ? tally.limit : tally.wrong);
      continue;
    }
    const json::Parsed parsed = json::parse(text);
    REQUIRE_MESSAGE(parsed.ok(), text);
    const auto converted = mapping::convert(parsed.value, documents::FieldType::kMoney, *Currency::of(currency.code));
    const std::string reason = converted.ok() ? "nothing" : converted.error().reason;
    if (reason == expected.reason) {
      ++(reason == "mapping.amount_scale" ? tally.scale : tally.invalid);
    } else if (++tally.wrong < 20) {
      FAIL_CHECK(text << " " << currency.code << " is refused for " << reason << ", not for " << expected.reason);
    }
  }
  for (Batch& batch : batches) batch.flush();
  MESSAGE(fmt::format("{} stored exactly, {} of zero without a line, {} with too many decimals, {} not amounts, {} beyond the limit",
                      tally.exact, tally.zero, tally.scale, tally.invalid, tally.limit));
  CHECK(tally.wrong == 0);
  CHECK(tally.exact + tally.zero + tally.scale + tally.invalid + tally.limit == kAmounts);
  CHECK(tally.exact > kAmounts / 2);
}

TEST_CASE("a text that is no number of JSON is no document") {
  for (const char* text : {"NaN", "Infinity", "+1", "01", ".5", "1.", "0x10", "1_000", "--1", "1e"}) {
    CAPTURE(text);
    CHECK_FALSE(json::parse(fmt::format(R"({{"total":{}}})", text)).ok());
  }
}

}  // namespace
}  // namespace berth::property
