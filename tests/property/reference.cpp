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

/// An item as it was opened, and how much of it is gone.
struct Item {
  Minor total = 0, base = 0, used = 0;
  [[nodiscard]] Minor carried() const { return base - scaled(base, used, total); }
};

struct Books {
  const std::vector<Document>& documents;
  const std::vector<int>& delivered;
  std::vector<Minor> used;  // of each invoice
  Expected expected;

  [[nodiscard]] const Version* open_version(int document) const {
    const int version = delivered[static_cast<std::size_t>(document)];
    if (version < 0) return nullptr;
    const Version& found = documents[static_cast<std::size_t>(document)].versions[static_cast<std::size_t>(version)];
    return found.state == State::kOpen ? &found : nullptr;
  }
  void post(int company, const char* account, Minor net) {
    if (net != 0) expected.nets[std::string(kCompanies[company]) + " " + account] += net;
  }
  void item(const char* entity, int document, int company, const Version& version, const Item& item, int sign) {
    if (item.total == 0 && item.used == 0) return;
    expected.items[{entity, document, std::string(kCompanies[company]), version.customer,
                    std::string(kCurrencies[version.currency])}] = {sign * item.total, sign * (item.total - item.used),
                                                                   sign * item.base, sign * item.carried()};
  }
  /// The lines of an invoice; those of a credit note with `sign` -1.
  void content(const Version& version, int sign, const Item& opened);
  void invoice(int document, const Version& version);
  void note(int document, const Version& version);
  void payment(int document, const Version& version);
};

void Books::content(const Version& version, int sign, const Item& opened) {
  if (opened.total == 0) return;
  Minor left = opened.base;
  const auto credit = [&](const char* account, Minor amount) {
    const Minor base = in_base(version.currency, version.rate, amount);
    post(version.company, account, -sign * base);
    left -= base;
  };
  constexpr std::array<const char*, 3> kIncome{"goods", "services", "sales"};
  for (const Row& row : version.rows)
    credit(sign < 0 ? "returns" : kIncome[static_cast<std::size_t>(row.item)], row.amount);
  if (version.discount_on_document) credit("discount", -version.discount);
  credit("shipping", version.shipping);
  credit("tax_10", version.tax_10);
  credit("tax_5", version.tax_5);
  credit("other_charges", version.adjustment);
  credit("rounding", version.round_off);
  post(version.company, "rounding", -sign * left);
}

void Books::invoice(int document, const Version& version) {
  const Item opened{version.total(), in_base(version.currency, version.rate, version.total()),
                    used[static_cast<std::size_t>(document)] + version.written_off};
  content(version, 1, opened);
  post(version.company, "ar", opened.carried());
  item("invoice", document, version.company, version, opened, 1);
  if (version.written_off == 0) return;
  const std::string company(kCompanies[version.company]);
  expected.bad_debt[company] += scaled(opened.base, version.written_off, opened.total);
  if (version.currency != kUsd) expected.bad_debt_give[company] += 4;
}

void Books::note(int document, const Version& version) {
  Item opened{version.total(), in_base(version.currency, version.rate, version.total()), 0};
  for (const Share& share : version.shares)
    if (open_version(share.invoice) != nullptr) opened.used += share.amount;
  for (const Refund& refund : version.refunds) {
    opened.used += refund.amount;
    post(version.company, "bank_main",
         -in_base(version.currency, refund.rate != 0 ? refund.rate : version.rate, refund.amount));
  }
  content(version, -1, opened);
  post(version.company, "ar", -opened.carried());
  item("credit_note", document, version.company, version, opened, -1);
}

void Books::payment(int document, const Version& version) {
  // Of each company: what its invoices are paid with. What is left, or waits, is the payment's own.
  std::map<int, Item> credits;
  Minor rest = version.amount;
  Minor refunded = 0;
  for (const Share& share : version.shares) {
    const Version* invoice = open_version(share.invoice);
    if (invoice == nullptr) continue;
    post(invoice->company, "taxwithheld", in_base(version.currency, version.rate, share.withheld));
    credits[invoice->company].used += share.amount;
    if (invoice->company == version.company) continue;
    credits[invoice->company].total += share.amount;
    rest -= share.amount;
  }
  for (const Refund& refund : version.refunds) {
    refunded += refund.amount;
    post(version.company, "bank_main",
         -in_base(version.currency, refund.rate != 0 ? refund.rate : version.rate, refund.amount));
  }
  if (rest != 0 || credits.empty()) {
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
  Minor done = 0;
  Minor base_done = 0;
  for (auto& [company, credit] : credits) {
    done += credit.total;
    const Minor until = scaled(base, done, version.amount);
    credit.base = until - base_done;
    base_done = until;
    const Minor cash = in_base(version.currency, version.rate, credit.total - charges[company]);
    const Minor fees = in_base(version.currency, version.rate, charges[company]);
    post(company, version.is_to_bank ? "bank_main" : "undeposited", cash);
    post(company, "bankfees", fees);
    post(company, "rounding", credit.base - cash - fees);
    post(company, "credits", -credit.carried());
    item("customer_payment", document, company, version, credit, -1);
  }
}

}  // namespace

Minor in_base(int currency, Minor rate, Minor amount) {
  if (currency == kUsd) return amount;
  const Minor cents = kScales[currency] == 0 ? 100 : 1;
  return scaled(amount * cents, rate, 1'000'000);
}

Expected expect(const std::vector<Document>& documents, const std::vector<int>& delivered) {
  Books books{documents, delivered, std::vector<Minor>(documents.size(), 0), {}};
  for (int i = 0; i < static_cast<int>(delivered.size()); ++i) {
    const Version* version = books.open_version(i);
    if (version == nullptr) continue;
    for (const Share& share : version->shares) {
      if (books.open_version(share.invoice) != nullptr)
        books.used[static_cast<std::size_t>(share.invoice)] += share.amount + share.withheld;
    }
  }
  for (int i = 0; i < static_cast<int>(delivered.size()); ++i) {
    const Version* version = books.open_version(i);
    if (version == nullptr) continue;
    const Kind kind = documents[static_cast<std::size_t>(i)].kind;
    if (kind == Kind::kInvoice) books.invoice(i, *version);
    if (kind == Kind::kCreditNote) books.note(i, *version);
    if (kind == Kind::kPayment) books.payment(i, *version);
  }
  Expected expected = std::move(books.expected);
  std::map<std::string, Minor> sums;
  for (const auto& [account, net] : expected.nets) sums[account.substr(0, account.find(' '))] -= net;
  for (const auto& [company, sum] : sums) expected.nets[company + " fx_realised"] += sum;
  std::erase_if(expected.nets, [](const auto& entry) { return entry.second == 0; });
  return expected;
}

}  // namespace berth::property
