#pragma once
// The snapshot that plan() decides on: everything about the books that one document touches, and nothing else.
//
//   BooksContext context{.integration = {"zoho_acme", "acme_us", "USD"}, .companies = companies};
//   Books books = BERTH_TRY(load_books(connection, document, context));
//
// load_books reads through the caller's connection, so a snapshot loaded inside a write transaction is still true when
// the plan is committed in it. Errors: those of storage, and ledger.damaged where stored rows cannot be read.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/ledger/accounts.hpp"
#include "host/ledger/ledger.hpp"
#include "host/ledger/periods.hpp"

namespace berth::ledger {

enum class PeriodPolicy { kRedate, kHold, kSkip };
enum class Presentation { kNet, kGross };

/// One company has the bank, and owes the others their part.
inline constexpr std::string_view kDueToFrom = "due_to_from";

struct Policies {
  PeriodPolicy periods = PeriodPolicy::kRedate;
  Presentation presentation = Presentation::kNet;
  std::string intercompany;  // "": one entry per company, nothing between them; or kDueToFrom
  bool bad_debt_relief = false;
};

struct Company {
  std::string id, name;
  Currency base_currency;
  Policies policies;
  Chart chart;
};
using Companies = std::map<std::string, Company>;

struct IntegrationFacts {
  std::string id;
  std::string company;        // where documents without a company of their own go
  std::string base_currency;  // of the remote organisation; "" = that of the company
};

/// What the caller knows.
struct BooksContext {
  IntegrationFacts integration;
  Companies companies;
  std::optional<AccountTable> accounts;  // nothing: read from account_row
  /// The data of every document that disagrees was fetched after the disagreement was seen: what then still disagrees
  /// is skipped for good (P2).
  bool current_data_confirmed = false;
};

/// An entry that is neither a reversal nor reversed.
struct LiveEntry {
  std::int64_t id = 0;
  documents::Source source;  // version: of the document that made it
  std::string event;
  std::int64_t sequence = 0;
  std::int64_t last_sequence = 0;  // of this source and event, reversals included
  std::string fingerprint, company;
  Date date, document_date;
  Currency currency, base_currency;
};

/// A document that the planned one names.
struct ReferredDocument {
  documents::Source source;
  bool posted = false;  // has a live opening entry
  std::string company, customer, number;
  Currency currency;
  Money total, open;  // as an invoice shows them: positive while something is owed
  Money base_total, base_open;  // carrying base
  Money own_relief;   // what live entries of the planned document relieve of it now
};

/// The event of a receivable that was open before these books, and one without lines that remembers the total which its
/// invoice had when it was first seen: docs/accounting.md, "Opening receivables".
inline constexpr std::string_view kOpeningEvent = "opening";
inline constexpr std::string_view kOpeningTotalEvent = "opening_total";
struct OpeningReceivable {
  std::size_t line = 0;  // of the file it came from
  std::string invoice;   // remote id
  std::string number;
  std::string customer;  // in a file as written, local or remote id; in Books the local id
  std::string company;
  Money open;            // document currency
  Money base;            // what it is carried at
  Date date;
};

/// What live entries of other documents relieve of the planned one.
struct IncomingRelief {
  LiveEntry entry;
  std::string company, customer;  // of the open item it relieves
  Money amount;                   // positive for an invoice
};

/// What payouts have taken of a payment (its `cash` entries), or of a refund, that the planned document has posted.
struct PaidOut {
  std::string event;  // "cash", or "refund:R7"
  std::string company, account;
  Money amount;                              // never negative
  std::vector<std::string> payouts;          // "deposit/<remote id>"
  std::map<std::int64_t, Money> moved;       // by live entry: what it brought into the account, or a refund took off it
};

/// Which open item: those of a document that changed company, customer or currency are different ones.
struct ItemKey {
  std::string entity, remote_id, company, customer, currency;
  friend auto operator<=>(const ItemKey&, const ItemKey&) = default;
};
[[nodiscard]] ItemKey key_of(const Match& match);

/// A live entry as it is stored.
struct WrittenEntry {
  LiveEntry live;
  std::string local_id, rules_revision, description;
  std::optional<Decimal> rate;
  std::vector<EntryLine> lines;
  std::vector<Match> matches;
};

struct ItemAccount {
  std::string company, income_account;
};

struct Books {
  IntegrationFacts integration;
  Companies companies;
  AccountTable accounts;
  bool current_data_confirmed = false;
  std::map<std::string, std::set<Month>> closed;      // company → closed months
  std::map<std::string, LiveEntry> live;              // of this source, by event
  std::map<std::string, std::int64_t> last_sequence;  // of this source, by event, reversals included
  std::map<std::string, ReferredDocument> referred;   // by local id
  std::vector<IncomingRelief> incoming;
  std::map<std::string, ItemAccount> items;  // by local id
  /// Of a payout, by part ("payment/pay_91", "refund/R7"): what came into undeposited funds, or left them, and is in no other payout.
  std::map<std::string, Money> undeposited;
  std::vector<PaidOut> paid_out;  // of the planned payment or credit note
  std::optional<OpeningReceivable> opening;  // of the planned invoice, also when its entry was taken back
  std::optional<OpeningReceivable> first_opening;  // the same as it was entered first: before a customer was linked, say
  std::string opening_total;                 // fingerprint of the last kOpeningTotalEvent; "" = the invoice was not seen yet
  std::optional<Money> written_off;          // by the live write-off of the planned invoice
  /// Documents in a foreign currency only: every live entry that moves an item which this one opens or relieves, in order
  /// of recording. What an item is carried at follows from all of them.
  std::map<std::int64_t, WrittenEntry> written;
};


Result<Books> load_books(storage::Connection& connection, const documents::Document& document,
                         const BooksContext& context);

/// The same in two steps, for many documents within one transaction: what all of them share (accounts, closed months), and
/// then, for each, what only it touches; what stands there of an earlier document is replaced.
Result<Books> load_common(storage::Connection& connection, const BooksContext& context);
Status load_document(storage::Connection& connection, const documents::Document& document, Books& books);

}  // namespace berth::ledger
