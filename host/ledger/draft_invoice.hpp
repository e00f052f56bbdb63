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
/// What an invoice's open item was opened with: its total, or what was open of it before these books.
struct Opened {
  Money total, base;
};
/// E16: the event `writeoff` of an invoice. As long as the amount stays, so does its day.
[[nodiscard]] std::optional<Refusal> draft_write_off(const documents::Invoice& invoice, const Company& company,
                                                     const InvoiceTotals& totals, const Opened& opened,
                                                     const Books& books, std::string_view what,
                                                     AccountResolver& accounts, Draft& draft);
/// The event `opening`: Dr ar, Cr opening_balance.
[[nodiscard]] DraftEvent draft_opening(const OpeningReceivable& opening, const documents::Source& source,
                                       const Company& company, AccountResolver& accounts);
/// An invoice that was open before these books (Books::opening): nothing of its content posts, only what happens to it now.
[[nodiscard]] Drafted draft_opened(documents::Invoice invoice, const Books& books);
/// Limits of amounts and rows; zeros get the currency.
[[nodiscard]] std::optional<Refusal> normalise_invoice(documents::Invoice& invoice, const Books& books, std::string_view what);
/// An edit must not leave an invoice, of which `total` was opened, below what live payments and credits take from it. Those of
/// another company or customer are taken back by this plan, so they do not count.
[[nodiscard]] std::optional<Refusal> check_relief(const documents::Invoice& invoice, Money total, const Books& books,
                                                  std::string_view what);

}  // namespace berth::ledger
