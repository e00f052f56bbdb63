#include "host/ledger/fx.hpp"

#include "host/ledger/drafting.hpp"

namespace berth::ledger {
namespace {

/// What the digits of a rate leave open, for an amount: half a unit of its last digit each, and half a minor unit.
Result<Decimal> tolerance_of(Money amount, const Decimal& rate, Currency base) {
  const int scale = std::min(rate.scale(), Decimal::kScaleMax - 1);
  const Decimal of_rate = BERTH_TRY(multiply(amount.absolute().decimal(), Decimal::from_minor(5, scale + 1)));
  return add(of_rate, Decimal::from_minor(5, base.scale() + 1));
}

Result<bool> agrees(Money total, Money printed, const Decimal& rate) {
  const Decimal exact = BERTH_TRY(multiply(total.decimal(), rate));
  Decimal difference = BERTH_TRY(subtract(printed.decimal(), exact));
  if (difference.is_negative()) difference = difference.negated();
  return difference <= BERTH_TRY(tolerance_of(total, rate, printed.currency()));
}

}  // namespace

Money Conversion::operator()(Money amount) {
  if (!rate_) return amount;
  if (amount.is_zero()) return Money::zero(base_);
  const auto product = multiply(amount.decimal(), *rate_);
  const auto rounded = product ? Money::round(*product, base_) : Result<Money>(product.error());
  if (!rounded) {
    too_large_ = amount;
    return Money::zero(base_);
  }
  return *rounded;
}

std::optional<Refusal> Conversion::refusal(std::string_view what) const {
  if (!too_large_) return std::nullopt;
  return failed("ledger.amount_limit", fmt::format("{}: {} {} at {} is beyond {} {}", what, too_large_->to_string(),
                                                   too_large_->currency().code(), rate_->to_plain(),
                                                   Money(Money::kMinorMax, base_).to_string(), base_.code()));
}

std::variant<Conversion, Refusal> conversion_of(const Company& company, Currency currency,
                                                const std::optional<Decimal>& rate, std::string_view what) {
  if (currency == Currency()) return failed("ledger.currency_unknown", fmt::format("{}: there is no currency", what));
  const bool is_one = rate && *rate == Decimal::from_integer(1);
  if (currency == company.base_currency) {
    if (!rate || is_one) return Conversion(company.base_currency);
    return failed("ledger.rate", fmt::format("{}: the rate is {} although {} is the base currency of {}", what,
                                             rate->to_plain(), currency.code(), company.id));
  }
  if (rate && !is_one && !rate->is_zero() && !rate->is_negative()) return Conversion(company.base_currency, *rate);
  return failed("ledger.rate", fmt::format("{}: it is in {} and {} keeps its books in {}, but {}", what,
                                           currency.code(), company.id, company.base_currency.code(),
                                           rate ? fmt::format("the rate is {}", rate->to_plain())
                                                : std::string("there is no rate")));
}

std::variant<Money, Refusal> base_total_of(Money total, const std::optional<Decimal>& printed, Conversion& convert,
                                           std::string_view what) {
  const Money computed = convert.is_foreign() ? convert(total) : total;
  if (!printed) return computed;
  const auto given = Money::exact(*printed, convert.base_currency());
  if (!given) return failed(given.error().reason, fmt::format("{}: its total in base: {}", what, given.error().message));
  if (*given == computed) return computed;
  if (!convert.is_foreign()) {
    return failed("ledger.rate", fmt::format("{}: {} {} is in the base currency, but in base the document says {}", what,
                                             total.to_string(), total.currency().code(), given->to_string()));
  }
  const auto is_near = agrees(total, *given, *convert.rate());
  if (is_near && *is_near) return *given;
  return failed("ledger.rate",
                fmt::format("{}: {} {} at {} is {} {}, but the document says {}", what, total.to_string(),
                            total.currency().code(), convert.rate()->to_plain(), computed.to_string(),
                            computed.currency().code(), given->to_string()));
}

Money residual_of(const Entry& entry) {
  Money residual = Money::zero(entry.base_currency);
  for (const EntryLine& line : entry.lines) {
    residual += line.side == Side::kDebit ? line.base : line.base.negated();
  }
  return residual;
}

void close_with(Entry& entry, std::string account) {
  const Money residual = residual_of(entry);
  if (residual.is_zero()) return;
  EntryLine& line = entry.lines.emplace_back();
  line.account = std::move(account);
  line.side = residual.is_negative() ? Side::kDebit : Side::kCredit;
  line.base = residual.absolute();
}

std::optional<Refusal> check_residual(const Entry& entry, Money residual, std::string_view what) {
  const auto converted = static_cast<std::int64_t>(std::count_if(
      entry.lines.begin(), entry.lines.end(), [](const EntryLine& line) { return line.document.has_value(); }));
  if (residual.absolute().minor() <= converted / 2) return std::nullopt;
  return failed("ledger.rounding",
                fmt::format("{}: its {} lines leave {} {} over in base, which is more than rounding can cause", what,
                            converted, residual.to_string(), residual.currency().code()));
}

}  // namespace berth::ledger
