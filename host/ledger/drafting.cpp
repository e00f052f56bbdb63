#include "host/ledger/drafting.hpp"

#include <limits>

#include "host/core/hash.hpp"
#include "host/core/text.hpp"
#include "host/ledger/plan.hpp"

namespace berth::ledger {
namespace {

/// Whoever stores an entry adds its lines up, in any order and a side at a time.
bool lines_fit(const Plan& plan) {
  const auto fit = [](const Entry& entry) {
    Int128 base = 0;
    Int128 document = 0;
    for (const EntryLine& line : entry.lines) {
      base += line.base.absolute().minor();
      if (line.document) document += line.document->absolute().minor();
    }
    constexpr Int128 kMax = std::numeric_limits<std::int64_t>::max();
    return base <= kMax && document <= kMax;
  };
  return std::all_of(plan.entries.begin(), plan.entries.end(), fit) &&
         std::all_of(plan.rederived.begin(), plan.rederived.end(), [&](const Rederived& again) { return fit(again.entry); });
}

}  // namespace

std::string_view to_string(Control control) {
  switch (control) {
    case Control::kReceivable:
      return "ar";
    case Control::kCredits:
      return "credits";
    case Control::kNone:
      break;
  }
  return "";
}

std::string AccountResolver::mapped(std::string_view kind, std::string_view key, std::string_view company) const {
  const AccountTable::Entry* row = books_.accounts.find(kind, key, company);
  return row == nullptr ? "" : row->account;
}

std::string AccountResolver::find_role(std::string_view company, std::string_view name) const {
  std::string account = mapped("role", name, company);
  if (!account.empty()) return account;
  const auto found = books_.companies.find(std::string(company));
  if (found == books_.companies.end()) return "";
  const auto in_chart = found->second.chart.roles.find(std::string(name));
  return in_chart == found->second.chart.roles.end() ? "" : in_chart->second;
}

void AccountResolver::miss(std::string_view kind, std::string_view key, std::string_view company) {
  const AccountTable::Entry* row = books_.accounts.find(kind, key, company);
  const std::string_view shown = trim(key);
  MissingAccount missing{std::string(kind), std::string(company),
                         row != nullptr ? row->label : std::string(shown.empty() ? "-" : shown)};
  if (std::find(missing_.begin(), missing_.end(), missing) == missing_.end()) missing_.push_back(std::move(missing));
}

std::string AccountResolver::role(std::string_view company, std::string_view name) {
  std::string account = find_role(company, name);
  if (account.empty()) miss("role", name, company);
  return account;
}

std::string AccountResolver::required(std::string_view kind, std::string_view key, std::string_view company) {
  std::string account = mapped(kind, key, company);
  if (account.empty()) miss(kind, key, company);
  return account;
}

// docs/accounting.md, "Accounts": a service line goes by its own row, an item by its own account in its company, then a
// mapped remote account; default_income ends every chain.
std::string AccountResolver::income(std::string_view company, const documents::Line& line) {
  if (!line.service_line.empty()) {
    std::string account = mapped("service_line", line.service_line, company);
    return !account.empty() ? account : required("default_income", "", company);
  }
  if (const auto item = books_.items.find(line.item); item != books_.items.end()) {
    // An item of no company was made with the account of the integration's.
    const std::string& owner = item->second.company.empty() ? books_.integration.company : item->second.company;
    if (owner == company && !item->second.income_account.empty()) return item->second.income_account;
  }
  if (!line.remote_account.empty()) {
    std::string account = mapped("zoho_account", line.remote_account, company);
    if (!account.empty()) return account;
  }
  return required("default_income", "", company);
}

std::optional<Refusal> AccountResolver::refusal() const {
  if (missing_.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const MissingAccount& missing : missing_) names.push_back(missing.awaited());
  Refusal refusal = parked("ledger.unmapped", fmt::format("no account is mapped for {}", join(names, ", ")), names);
  refusal.missing_accounts = missing_;
  return refusal;
}

EntryLine* add_line(Entry& entry, std::string account, Money signed_amount, Money signed_base, Control control,
                    std::string party) {
  if (signed_amount.is_zero() && signed_base.is_zero()) return nullptr;
  EntryLine& line = entry.lines.emplace_back();
  line.account = std::move(account);
  line.side = signed_amount.is_negative() || (signed_amount.is_zero() && signed_base.is_negative()) ? Side::kCredit
                                                                                                    : Side::kDebit;
  line.base = signed_base.absolute();
  if (!signed_amount.is_zero()) line.document = signed_amount.absolute();
  line.control = control;
  line.party = std::move(party);
  return &line;
}

Money portion(Money whole, Money part, Money of) {
  if (part == of) return whole;
  if (of.is_zero()) return Money::zero(whole.currency());
  // Amounts have at most 16 digits, so the product fits.
  const Int128 product = static_cast<Int128>(whole.minor()) * part.minor();
  const bool is_negative = (product < 0) != of.is_negative();
  const Int128 dividend = product < 0 ? -product : product;
  const Int128 divisor = of.absolute().minor();
  const auto rounded = static_cast<std::int64_t>((2 * dividend + divisor) / (2 * divisor));
  return {is_negative ? -rounded : rounded, whole.currency()};
}

Match opening_match(const Entry& entry, const documents::Source& source, const std::string& customer, Control control,
                    Money signed_amount, Money signed_base) {
  return Match{entry.event, source, "", entry.company, customer, control, true, signed_amount, signed_base};
}

void add_relief(DraftEvent& event, const Relieved& item, Money signed_amount, std::optional<std::string> account) {
  Entry& entry = event.entry;
  const bool is_foreign = entry.currency != entry.base_currency;
  const Money base = is_foreign ? Money::zero(entry.base_currency) : signed_amount;
  Relief relief{event.matches.size(), std::nullopt};
  event.matches.push_back(Match{entry.event, item.source, item.local_id, entry.company, item.customer, item.control,
                                false, signed_amount, base});
  if (account) {
    relief.line = entry.lines.size();
    add_line(entry, std::move(*account), signed_amount, base, item.control, item.customer);
  }
  if (is_foreign) event.reliefs.push_back(relief);
}

std::string carried_suffix(Money total, Money base) {
  return fmt::format("~{}={}", total.to_string(), base.to_string());
}

std::string fingerprint_of(const json::Value& content) {
  return blake2b_hex(json::canonical(content));
}

std::variant<const Company*, Refusal> posting_company(const Books& books, std::string_view company,
                                                      std::string_view what) {
  const auto found = books.companies.find(std::string(company));
  if (found == books.companies.end()) {
    return failed("ledger.company_unknown", fmt::format("{}: company \"{}\" is not declared", what, company));
  }
  const std::string& organisation = books.integration.base_currency;
  if (!organisation.empty() && organisation != found->second.base_currency.code()) {
    return failed("ledger.base_currency_mismatch",
                  fmt::format("{}: company {} keeps its books in {}, the remote organisation in {}", what, company,
                              found->second.base_currency.code(), organisation));
  }
  return &found->second;
}

std::optional<Refusal> normalise_amounts(const std::vector<Money*>& amounts, Currency currency, std::size_t rows,
                                         std::string_view what) {
  if (rows > kRowsMax)
    return failed("ledger.amount_limit", fmt::format("{}: {} rows are more than {}", what, rows, kRowsMax));
  Int128 sum = 0;
  for (Money* amount : amounts) {
    if (amount->is_zero()) {
      *amount = Money::zero(currency);
    } else if (amount->currency() != currency) {
      return failed("ledger.currency_mismatch",
                    fmt::format("{}: {} {} stands in a document in {}", what, amount->to_string(),
                                amount->currency().code(), currency.code()));
    } else if (amount->absolute().minor() > Money::kMinorMax) {
      return failed("ledger.amount_limit", fmt::format("{}: {} is beyond {}", what, amount->to_string(),
                                                       Money(Money::kMinorMax, currency).to_string()));
    }
    sum += amount->absolute().minor();
  }
  if (sum <= kDocumentMinorMax) return std::nullopt;
  return failed("ledger.amount_limit", fmt::format("{}: its amounts, signs apart, add up to more than {}", what,
                                                   Money(kDocumentMinorMax, currency).to_string()));
}

Planned within_limits(std::string_view what, const std::function<Planned()>& work) {
  try {
    Planned planned = work();
    if (!planned.plan || lines_fit(*planned.plan)) return planned;
  } catch (const MoneyOverflow&) {
    // Refused below: which of the sums it was helps nobody.
  }
  return {std::nullopt, failed("ledger.amount_limit",
                               fmt::format("{}: what it would post adds up to more than 64 bits of minor units hold", what))};
}

std::string title_of(const documents::Source& source, std::string_view number) {
  return fmt::format("{} {}", source.entity, number.empty() ? std::string_view(source.remote_id) : number);
}

Refusal disagreement(std::string reason, std::string message, std::vector<std::string> documents,
                     const documents::Source& own, const Books& books, Consequence if_confirmed) {
  Refusal refusal = parked(std::move(reason), std::move(message), documents);
  if (books.current_data_confirmed) {
    // It stays subscribed: what takes the room may go, as a payment that was entered twice does when one is deleted.
    refusal.consequence = if_confirmed;
    refusal.is_confirmed = true;
    return refusal;
  }
  refusal.forced_fetch = std::move(documents);
  refusal.forced_fetch.push_back(awaited_document(own));
  return refusal;
}

const ReferredDocument* posted_referred(const Books& books, const documents::Reference& reference) {
  const auto found = books.referred.find(reference.id);
  return found == books.referred.end() || !found->second.posted ? nullptr : &found->second;
}

std::string awaited_of(const Books& books, const documents::Reference& reference) {
  if (!reference.pending.empty()) return reference.pending;
  const auto found = books.referred.find(reference.id);
  if (found == books.referred.end() || found->second.source.remote_id.empty()) return "invoice/" + reference.id;
  return awaited_document(found->second.source);
}

}  // namespace berth::ledger
