#include "host/core/money_total.hpp"

#include "host/core/assert.hpp"

namespace berth {

Result<MoneyTotal> MoneyTotal::parse_minor(std::string_view text, Currency currency) {
  const auto parsed = Decimal::parse(text);
  if (!parsed || parsed->scale() != 0) {
    return make_error(Code::kEnvironment, "ledger.damaged", "a stored sum of amounts is \"" + std::string(text) + "\"");
  }
  return MoneyTotal(parsed->coefficient(), currency);
}

Decimal MoneyTotal::decimal() const {
  return Decimal::from_coefficient(minor_, currency_.scale());
}

std::string MoneyTotal::to_string() const {
  return decimal().to_string();
}

Result<Money> MoneyTotal::as_money() const {
  return Money::exact(decimal(), currency_);
}

MoneyTotal MoneyTotal::negated() const {
  return {-minor_, currency_};
}

MoneyTotal& MoneyTotal::operator+=(const MoneyTotal& other) {
  BERTH_ASSERT(currency_ == other.currency_, "only amounts of one currency are added");
  minor_ += other.minor_;
  return *this;
}

}  // namespace berth
