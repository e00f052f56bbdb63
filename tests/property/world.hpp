#pragma once
// A remote accounting system of random documents that always agree with each other: nothing is applied beyond what is open,
// and an invoice that is voided is let go of by what paid it. Every change gives new versions of the documents that it touches.
// They reach the books in any order, so the books see many states that do not agree.
//
// Plain integers; nothing of the product is used here. Amounts are minor units of the document's currency.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace berth::property {

using Minor = std::int64_t;

enum class Kind { kInvoice, kCreditNote, kPayment };
enum class State { kOpen, kDraft, kVoid, kDeleted };
enum CurrencyIndex { kUsd = 0, kEur = 1, kJpy = 2 };
inline constexpr std::string_view kCurrencies[] = {"USD", "EUR", "JPY"};
inline constexpr int kScales[] = {2, 2, 0};
inline constexpr std::string_view kCompanies[] = {"acme_us", "acme_west"};
inline constexpr int kCustomers = 150;
/// What a line may name, and where a document may be.
inline constexpr std::string_view kItems[] = {"goods", "services", "plan", "anywhere", "bare", ""};
inline constexpr std::string_view kRemotes[] = {"R-goods", "R-unknown", ""};
inline constexpr std::string_view kServiceLines[] = {"", "consulting", "support"};
inline constexpr std::string_view kLocations[] = {"", "loc_east", "loc_west"};
inline constexpr std::string_view kServiceTypes[] = {"", "calibration"};

/// What a company has chosen: docs/operator/configuration.md, `policies`.
struct Policies {
  bool gross = false, relief = false, due_to_from = false;
};
using PoliciesOfAll = std::array<Policies, 2>;

/// A line of an invoice: indexes into the lists above. The discount is inside the amount.
struct Row {
  int item = 0, remote = 0, service = 0;
  Minor amount = 0, discount = 0;
};
/// What a payment or credit note gives to an invoice.
struct Share {
  int row = 0;      // its id
  int invoice = 0;  // index of the document
  Minor amount = 0;
  Minor withheld = 0;  // payments only, on top of the amount
  int day = -1;        // -1: that of the document
};
struct Refund {
  int row = 0;
  int day = 0;
  Minor amount = 0;
  Minor rate = 0;  // 0: that of the document
};

struct Version {
  State state = State::kOpen;
  int company = 0;
  int customer = 0;
  int currency = kUsd;
  Minor rate = 0;  // millionths of a dollar for one unit; 0 in dollars
  int day = 0;     // since 2026-01-01
  int modified = 0;
  int location = 0, service_type = 0;
  // Invoices and credit notes.
  std::vector<Row> rows;
  bool discount_on_document = false;
  Minor discount = 0, shipping = 0, adjustment = 0, round_off = 0, tax_10 = 0, tax_5 = 0;
  Minor written_off = 0;
  bool prints_base = false;
  // Payments.
  Minor amount = 0, charges = 0;
  bool is_to_bank = false;
  std::vector<Share> shares;
  std::vector<Refund> refunds;
  /// Of a document that a remote system would never send: its total is one unit off, and nothing of it may post.
  bool is_wrong = false;

  [[nodiscard]] Minor sub_total() const;
  [[nodiscard]] Minor total() const;
  [[nodiscard]] Minor given() const;  // by shares and refunds, withheld tax apart
};

/// What was open of an invoice before these books. The first version of its document has the same parties.
struct Opening {
  Minor open = 0, base = 0;
  int day = -1;
};
struct Document {
  Kind kind = Kind::kInvoice;
  std::optional<Opening> opening{};
  std::vector<Version> versions;
  [[nodiscard]] const Version& last() const { return versions.back(); }
};

struct VersionOf {
  int document = 0;
  int version = 0;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  Minor between(Minor low, Minor high) {
    return high <= low ? low : low + static_cast<Minor>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  template <class T>
  const T& of(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(between(0, static_cast<Minor>(items.size()) - 1))];
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<std::size_t>(between(0, static_cast<Minor>(i) - 1))]);
  }

 private:
  std::mt19937_64 engine_;
};

class World {
 public:
  explicit World(std::uint64_t seed, const PoliciesOfAll& policies) : policies_(policies), random_(seed) {}
  /// Goes on until there are `documents` of them; returns the versions made since the last call, in order.
  std::vector<VersionOf> grow(std::size_t documents);
  [[nodiscard]] const std::vector<Document>& documents() const { return documents_; }
  [[nodiscard]] const PoliciesOfAll& policies() const { return policies_; }
  [[nodiscard]] int day() const { return day_; }

 private:
  using Bucket = std::pair<int, int>;  // customer, currency
  Version& change(int document);       // a new version of it, a copy of the last
  int add(Kind kind, Version version);
  Minor some_rate(int currency);
  Minor some_amount(int currency);
  void some_content(Version& version, Minor at_least);
  void some_place(Version& version);
  [[nodiscard]] Minor open_of(int invoice) const;
  int payable(int customer, int currency, int company);
  void apply(Version& version, int document, bool is_note);
  void drop_shares(Version& version, int document);
  void let_go(int invoice);
  void new_invoice();
  void new_opening();
  void new_payment();
  void new_note();
  void edit();
  void edit_invoice(int document);
  void edit_payment(int document);
  void edit_note(int document);
  void end(int document, State state);
  /// A credit note that may not be applied to another company's invoice, or to another customer's, is applied to it.
  bool is_bound(int invoice, bool to_company) const;

  PoliciesOfAll policies_;
  Random random_;
  std::vector<Document> documents_;
  std::vector<VersionOf> made_;
  std::map<Bucket, std::vector<int>> invoices_;  // of a customer in a currency; some are paid
  std::vector<Minor> used_;                      // of each invoice, write-offs apart
  std::vector<std::vector<int>> givers_;         // documents that have a share in it
  int next_row_ = 1;
  int day_ = 0;
};

}  // namespace berth::property
