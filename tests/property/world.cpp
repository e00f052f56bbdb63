#include "property/world.hpp"

#include <algorithm>

#include "property/reference.hpp"

namespace berth::property {
namespace {

/// Most changes happen to young documents.
constexpr int kYoung = 600;

}  // namespace

Minor Version::sub_total() const {
  Minor sum = 0;
  for (const Row& row : rows) sum += row.amount;
  return sum;
}
Minor Version::total() const {
  return sub_total() - (discount_on_document ? discount : 0) + tax_10 + tax_5 + shipping + adjustment + round_off;
}
Minor Version::given() const {
  Minor sum = 0;
  for (const Share& share : shares) sum += share.amount;
  for (const Refund& refund : refunds) sum += refund.amount;
  return sum;
}

Version& World::change(int document) {
  Document& changed = documents_[static_cast<std::size_t>(document)];
  Version copy = changed.last();
  copy.modified = std::max(copy.modified, day_) + static_cast<int>(random_.between(0, 2));
  changed.versions.push_back(std::move(copy));
  made_.push_back({document, static_cast<int>(changed.versions.size()) - 1});
  return changed.versions.back();
}

int World::add(Kind kind, Version version) {
  const int document = static_cast<int>(documents_.size());
  version.modified = day_ + static_cast<int>(random_.between(0, 2));
  documents_.push_back({kind, std::nullopt, {std::move(version)}});
  used_.push_back(0);
  givers_.emplace_back();
  made_.push_back({document, 0});
  return document;
}

Minor World::some_rate(int currency) {
  return currency == kUsd ? 0 : currency == kEur ? random_.between(1'010'000, 1'250'000) : random_.between(5'900, 7'400);
}

Minor World::some_amount(int currency) {
  // Small ones too: there rounding decides.
  const Minor most = random_.chance(20) ? 30 : currency == kJpy ? 300'000 : 200'000;
  return random_.between(1, most);
}

void World::some_content(Version& version, Minor at_least) {
  version.rows.clear();
  const auto add_row = [&](Minor amount) {
    Row row;
    row.item = static_cast<int>(random_.between(0, static_cast<Minor>(std::size(kItems)) - 1));
    row.remote = static_cast<int>(random_.between(0, static_cast<Minor>(std::size(kRemotes)) - 1));
    if (random_.chance(25)) row.service = static_cast<int>(random_.between(0, static_cast<Minor>(std::size(kServiceLines)) - 1));
    row.amount = amount;
    if (amount > 0 && random_.chance(15)) row.discount = random_.between(0, amount);
    version.rows.push_back(row);
  };
  for (Minor n = random_.between(1, 3); n > 0; --n) add_row(some_amount(version.currency));
  const Minor first = version.rows.front().amount;
  if (random_.chance(8)) add_row(-random_.between(1, first));
  version.discount_on_document = random_.chance(15);
  version.discount = random_.chance(25) ? random_.between(0, first / 2) : 0;
  version.shipping = random_.chance(15) ? random_.between(1, 3000) : 0;
  version.adjustment = random_.chance(10) ? random_.between(-first / 4, 50) : 0;
  version.round_off = random_.chance(10) ? random_.between(-5, 5) : 0;
  version.tax_10 = random_.chance(50) ? first / 10 : 0;
  version.tax_5 = random_.chance(20) ? first / 20 : 0;
  version.prints_base = random_.chance(40);
  if (const Minor total = version.total(); total < at_least) version.rows.front().amount += at_least - total;
  // L2: an invoice of nothing.
  if (at_least == 0 && random_.chance(1)) version.rows.front().amount -= version.total();
}

void World::some_place(Version& version) {
  version.location = static_cast<int>(random_.between(0, static_cast<Minor>(std::size(kLocations)) - 1));
  version.service_type = static_cast<int>(random_.between(0, static_cast<Minor>(std::size(kServiceTypes)) - 1));
}

Minor World::open_of(int invoice) const {
  const Document& document = documents_[static_cast<std::size_t>(invoice)];
  const Version& last = document.last();
  if (last.state != State::kOpen) return 0;
  const Minor opened = document.opening ? document.opening->open : last.total();
  return opened - used_[static_cast<std::size_t>(invoice)] - last.written_off;
}

/// An invoice with something open, or -1. `company` -1: any.
int World::payable(int customer, int currency, int company) {
  const auto found = invoices_.find({customer, currency});
  if (found == invoices_.end()) return -1;
  std::vector<int>& candidates = found->second;
  for (int tries = 0; tries < 6 && !candidates.empty(); ++tries) {
    const auto at = static_cast<std::size_t>(random_.between(0, static_cast<Minor>(candidates.size()) - 1));
    const int invoice = candidates[at];
    const Version& last = documents_[static_cast<std::size_t>(invoice)].last();
    const bool is_here = last.customer == customer && last.currency == currency;
    if (!is_here || open_of(invoice) <= 0) {
      if (!is_here || random_.chance(70)) {
        candidates[at] = candidates.back();
        candidates.pop_back();
      }
      continue;
    }
    if (company < 0 || last.company == company) return invoice;
  }
  return -1;
}

void World::apply(Version& version, int document, bool is_note) {
  // A payment may pay for somebody else.
  const int customer =
      !is_note && random_.chance(6) ? static_cast<int>(random_.between(0, kCustomers - 1)) : version.customer;
  const bool is_at_home = is_note && !policies_[static_cast<std::size_t>(version.company)].due_to_from;
  const int invoice = payable(customer, version.currency, is_at_home ? version.company : -1);
  if (invoice < 0) return;
  const Minor left = (is_note ? version.total() : version.amount) - version.given();
  const Minor open = open_of(invoice);
  const Minor most = std::min(left, open);
  if (most <= 0) return;
  Share share{next_row_++, invoice, random_.chance(50) ? most : random_.between(1, most), 0};
  if (random_.chance(30)) share.day = std::min(version.day + static_cast<int>(random_.between(0, 20)), 340);
  if (!is_note && random_.chance(10)) share.withheld = random_.between(0, open - share.amount);
  used_[static_cast<std::size_t>(invoice)] += share.amount + share.withheld;
  givers_[static_cast<std::size_t>(invoice)].push_back(document);
  version.shares.push_back(share);
}

void World::drop_shares(Version& version, int document) {
  for (const Share& share : version.shares) {
    const auto invoice = static_cast<std::size_t>(share.invoice);
    used_[invoice] -= share.amount + share.withheld;
    auto& givers = givers_[invoice];
    givers.erase(std::find(givers.begin(), givers.end(), document));
  }
  version.shares.clear();
}

/// Takes every share out of it, as a remote does before it voids an invoice.
void World::let_go(int invoice) {
  auto& givers = givers_[static_cast<std::size_t>(invoice)];
  std::sort(givers.begin(), givers.end());
  givers.erase(std::unique(givers.begin(), givers.end()), givers.end());
  for (const int giver : givers) {
    Version& version = change(giver);
    std::erase_if(version.shares, [&](const Share& share) { return share.invoice == invoice; });
  }
  givers.clear();
  used_[static_cast<std::size_t>(invoice)] = 0;
}

bool World::is_bound(int invoice, bool to_company) const {
  const auto& givers = givers_[static_cast<std::size_t>(invoice)];
  return std::any_of(givers.begin(), givers.end(), [&](int giver) {
    const Document& document = documents_[static_cast<std::size_t>(giver)];
    if (document.kind != Kind::kCreditNote) return false;
    return !to_company || !policies_[static_cast<std::size_t>(document.last().company)].due_to_from;
  });
}

/// An invoice of which a part was open before these books.
void World::new_opening() {
  Version version;
  version.company = static_cast<int>(random_.between(0, 1));
  version.customer = static_cast<int>(random_.between(0, kCustomers - 1));
  version.currency = static_cast<int>(random_.between(0, 2));
  version.rate = some_rate(version.currency);
  version.day = -static_cast<int>(random_.between(5, 90));
  some_content(version, 1);
  some_place(version);
  const Minor open = random_.chance(50) ? version.total() : random_.between(1, version.total());
  Minor base = in_base(version.currency, some_rate(version.currency), open);
  if (version.currency != kUsd) base += random_.between(0, 2);  // an older system rounded as it liked
  const Bucket bucket{version.customer, version.currency};
  const int document = add(Kind::kInvoice, std::move(version));
  documents_.back().opening = Opening{open, base, -1};
  invoices_[bucket].push_back(document);
}

void World::new_invoice() {
  Version version;
  version.company = static_cast<int>(random_.between(0, 1));
  version.customer = static_cast<int>(random_.between(0, kCustomers - 1));
  version.currency = static_cast<int>(random_.between(0, 2));
  version.rate = some_rate(version.currency);
  version.day = day_;
  some_content(version, 0);
  some_place(version);
  if (random_.chance(4)) version.state = State::kDraft;
  const Bucket bucket{version.customer, version.currency};
  invoices_[bucket].push_back(add(Kind::kInvoice, std::move(version)));
}

void World::new_payment() {
  Version version;
  version.customer = static_cast<int>(random_.between(0, kCustomers - 1));
  version.currency = static_cast<int>(random_.between(0, 2));
  version.rate = some_rate(version.currency);
  version.day = day_;
  version.amount = some_amount(version.currency) * random_.between(1, 2);
  version.is_to_bank = random_.chance(30);
  if (random_.chance(15)) version.charges = random_.between(0, version.amount / 3);
  const int document = add(Kind::kPayment, std::move(version));
  Version& stored = documents_.back().versions.back();
  for (Minor n = random_.between(0, 3); n > 0; --n) apply(stored, document, false);
}

void World::new_note() {
  Version version;
  version.company = static_cast<int>(random_.between(0, 1));
  version.customer = static_cast<int>(random_.between(0, kCustomers - 1));
  version.currency = static_cast<int>(random_.between(0, 2));
  version.rate = some_rate(version.currency);
  version.day = day_;
  some_content(version, 1);
  some_place(version);
  const int document = add(Kind::kCreditNote, std::move(version));
  Version& stored = documents_.back().versions.back();
  for (Minor n = random_.between(0, 2); n > 0; --n) apply(stored, document, true);
}

void World::end(int document, State state) {
  if (documents_[static_cast<std::size_t>(document)].kind == Kind::kInvoice) {
    let_go(document);
    Version& version = change(document);
    version.written_off = 0;
    version.state = state;
    return;
  }
  Version& version = change(document);
  drop_shares(version, document);
  version.refunds.clear();
  version.state = state;
}

void World::edit_invoice(int document) {
  const auto at = static_cast<std::size_t>(document);
  if (documents_[at].last().state != State::kOpen) {
    change(document).state = State::kOpen;  // a draft is sent, a void is taken back
    invoices_[{documents_[at].last().customer, documents_[at].last().currency}].push_back(document);
    return;
  }
  const Minor taken = used_[at] + documents_[at].last().written_off;
  const bool is_opening = documents_[at].opening.has_value();
  switch (random_.between(0, 10)) {
    case 0:
    case 1:
      // The total of an opening receivable stays: another one is refused for good.
      if (is_opening) {
        some_place(change(document));
      } else {
        some_content(change(document), taken);
      }
      return;
    case 2: {
      Version& version = change(document);
      version.rate = some_rate(version.currency);
      return;
    }
    case 3: {
      Version& version = change(document);
      if (!is_bound(document, true)) version.company = 1 - version.company;
      return;
    }
    case 4: {
      Version& version = change(document);
      if (is_bound(document, false)) return;
      version.customer = static_cast<int>(random_.between(0, kCustomers - 1));
      invoices_[{version.customer, version.currency}].push_back(document);
      return;
    }
    case 5: {
      Version& version = change(document);
      if (taken != 0 || is_opening) return;
      version.currency = static_cast<int>(random_.between(0, 2));
      version.rate = some_rate(version.currency);
      some_content(version, 0);
      invoices_[{version.customer, version.currency}].push_back(document);
      return;
    }
    case 6:
      end(document, random_.chance(70) ? State::kVoid : State::kDraft);
      return;
    case 7: {
      Version& version = change(document);
      const Minor open = open_of(document);
      if (open > 0) version.written_off += random_.chance(60) ? open : random_.between(0, open);
      return;
    }
    case 8:
      change(document).written_off = 0;
      return;
    case 9:
      some_place(change(document));
      return;
    default:
      change(document);  // an e-mail was sent: another version, nothing of it posts
  }
}

void World::edit_payment(int document) {
  Version& version = change(document);
  if (version.state != State::kOpen) return;
  switch (random_.between(0, 11)) {
    case 0:
      version.amount = version.given() + random_.between(1, 500);
      version.charges = std::min(version.charges, version.amount);
      return;
    case 1:
    case 2:
      apply(version, document, false);
      return;
    case 3:
      drop_shares(version, document);
      return;
    case 4:  // the same rows on other invoices
    case 5: {
      std::vector<Share> before = version.shares;
      drop_shares(version, document);
      for (const Share& share : before) {
        const std::size_t had = version.shares.size();
        apply(version, document, false);
        if (version.shares.size() > had) version.shares.back().row = share.row;
      }
      return;
    }
    case 6:
      version.rate = some_rate(version.currency);
      return;
    case 7:
      version.is_to_bank = !version.is_to_bank;
      return;
    case 8:
      version.charges = random_.between(0, version.amount / 2);
      return;
    case 9: {
      const Minor left = version.amount - version.given();
      if (left > 0)
        version.refunds.push_back({next_row_++, day_, random_.between(1, left), random_.chance(50) ? some_rate(version.currency) : 0});
      return;
    }
    case 10:
      version.refunds.clear();
      return;
    default:
      drop_shares(version, document);
      version.refunds.clear();
      version.state = random_.chance(50) ? State::kDeleted : State::kVoid;
  }
}

void World::edit_note(int document) {
  Version& version = change(document);
  if (version.state != State::kOpen) return;
  switch (random_.between(0, 5)) {
    case 0:
      some_content(version, std::max<Minor>(1, version.given()));
      return;
    case 1:
      apply(version, document, true);
      return;
    case 2:
      drop_shares(version, document);
      return;
    case 3: {
      const Minor left = version.total() - version.given();
      if (left > 0) version.refunds.push_back({next_row_++, day_, random_.between(1, left), 0});
      return;
    }
    case 4:
      version.rate = some_rate(version.currency);
      return;
    default:
      drop_shares(version, document);
      version.refunds.clear();
      version.state = State::kVoid;
  }
}

void World::edit() {
  if (documents_.empty()) return;
  const auto count = static_cast<Minor>(documents_.size());
  const Minor youngest = random_.chance(85) ? std::max<Minor>(0, count - kYoung) : 0;
  const auto document = static_cast<int>(random_.between(youngest, count - 1));
  switch (documents_[static_cast<std::size_t>(document)].kind) {
    case Kind::kInvoice:
      return edit_invoice(document);
    case Kind::kPayment:
      return edit_payment(document);
    case Kind::kCreditNote:
      return edit_note(document);
  }
}

std::vector<VersionOf> World::grow(std::size_t documents) {
  made_.clear();
  while (documents_.size() < documents) {
    const Minor what = random_.between(1, 100);
    if (what <= 2) {
      new_opening();
    } else if (what <= 42) {
      new_invoice();
    } else if (what <= 68) {
      new_payment();
    } else if (what <= 76) {
      new_note();
    } else {
      edit();
    }
    if (documents_.size() % 300 == 0 && day_ < 330) ++day_;
  }
  return made_;
}

}  // namespace berth::property
