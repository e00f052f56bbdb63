#pragma once
// What the books have to say, computed a second time: slowly, from the versions of documents that were delivered, by the rules
// of docs/accounting.md, with plain maps of integers. It knows no entries, no reversals, no order; nothing of the product is
// used. What is settled in a foreign currency leaves at base − base × used ÷ total, and the rest of a company is exchange
// difference.
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "property/world.hpp"

namespace berth::property {

/// Nets in cents by "company account", debits positive; zeros are left out. Where write-offs in a foreign currency share an
/// invoice with payments, which of them carries a cent of relief depends on the order, so `baddebt` stands in `fx_realised`.
using Nets = std::map<std::string, Minor>;
/// An open item: entity, document, company, customer, currency.
using ItemOf = std::tuple<std::string, int, std::string, int, std::string>;
struct ItemAmounts {
  Minor total = 0, open = 0, base_total = 0, base_open = 0;
  friend bool operator==(const ItemAmounts&, const ItemAmounts&) = default;
};
struct Expected {
  Nets nets;
  std::map<ItemOf, ItemAmounts> items;
  /// What was written off in a foreign currency, in base, to the cent a write-off.
  std::map<std::string, Minor> bad_debt, bad_debt_give;
};

/// `delivered`: the version of each document that arrived last, -1 for none.
[[nodiscard]] Expected expect(const std::vector<Document>& documents, const std::vector<int>& delivered);

/// Half away from zero: of an amount in cents of a dollar.
[[nodiscard]] Minor in_base(int currency, Minor rate, Minor amount);

}  // namespace berth::property
