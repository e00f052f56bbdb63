// What the product's books say, held against the second implementation.
#include <fmt/format.h>

#include <set>
#include <stdexcept>

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
  return fmt::format("{} {} [{}|{}] of documents in {}", kCompanies[cell.company], cell.account, kLocations[cell.location],
                     kServiceTypes[cell.service_type], kCurrencies[cell.currency]);
}
/// Where a cent of relief may lie elsewhere, in a foreign currency.
bool may_give(const Cell& cell) {
  return cell.currency != kUsd && (cell.account == "baddebt" || cell.account == "ar" || cell.account.starts_with("tax_"));
}
template <std::size_t Count>
int index_of(const std::string_view (&list)[Count], const std::string& text) {
  for (std::size_t i = 0; i < Count; ++i) {
    if (list[i] == text) return static_cast<int>(i);
  }
  throw std::runtime_error(text + " is none of the world's");
}
Kind kind_of(const std::string& entity) {
  return entity == "invoice" ? Kind::kInvoice : entity == "credit_note" ? Kind::kCreditNote : Kind::kPayment;
}

}  // namespace

// What is recorded never changes, so only what is new is added to what was added up before; `from_start` adds all of it again.
Status Books::add_up(bool from_start) {
  if (from_start) {
    cells_.clear();
    added_ = 0;
  }
  return database_->read([&](storage::Connection& c) -> Status {
    const auto last = BERTH_TRY(c.first("SELECT last FROM ledger_counter WHERE name = 'entry'", {}));
    const Status read = c.each(
        "SELECT e.company, l.account, l.location, l.service_type, e.currency, COALESCE(SUM(l.document_minor), 0), SUM(l.base_minor) "
        "FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.entry > ? "
        "GROUP BY e.company, l.account, l.location, l.service_type, e.currency",
        {added_}, [&](const storage::Row& row) {
          const Cell cell{index_of(kCompanies, row.text(0)), index_of(kCurrencies, row.text(4)), index_of(kLocations, row.text(2)),
                          index_of(kServiceTypes, row.text(3)), *names_.insert(row.text(1)).first};
          Sums& sums = cells_[cell];
          sums.document += row.integer(5);
          sums.base += row.integer(6);
          return true;
        });
    added_ = last->integer(0);
    return read;
  });
}

std::string Books::compare(const Expected& expected, bool from_start) {
  std::string text = text_of(add_up(from_start));
  // Exchange differences are what is left of a company: the trial balance is zero (I7), so all else decides them.
  std::map<Cell, std::pair<Sums, Sums>> both;
  for (const auto& [cell, sums] : expected.cells) both[cell].first = sums;
  for (const auto& [cell, sums] : cells_) {
    if (cell.account != "fx_realised" && cell.account != "fx_unrealised") both[cell].second = sums;
  }
  std::map<std::pair<int, int>, Minor> receivables;  // the receivable of all places has no such cents
  for (const auto& [cell, sums] : both) {
    const auto& [wanted, there] = sums;
    const Minor allowed = may_give(cell) ? expected.give[static_cast<std::size_t>(cell.company)] : 0;
    const Minor off = there.base - wanted.base;
    if (cell.account == "ar") receivables[{cell.company, cell.currency}] += off;
    if ((there.document != wanted.document || (off < 0 ? -off : off) > allowed) && text.size() < kTextMax)
      text += fmt::format("{} is {} = {}, should be {} = {}\n", show(cell), there.document, there.base, wanted.document, wanted.base);
  }
  for (const auto& [of, off] : receivables) {
    if (off != 0) text += fmt::format("{} ar of documents in {} is off by {}\n", kCompanies[of.first], kCurrencies[of.second], off);
  }
  std::size_t seen = 0;
  const Status status = database_->read([&](storage::Connection& c) -> Status {
    return c.each(
        "SELECT entity, remote_id, company, customer, currency, posts, total_minor, open_minor, base_total_minor, "
        "base_open_minor FROM open_item WHERE posts <> 0 OR total_minor <> 0 OR open_minor <> 0 OR base_open_minor <> 0",
        {}, [&](const storage::Row& row) {
          const ItemAmounts there{row.integer(6), row.integer(7), row.integer(8), row.integer(9)};
          const int document = std::stoi(row.text(1));
          const auto item = expected.items.find({kind_of(row.text(0)), document, index_of(kCompanies, row.text(2)),
                                                 std::stoi(row.text(3).substr(4)), index_of(kCurrencies, row.text(4))});
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
          const auto live = expected->live.find({std::stoi(row.text(2)), event});
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
  std::array<Minor, 2> found{};
  const Status status = database_->write("test.write", [&](storage::Connection& c) -> Status {
    for (std::size_t i = 0; i < found.size(); ++i) {
      const ledger::Revaluation loaded =
          BERTH_TRY(ledger::load_revaluation(c, kIntegration, kCompanies[i], *Currency::of(kCurrencies[currency]), Decimal::from_minor(rate, 6),
                                             Date{2026, 1, 1}.plus_days(day)));
      const ledger::Committed committed = BERTH_TRY(ledger::post_revaluation(c, loaded, context_, kNow));
      if (committed.entries.empty()) continue;
      const auto line = BERTH_TRY(c.first("SELECT SUM(base_minor) FROM entry_line WHERE entry = ? AND account = 'ar'", {committed.entries.front()}));
      found[i] = line->integer(0);
    }
    return success();
  });
  std::string text = text_of(status);
  const auto wanted = expect_revaluation(expected, currency, rate);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] != wanted[i])
      text += fmt::format("{}: revaluing {} at {} posts {}, should be {}\n", kCompanies[i], kCurrencies[currency], rate, found[i], wanted[i]);
  }
  return text;
}

}  // namespace berth::property
