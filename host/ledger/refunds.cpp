// Refunds of payments and credit notes: docs/accounting.md, E8 and E14.
#include "host/ledger/drafting.hpp"
#include "host/ledger/fx.hpp"

namespace berth::ledger {

std::optional<Refusal> draft_refunds(const std::vector<documents::Refund>& refunds, const Refunded& from,
                                     const Company& company,
                                     const std::function<Entry(std::string event, Date date)>& entry_of,
                                     std::string_view what, AccountResolver& accounts, Draft& draft) {
  for (const documents::Refund& row : refunds) {
    if (row.amount.is_zero()) continue;
    DraftEvent event{entry_of("refund:" + row.id, row.date), {}};
    // The money leaves at the rate of its day; the item leaves at its carrying base.
    auto conversion = conversion_of(company, event.entry.currency, row.rate ? row.rate : from.rate,
                                    fmt::format("{}: refund {}", what, row.id));
    if (auto* refusal = std::get_if<Refusal>(&conversion)) return std::move(*refusal);
    auto& convert = std::get<Conversion>(conversion);
    const std::string account = accounts.payment_mode(company.id, row.mode);
    add_relief(event, from.item, row.amount, accounts.role(company.id, from.role));
    add_line(event.entry, account, row.amount.negated(), convert(row.amount).negated());
    event.entry.rate = convert.rate();
    if (auto refusal = convert.refusal(what)) return refusal;
    json::Value content = json::Value::object({{"event", from.fingerprint_kind},
                                               {"date", to_string(row.date)},
                                               {"company", company.id},
                                               {"customer", from.item.customer},
                                               {"currency", event.entry.currency.code()},
                                               {"amount", row.amount.to_string()},
                                               {"account", account}});
    if (convert.is_foreign()) {
      content.set("rate", convert.rate()->to_plain());
      event.exchange_account = accounts.role(company.id, role::kExchangeRealised);
    }
    event.entry.fingerprint = fingerprint_of(content);
    if (convert.is_foreign()) event.entry.fingerprint += carried_suffix(from.opened, from.base_opened);
    draft.events.push_back(std::move(event));
  }
  return std::nullopt;
}

}  // namespace berth::ledger
