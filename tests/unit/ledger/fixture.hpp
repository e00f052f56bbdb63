#pragma once
// A small set of books to post into: two companies in USD, one in EUR, a database of its own, and short forms of
// documents. "Dr ar 1252.50 | Cr goods 900.00" is how an accountant writes an entry, so that is how tests say it.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <concepts>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "berth/json.hpp"
#include "host/core/text.hpp"
#include "host/ledger/books.hpp"
#include "host/ledger/commit.hpp"
#include "host/ledger/invariants.hpp"
#include "host/ledger/plan.hpp"
#include "host/ledger/queries.hpp"
#include "host/storage/database.hpp"

namespace berth::ledger::testing {

inline constexpr std::string_view kIntegration = "zoho_acme";
inline const Instant kNow{1780000000000};

inline Currency usd() {
  return *Currency::of("USD");
}
inline Money money(std::string_view text) {
  return *Money::parse(text, usd());
}

/// Removed with everything in it at the end.
class TempFolder {
 public:
  TempFolder() {
    // In memory where the machine has such a folder: every commit is synced to the disk otherwise.
    const std::filesystem::path memory("/dev/shm");
    const auto base = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (base / "berth-ledger-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline Company company(std::string id, std::string_view currency) {
  Company made;
  made.id = made.name = std::move(id);
  made.base_currency = *Currency::of(currency);
  const std::vector<std::pair<std::string, AccountType>> accounts{
      {"ar", AccountType::kAsset},          {"credits", AccountType::kLiability},
      {"goods", AccountType::kIncome},      {"services", AccountType::kIncome},
      {"sales", AccountType::kIncome},      {"discount", AccountType::kIncome},
      {"shipping", AccountType::kIncome},   {"other_charges", AccountType::kIncome},
      {"returns", AccountType::kIncome},    {"tax_10", AccountType::kLiability},
      {"tax_5", AccountType::kLiability},   {"tax_20", AccountType::kLiability},
      {"undeposited", AccountType::kAsset}, {"bank_main", AccountType::kAsset},
      {"bankfees", AccountType::kExpense},  {"rounding", AccountType::kExpense},
      {"taxwithheld", AccountType::kAsset}, {"fx_realised", AccountType::kIncome},
      {"fx_unrealised", AccountType::kIncome}, {"baddebt", AccountType::kExpense},
      {"procfees", AccountType::kExpense},  {"due_from", AccountType::kAsset},
      {"due_to", AccountType::kLiability},  {"opening", AccountType::kEquity}};
  for (const auto& [account, type] : accounts) made.chart.accounts[account] = {account, account, type};
  made.chart.roles = {{"ar", "ar"},
                      {"credits", "credits"},
                      {"discount", "discount"},
                      {"shipping", "shipping"},
                      {"other", "other_charges"},
                      {"returns", "returns"},
                      {"bank_fees", "bankfees"},
                      {"rounding", "rounding"},
                      {"tax_withheld", "taxwithheld"},
                      {"fx_realised", "fx_realised"},
                      {"fx_unrealised", "fx_unrealised"},
                      {"bad_debt", "baddebt"},
                      {"undeposited", "undeposited"},
                      {"processor_fees", "procfees"},
                      {"due_from", "due_from"},
                      {"due_to", "due_to"},
                      {"opening_balance", "opening"}};
  return made;
}

/// Fills what every invoice, credit note and payment has, so that a test says only what it is about. Keys `id` (remote
/// id) and `kind` make the source; `invoice` of rows is a remote id.
inline json::Value complete(const json::Value& brief) {
  const std::string kind(brief.text_of("kind"));
  const std::string id(brief.text_of("id"));
  const bool is_payment = kind == "customer_payment";
  const bool is_invoice = kind == "invoice";
  if (kind == "deposit") {
    json::Value full = json::Value::object(
        {{"model", "deposit/1"},
         {"source", json::Value::object({{"integration", kIntegration}, {"entity", kind}, {"remote_id", id}, {"version", "1"}})},
         {"state", "open"},
         {"company", "acme_us"},
         {"currency", "USD"},
         {"reference", id},
         {"kind", "payout"},
         {"date", "2026-05-22"},
         {"bank_account", "bank_main"},
         {"fees", "0.00"},
         {"payments", json::Value::array()},
         {"refunds", json::Value::array()}});
    for (const auto& [key, value] : brief.members()) {
      if (key != "kind" && key != "id") full.set(key, value);
    }
    for (json::Value& row : full.find("payments")->make_array()) row.set("payment", "pay_" + std::string(row.text_of("payment")));
    return full;
  }
  json::Value full = json::Value::object(
      {{"model", kind + "/1"},
       {"source",
        json::Value::object({{"integration", kIntegration}, {"entity", kind}, {"remote_id", id}, {"version", "1"}})},
       {"state", "open"},
       {"company", "acme_us"},
       {"currency", "USD"},
       {"number", id},
       {"date", "2026-05-04"},
       {"customer", "cus_1"}});
  if (is_payment) {
    for (const char* key : {"bank_charges", "unused"}) full.set(key, "0.00");
    full.set("payment_mode", "Bank Transfer");
  } else {
    full.set("discount_kind", "item");
    for (const char* key : {"discount", "shipping", "adjustment", "round_off", "tax_total"}) full.set(key, "0.00");
    if (is_invoice) {
      for (const char* key : {"payments_applied", "credits_applied", "withheld", "written_off"}) full.set(key, "0.00");
    }
    for (const char* key : {"lines", "taxes", "unsupported"}) full.set(key, json::Value::array());
  }
  if (is_payment) full.set("allocations", json::Value::array());
  if (!is_invoice) full.set("refunds", json::Value::array());
  for (const auto& [key, value] : brief.members()) {
    if (key == "kind" || key == "id") continue;
    if (key == "version") {
      full.find("source")->set("version", value);
      continue;
    }
    full.set(key, value);
  }
  if (!is_payment && full.find("shipping_with_tax") == nullptr) full.set("shipping_with_tax", full.text_of("shipping"));
  for (const char* rows : {"lines", "allocations", "applications"}) {
    json::Value* list = full.find(rows);
    if (list == nullptr) continue;
    for (json::Value& row : list->make_array()) {
      if (std::string_view(rows) == "lines") {
        if (row.find("discount") == nullptr) row.set("discount", "0.00");
      } else if (json::Value* invoice = row.find("invoice"); invoice != nullptr) {
        *invoice = "inv_" + std::string(invoice->text());
      }
      if (std::string_view(rows) == "allocations" && row.find("withheld") == nullptr) row.set("withheld", "0.00");
    }
  }
  if (full.find("total_only") != nullptr) {   // then nothing says what the total is made up of
    for (const documents::Field& field : documents::find_model(kind)->fields) {
      if (field.splits_total) full.erase(field.name);
    }
  }
  return full;
}

/// "Cr b 2.00 | Dr a 2.00": the lines of an entry in an order that does not matter.
inline std::string sorted_lines(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return join(lines, " | ");
}
inline std::string lines_of(const StoredEntry& entry) {
  std::vector<std::string> lines;
  for (const StoredLine& line : entry.lines) {
    std::string text =
        fmt::format("{} {} {}", line.side == Side::kDebit ? "Dr" : "Cr", line.account, line.base.to_string());
    if (line.document && !(entry.currency == entry.base_currency))
      text += fmt::format(" [{} {}]", entry.currency.code(), line.document->to_string());
    lines.push_back(std::move(text));
  }
  return sorted_lines(std::move(lines));
}
inline std::string lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string& part : split(text, '|')) {
    if (!trim(part).empty()) lines.emplace_back(trim(part));
  }
  return sorted_lines(std::move(lines));
}

struct Posted {
  Planned planned;
  std::vector<StoredEntry> entries;  // written by this document
  Committed committed;
  [[nodiscard]] std::string reason() const { return planned.refusal ? planned.refusal->reason : ""; }
};

class Fixture {
 public:
  Fixture() {
    auto opened = storage::open_sqlite({.path = folder_.file("ledger.db")}, clock_);
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    database_ = std::move(*opened);
    context.integration = {std::string(kIntegration), "acme_us", "USD"};
    for (const auto& [id, currency] : {std::pair{"acme_us", "USD"}, {"acme_west", "USD"}, {"acme_eu", "EUR"}}) {
      context.companies[id] = company(id, currency);
    }
    AccountTable table;
    for (const char* id : {"acme_us", "acme_west", "acme_eu"}) {
      table.set("default_income", "", id, "sales");
      table.set("payment_mode", "Bank Transfer", id, "undeposited");
      table.set("payment_mode", "Bank Main", id, "bank_main");
      table.set("tax", "T10", id, "tax_10");
      table.set("tax", "T5", id, "tax_5");
      table.set("tax", "T20", id, "tax_20");
    }
    context.accounts = std::move(table);
    write([](storage::Connection& c) -> Status {
      for (const char* item : {"goods", "services"}) {
        BERTH_CHECK(
            c.execute("INSERT INTO local_row (id, kind, name, company, document_json, created_ms) VALUES (?, 'item', "
                      "?, 'acme_us', ?, 0)",
                      {item, item, fmt::format(R"({{"income_account":"{}"}})", item)}));
      }
      BERTH_CHECK(
          c.execute("INSERT INTO local_row (id, kind, name, integration, remote_id, document_json, created_ms) VALUES "
                    "('cus_1', 'customer', 'Bowman', ?, 'C1', '{}', 0)",
                    {kIntegration}));
      return success();
    });
  }

  void write(const std::function<Status(storage::Connection&)>& work) {
    const Status status = database_->write("test.write", work);
    REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().message));
  }
  /// The error of a write that must fail.
  [[nodiscard]] Error refused_write(const std::function<Status(storage::Connection&)>& work) {
    const Status status = database_->write("test.write", work);
    REQUIRE_FALSE(status.ok());
    return status.error();
  }
  template <class T>
  T read(const std::function<Result<T>(storage::Connection&)>& work) {
    std::optional<T> answer;
    const Status status = database_->read([&](storage::Connection& c) -> Status {
      answer = BERTH_TRY(work(c));
      return success();
    });
    REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().message));
    return std::move(*answer);
  }

  documents::Document parse(const json::Value& brief) {
    auto document = documents::parse(complete(brief));
    REQUIRE_MESSAGE(document.ok(), (document.ok() ? "" : document.error().message));
    return std::move(*document);
  }
  static CommitContext commit_context(const documents::Document& document) {
    const documents::Source& source = documents::source_of(document);
    CommitContext made;
    made.integration = source.integration;
    made.source = source;
    const std::string_view prefix = source.entity == "invoice"       ? "inv_"
                                    : source.entity == "credit_note" ? "cn_"
                                                                     : "pay_";
    made.local_id = std::string(prefix) + source.remote_id;
    made.number = source.remote_id;
    made.rules_revision = "rules1";
    made.now = kNow;
    return made;
  }
  Posted post(const documents::Document& document) {
    Posted posted;
    write([&](storage::Connection& c) -> Status {
      const Books books = BERTH_TRY(load_books(c, document, context));
      posted.planned = plan(document, books);
      if (!posted.planned.plan) return success();
      posted.committed = BERTH_TRY(commit(c, *posted.planned.plan, commit_context(document)));
      for (const CheckFinding& finding : BERTH_TRY(check_touched(c, Touched::by(posted.committed))))
        FAIL_CHECK(finding.invariant << ": " << finding.message);
      for (const std::int64_t id : posted.committed.entries) {
        EntryFilter only;
        only.cursor = std::to_string(id - 1);
        only.limit = 1;
        posted.entries.push_back(BERTH_TRY(list_entries(c, only)).entries.at(0));
      }
      return success();
    });
    return posted;
  }
  /// What is written by work that is no document; its error, if it fails, with nothing written.
  struct Written {
    Error error;
    std::vector<StoredEntry> entries;
  };
  Written record(const std::function<Result<Committed>(storage::Connection&)>& work) {
    Written written;
    const Status status = database_->write("test.write", [&](storage::Connection& c) -> Status {
      const Committed committed = BERTH_TRY(work(c));
      for (const CheckFinding& finding : BERTH_TRY(check_touched(c, Touched::by(committed))))
        FAIL_CHECK(finding.invariant << ": " << finding.message);
      for (const std::int64_t id : committed.entries) {
        EntryFilter only;
        only.cursor = std::to_string(id - 1);
        only.limit = 1;
        written.entries.push_back(BERTH_TRY(list_entries(c, only)).entries.at(0));
      }
      return success();
    });
    if (!status.ok()) written.error = status.error();
    return written;
  }
  template <std::same_as<json::Value> Brief>
  Posted post(const Brief& brief) {
    return post(parse(brief));
  }
  Posted post(std::string_view brief_json) {
    const json::Parsed parsed = json::parse(brief_json);
    REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
    return post(parsed.value);
  }

  std::size_t entry_count() {
    return read<std::size_t>([](storage::Connection& c) -> Result<std::size_t> {
      const auto row = BERTH_TRY(c.first("SELECT COUNT(*) FROM entry"));
      return static_cast<std::size_t>(row->integer(0));
    });
  }
  /// "ar 100.00, sales -100.00": the nets that are not zero.
  std::string balances(std::string_view company_id) {
    const auto rows = read<std::vector<Balance>>([&](storage::Connection& c) {
      BalanceFilter filter;
      filter.company = std::string(company_id);
      return trial_balance(c, filter);
    });
    std::vector<std::string> texts;
    for (const Balance& row : rows) {
      if (!row.net().is_zero()) texts.push_back(row.account + " " + row.net().to_string());
    }
    return join(texts, ", ");
  }
  std::string open_of(std::string_view entity, std::string_view remote_id) {
    const auto rows =
        read<std::vector<Receivable>>([&](storage::Connection& c) { return receivables(c, kIntegration, entity); });
    for (const Receivable& row : rows) {
        if (row.remote_id != remote_id) continue;
      // In a foreign currency also what it is carried at.
      const bool is_foreign = !(row.open.currency() == row.base_open.currency());
      return is_foreign ? fmt::format("{} {} = {} {}", row.open.currency().code(), row.open.to_string(),
                                      row.base_open.currency().code(), row.base_open.to_string())
                        : row.open.to_string();
    }
    return "not posted";
  }
  void check_sound() {
    const auto findings = read<std::vector<CheckFinding>>([](storage::Connection& c) { return check(c); });
    for (const CheckFinding& finding : findings) FAIL_CHECK(finding.invariant << ": " << finding.message);
  }
  storage::Database& database() { return *database_; }

  BooksContext context;

 private:
  TempFolder folder_;
  ManualClock clock_{kNow};
  std::unique_ptr<storage::Database> database_;
};

}  // namespace berth::ledger::testing
