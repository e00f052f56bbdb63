#include "host/ledger/gates.hpp"

#include <set>

#include "host/core/text.hpp"
#include "host/ledger/drafting.hpp"

namespace berth::ledger {
namespace {

using documents::Invoice;

template <class Rows, class Amount>
Money sum(const Rows& rows, Currency currency, Amount amount) {
  Money total = Money::zero(currency);
  for (const auto& row : rows) total += amount(row);
  return total;
}

// G2: total = sub_total − D + tax_total + shipping + adjustment + round_off. A discount per item is inside the lines
// already (D = 0), one on the document is not. Both are tried, the announced one first; which one matched is a fact
// worth a flag when it is not the announced one.
std::optional<Refusal> find_discount(const Invoice& invoice, std::string_view what, InvoiceTotals& totals) {
  const Money none = Money::zero(invoice.currency);
  const Money rest = invoice.sub_total + invoice.tax_total + invoice.shipping + invoice.adjustment + invoice.round_off;
  const bool is_on_document = invoice.discount_kind == "document";
  const Money announced = is_on_document ? invoice.discount : none;
  const Money other = is_on_document ? none : invoice.discount;
  if (rest - announced == invoice.total) {
    totals.document_discount = announced;
    return std::nullopt;
  }
  if (rest - other == invoice.total) {
    totals.document_discount = other;
    totals.flags.push_back(other.is_zero() ? "ledger.discount_in_lines" : "ledger.discount_on_document");
    return std::nullopt;
  }
  return failed(
      "ledger.totals",
      fmt::format(
          "{}: the total is {}, but sub-total {} - discount {} + tax {} + shipping {} + adjustment {} + round-off {} "
          "makes {} (without the discount {})",
          what, invoice.total.to_string(), invoice.sub_total.to_string(), invoice.discount.to_string(),
          invoice.tax_total.to_string(), invoice.shipping.to_string(), invoice.adjustment.to_string(),
          invoice.round_off.to_string(), (rest - invoice.discount).to_string(), rest.to_string()));
}

// G6: a header row often has only a name. The id is its own, else the one that lines give under exactly that name, else
// the shipping tax if the amount is that of shipping.
std::optional<Refusal> resolve_taxes(const Invoice& invoice, std::string_view what, InvoiceTotals& totals) {
  const Money listed = sum(invoice.taxes, invoice.currency, [](const auto& tax) { return tax.amount; });
  if (listed != invoice.tax_total) {
    return failed("ledger.tax_totals", fmt::format("{}: the taxes add up to {}, tax_total is {}", what,
                                                   listed.to_string(), invoice.tax_total.to_string()));
  }
  for (const documents::HeaderTax& header : invoice.taxes) {
    if (header.amount.is_zero()) continue;
    std::set<std::string> ids;
    if (!header.tax.empty()) {
      ids.insert(header.tax);
    } else {
      for (const documents::Line& line : invoice.lines) {
        for (const documents::LineTax& tax : line.taxes) {
          if (tax.name == header.name && !tax.tax.empty()) ids.insert(tax.tax);
        }
      }
    }
    if (ids.empty() && !invoice.shipping_tax.empty() && header.amount == invoice.shipping_with_tax - invoice.shipping) {
      ids.insert(invoice.shipping_tax);
    }
    if (ids.size() != 1) {
      return failed("ledger.tax_unknown",
                    fmt::format("{}: tax \"{}\" of {} has {}", what, header.name, header.amount.to_string(),
                                ids.empty() ? "no id"
                                            : "two ids under one name: " +
                                                  join(std::vector<std::string>(ids.begin(), ids.end()), ", ")));
    }
    totals.taxes.push_back({*ids.begin(), header.amount});
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check_invoice(const Invoice& invoice, std::string_view what, InvoiceTotals& totals) {
  // Nothing else is known that could agree with the total or not.
  if (invoice.is_total_only) return std::nullopt;
  // N2: another way of rounding would make other totals out of the same lines.
  if (!invoice.rounding_mode.empty() && invoice.rounding_mode != "round_half_up") {
    return failed("ledger.rounding_mode",
                  fmt::format("{}: rounding mode \"{}\" is not round_half_up", what, invoice.rounding_mode));
  }
  if (!invoice.unsupported.empty()) {
    return failed("ledger.unsupported_component",
                  fmt::format("{}: there is no rule for {}", what, join(invoice.unsupported, ", ")));
  }
  const Money lines = sum(invoice.lines, invoice.currency, [](const auto& line) { return line.amount; });
  if (lines != invoice.sub_total) {
    return failed("ledger.totals", fmt::format("{}: the lines add up to {}, sub_total is {}", what, lines.to_string(),
                                               invoice.sub_total.to_string()));
  }
  if (auto refusal = find_discount(invoice, what, totals)) return refusal;
  if (auto refusal = resolve_taxes(invoice, what, totals)) return refusal;
  // G3 blocks nothing: payments of other documents may not be here yet.
  if (!invoice.is_credit_note && invoice.balance) {
    const Money expected =
        invoice.total - invoice.payments_applied - invoice.credits_applied - invoice.withheld - invoice.written_off;
    if (*invoice.balance != expected) totals.flags.push_back("ledger.balance_identity");
  }
  return std::nullopt;
}

std::optional<Refusal> check_payment(const documents::CustomerPayment& payment, std::string_view what) {
  const auto is_negative = [](const auto& row) { return row.amount.is_negative(); };
  const bool has_negative = payment.amount.is_negative() || payment.unused.is_negative() ||
                            std::any_of(payment.refunds.begin(), payment.refunds.end(), is_negative) ||
                            std::any_of(payment.allocations.begin(), payment.allocations.end(), [&](const auto& row) {
                              return is_negative(row) || row.withheld.is_negative();
                            });
  if (has_negative) return failed("ledger.payment_totals", fmt::format("{}: an amount of it is negative", what));
  if (payment.bank_charges.is_negative() || payment.bank_charges > payment.amount) {
    return failed("ledger.bank_charges", fmt::format("{}: bank charges of {} do not fit into an amount of {}", what,
                                                     payment.bank_charges.to_string(), payment.amount.to_string()));
  }
  const Money applied = sum(payment.allocations, payment.currency, [](const auto& row) { return row.amount; });
  const Money refunded = sum(payment.refunds, payment.currency, [](const auto& row) { return row.amount; });
  const Money used = applied + payment.unused;
  // Whether `unused` already lacks what was refunded is not documented: both readings are accepted, no third one.
  // Either way a refund takes from what is not applied.
  if ((used != payment.amount && used + refunded != payment.amount) || applied + refunded > payment.amount) {
    return failed(
        "ledger.payment_totals",
        fmt::format("{}: applied {} + unused {} (+ refunded {}) is not the amount {}", what, applied.to_string(),
                    payment.unused.to_string(), refunded.to_string(), payment.amount.to_string()));
  }
  return std::nullopt;
}

}  // namespace berth::ledger
