// What the product's books say, held against the second implementation.
#include <fmt/format.h>

#include <set>

#include "host/ledger/revaluation.hpp"
#include "property/books.hpp"

namespace berth::property {
namespace {

constexpr std::size_t kTextMax = 4000;
constexpr std::string_view kIntegration = "zoho_acme";
const Instant kNow{1780000000000};

std::string text_of(const Status& status) {
  return status.ok() ? "" : status.error().reason + ": " + status.error().message;
}
std::string show(const Cell& cell) {
  const auto& [company, account, location, service_type, currency] = cell;
  return fmt::format("{} {} [{}|{}] of documents in {}", company, account, location, service_type, currency);
}
/// Where a cent of relief may lie elsewhere, in a foreign currency.
bool may_give(const Cell& cell) {
  const std::string& account = std::get<1>(cell);
  return std::get<4>(cell) != kCurrencies[kUsd] && (account == "baddebt" || account == "ar" || account.starts_with("tax_"));
}

}  // namespace

std::string Books::compare(const Expected& expected) {
  std::map<Cell, Sums> found;
  std::string text;
  Status status = database_->read([&](storage::Connection& c) -> Status {
    return c.each(
        "SELECT e.company, l.account, l.location, l.service_type, e.currency, COALESCE(SUM(l.document_minor), 0), SUM(l.base_minor) "
        "FROM entry_line AS l JOIN entry AS e ON e.id = l.entry GROUP BY e.company, l.account, l.location, l.service_type, e.currency",
        {}, [&](const storage::Row& row) {
          found[{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4)}] = {row.integer(5), row.integer(6)};
          return true;
        });
  });
  text += text_of(status);
  // Exchange differences are what is left of a company: the trial balance is zero (I7), so all else decides them.
  std::map<Cell, std::pair<Sums, Sums>> both;
  for (const auto& [cell, sums] : expected.cells) both[cell].first = sums;
  for (const auto& [cell, sums] : found) {
    if (std::get<1>(cell) != "fx_realised" && std::get<1>(cell) != "fx_unrealised") both[cell].second = sums;
  }
  std::map<std::pair<std::string, std::string>, Minor> receivables;  // the receivable of all dimensions has no such cents
  for (const auto& [cell, sums] : both) {
    const auto& [wanted, there] = sums;
    const auto give = expected.give.find(std::get<0>(cell));
    const Minor allowed = may_give(cell) && give != expected.give.end() ? give->second : 0;
    const Minor off = there.base - wanted.base;
    if (std::get<1>(cell) == "ar") receivables[{std::get<0>(cell), std::get<4>(cell)}] += off;
    if ((there.document != wanted.document || (off < 0 ? -off : off) > allowed) && text.size() < kTextMax)
      text += fmt::format("{} is {} = {}, should be {} = {}\n", show(cell), there.document, there.base, wanted.document, wanted.base);
  }
  for (const auto& [of, off] : receivables) {
    if (off != 0) text += fmt::format("{} ar of documents in {} is off by {}\n", of.first, of.second, off);
  }
  std::size_t seen = 0;
  status = database_->read([&](storage::Connection& c) -> Status {
    return c.each(
        "SELECT entity, remote_id, company, customer, currency, posts, total_minor, open_minor, base_total_minor, "
        "base_open_minor FROM open_item WHERE posts <> 0 OR total_minor <> 0 OR open_minor <> 0 OR base_open_minor <> 0",
        {}, [&](const storage::Row& row) {
          const ItemAmounts there{row.integer(6), row.integer(7), row.integer(8), row.integer(9)};
          const int document = std::stoi(row.text(1));
          const auto item = expected.items.find(
              {row.text(0), document, row.text(2), std::stoi(row.text(3).substr(4)), row.text(4)});
          if (item != expected.items.end()) ++seen;
          const ItemAmounts wanted = item == expected.items.end() ? ItemAmounts{} : item->second;
          if (!(there == wanted) && text.size() < kTextMax) {
            text += fmt::format("{} of {}, customer {}: {} of {} open, carried at {} of {}; should be {} of {}, {} of {}\n  {}\n",
                                row.text(0) + " " + row.text(1), row.text(2), row.text(3), there.open, there.total,
                                there.base_open, there.base_total, wanted.open, wanted.total, wanted.base_open,
                                wanted.base_total, describe(document));
          }
          return true;
        });
  });
  text += text_of(status);
  if (seen != expected.items.size())
    text += fmt::format("{} open items are there, {} should be\n", seen, expected.items.size());
  return text;
}

// An entry is dated as its document says, a reversal as what it takes back; where that month was closed when it posted, on the
// first open day if the company moves dates, and nothing may post if it does not.
std::string Books::walk_dates(const Expected* expected) {
  std::string text;
  std::set<int> closed;
  std::size_t at = 0;
  std::size_t seen = 0;
  const auto first_open = [&](Date date) {
    if (date.year != 2026 || !closed.contains(date.month)) return date;
    int month = date.month;
    while (closed.contains(month)) ++month;
    return Date{2026 + (month - 1) / 12, (month - 1) % 12 + 1, 1};
  };
  const Status status = database_->read([&](storage::Connection& c) -> Status {
    return c.each(
        "SELECT e.id, e.entity, e.remote_id, e.event, e.company, e.date, e.document_date, o.date, r.id FROM entry AS e "
        "LEFT JOIN entry AS o ON o.id = e.reverses LEFT JOIN entry AS r ON r.reverses = e.id ORDER BY e.id",
        {}, [&](const storage::Row& row) {
          for (; at < closings_.size() && closings_[at].entry < row.integer(0); ++at) {
            if (closings_[at].is_closed) closed.insert(closings_[at].month);
            else closed.erase(closings_[at].month);
          }
          const bool is_reversal = !row.is_null(7);
          const Date date = *parse_date(row.text(5));
          const Date document_date = *parse_date(row.text(6));
          Date due = is_reversal ? *parse_date(row.text(7)) : document_date;
          if (is_reversal && row.text(1) == "revaluation") due = due.plus_days(1);
          const std::size_t company = row.text(4) == kCompanies[0] ? 0 : 1;
          const std::string event = row.text(3);
          // What only remembers a total moves nothing and belongs to no month.
          const bool moves = event != ledger::kOpeningTotalEvent;
          const Date wanted = moves && options_.periods[company] == ledger::PeriodPolicy::kRedate ? first_open(due) : due;
          if (date != wanted && text.size() < kTextMax)
            text += fmt::format("entry {}, {} of {} {}: dated {}, should be {} (document {})\n", row.integer(0), event, row.text(1),
                                row.text(2), to_string(date), to_string(wanted), to_string(document_date));
          if (moves && first_open(date) != date && text.size() < kTextMax)
            text += fmt::format("entry {}, {} of {} {}: posted on {}, which was closed\n", row.integer(0), event, row.text(1), row.text(2),
                                to_string(date));
          if (expected == nullptr || is_reversal || !row.is_null(8)) return true;
          const auto live = expected->live.find({row.text(1), std::stoi(row.text(2)), event});
          if (live != expected->live.end()) ++seen;
          const std::string day = live == expected->live.end() ? "not there" : to_string(Date{2026, 1, 1}.plus_days(live->second));
          if (day != to_string(document_date) && text.size() < kTextMax)
            text += fmt::format("{} of {} {} is of {}, should be {}\n  {}\n", event, row.text(1), row.text(2), to_string(document_date), day,
                                describe(std::stoi(row.text(2))));
          return true;
        });
  });
  text += text_of(status);
  if (expected != nullptr && seen != expected->live.size())
    text += fmt::format("{} events are live, {} should be\n", seen, expected->live.size());
  return text;
}

std::string Books::compare_dates(const Expected& expected) {
  return walk_dates(&expected);
}
std::string Books::check_dates() {
  return walk_dates(nullptr);
}

std::string Books::revalue(const Expected& expected, int currency, Minor rate, int day) {
  std::map<std::string, Minor> found;
  const Status status = database_->write([&](storage::Connection& c) -> Status {
    for (const std::string_view company : kCompanies) {
      const ledger::Revaluation loaded =
          BERTH_TRY(ledger::load_revaluation(c, kIntegration, company, *Currency::of(kCurrencies[currency]), Decimal::from_minor(rate, 6),
                                             Date{2026, 1, 1}.plus_days(day)));
      const ledger::Committed committed = BERTH_TRY(ledger::post_revaluation(c, loaded, context_, kNow));
      if (committed.entries.empty()) continue;
      const auto line = BERTH_TRY(c.first("SELECT SUM(base_minor) FROM entry_line WHERE entry = ? AND account = 'ar'", {committed.entries.front()}));
      found[std::string(company)] = line->integer(0);
    }
    return success();
  });
  std::string text = text_of(status);
  const auto wanted = expect_revaluation(expected, currency, rate);
  if (found == wanted) return text;
  for (const std::string_view company : kCompanies) {
    const std::string own(company);
    text += fmt::format("{}: revaluing {} at {} posts {}, should be {}\n", own, kCurrencies[currency], rate,
                        found.contains(own) ? found[own] : 0, wanted.contains(own) ? wanted.at(own) : 0);
  }
  return text;
}

}  // namespace berth::property
