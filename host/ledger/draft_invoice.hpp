#pragma once
// What the parts of an invoice's or credit note's draft share: its entry (draft_invoice.cpp), what a credit note is
// applied to and refunded (draft_credit.cpp), and what of an invoice is written off (draft_write_off.cpp).
#include "host/ledger/drafting.hpp"
#include "host/ledger/gates.hpp"

namespace berth::ledger {

/// Begins an entry of the document.
[[nodiscard]] Entry invoice_entry(const documents::Invoice& invoice, const Company& company, std::string event,
                                  Date date);
/// T14, and the events `credit_application:<id>` and `refund:<id>` of a credit note.
[[nodiscard]] std::optional<Refusal> draft_credit(const documents::Invoice& note, const Company& company,
                                                  Money base_total, const Books& books, std::string_view what,
                                                  Excess excess, AccountResolver& accounts, Draft& draft);
/// E16: the event `writeoff` of an invoice.
[[nodiscard]] std::optional<Refusal> draft_write_off(const documents::Invoice& invoice, const Company& company,
                                                     const InvoiceTotals& totals, Money base_total,
                                                     std::string_view what, AccountResolver& accounts, Draft& draft);

}  // namespace berth::ledger
