#pragma once
// The gates of docs/accounting.md: a document is reconciled with itself before anything of it posts.
#include <optional>
#include <string>
#include <vector>

#include "host/ledger/ledger.hpp"

namespace berth::ledger {

/// A header tax with its id found (G6); rows of zero are left out.
struct ResolvedTax {
  std::string tax;
  Money amount;
};
struct InvoiceTotals {
  Money document_discount;  // the D of G2 that made the total come out
  std::vector<ResolvedTax> taxes;
  std::vector<std::string> flags;
};

/// G1, G2, G4, G6, N2 block; G3 flags. Amounts must be normalised.
[[nodiscard]] std::optional<Refusal> check_invoice(const documents::Invoice& invoice, std::string_view what,
                                                   InvoiceTotals& totals);
/// G7, T9, and rows that cannot be.
[[nodiscard]] std::optional<Refusal> check_payment(const documents::CustomerPayment& payment, std::string_view what);

}  // namespace berth::ledger
