#pragma once
// What the books have to say, computed a second time: slowly, from the versions of documents that were delivered, by the rules
// of docs/accounting.md, with plain maps of integers. It knows no entries, no reversals, no order; nothing of the product is
// used. What is settled in a foreign currency leaves at base − base × used ÷ total, and the rest of a company is exchange
// difference.
#include <array>
#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "property/world.hpp"

namespace berth::property {

/// Nets in cents by "company account", debits positive; zeros are left out.
using Nets = std::map<std::string, Minor>;
/// Indexes of company, location, service type and currency of the document, and the account.
struct Cell {
  int company = 0, currency = 0, location = 0, service_type = 0;
  std::string_view account;  // of a literal, or of what Books keeps
  friend auto operator<=>(const Cell&, const Cell&) = default;
};
struct Sums {
  Minor document = 0, base = 0;  // debits positive
  friend bool operator==(const Sums&, const Sums&) = default;
};
/// An open item: its kind, document, company, customer, currency.
using ItemOf = std::tuple<Kind, int, int, int, int>;
struct ItemAmounts {
  Minor total = 0, open = 0, base_total = 0, base_open = 0;
  friend bool operator==(const ItemAmounts&, const ItemAmounts&) = default;
};
/// What has to be live: document and event.
using LiveOf = std::pair<int, std::string>;

struct Expected {
  /// Without exchange differences.
  std::map<Cell, Sums> cells;
  std::map<ItemOf, ItemAmounts> items;
  /// Its document date, in days since 2026-01-01. Only where dates are asked for.
  std::map<LiveOf, int> live;
  /// Where a write-off in a foreign currency shares an invoice with payments, which of them carries a cent of relief depends
  /// on the order: so many cents may lie elsewhere in the bases of bad debts, their tax, and the receivable by its dimensions.
  std::array<Minor, 2> give{};
};

/// How the documents came.
struct History {
  std::vector<int> delivered;              // of each document the version that arrived last, -1 for none
  std::vector<bool> is_opened;             // its opening receivable was brought in
  std::vector<std::vector<int>> accepted;  // the versions that were not refused, in order
};

[[nodiscard]] Expected expect(const World& world, const History& history, bool with_dates = true);

/// What revaluing everything that is open would post to the receivable of each company: docs/accounting.md, E19.
[[nodiscard]] std::array<Minor, 2> expect_revaluation(const Expected& expected, int currency, Minor rate);

/// Half away from zero: of an amount in cents of a dollar.
[[nodiscard]] Minor in_base(int currency, Minor rate, Minor amount);

}  // namespace berth::property
