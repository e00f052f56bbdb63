#include "tests/zoho_sim/totals.hpp"

#include <map>

namespace zoho_sim {
namespace {

constexpr std::int64_t kWhole = 100'000;  // 100 % in thousandths of a percent

// Spreads `amount` over the lines by item_total; the last line that has any takes the remainder, so the sum is exact.
std::vector<Minor> spread(Minor amount, const std::vector<Line>& lines, Minor sub_total) {
  std::vector<Minor> shares(lines.size(), 0);
  if (amount == 0 || sub_total == 0) return shares;
  Minor left = amount;
  std::size_t last = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    shares[i] = multiply_divide(amount, lines[i].item_total, sub_total);
    left -= shares[i];
    if (lines[i].item_total != 0) last = i;
  }
  shares[last] += left;
  return shares;
}

}  // namespace

void compute_totals(Priced& document, const std::function<int(Id)>& percent_of) {
  const auto percent = [&](Id tax) { return tax == 0 ? 0 : percent_of(tax); };
  document.sub_total = document.sub_total_inclusive = document.discount_total = document.tax_total = document.taxable =
      0;
  Minor item_discounts = 0;
  for (auto& line : document.lines) {
    const Minor gross = multiply_divide(line.quantity, line.rate, 1000);
    line.discount_amount =
        document.discount_kind == DiscountKind::kItem ? multiply_divide(gross, line.discount_percent, kWhole) : 0;
    const Minor net = gross - line.discount_amount;
    item_discounts += line.discount_amount;
    line.inclusive_total = net;
    // Tax inside the rate: the line's tax is the difference, so that net and tax add up to the price to the cent.
    line.item_total = document.is_inclusive_tax ? multiply_divide(net, kWhole, kWhole + percent(line.tax)) : net;
    document.sub_total += line.item_total;
    document.sub_total_inclusive += net;
  }

  const bool entity = document.discount_kind != DiscountKind::kItem;
  Minor entity_discount = 0;
  if (entity) {
    entity_discount = document.discount_percent != 0
                          ? multiply_divide(document.sub_total, document.discount_percent, kWhole)
                          : document.discount_fixed;
  }
  document.discount_total = entity ? entity_discount : item_discounts;
  const auto reductions = spread(document.discount_kind == DiscountKind::kEntityBeforeTax ? entity_discount : 0,
                                 document.lines, document.sub_total);

  std::map<Id, Minor> taxable_of;  // entity-level rounding: one rounding per tax
  std::map<Id, Minor> tax_of;
  for (std::size_t i = 0; i < document.lines.size(); ++i) {
    auto& line = document.lines[i];
    const Minor base = line.item_total - reductions[i];
    line.tax_amount = 0;
    if (line.tax == 0) continue;
    line.tax_amount = document.is_inclusive_tax ? line.inclusive_total - line.item_total
                                                : multiply_divide(base, percent(line.tax), kWhole);
    document.taxable += base;
    taxable_of[line.tax] += base;
    tax_of[line.tax] += line.tax_amount;
  }
  if (!document.is_inclusive_tax && !document.tax_rounded_per_line) {
    for (auto& [tax, amount] : tax_of) amount = multiply_divide(taxable_of[tax], percent(tax), kWhole);
  }
  document.shipping_tax_amount =
      document.shipping_tax == 0 ? 0 : multiply_divide(document.shipping, percent(document.shipping_tax), kWhole);
  if (document.shipping_tax != 0) tax_of[document.shipping_tax] += document.shipping_tax_amount;

  document.taxes.clear();
  for (const auto& [tax, amount] : tax_of) {
    document.taxes.push_back({tax, amount});
    document.tax_total += amount;
  }
  const Minor before =
      document.sub_total - entity_discount + document.tax_total + document.shipping + document.adjustment;
  document.roundoff = document.round_to_unit ? multiply_divide(before, 1, 100) * 100 - before : 0;
  document.total = before + document.roundoff;
}

}  // namespace zoho_sim
