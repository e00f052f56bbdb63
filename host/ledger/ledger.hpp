#pragma once
// The ledger: from a canonical document to immutable, balanced entries.
//
//   Books books = BERTH_TRY(load_books(connection, document, context));             // books.hpp: a read-only snapshot
//   Planned planned = plan(document, books);                                        // plan.hpp: pure
//   if (planned.plan) BERTH_CHECK(commit(connection, *planned.plan, commit_context)); // commit.hpp: caller's
//   transaction
//
// plan() reads a snapshot and writes nothing; commit() writes entries, open items and matches. An entry whose debits do
// not equal its credits cannot be stored: the database refuses it. Entries are never edited; a correction is a new
// entry. What posts, and why, is docs/accounting.md; the ids in comments (N1, G2, E11, C3, I4) are those of that page.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/core/decimal.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/documents/documents.hpp"
#include "host/storage/database.hpp"

namespace berth::ledger {

enum class Side { kDebit, kCredit };

/// Accounts whose balance is the sum of open items: receivables, and what customers paid that is not applied yet.
enum class Control { kNone, kReceivable, kCredits };
[[nodiscard]] std::string_view to_string(Control control);  // "", "ar", "credits"

struct EntryLine {
  std::string account;  // id in the company's chart
  Side side = Side::kDebit;
  Money base;                          // base currency of the company, never negative
  std::optional<Money> document;       // document currency; absent on lines in base only
  std::string party;                   // customer, for control accounts
  std::string location, service_type;  // dimensions
  std::string description;
  Control control = Control::kNone;
};

/// One journal entry as planned. No lines: an event that only matches open items, or one of nothing (L2).
struct Entry {
  std::string event;  // post, cash, cash:<company>, allocation:<id>, refund:<id>, credit_application:<id>, writeoff, ...
  std::int64_t sequence = 1;
  std::string company;
  Date date, document_date;
  Currency currency, base_currency;
  std::optional<Decimal> rate;
  std::vector<EntryLine> lines;
  std::string fingerprint;
  std::string description;  // "INV-000317"
};

/// A live entry to negate exactly as stored.
struct Reversal {
  std::int64_t entry = 0;  // id of the stored entry
  std::string event;       // key of the reversing entry: "void", or the event it reverses
  std::int64_t sequence = 1;
  Date date;
};

/// How far an entry moves an open item: opens it (post, cash) or relieves it. Signed like the control account: a debit
/// is positive, so an invoice opens with +total and a payment's credit with -amount.
struct Match {
  std::string event;       // the entry of this plan that does it
  documents::Source item;  // the invoice, credit note or payment that is moved
  std::string local_id;    // of the item; "" for the planned document itself
  std::string company, customer;
  Control control = Control::kReceivable;
  bool opens = false;
  Money amount;  // document currency
  Money base;    // carrying base
};

/// A share that cannot be applied yet; it stays in customer credits (P1).
struct PendingApplication {
  std::string id;       // of the allocation or application row
  std::string awaited;  // "invoice/<remote id>"
  Money amount;
};

/// A payment, or (negative) a refund, that a payout takes out of undeposited funds.
struct PayoutPart {
  std::string part;  // "payment/pay_91", "refund/R7"
  std::string company, account;
  Money amount;
};

/// A live entry, mostly of another document, that is posted again because what it relieves is carried at another base now
/// (C2). Its own reversal is among those of the plan.
struct Rederived {
  documents::Source source;  // version: of the document that made the entry
  std::string local_id, rules_revision;
  Entry entry;
  std::vector<Match> matches;
};

struct Plan {
  std::vector<Reversal> reversals;
  std::vector<Entry> entries;
  std::vector<Match> matches;
  std::vector<Rederived> rederived;
  std::vector<std::string> pending;  // "invoice/<remote id>": allocations that wait for it
  std::vector<PendingApplication> pending_applications;
  std::vector<PayoutPart> payout_parts;  // of a deposit
  std::vector<std::string> flags;   // facts that block nothing: "ledger.balance_identity"
  std::vector<std::string> replan;  // "customer_payment/<remote id>": apply again after the commit (C2)
  [[nodiscard]] bool is_empty() const { return reversals.empty() && entries.empty() && matches.empty(); }
};

enum class Consequence { kFailed, kParked, kSkipped };

/// An account row that a document needs and that has no account yet.
struct MissingAccount {
  std::string kind, company;
  std::string label;  // the key: of the row if there is one, else as the document wrote it; "-" for none
  /// "account/payment_mode/Bank Transfer/acme_us"
  [[nodiscard]] std::string awaited() const { return "account/" + kind + "/" + label + "/" + company; }
  friend bool operator==(const MissingAccount&, const MissingAccount&) = default;
};

struct Refusal {
  std::string reason;   // "ledger.unmapped", "ledger.totals", ...
  std::string message;  // both sides shown
  Consequence consequence = Consequence::kFailed;
  std::vector<std::string>
      waits_for;  // kParked: "account/payment_mode/Stripe/acme_us", "invoice/<remote id>", "period/acme_us/2026-05"
  std::vector<std::string> forced_fetch;         // "invoice/<remote id>": documents whose current data may resolve it
  std::vector<MissingAccount> missing_accounts;  // ledger.unmapped: the rows to make, for people to map
  bool is_confirmed = false;                     // what forced_fetch asks for was fetched; asked for again only when it changes
};

/// Exactly one of the two is set.
struct Planned {
  std::optional<Plan> plan;
  std::optional<Refusal> refusal;
};

}  // namespace berth::ledger
