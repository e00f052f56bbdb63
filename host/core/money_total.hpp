#pragma once
// The sum of any number of amounts of one currency: exact where a Money, which has 64 bits, would not hold it. For totals over
// accounts and customers; what belongs to one document is a Money.
//
//   MoneyTotal total(usd);
//   for (const Money& amount : amounts) total += amount;
//   total.to_string();                                                  // "1234567890123456789012.00"
//   MoneyTotal stored = BERTH_TRY(MoneyTotal::parse_minor(row.text(2), usd));   // of CAST(exact_sum(x) AS TEXT)
//
// 128 bits hold 10^20 of the largest amounts, more than a disk does. Values are plain data.
#include <string>
#include <string_view>

#include "host/core/decimal.hpp"

namespace berth {

class MoneyTotal {
 public:
  MoneyTotal() = default;
  explicit MoneyTotal(Currency currency) : currency_(currency) {}
  explicit MoneyTotal(Money amount) : minor_(amount.minor()), currency_(amount.currency()) {}
  /// Minor units as text, "-120000". Errors: ledger.damaged, if it is no integer of at most 38 digits.
  static Result<MoneyTotal> parse_minor(std::string_view text, Currency currency);

  [[nodiscard]] Currency currency() const { return currency_; }
  [[nodiscard]] bool is_zero() const { return minor_ == 0; }
  /// With the full scale, as Money: "558.00".
  [[nodiscard]] std::string to_string() const;
  /// The same, if it is one. Errors: mapping.amount_invalid if it has more than 18 digits.
  [[nodiscard]] Result<Money> as_money() const;
  [[nodiscard]] MoneyTotal negated() const;

  /// Same currency is an invariant of the caller.
  MoneyTotal& operator+=(const MoneyTotal& other);
  MoneyTotal& operator+=(const Money& amount) { return *this += MoneyTotal(amount); }
  friend MoneyTotal operator+(MoneyTotal a, const MoneyTotal& b) { return a += b; }
  friend MoneyTotal operator-(MoneyTotal a, const MoneyTotal& b) { return a += b.negated(); }
  friend bool operator==(const MoneyTotal& a, const MoneyTotal& b) = default;
  friend bool operator==(const MoneyTotal& a, const Money& b) { return a == MoneyTotal(b); }

 private:
  MoneyTotal(Int128 minor, Currency currency) : minor_(minor), currency_(currency) {}
  [[nodiscard]] Decimal decimal() const;
  Int128 minor_ = 0;
  Currency currency_;
};

}  // namespace berth
