#include <fmt/format.h>

#include "host/core/decimal.hpp"

namespace berth {
namespace {

Result<Money> from_scaled(const Decimal& value, Currency currency) {
  const Int128 minor = value.coefficient();
  if (minor > Money::kMinorMax || minor < -Money::kMinorMax) {
    return make_error(
        Code::kBadResponse, "mapping.amount_invalid",
        fmt::format("{} {} is larger than any amount that is accepted", value.to_string(), currency.code()));
  }
  return Money(static_cast<std::int64_t>(minor), currency);
}

std::int64_t checked(bool overflow, std::int64_t value) {
  if (overflow) throw MoneyOverflow();
  return value;
}

}  // namespace

Result<Money> Money::parse(std::string_view text, Currency currency) {
  return exact(BERTH_TRY(Decimal::parse(text)), currency);
}

Result<Money> Money::exact(const Decimal& value, Currency currency) {
  auto scaled = value.rescaled(currency.scale());
  if (!scaled && scaled.error().reason == "mapping.amount_scale") {
    return make_error(
        Code::kBadResponse, "mapping.amount_scale",
        fmt::format("{} has more decimals than {} has ({})", value.to_string(), currency.code(), currency.scale()));
  }
  return from_scaled(BERTH_TRY(std::move(scaled)), currency);
}

Result<Money> Money::round(const Decimal& value, Currency currency) {
  return from_scaled(BERTH_TRY(value.rounded(currency.scale()).rescaled(currency.scale())), currency);
}

Money operator+(const Money& a, const Money& b) {
  BERTH_ASSERT(a.currency_ == b.currency_, "only amounts of one currency are added");
  std::int64_t sum = 0;
  const bool overflow = __builtin_add_overflow(a.minor_, b.minor_, &sum);
  return {checked(overflow, sum), a.currency_};
}

Money operator-(const Money& a, const Money& b) {
  BERTH_ASSERT(a.currency_ == b.currency_, "only amounts of one currency are subtracted");
  std::int64_t difference = 0;
  const bool overflow = __builtin_sub_overflow(a.minor_, b.minor_, &difference);
  return {checked(overflow, difference), a.currency_};
}

Result<Money> add(const Money& a, const Money& b) {
  BERTH_ASSERT(a.currency() == b.currency(), "only amounts of one currency are added");
  return Money::exact(BERTH_TRY(add(a.decimal(), b.decimal())), a.currency());
}

std::strong_ordering operator<=>(const Money& a, const Money& b) {
  BERTH_ASSERT(a.currency_ == b.currency_, "only amounts of one currency are compared");
  return a.minor_ <=> b.minor_;
}

}  // namespace berth
