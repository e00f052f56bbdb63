#pragma once
// Inside plan(): what a document should have posted, event by event, before it is compared with what it has posted.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "berth/json.hpp"
#include "host/ledger/books.hpp"
#include "host/ledger/ledger.hpp"

namespace berth::ledger {

/// How far an event relieves an open item in a foreign currency: which match says so, and which line (none where an event
/// has no line for it). The base amounts of both are found when it is known what else relieves the item (relief.hpp).
struct Relief {
  std::size_t match = 0;
  std::optional<std::size_t> line;
};
/// How an event with reliefs is balanced once their base is known.
enum class Closing {
  kExchange,  // what is left over is a realised exchange difference
  kShares     // the other lines are shares of what is relieved; the first one takes what rounding leaves (E16)
};
/// One event with the lines and matches it should have; sequence and posting date are set later.
struct DraftEvent {
  Entry entry;
  std::vector<Match> matches;
  std::vector<Relief> reliefs = {};  // empty in the base currency, where an amount is its own base
  Closing closing = Closing::kExchange;
  std::string exchange_account = {};
};
struct Draft {
  std::vector<DraftEvent> events;
  std::vector<PendingApplication> pending;
  std::vector<std::string> flags;
  std::vector<PayoutPart> payout_parts = {};
};
using Drafted = std::variant<Draft, Refusal>;

/// What becomes of a share that is larger than what its invoice has open.
enum class Excess { kRefuse, kWait };
[[nodiscard]] Drafted draft_invoice(documents::Invoice invoice, const Books& books, Excess excess);  // credit notes too
[[nodiscard]] Drafted draft_payment(documents::CustomerPayment payment, const Books& books, Excess excess);

/// The last part of plan(): compares with what is live, derives carrying amounts, and settles dates in closed months.
[[nodiscard]] Planned plan_draft(Draft draft, const Books& books, std::string_view what);
/// What `work` plans; ledger.amount_limit where one of its sums, or the lines of an entry, are beyond 64 bits.
[[nodiscard]] Planned within_limits(std::string_view what, const std::function<Planned()>& work);

[[nodiscard]] inline Refusal failed(std::string reason, std::string message) {
  return Refusal{std::move(reason), std::move(message), Consequence::kFailed, {}, {}, {}};
}
[[nodiscard]] inline Refusal parked(std::string reason, std::string message, std::vector<std::string> waits_for) {
  return Refusal{std::move(reason), std::move(message), Consequence::kParked, std::move(waits_for), {}, {}};
}
/// "invoice/46…": under what a document is awaited and fetched.
[[nodiscard]] inline std::string awaited_document(const documents::Source& source) {
  return source.entity + "/" + source.remote_id;
}

/// Finds accounts and collects every row that is missing, so that a person sees them all at once.
class AccountResolver {
 public:
  explicit AccountResolver(const Books& books) : books_(books) {}
  std::string role(std::string_view company, std::string_view name);
  /// Whether the role has an account; asks for nothing.
  [[nodiscard]] bool has_role(std::string_view company, std::string_view name) const {
    return !find_role(company, name).empty();
  }
  std::string income(std::string_view company, const documents::Line& line);
  /// The other side of documents of which only the total is known; nothing stands in for it.
  std::string reduced_total(std::string_view company) { return required("reduced_total", "", company); }
  std::string tax(std::string_view company, std::string_view id) { return required("tax", id, company); }
  std::string payment_mode(std::string_view company, std::string_view mode) {
    return required("payment_mode", mode, company);
  }
  /// ledger.unmapped with all the rows, if any was missing.
  [[nodiscard]] std::optional<Refusal> refusal() const;

 private:
  [[nodiscard]] std::string find_role(std::string_view company, std::string_view name) const;
  [[nodiscard]] std::string mapped(std::string_view kind, std::string_view key, std::string_view company) const;
  std::string required(std::string_view kind, std::string_view key, std::string_view company);
  void miss(std::string_view kind, std::string_view key, std::string_view company);

  const Books& books_;
  std::vector<MissingAccount> missing_;
};

/// Adds a line for signed amounts (positive = debit) in the document's currency and in base, and returns it; nullptr, and
/// no line, for zero.
EntryLine* add_line(Entry& entry, std::string account, Money signed_amount, Money signed_base,
                    Control control = Control::kNone, std::string party = "");
/// whole × part ÷ of, half away from zero (N2); the whole itself where part equals `of`, nothing where `of` is zero.
[[nodiscard]] Money portion(Money whole, Money part, Money of);
/// The match that opens the planned document's own item.
[[nodiscard]] Match opening_match(const Entry& entry, const documents::Source& source, const std::string& customer,
                                  Control control, Money signed_amount, Money signed_base);
/// The open item that an event relieves.
struct Relieved {
  const documents::Source& source;
  std::string local_id;  // "" = the planned document itself
  const std::string& customer;
  Control control = Control::kReceivable;
};
/// Relieves an item by a signed amount, with a line on its control account, or (nothing) without one.
void add_relief(DraftEvent& event, const Relieved& item, Money signed_amount, std::optional<std::string> account);
/// What an item was opened with, as fingerprints of what relieves it carry it in a foreign currency: "~1200.00=1302.52".
/// Another total or base is another carrying amount, so what was relieved has to be derived again (C2).
[[nodiscard]] std::string carried_suffix(Money total, Money base);
/// BLAKE2b over the canonical JSON of what would be posted.
[[nodiscard]] std::string fingerprint_of(const json::Value& content);

/// The company, checked: known, and with the base currency of the organisation (N3, T19).
[[nodiscard]] std::variant<const Company*, Refusal> posting_company(const Books& books, std::string_view company,
                                                                    std::string_view what);
/// Every amount in the document's currency and all of them within the limits of plan.hpp; zeros get the currency.
[[nodiscard]] std::optional<Refusal> normalise_amounts(const std::vector<Money*>& amounts, Currency currency,
                                                       std::size_t rows, std::string_view what);
/// "invoice INV-000317", for messages.
[[nodiscard]] std::string title_of(const documents::Source& source, std::string_view number);
/// The consequence of data that disagree between two documents: both are fetched again, and it is skipped (P2), or failed, if
/// current data of both still disagree.
[[nodiscard]] Refusal disagreement(std::string reason, std::string message, std::vector<std::string> documents,
                                   const documents::Source& own, const Books& books,
                                   Consequence if_confirmed = Consequence::kSkipped);
/// Why a row of a payment or credit note that names `referred` cannot be applied now, if so.
[[nodiscard]] const ReferredDocument* posted_referred(const Books& books, const documents::Reference& reference);
/// "invoice/<remote id>" of a reference that cannot be applied yet.
[[nodiscard]] std::string awaited_of(const Books& books, const documents::Reference& reference);

/// Whose money a refund gives back, and from which control account.
struct Refunded {
  std::string_view fingerprint_kind;  // "payment.refund": part of the fingerprint, so it never changes
  std::string_view role;
  Relieved item;
  std::optional<Decimal> rate;  // of the document, for refunds without their own
  Money opened, base_opened;    // of the item
};
/// One entry `refund:<id>` per refund that is not zero: Dr the control account, Cr the account of the refund's mode (E8c,
/// E13a). `entry_of` begins an entry of the document with that event and date.
[[nodiscard]] std::optional<Refusal> draft_refunds(const std::vector<documents::Refund>& refunds, const Refunded& from,
                                                   const Company& company,
                                                   const std::function<Entry(std::string event, Date date)>& entry_of,
                                                   std::string_view what, AccountResolver& accounts, Draft& draft);

}  // namespace berth::ledger
