#include "host/ledger/plan.hpp"

#include <map>
#include <set>

#include "host/core/text.hpp"
#include "host/ledger/deposit.hpp"
#include "host/ledger/draft_invoice.hpp"
#include "host/ledger/relief.hpp"

namespace berth::ledger {
namespace {

using documents::Source;
using documents::State;

/// Numbers entries of the document's events, going on from what is stored.
class Sequences {
 public:
  explicit Sequences(const Books& books) : last_(books.last_sequence) {}
  std::int64_t next(const std::string& event) { return ++last_[event]; }

 private:
  std::map<std::string, std::int64_t> last_;
};

std::optional<Refusal> take_pending(Draft& draft, std::string_view what, Plan& plan) {
  plan.flags = std::move(draft.flags);
  plan.pending_applications = std::move(draft.pending);
  plan.payout_parts = std::move(draft.payout_parts);
  std::set<std::string> waiting;
  for (const PendingApplication& share : plan.pending_applications) {
    if (!waiting.insert(share.id).second)
      return failed("ledger.key_conflict", fmt::format("{}: two of its rows have the id {}", what, share.id));
    if (std::find(plan.pending.begin(), plan.pending.end(), share.awaited) == plan.pending.end())
      plan.pending.push_back(share.awaited);
  }
  return std::nullopt;
}

// C2: an invoice that moves to another company, customer or currency takes the live allocations on its old self back; the
// payments are planned again and find the new one.
void release_moved(const documents::Invoice& invoice, const Books& books, Plan& plan) {
  for (const IncomingRelief& relief : books.incoming) {
    if (relief.company == invoice.company && relief.customer == invoice.customer &&
        relief.amount.currency() == invoice.currency)
      continue;
    plan.reversals.push_back({relief.entry.id, relief.entry.event, relief.entry.last_sequence + 1, relief.entry.date});
    const std::string document = awaited_document(relief.entry.source);
    if (std::find(plan.replan.begin(), plan.replan.end(), document) == plan.replan.end())
      plan.replan.push_back(document);
  }
}

// What should be there against what is live: the same fingerprint posts nothing, another one reverses and reposts, an
// event that is gone is reversed. `moving` is the invoice whose allocations may have to be released.
Planned reconcile(Draft draft, const Books& books, std::string_view what, const documents::Invoice* moving) {
  Plan plan;
  if (auto refusal = take_pending(draft, what, plan)) return {std::nullopt, std::move(refusal)};
  std::set<std::string> wanted;
  std::set<std::string> unchanged;
  bool has_reliefs = false;
  for (const DraftEvent& event : draft.events) {
    if (!wanted.insert(event.entry.event).second) {
      return {std::nullopt,
              failed("ledger.key_conflict", fmt::format("{}: two of its rows are both {}", what, event.entry.event))};
    }
    has_reliefs = has_reliefs || !event.reliefs.empty();
    const auto live = books.live.find(event.entry.event);
    if (live != books.live.end() && live->second.fingerprint == event.entry.fingerprint)
      unchanged.insert(event.entry.event);
  }
  Sequences sequences(books);
  for (const auto& [event, live] : books.live) {
    if (unchanged.contains(event)) continue;
    // The reversal of an invoice that is not replaced has its own key.
    const std::string key = event == "post" && !wanted.contains(event) ? "void" : event;
    plan.reversals.push_back({live.id, key, sequences.next(key), live.date});
  }
  if (moving != nullptr) release_moved(*moving, books, plan);
  if (has_reliefs || !books.written.empty()) {
    AccountResolver accounts(books);
    settle_carrying(draft.events, unchanged, books, accounts, plan);
    if (auto refusal = accounts.refusal()) return {std::nullopt, std::move(refusal)};
  }
  for (DraftEvent& event : draft.events) {
    if (unchanged.contains(event.entry.event)) continue;
    event.entry.sequence = sequences.next(event.entry.event);
    for (Match& match : event.matches) plan.matches.push_back(std::move(match));
    plan.entries.push_back(std::move(event.entry));
  }
  return {std::move(plan), std::nullopt};
}

const LiveEntry* find_entry(const Books& books, std::int64_t id) {
  for (const auto& [event, live] : books.live) {
    if (live.id == id) return &live;
  }
  for (const IncomingRelief& relief : books.incoming) {
    if (relief.entry.id == id) return &relief.entry;
  }
  if (const auto written = books.written.find(id); written != books.written.end()) return &written->second.live;
  return nullptr;
}

// C3: the posting date decides, not the original one.
std::optional<Refusal> apply_periods(Plan& plan, const Books& books, std::string_view what) {
  std::vector<std::string> held;
  bool skips = false;
  bool holds = false;
  const auto settle = [&](const std::string& company, Date& date, bool is_reversal) {
    const auto closed = books.closed.find(company);
    if (closed == books.closed.end() || !closed->second.contains(Month::of(date))) return;
    const auto found = books.companies.find(company);
    const PeriodPolicy policy = found == books.companies.end() ? PeriodPolicy::kHold : found->second.policies.periods;
    if (policy == PeriodPolicy::kRedate) {
      date = first_open_day(date, closed->second);
      return;
    }
    // A reversal is never skipped: what it takes back would stay in the books for good.
    (policy == PeriodPolicy::kSkip && !is_reversal ? skips : holds) = true;
    std::string awaited = awaited_period(company, Month::of(date));
    if (std::find(held.begin(), held.end(), awaited) == held.end()) held.push_back(std::move(awaited));
  };
  for (Reversal& reversal : plan.reversals) {
    const LiveEntry* entry = find_entry(books, reversal.entry);
    if (entry != nullptr) settle(entry->company, reversal.date, true);
  }
  for (Entry& entry : plan.entries) {
    // What moves no account and no open item belongs to no month.
    const bool moves = !entry.lines.empty() || std::any_of(plan.matches.begin(), plan.matches.end(),
                                                           [&](const Match& match) { return match.event == entry.event; });
    if (moves) settle(entry.company, entry.date, false);
  }
  for (Rederived& again : plan.rederived) settle(again.entry.company, again.entry.date, true);
  if (held.empty()) return std::nullopt;
  Refusal refusal = parked("ledger.period_locked",
                           fmt::format("{}: it posts into {}, which is closed", what, join(held, ", ")), held);
  if (skips && !holds) {
    refusal.consequence = Consequence::kSkipped;
    refusal.waits_for.clear();
  }
  return refusal;
}

// T16: payments and credits that are applied to an invoice must let go of it first; their own current data say so.
std::optional<Refusal> check_allocations_live(const Books& books, State state, std::string_view what,
                                              const Source& source) {
  if (books.incoming.empty()) return std::nullopt;
  std::vector<std::string> documents;
  for (const IncomingRelief& relief : books.incoming) {
    std::string document = awaited_document(relief.entry.source);
    if (std::find(documents.begin(), documents.end(), document) == documents.end())
      documents.push_back(std::move(document));
  }
  Refusal refusal = parked("ledger.allocations_live",
                           fmt::format("{}: it is {} now, but {} are still applied to it", what,
                                       documents::to_string(state), join(documents, ", ")),
                           documents);
  refusal.is_confirmed = books.current_data_confirmed;
  if (refusal.is_confirmed) return refusal;
  refusal.forced_fetch = std::move(documents);
  refusal.forced_fetch.push_back(awaited_document(source));
  return refusal;
}

Planned finish(Planned planned, const Books& books, std::string_view what) {
  if (planned.plan) {
    if (auto refusal = check_paid_out(*planned.plan, books, what)) return {std::nullopt, std::move(refusal)};
    if (auto refusal = apply_periods(*planned.plan, books, what)) return {std::nullopt, std::move(refusal)};
  }
  return planned;
}

// Void, deleted, or a draft again: everything the document has posted is taken back. Never posted: nothing happens.
template <class Document>
Planned plan_gone(const Document& document, const Books& books, std::string_view what) {
  if (auto refusal = check_allocations_live(books, document.state, what, document.source))
    return {std::nullopt, std::move(refusal)};
  return plan_draft({}, books, what);
}

Planned draft_of(const documents::Invoice& invoice, const Books& books, Excess excess, std::string_view what) {
  // What was open before these books was entered by hand; the document itself is older than they are.
  Drafted drafted = books.opening ? draft_opened(invoice, books) : draft_invoice(invoice, books, excess);
  if (auto* refusal = std::get_if<Refusal>(&drafted)) return {std::nullopt, std::move(*refusal)};
  return reconcile(std::get<Draft>(std::move(drafted)), books, what, &invoice);
}

Planned draft_of(const documents::CustomerPayment& payment, const Books& books, Excess excess, std::string_view what) {
  Drafted drafted = draft_payment(payment, books, excess);
  if (auto* refusal = std::get_if<Refusal>(&drafted)) return {std::nullopt, std::move(*refusal)};
  return reconcile(std::get<Draft>(std::move(drafted)), books, what, nullptr);
}

bool takes_back_shares(const Plan& plan) {
  return std::any_of(plan.reversals.begin(), plan.reversals.end(), [](const Reversal& reversal) {
    return reversal.event.starts_with("allocation:") || reversal.event.starts_with("credit_application:");
  });
}

// Two payments that exchange their invoices would wait for each other for ever: each needs the room that the other one
// holds. So what a document no longer claims is taken back at once, and what does not fit yet waits in customer credits
// until the document is planned again. Only when nothing is left to take back is an excess refused (P2).
template <class Document>
Planned plan_document(const Document& document, const Books& books) {
  const std::string what = title_of(document.source, document.number);
  if (document.state != State::kOpen) return plan_gone(document, books, what);
  Planned planned = draft_of(document, books, Excess::kRefuse, what);
  if (planned.refusal && planned.refusal->reason == "ledger.over_application") {
    Planned partial = draft_of(document, books, Excess::kWait, what);
    if (partial.plan && takes_back_shares(*partial.plan)) {
      planned = std::move(partial);
      planned.plan->flags.emplace_back("ledger.over_application");
      planned.plan->replan.push_back(awaited_document(document.source));
    }
  }
  return finish(std::move(planned), books, what);
}

}  // namespace

Planned plan_draft(Draft draft, const Books& books, std::string_view what) {
  return within_limits(what, [&] { return finish(reconcile(std::move(draft), books, what, nullptr), books, what); });
}

Planned plan(const documents::Document& document, const Books& books) {
  const auto planned = [&](const auto& one, std::string_view number) {
    return within_limits(title_of(one.source, number), [&] { return plan_document(one, books); });
  };
  if (const auto* invoice = std::get_if<documents::Invoice>(&document)) return planned(*invoice, invoice->number);
  if (const auto* payment = std::get_if<documents::CustomerPayment>(&document)) return planned(*payment, payment->number);
  if (const auto* deposit = std::get_if<documents::Deposit>(&document))
    return within_limits(title_of(deposit->source, deposit->reference), [&] { return plan_deposit(*deposit, books); });
  return {Plan{}, std::nullopt};  // master data posts nothing
}

}  // namespace berth::ledger
