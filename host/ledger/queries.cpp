#include "host/ledger/queries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "host/storage/conditions.hpp"

namespace berth::ledger {
namespace {

using storage::Conditions;
using storage::Connection;
using storage::Parameter;
using storage::Row;

Result<Currency> stored_currency(const std::string& code) {
  auto currency = Currency::of(code);
  if (!currency) return make_error(Code::kEnvironment, "ledger.damaged", "a stored currency is unknown: " + code);
  return currency;
}

Conditions entry_conditions(const EntryFilter& filter) {
  Conditions where;
  where.equals("e.integration", filter.integration);
  where.equals("e.entity", filter.entity);
  where.equals("e.remote_id", filter.remote_id);
  where.equals("e.local_id", filter.local_id);
  where.equals("e.company", filter.company);
  if (!filter.account.empty()) where.add("EXISTS (SELECT 1 FROM entry_line AS f WHERE f.entry = e.id AND f.account = ?)", filter.account);
  if (filter.from) where.add("e.date >= ?", to_string(*filter.from));
  if (filter.through) where.add("e.date <= ?", to_string(*filter.through));
  if (filter.recorded_after > 0) where.add("e.id > ?", filter.recorded_after);
  if (filter.only_live)
    where.add("e.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id)");
  return where;
}

constexpr std::string_view kEntryColumns =
    "e.id, e.integration, e.entity, e.remote_id, e.version, e.local_id, e.event, e.company, e.description, "
    "e.fingerprint, "
    "e.rules_revision, e.rate, e.sequence, e.reverses, (SELECT r.id FROM entry AS r WHERE r.reverses = e.id), "
    "e.supersedes, e.date, "
    "e.document_date, e.currency, e.base_currency, e.created_ms, o.event, o.sequence";
constexpr std::size_t kLineColumn = 23;

Result<StoredEntry> read_entry(const Row& row) {
  StoredEntry entry;
  entry.id = row.integer(0);
  entry.source = {row.text(1), row.text(2), row.text(3), row.text(4)};
  entry.local_id = row.text(5);
  entry.event = row.text(6);
  entry.company = row.text(7);
  entry.description = row.text(8);
  entry.fingerprint = row.text(9);
  entry.rules_revision = row.text(10);
  entry.rate = row.text(11);
  entry.sequence = row.integer(12);
  entry.reverses = row.integer(13);
  entry.reversed_by = row.integer(14);
  entry.supersedes = row.integer(15);
  entry.date = BERTH_TRY(parse_date(row.text(16)));
  entry.document_date = BERTH_TRY(parse_date(row.text(17)));
  entry.currency = BERTH_TRY(stored_currency(row.text(18)));
  entry.base_currency = BERTH_TRY(stored_currency(row.text(19)));
  entry.created_at = row.instant(20);
  if (!row.is_null(21)) {
    entry.reversed_event = row.text(21);
    entry.reversed_sequence = row.integer(22);
  }
  return entry;
}

void read_line(const Row& row, StoredEntry& entry) {
  if (row.is_null(kLineColumn)) return;  // an entry without lines
  StoredLine line;
  line.account = row.text(kLineColumn);
  const std::int64_t base = row.integer(kLineColumn + 1);
  const std::int64_t document = row.integer(kLineColumn + 2);
  line.side = base < 0 || (base == 0 && document < 0) ? Side::kCredit : Side::kDebit;
  line.base = Money(base, entry.base_currency).absolute();
  if (!row.is_null(kLineColumn + 2)) line.document = Money(document, entry.currency).absolute();
  line.party = row.text(kLineColumn + 3);
  line.location = row.text(kLineColumn + 4);
  line.service_type = row.text(kLineColumn + 5);
  line.description = row.text(kLineColumn + 6);
  entry.lines.push_back(std::move(line));
}

/// Entries with their lines, one call each. `chosen` is a query that yields entry rows; `order` keeps those of an entry
/// together.
Status walk(Connection& connection, const std::string& chosen, std::span<const Parameter> parameters,
            std::string_view order, const std::function<Status(const StoredEntry&)>& visit) {
  std::optional<StoredEntry> current;
  Status outcome = success();
  const auto on_row = [&](const Row& row) -> Status {
    if (!current || current->id != row.integer(0)) {
      if (current) BERTH_CHECK(visit(*current));
      current.reset();
      current = BERTH_TRY(read_entry(row));
    }
    read_line(row, *current);
    return success();
  };
  BERTH_CHECK(connection.each(
      fmt::format(
          "SELECT {}, l.account, l.base_minor, l.document_minor, l.party, l.location, l.service_type, l.description "
          "FROM ({}) AS e LEFT JOIN entry AS o ON o.id = e.reverses LEFT JOIN entry_line AS l ON l.entry = e.id "
          "ORDER BY {}, l.position",
          kEntryColumns, chosen, order),
      parameters, [&](const Row& row) {
        outcome = on_row(row);
        return outcome.ok();
      }));
  BERTH_CHECK(outcome);
  return current ? visit(*current) : success();
}

}  // namespace

Result<std::vector<Balance>> trial_balance(Connection& connection, const BalanceFilter& filter) {
  Conditions where;
  where.equals("e.company", filter.company);
  where.equals("l.account", filter.account);
  where.equals("l.party", filter.party);
  if (filter.from) where.add("e.date >= ?", to_string(*filter.from));
  if (filter.through) where.add("e.date <= ?", to_string(*filter.through));
  if (filter.location) where.add("l.location = ?", *filter.location);
  if (filter.service_type) where.add("l.service_type = ?", *filter.service_type);
  const auto rows = BERTH_TRY(connection.query(
      fmt::format(
          "SELECT e.company, l.account, e.base_currency, CAST(exact_sum(CASE WHEN l.base_minor > 0 THEN l.base_minor ELSE 0 END) AS TEXT), "
          "CAST(exact_sum(CASE WHEN l.base_minor < 0 THEN -l.base_minor ELSE 0 END) AS TEXT) FROM entry_line AS l JOIN entry AS e ON e.id "
          "= l.entry{} "
          "GROUP BY e.company, l.account, e.base_currency ORDER BY e.company, l.account",
          where.sql()),
      where.parameters()));
  std::vector<Balance> balances;
  for (const Row& row : rows) {
    const Currency currency = BERTH_TRY(stored_currency(row.text(2)));
    balances.push_back({row.text(0), row.text(1), BERTH_TRY(MoneyTotal::parse_minor(row.text(3), currency)),
                        BERTH_TRY(MoneyTotal::parse_minor(row.text(4), currency))});
  }
  return balances;
}

Result<EntryPage> list_entries(Connection& connection, const EntryFilter& filter) {
  Conditions where = entry_conditions(filter);
  if (!filter.cursor.empty()) {
    std::int64_t after = 0;
    const char* end = filter.cursor.data() + filter.cursor.size();
    const auto parsed = std::from_chars(filter.cursor.data(), end, after);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      return make_error(Code::kInvalidArgument, "ledger.cursor_invalid",
                        fmt::format("\"{}\" is not a cursor of entries", filter.cursor));
    }
    where.add(filter.newest_first ? "e.id < ?" : "e.id > ?", after);
  }
  const std::size_t limit = std::clamp<std::size_t>(filter.limit, 1, kEntryPageMax);
  const std::string_view order = filter.newest_first ? "e.id DESC" : "e.id";
  where.then(limit + 1);  // one more tells whether there is a next page
  EntryPage page;
  BERTH_CHECK(walk(connection, fmt::format("SELECT * FROM entry AS e{} ORDER BY {} LIMIT ?", where.sql(), order),
                   where.parameters(), order, [&](const StoredEntry& entry) -> Status {
                     page.entries.push_back(entry);
                     return success();
                   }));
  if (page.entries.size() > limit) {
    page.entries.pop_back();
    page.next_cursor = std::to_string(page.entries.back().id);
  }
  return page;
}

Status each_entry(Connection& connection, const EntryFilter& filter,
                  const std::function<Status(const StoredEntry&)>& visit, EntryOrder order) {
  Conditions where = entry_conditions(filter);
  const std::string_view by =
      order == EntryOrder::kSource ? "e.integration, e.entity, e.remote_id, e.event, e.sequence" : "e.id";
  return walk(connection, "SELECT * FROM entry AS e" + where.sql(), where.parameters(), by, visit);
}

Result<std::int64_t> last_entry(Connection& connection) {
  const auto row = BERTH_TRY(connection.first("SELECT COALESCE(MAX(id), 0) FROM entry"));
  return row ? row->integer(0) : 0;
}

Result<std::vector<Receivable>> receivables(Connection& connection, std::string_view integration,
                                            std::string_view entity) {
  std::vector<Receivable> receivables;
  Status outcome = success();
  const auto add = [&](const Row& row) -> Status {
    const Currency currency = BERTH_TRY(stored_currency(row.text(7)));
    const Currency base_currency = BERTH_TRY(stored_currency(row.text(8)));
    receivables.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6),
                           Money(row.integer(9), currency), Money(row.integer(10), currency),
                           Money(row.integer(11), base_currency)});
    return success();
  };
  BERTH_CHECK(connection.each("SELECT integration, entity, remote_id, local_id, number, company, customer, "
                              "currency, base_currency, total_minor, open_minor, "
                              "base_open_minor FROM open_item WHERE posts > 0 AND control = 'ar' AND (? = '' OR "
                              "integration = ?) AND entity = ? "
                              "ORDER BY integration, remote_id",
                              {integration, integration, entity}, [&](const Row& row) {
                                outcome = add(row);
                                return outcome.ok();
                              }));
  BERTH_CHECK(outcome);
  return receivables;
}

Result<std::vector<CustomerCredit>> customer_credits(Connection& connection) {
  const auto rows = BERTH_TRY(connection.query(
      "SELECT company, customer, currency, base_currency, CAST(exact_sum(-open_minor) AS TEXT), CAST(exact_sum(-base_open_minor) AS TEXT) FROM open_item "
      "WHERE control = 'credits' GROUP BY company, customer, currency, base_currency "
      "HAVING exact_sum(open_minor) <> 0 OR exact_sum(base_open_minor) <> 0 ORDER BY company, customer, currency"));
  std::vector<CustomerCredit> credits;
  for (const Row& row : rows) {
    const Currency currency = BERTH_TRY(stored_currency(row.text(2)));
    const Currency base_currency = BERTH_TRY(stored_currency(row.text(3)));
    credits.push_back({row.text(0), row.text(1), BERTH_TRY(MoneyTotal::parse_minor(row.text(4), currency)),
                       BERTH_TRY(MoneyTotal::parse_minor(row.text(5), base_currency))});
  }
  return credits;
}

Result<std::vector<std::string>> documents_of_customer(storage::Connection& connection, std::string_view integration, std::string_view customer) {
  std::vector<std::string> found;
  BERTH_CHECK(connection.each("SELECT DISTINCT e.entity, e.remote_id FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.party = ? AND e.integration = ? "
                              "AND e.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id) ORDER BY e.entity, e.remote_id",
                              {customer, integration}, [&](const storage::Row& row) {
                                found.push_back(row.text(0) + "/" + row.text(1));
                                return true;
                              }));
  return found;
}

Result<std::string> customer_after(storage::Connection& connection, std::string_view integration, std::string_view customer) {
  const auto row = BERTH_TRY(connection.first("SELECT o.customer FROM open_item_match AS m JOIN open_item AS o ON o.remote_id = m.remote_id AND o.entity = m.entity "
                                              "AND o.integration = m.integration WHERE m.integration = ? AND m.customer = ? AND o.customer <> ? AND o.posts > 0 LIMIT 1",
                                              {integration, customer, customer}));
  return row ? row->text(0) : std::string();
}

}  // namespace berth::ledger
