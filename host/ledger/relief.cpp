#include "host/ledger/relief.hpp"

#include <map>

#include "host/ledger/fx.hpp"

namespace berth::ledger {
namespace {

/// One relief of an item: a match of a stored entry, or of one that is about to be posted. Amounts have the sign of the
/// item: positive for an invoice.
struct Part {
  std::int64_t stored = 0;
  DraftEvent* drafted = nullptr;
  std::size_t index = 0;  // of the match, or of the drafted event's relief
  Money amount, base;
};
struct Item {
  Money opened, base;                // as it will be
  Money stored_opened, stored_base;  // as it is
  std::vector<Part> kept, fresh;
  [[nodiscard]] bool is_repriced() const {
    return !stored_opened.is_zero() && !opened.is_zero() && (opened != stored_opened || base != stored_base);
  }
};

void add(Money& sum, Money amount) {
  sum = sum.is_zero() ? amount : sum + amount;
}

/// Entries that stay live but relieve another base: new bases of their matches, in the sign of the match.
using Changes = std::map<std::int64_t, std::map<std::size_t, Money>>;

class Carrying {
 public:
  Carrying(std::vector<DraftEvent>& events, const std::set<std::string>& unchanged, const Books& books,
           AccountResolver& accounts, Plan& plan)
      : events_(events), unchanged_(unchanged), books_(books), accounts_(accounts), plan_(plan) {}
  void settle();

 private:
  void collect();
  void share_out(const ItemKey& key, Item& item);
  void level(Item& item, Money missing);
  void change(const Part& part);
  void close(DraftEvent& event);
  void rederive(const WrittenEntry& written, const std::map<std::size_t, Money>& bases);
  void shift(Entry& entry, const Match& match, Money delta);
  std::string control_account(const std::string& company, Control control) {
    return accounts_.role(company, control == Control::kCredits ? role::kCredits : role::kReceivable);
  }

  std::vector<DraftEvent>& events_;
  const std::set<std::string>& unchanged_;
  const Books& books_;
  AccountResolver& accounts_;
  Plan& plan_;
  std::map<ItemKey, Item> items_;
  Changes changes_;
  std::map<std::int64_t, std::string> suffixes_;  // of entries whose invoice has another total or base now
};

void Carrying::collect() {
  std::set<std::int64_t> reversed;
  for (const Reversal& reversal : plan_.reversals) reversed.insert(reversal.entry);
  for (const auto& [id, written] : books_.written) {
    for (std::size_t i = 0; i < written.matches.size(); ++i) {
      const Match& match = written.matches[i];
      Item& item = items_[key_of(match)];
      if (match.opens) {
        add(item.stored_opened, match.amount);
        add(item.stored_base, match.base);
      }
      if (reversed.contains(id)) continue;
      if (match.opens) {
        add(item.opened, match.amount);
        add(item.base, match.base);
      } else {
        item.kept.push_back({id, nullptr, i, match.amount.negated(), match.base.negated()});
      }
    }
  }
  for (DraftEvent& event : events_) {
    if (unchanged_.contains(event.entry.event)) continue;
    for (const Match& match : event.matches) {
      if (!match.opens) continue;
      Item& item = items_[key_of(match)];
      add(item.opened, match.amount);
      add(item.base, match.base);
    }
    for (std::size_t i = 0; i < event.reliefs.size(); ++i) {
      const Match& match = event.matches[event.reliefs[i].match];
      items_[key_of(match)].fresh.push_back({0, &event, i, match.amount.negated(), Money::zero(match.base.currency())});
    }
  }
}

/// At most what is left, and never the other way: a share may be smaller than the cents that rounding moved before it.
Money bounded(Money base, Money left, bool is_negative) {
  const Money zero = Money::zero(base.currency());
  if (is_negative) return base > zero ? zero : std::max(base, std::min(left, zero));
  return base < zero ? zero : std::min(base, std::max(left, zero));
}

void Carrying::share_out(const ItemKey& key, Item& item) {
  if (item.opened.is_zero()) return;  // it is taken back; nothing can be applied to it
  if (item.is_repriced()) {
    for (Part& part : item.kept) {
      if (key.entity == "invoice") suffixes_[part.stored] = carried_suffix(item.opened, item.base);
    }
    item.fresh.insert(item.fresh.begin(), item.kept.begin(), item.kept.end());
    item.kept.clear();
  }
  Money done = Money::zero(item.opened.currency());
  Money base_done = Money::zero(item.base.currency());
  for (const Part& part : item.kept) {
    done += part.amount;
    base_done += part.base;
  }
  for (Part& part : item.fresh) {
    done += part.amount;
    part.base = bounded(portion(item.base, done, item.opened) - base_done, item.base - base_done, item.opened.is_negative());
    base_done += part.base;
  }
  level(item, portion(item.base, done, item.opened) - base_done);
  for (const Part& part : item.fresh) change(part);
}

// What was taken back from the middle leaves cents: the largest shares take them, first those that post anyway.
void Carrying::level(Item& item, Money missing) {
  if (missing.is_zero()) return;
  const auto by_size = [](const Part* a, const Part* b) {
    const Money first = a->amount.absolute();
    const Money second = b->amount.absolute();
    return first != second ? first > second : a->stored > b->stored;
  };
  std::vector<Part*> parts;
  for (Part& part : item.fresh) parts.push_back(&part);
  std::sort(parts.begin(), parts.end(), by_size);
  const auto first_kept = static_cast<std::ptrdiff_t>(parts.size());
  for (Part& part : item.kept) parts.push_back(&part);
  std::sort(parts.begin() + first_kept, parts.end(), by_size);
  const bool grows = missing.is_negative() == item.opened.is_negative();
  for (Part* part : parts) {
    if (missing.is_zero()) break;
    const Money taken = grows || missing.absolute() <= part->base.absolute() ? missing : part->base.negated();
    if (taken.is_zero()) continue;
    part->base += taken;
    missing -= taken;
    if (part->drafted == nullptr) change(*part);
  }
}

void Carrying::change(const Part& part) {
  const Money signed_base = part.base.negated();
  if (part.drafted == nullptr) {
    changes_[part.stored][part.index] = signed_base;
    return;
  }
  const Relief& relief = part.drafted->reliefs[part.index];
  part.drafted->matches[relief.match].base = signed_base;
  if (relief.line) part.drafted->entry.lines[*relief.line].base = signed_base.absolute();
}

/// E16: each line its share of what is relieved, and the first one what rounding leaves. A line stands on the side of the
/// receivable where an invoice has more tax than it is worth.
void close_shares(Entry& entry) {
  const auto control = std::find_if(entry.lines.begin(), entry.lines.end(),
                                    [](const EntryLine& line) { return line.control != Control::kNone; });
  if (control == entry.lines.end() || !control->document) return;
  std::vector<EntryLine*> shares;
  for (EntryLine& line : entry.lines) {
    if (line.control == Control::kNone && line.document) shares.push_back(&line);
  }
  if (shares.empty()) return;
  const auto signed_base = [&](const EntryLine& line, Money base) { return line.side == control->side ? base.negated() : base; };
  Money rest = control->base;
  for (std::size_t i = shares.size(); i-- > 1;) {
    shares[i]->base = portion(control->base, *shares[i]->document, *control->document);
    rest -= signed_base(*shares[i], shares[i]->base);
  }
  EntryLine& first = *shares.front();
  first.base = signed_base(first, rest);
  if (!first.base.is_negative() || shares.size() == 1) return;
  // The others were rounded past its share, which is less than a cent.
  first.base = Money::zero(entry.base_currency);
  shares[1]->base += signed_base(*shares[1], rest);
}

void Carrying::close(DraftEvent& event) {
  Entry& entry = event.entry;
  if (event.closing == Closing::kShares) return close_shares(entry);
  // Reliefs without lines leave only the difference of their bases in the control account (E15).
  Money net = Money::zero(entry.base_currency);
  const Match* unlined = nullptr;
  for (const Relief& relief : event.reliefs) {
    if (relief.line) continue;
    unlined = &event.matches[relief.match];
    net += unlined->base;
  }
  if (unlined != nullptr && !net.is_zero()) {
    add_line(entry, control_account(entry.company, unlined->control), Money::zero(entry.currency), net,
             unlined->control, unlined->customer);
  }
  close_with(entry, event.exchange_account);
}

// Moves the line of a control account by as much as what it stands for; makes or drops it where it is base only.
void Carrying::shift(Entry& entry, const Match& match, Money delta) {
  if (delta.is_zero()) return;
  EntryLine* found = nullptr;
  for (EntryLine& line : entry.lines) {
    if (line.control != match.control || line.party != match.customer) continue;
    if (found == nullptr || (line.document && !found->document)) found = &line;
  }
  if (found == nullptr) {
    add_line(entry, control_account(entry.company, match.control), Money::zero(entry.currency), delta, match.control,
             match.customer);
    return;
  }
  const Money before = found->side == Side::kDebit ? found->base : found->base.negated();
  const Money after = before + delta;
  found->base = after.absolute();
  if (!after.is_zero()) found->side = after.is_negative() ? Side::kCredit : Side::kDebit;
}

void Carrying::rederive(const WrittenEntry& written, const std::map<std::size_t, Money>& bases) {
  const LiveEntry& live = written.live;
  Rederived again{live.source, written.local_id, written.rules_revision, {}, written.matches};
  Entry& entry = again.entry;
  entry.event = live.event;
  entry.sequence = live.last_sequence + 2;  // after its reversal
  entry.company = live.company;
  entry.date = live.date;
  entry.document_date = live.document_date;
  entry.currency = live.currency;
  entry.base_currency = live.base_currency;
  entry.rate = written.rate;
  entry.lines = written.lines;
  entry.fingerprint = live.fingerprint;
  entry.description = written.description;
  if (const auto suffix = suffixes_.find(live.id); suffix != suffixes_.end()) {
    entry.fingerprint = entry.fingerprint.substr(0, entry.fingerprint.find('~')) + suffix->second;
  }
  for (const auto& [index, base] : bases) {
    Match& match = again.matches[index];
    shift(entry, match, base - match.base);
    match.base = base;
  }
  if (live.event == "writeoff") {
    close_shares(entry);
  } else {
    std::erase_if(entry.lines, [](const EntryLine& line) {
      return !line.document && (line.control == Control::kNone || line.base.is_zero());
    });
    if (!residual_of(entry).is_zero()) close_with(entry, accounts_.role(entry.company, role::kExchangeRealised));
  }
  plan_.reversals.push_back({live.id, live.event, live.last_sequence + 1, live.date});
  plan_.rederived.push_back(std::move(again));
}

void Carrying::settle() {
  collect();
  for (auto& [key, item] : items_) share_out(key, item);
  for (DraftEvent& event : events_) {
    if (!unchanged_.contains(event.entry.event) && !event.reliefs.empty()) close(event);
  }
  for (const auto& [id, bases] : changes_) rederive(books_.written.at(id), bases);
}

}  // namespace

void settle_carrying(std::vector<DraftEvent>& events, const std::set<std::string>& unchanged, const Books& books,
                     AccountResolver& accounts, Plan& plan) {
  Carrying(events, unchanged, books, accounts, plan).settle();
}

}  // namespace berth::ledger
