#pragma once
// From the currency of a document into that of the books: docs/accounting.md, "Foreign currency". Rounded half away from
// zero, once, on the exact product (N2). A document in the base currency converts to itself.
//
//   Conversion convert = ...;                          // conversion_of(company, currency, rate, what)
//   Money base = convert(line.amount);                 // E5: 333.33 EUR at 1.085433 = 361.81 USD
//   if (auto refusal = convert.refusal(what)) ...      // once, at the end: an amount beyond all reason
//
// Plain values; no threads.
#include <optional>
#include <string_view>
#include <variant>

#include "host/ledger/books.hpp"
#include "host/ledger/ledger.hpp"

namespace berth::ledger {

class Conversion {
 public:
  explicit Conversion(Currency base) : base_(base) {}
  Conversion(Currency base, Decimal rate) : base_(base), rate_(rate) {}
  [[nodiscard]] bool is_foreign() const { return rate_.has_value(); }
  /// Of one document unit in base units; nothing in the base currency.
  [[nodiscard]] const std::optional<Decimal>& rate() const { return rate_; }
  [[nodiscard]] Currency base_currency() const { return base_; }
  /// Zero, and remembered, if the amount in base is beyond the limit of amounts.
  Money operator()(Money amount);
  /// ledger.amount_limit, if an amount did not fit.
  [[nodiscard]] std::optional<Refusal> refusal(std::string_view what) const;

 private:
  Currency base_;
  std::optional<Decimal> rate_;
  std::optional<Money> too_large_;
};

/// T5: the currency is known; in the base currency the rate is absent or 1, in another one it is there, above zero and
/// not 1 (which is what a rate that nobody entered looks like).
[[nodiscard]] std::variant<Conversion, Refusal> conversion_of(const Company& company, Currency currency,
                                                              const std::optional<Decimal>& rate,
                                                              std::string_view what);
/// The total in base: as printed where it is, else converted. Both must agree within the printed precision of the rate,
/// or the document is refused (ledger.rate): E5.
[[nodiscard]] std::variant<Money, Refusal> base_total_of(Money total, const std::optional<Decimal>& printed,
                                                         Conversion& convert, std::string_view what);

/// N5: what the rounding of each line leaves over goes to `account` in base only. More than half a minor unit a line is
/// no rounding: ledger.rounding. `account` is asked for only if there is something left.
template <class Account>
[[nodiscard]] std::optional<Refusal> close_with_rounding(Entry& entry, std::string_view what, Account account);

/// The sum of the lines in base, debits positive.
[[nodiscard]] Money residual_of(const Entry& entry);
/// Adds a line in base only that makes the entry balance, if it does not.
void close_with(Entry& entry, std::string account);
/// Whether rounding alone can leave so much over (N5).
[[nodiscard]] std::optional<Refusal> check_residual(const Entry& entry, Money residual, std::string_view what);

template <class Account>
std::optional<Refusal> close_with_rounding(Entry& entry, std::string_view what, Account account) {
  const Money residual = residual_of(entry);
  if (residual.is_zero()) return std::nullopt;
  if (auto refusal = check_residual(entry, residual, what)) return refusal;
  close_with(entry, account());
  return std::nullopt;
}

}  // namespace berth::ledger
