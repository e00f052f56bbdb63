#include "property/reference.hpp"

#include <algorithm>
#include <array>

namespace berth::property {
namespace {

__extension__ using Wide = __int128;

/// a × b ÷ c, half away from zero.
Minor scaled(Minor a, Minor b, Minor c) {
  if (c == 0) return 0;
  const Wide product = static_cast<Wide>(a) * b;
  const bool is_negative = (product < 0) != (c < 0);
  const Wide top = product < 0 ? -product : product;
  const Wide bottom = c < 0 ? -static_cast<Wide>(c) : c;
  const auto rounded = static_cast<Minor>((2 * top + bottom) / (2 * bottom));
  return is_negative ? -rounded : rounded;
}

std::string name_of(int company) {
  return std::string(kCompanies[company]);
}

/// Where the income of a line goes: a service line by its own row, an item by its own account in its own company, a remote
/// account by its row, and what is left to the default. Written from the table in docs/accounting.md.
const char* income_of(int company, const Row& row) {
  const std::string_view service = kServiceLines[row.service];
  const bool is_us = company == 0;
  if (!service.empty()) return service == "consulting" && is_us ? "consulting" : "sales";
  const std::string_view item = kItems[row.item];
  if (is_us && (item == "goods" || item == "services")) return item == "goods" ? "goods" : "services";
  if (is_us && item == "anywhere") return "anywhere";  // of no company, so of that of the integration
  if (!is_us && item == "plan") return "plans";
  if (kRemotes[row.remote] == "R-goods") return is_us ? "goods" : "goods_west";
  return "sales";
}

/// An item as it was opened, and how much of it is gone.
struct Item {
  Minor total = 0, base = 0, used = 0;
  [[nodiscard]] Minor carried() const { return base - scaled(base, used, total); }
};

/// Where a line stands.
struct Place {
  int company = 0;
  int currency = 0;
  int location = 0, service_type = 0;
};
Place plain(int company, const Version& version) {
  return {company, version.currency, 0, 0};
}
Place placed(const Version& version) {
  return {version.company, version.currency, version.location, version.service_type};
}

struct Books {
  const World& world;
  const std::vector<Document>& documents;
  const History& history;
  std::vector<Minor> used;  // of each invoice, by payments and credits
  bool with_dates = true;
  Expected expected;

  [[nodiscard]] const Document& of(int document) const { return documents[static_cast<std::size_t>(document)]; }
  [[nodiscard]] bool was_seen(int document) const { return history.delivered[static_cast<std::size_t>(document)] >= 0; }
  /// An opening receivable that was brought in stands for its invoice until that arrives.
  [[nodiscard]] const Version* open_version(int document) const {
    const int version = history.delivered[static_cast<std::size_t>(document)];
    if (version < 0) {
      const bool is_opened = of(document).opening && history.is_opened[static_cast<std::size_t>(document)];
      return is_opened ? &of(document).versions.front() : nullptr;
    }
    const Version& found = of(document).versions[static_cast<std::size_t>(version)];
    return found.state == State::kOpen ? &found : nullptr;
  }
  void post(const Place& at, const char* account, Minor amount, Minor base) {
    if (amount == 0 && base == 0) return;
    Sums& sums = expected.cells[{at.company, at.currency, at.location, at.service_type, account}];
    sums.document += amount;
    sums.base += base;
  }
  void live(int document, std::string_view event, int day) {
    if (with_dates) expected.live[{document, std::string(event)}] = day;
  }
  void item(int document, int company, const Version& version, const Item& item, int sign) {
    if (item.total == 0 && item.used == 0) return;
    expected.items[{of(document).kind, document, company, version.customer, version.currency}] = {
        sign * item.total, sign * (item.total - item.used), sign * item.base, sign * item.carried()};
  }
  /// The lines of an invoice; those of a credit note with `sign` -1.
  void content(const Version& version, int sign, const Item& opened);
  void write_off(int document, const Version& version, const Item& opened);
  int write_off_day(int document) const;
  void invoice(int document, const Version& version);
  void note(int document, const Version& version);
  void payment(int document, const Version& version);
  void refunds(int document, const char* control, const Version& version);
};

void Books::content(const Version& version, int sign, const Item& opened) {
  if (opened.total == 0) return;
  const Place at = placed(version);
  Minor left = opened.base;
  const auto credit = [&](const char* account, Minor amount) {
    const Minor base = in_base(version.currency, version.rate, amount);
    post(at, account, -sign * amount, -sign * base);
    left -= base;
  };
  const bool is_gross = world.policies()[static_cast<std::size_t>(version.company)].gross && !(version.discount_on_document && version.discount != 0);
  Minor discount = version.discount_on_document ? version.discount : 0;
  for (const Row& row : version.rows) {
    credit(sign < 0 ? "returns" : income_of(version.company, row), row.amount + (is_gross ? row.discount : 0));
    if (is_gross) discount += row.discount;
  }
  credit("discount", -discount);
  credit("shipping", version.shipping);
  credit("tax_10", version.tax_10);
  credit("tax_5", version.tax_5);
  credit("other_charges", version.adjustment);
  credit("rounding", version.round_off);
  post(at, "rounding", 0, -sign * left);
  post(at, "ar", sign * opened.total, sign * opened.base);
}

/// The day of the version that first showed what is written off now, as long as it was not taken back in between.
int Books::write_off_day(int document) const {
  Minor shown = 0;
  int currency = 0;
  int day = 0;
  for (const int number : history.accepted[static_cast<std::size_t>(document)]) {
    const Version& version = of(document).versions[static_cast<std::size_t>(number)];
    const Minor amount = version.state == State::kOpen ? version.written_off : 0;
    if (amount != shown || (amount != 0 && version.currency != currency)) day = version.modified;
    shown = amount;
    currency = version.currency;
  }
  return day;
}

void Books::write_off(int document, const Version& version, const Item& opened) {
  if (version.written_off == 0) return;
  live(document, "writeoff", write_off_day(document));
  const Place at = placed(version);
  const Minor base = scaled(opened.base, version.written_off, opened.total);
  post(at, "ar", -version.written_off, -base);
  Minor cost = version.written_off;
  Minor base_cost = base;
  const auto give_back = [&](const char* account, Minor tax) {
    const Minor part = scaled(tax, version.written_off, version.total());
    const Minor base_part = scaled(base, part, version.written_off);
    post(at, account, part, base_part);
    cost -= part;
    base_cost -= base_part;
  };
  if (world.policies()[static_cast<std::size_t>(version.company)].relief) {
    give_back("tax_10", version.tax_10);
    give_back("tax_5", version.tax_5);
  }
  post(at, "baddebt", cost, base_cost);
  if (version.currency != kUsd) expected.give[static_cast<std::size_t>(version.company)] += 4;
}

void Books::invoice(int document, const Version& version) {
  Item opened{version.total(), in_base(version.currency, version.rate, version.total()), 0};
  if (const auto& opening = of(document).opening) {
    opened.total = opening->open;
    opened.base = opening->base;
    const Place at = plain(version.company, version);
    post(at, "ar", opening->open, opening->base);
    post(at, "opening", -opening->open, -opening->base);
    live(document, "opening", opening->day);
    if (was_seen(document)) live(document, "opening_total", opening->day);
  } else {
    content(version, 1, opened);
    live(document, "post", version.day);
  }
  opened.used = used[static_cast<std::size_t>(document)] + version.written_off;
  item(document, version.company, version, opened, 1);
  // What payments and credits took of it; which base is theirs and which the write-off's is known to the cent only.
  const Minor paid_base = opened.base - opened.carried() - scaled(opened.base, version.written_off, opened.total);
  post(plain(version.company, version), "ar", -used[static_cast<std::size_t>(document)], -paid_base);
  write_off(document, version, opened);
}

void Books::refunds(int document, const char* control, const Version& version) {
  const Place at = plain(version.company, version);
  for (const Refund& refund : version.refunds) {
    post(at, "bank_main", -refund.amount, -in_base(version.currency, refund.rate != 0 ? refund.rate : version.rate, refund.amount));
    post(at, control, refund.amount, 0);  // its base is part of what is carried
    live(document, "refund:R" + std::to_string(refund.row), refund.day);
  }
}

void Books::note(int document, const Version& version) {
  Item opened{version.total(), in_base(version.currency, version.rate, version.total()), 0};
  const Place at = plain(version.company, version);
  for (const Share& share : version.shares) {
    const Version* invoice = open_version(share.invoice);
    if (invoice == nullptr) continue;
    opened.used += share.amount;
    const std::string event = "credit_application:S" + std::to_string(share.row);
    const int day = share.day < 0 ? version.day : share.day;
    live(document, event, day);
    post(at, "ar", share.amount, 0);
    if (invoice->company == version.company) continue;
    // The company that gives the credit owes it to the one whose invoice it settles.
    live(document, event + ":" + name_of(invoice->company), day);
    const Minor base = in_base(version.currency, version.rate, share.amount);
    post(at, "due_to", -share.amount, -base);
    post(plain(invoice->company, version), "due_from", share.amount, base);
  }
  for (const Refund& refund : version.refunds) opened.used += refund.amount;
  refunds(document, "ar", version);
  live(document, "post", version.day);
  content(version, -1, opened);
  post(at, "ar", 0, opened.base - opened.carried());
  item(document, version.company, version, opened, -1);
}

void Books::payment(int document, const Version& version) {
  // Of each company: what its invoices are paid with. What is left, or waits, is the payment's own.
  std::map<int, Item> credits;
  Minor rest = version.amount;
  Minor refunded = 0;
  bool is_between = false;
  for (const Share& share : version.shares) {
    const Version* invoice = open_version(share.invoice);
    if (invoice == nullptr) continue;
    live(document, "allocation:S" + std::to_string(share.row), share.day < 0 ? version.day : share.day);
    const Place at = plain(invoice->company, version);
    post(at, "taxwithheld", share.withheld, in_base(version.currency, version.rate, share.withheld));
    post(at, "credits", share.amount, 0);
    credits[invoice->company].used += share.amount;
    if (invoice->company == version.company) continue;
    credits[invoice->company].total += share.amount;
    rest -= share.amount;
    is_between = world.policies()[static_cast<std::size_t>(version.company)].due_to_from;
  }
  refunds(document, "credits", version);
  for (const Refund& refund : version.refunds) refunded += refund.amount;
  if (rest != 0 || credits.empty() || is_between) {
    credits[version.company].total += rest;
    credits[version.company].used += refunded;
  }
  // The charges go by share: whole cents first, then one to each of the largest remainders.
  std::map<int, Minor> charges;
  std::vector<std::pair<Minor, int>> remainders;
  Minor charges_left = version.charges;
  for (const auto& [company, credit] : credits) {
    charges[company] = version.charges * credit.total / version.amount;
    charges_left -= charges[company];
    remainders.emplace_back(-(version.charges * credit.total % version.amount), company);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; charges_left > 0 && i < remainders.size(); ++i, --charges_left) ++charges[remainders[i].second];

  const Minor base = in_base(version.currency, version.rate, version.amount);
  const char* account = version.is_to_bank ? "bank_main" : "undeposited";
  Minor done = 0;
  Minor base_done = 0;
  for (auto& [company, credit] : credits) {
    done += credit.total;
    const Minor until = scaled(base, done, version.amount);
    credit.base = until - base_done;
    base_done = until;
    const bool is_own = company == version.company;
    live(document, is_own ? "cash" : "cash:" + name_of(company), version.day);
    const Place at = plain(company, version);
    Minor left = credit.base;
    const auto debit = [&](const char* to, Minor amount) {
      const Minor converted = in_base(version.currency, version.rate, amount);
      post(at, to, amount, converted);
      left -= converted;
    };
    // With entries between companies the whole sum is in the bank of the payment's own, which owes the others their part.
    if (!is_between) {
      debit(account, credit.total - charges[company]);
    } else if (is_own) {
      debit(account, version.amount - version.charges);
      for (const auto& [other, theirs] : credits)
        if (other != company) debit("due_to", -(theirs.total - charges[other]));
    } else {
      debit("due_from", credit.total - charges[company]);
    }
    debit("bankfees", charges[company]);
    post(at, "rounding", 0, left);
    post(at, "credits", -credit.total, -credit.carried());
    item(document, company, version, credit, -1);
  }
}

}  // namespace

Minor in_base(int currency, Minor rate, Minor amount) {
  if (currency == kUsd) return amount;
  const Minor cents = kScales[currency] == 0 ? 100 : 1;
  return scaled(amount * cents, rate, 1'000'000);
}

Expected expect(const World& world, const History& history, bool with_dates) {
  const std::vector<Document>& documents = world.documents();
  Books books{world, documents, history, std::vector<Minor>(documents.size(), 0), with_dates, {}};
  const int count = static_cast<int>(history.delivered.size());
  for (int i = 0; i < count; ++i) {
    const Version* version = books.open_version(i);
    if (version == nullptr) continue;
    for (const Share& share : version->shares) {
      if (books.open_version(share.invoice) != nullptr)
        books.used[static_cast<std::size_t>(share.invoice)] += share.amount + share.withheld;
    }
  }
  for (int i = 0; i < count; ++i) {
    const Version* version = books.open_version(i);
    if (version == nullptr) continue;
    const Kind kind = documents[static_cast<std::size_t>(i)].kind;
    if (kind == Kind::kInvoice) books.invoice(i, *version);
    if (kind == Kind::kCreditNote) books.note(i, *version);
    if (kind == Kind::kPayment) books.payment(i, *version);
  }
  return std::move(books.expected);
}

std::array<Minor, 2> expect_revaluation(const Expected& expected, int currency, Minor rate) {
  std::array<Minor, 2> open{};
  std::array<Minor, 2> carried{};
  for (const auto& [item, amounts] : expected.items) {
    const auto& [kind, document, company, customer, code] = item;
    if (code != currency || kind == Kind::kPayment) continue;
    open[static_cast<std::size_t>(company)] += amounts.open;
    carried[static_cast<std::size_t>(company)] += amounts.base_open;
  }
  return {in_base(currency, rate, open[0]) - carried[0], in_base(currency, rate, open[1]) - carried[1]};
}

}  // namespace berth::property
