// The invariants of docs/accounting.md over everything stored. The triggers make most of them impossible to break; this
// finds what a damaged file or a bug in them has let through. Amounts in messages are minor units: what is wrong may
// well be the currency.
#include <fmt/format.h>

#include "host/ledger/invariants.hpp"

namespace berth::ledger {
namespace {

using storage::Connection;
using storage::Row;

constexpr Invariant kRules[] = {
    {"I1", "entry {0}: debits and credits differ by {1} in base currency",
     "SELECT CAST(e.id AS TEXT), CAST(SUM(l.base_minor) AS TEXT) FROM entry AS e JOIN entry_line AS l ON l.entry = "
     "e.id "
     "GROUP BY e.id HAVING SUM(l.base_minor) <> 0"},
    {"I1", "entry {0}: it says {1} lines and has {2}",
     "SELECT CAST(e.id AS TEXT), CAST(e.line_count AS TEXT), CAST(COUNT(l.entry) AS TEXT) FROM entry AS e "
     "LEFT JOIN entry_line AS l ON l.entry = e.id GROUP BY e.id, e.line_count HAVING COUNT(l.entry) <> e.line_count OR "
     "e.line_count = 1"},
    {"I1", "lines of entry {0} belong to no entry",
     "SELECT DISTINCT CAST(l.entry AS TEXT) FROM entry_line AS l LEFT JOIN entry AS e ON e.id = l.entry WHERE e.id IS "
     "NULL"},
    {"I2", "entry {0}: debits and credits differ by {1} in {2}",
     "SELECT CAST(e.id AS TEXT), CAST(SUM(l.document_minor) AS TEXT), e.currency FROM entry AS e JOIN entry_line AS l "
     "ON l.entry = e.id "
     "GROUP BY e.id, e.currency HAVING SUM(l.document_minor) <> 0"},
    // I3 and I4 are one sentence: a control account is the sum of its open items, in both currencies.
    {"I3", "{0}, customer {1}, {2}: receivable accounts and open items differ by {3} ({4} in base)",
     "SELECT company, customer, currency, CAST(SUM(document_minor) AS TEXT), CAST(SUM(base_minor) AS TEXT) FROM ("
     "SELECT e.company, l.party AS customer, e.currency, COALESCE(l.document_minor, 0) AS document_minor, l.base_minor "
     "FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.control = 'ar' UNION ALL "
     "SELECT company, customer, currency, -open_minor, -base_open_minor FROM open_item WHERE control = 'ar') AS "
     "movement "
     "GROUP BY company, customer, currency HAVING SUM(document_minor) <> 0 OR SUM(base_minor) <> 0"},
    {"I4", "{0}, customer {1}, {2}: customer credits and unused payments differ by {3} ({4} in base)",
     "SELECT company, customer, currency, CAST(SUM(document_minor) AS TEXT), CAST(SUM(base_minor) AS TEXT) FROM ("
     "SELECT e.company, l.party AS customer, e.currency, COALESCE(l.document_minor, 0) AS document_minor, l.base_minor "
     "FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.control = 'credits' UNION ALL "
     "SELECT company, customer, currency, -open_minor, -base_open_minor FROM open_item WHERE control = 'credits') AS "
     "movement "
     "GROUP BY company, customer, currency HAVING SUM(document_minor) <> 0 OR SUM(base_minor) <> 0"},
    {"I4", "{0} {1}: {2} wait to be applied, only {3} are unused",
     "SELECT p.entity, p.remote_id, CAST(SUM(p.amount_minor) AS TEXT), CAST((SELECT -COALESCE(SUM(o.open_minor), 0) "
     "FROM open_item AS o "
     "WHERE o.integration = p.integration AND o.entity = p.entity AND o.remote_id = p.remote_id) AS TEXT) FROM "
     "pending_application AS p "
     "GROUP BY p.integration, p.entity, p.remote_id HAVING SUM(p.amount_minor) > (SELECT -COALESCE(SUM(o.open_minor), "
     "0) "
     "FROM open_item AS o WHERE o.integration = p.integration AND o.entity = p.entity AND o.remote_id = p.remote_id)"},
    {"I3", "open item {0} {1}: it shows {2}, its matches add up to {3}",
     "SELECT o.entity, o.remote_id, CAST(o.open_minor AS TEXT), CAST(COALESCE(SUM(m.document_minor), 0) AS TEXT) FROM "
     "open_item AS o "
     "LEFT JOIN open_item_match AS m ON m.integration = o.integration AND m.entity = o.entity AND m.remote_id = "
     "o.remote_id "
     "AND m.company = o.company AND m.customer = o.customer AND m.currency = o.currency "
     "GROUP BY o.integration, o.entity, o.remote_id, o.company, o.customer, o.currency, o.open_minor, "
     "o.base_open_minor "
     "HAVING o.open_minor <> COALESCE(SUM(m.document_minor), 0) OR o.base_open_minor <> COALESCE(SUM(m.base_minor), "
     "0)"},
    {"I5", "{0} {1} is settled, but is carried at {2}",
     "SELECT entity, remote_id, CAST(base_open_minor AS TEXT) FROM open_item WHERE open_minor = 0 AND base_open_minor "
     "<> 0"},
    {"I5", "{0} {1}: more was applied than it has, {2} of {3} are open",
     "SELECT entity, remote_id, CAST(open_minor AS TEXT), CAST(total_minor AS TEXT) FROM open_item "
     "WHERE (total_minor >= 0 AND open_minor < 0 AND control = 'ar') OR (total_minor <= 0 AND open_minor > 0)"},
    {"I6", "{0}, account {1}: payouts have taken {2} out of it, their payments and refunds add up to {3}",
     "SELECT p.company, p.account, CAST(-COALESCE((SELECT SUM(l.base_minor) FROM entry AS e JOIN entry_line AS l ON "
     "l.entry = e.id WHERE e.entity = 'deposit' AND e.company = p.company AND l.account = p.account), 0) AS TEXT), "
     "CAST(SUM(p.amount_minor) AS TEXT) FROM payout_part AS p GROUP BY p.company, p.account "
     "HAVING SUM(p.amount_minor) <> -COALESCE((SELECT SUM(l.base_minor) FROM entry AS e JOIN entry_line AS l ON "
     "l.entry = e.id WHERE e.entity = 'deposit' AND e.company = p.company AND l.account = p.account), 0)"},
    {"I6", "{0}: {1} of it are paid out, {2} came in",
     "SELECT p.part, CAST(SUM(p.amount_minor) AS TEXT), CAST(COALESCE((SELECT SUM(l.base_minor) FROM entry AS e JOIN "
     "entry_line AS l ON l.entry = e.id WHERE e.local_id = SUBSTR(p.part, 9) AND e.event LIKE 'cash%' AND "
     "e.company = p.company AND l.account = p.account), 0) AS TEXT) FROM payout_part AS p WHERE p.part LIKE 'payment/%' "
     "GROUP BY p.part, p.company, p.account HAVING SUM(p.amount_minor) > COALESCE((SELECT SUM(l.base_minor) FROM entry AS e "
     "JOIN entry_line AS l ON l.entry = e.id WHERE e.local_id = SUBSTR(p.part, 9) AND e.event LIKE 'cash%' AND "
     "e.company = p.company AND l.account = p.account), 0)"},
    {"I7", "{0}: the trial balance is off by {1}",
     "SELECT e.company, CAST(SUM(l.base_minor) AS TEXT) FROM entry AS e JOIN entry_line AS l ON l.entry = e.id GROUP "
     "BY e.company "
     "HAVING SUM(l.base_minor) <> 0"},
    {"I8", "{0} {1} has {2} live entries of the event {3}",
     "SELECT e.entity, e.remote_id, CAST(COUNT(*) AS TEXT), e.event FROM entry AS e WHERE e.reverses IS NULL "
     "AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id) GROUP BY e.integration, e.entity, e.remote_id, "
     "e.event "
     "HAVING COUNT(*) > 1"},
};

std::string fill(std::string_view text, const Row& row, std::size_t columns) {
  std::string filled(text);
  for (std::size_t i = 0; i < columns; ++i) {
    const std::string mark = fmt::format("{{{}}}", i);
    if (const auto at = filled.find(mark); at != std::string::npos) filled.replace(at, mark.size(), row.text(i));
  }
  return filled;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (text.find(fmt::format("{{{}}}", columns)) != std::string_view::npos) ++columns;
  return columns;
}

}  // namespace

Status find_violations(Connection& connection, const Invariant& invariant,
                       const std::vector<storage::Parameter>& parameters, std::vector<CheckFinding>& findings) {
  for (const Row& row : BERTH_TRY(connection.query(invariant.sql, parameters))) {
    findings.push_back({std::string(invariant.id), fill(invariant.text, row, columns_of(invariant.text))});
  }
  return success();
}

Result<std::vector<CheckFinding>> check(Connection& connection) {
  std::vector<CheckFinding> findings;
  for (const Invariant& rule : kRules) BERTH_CHECK(find_violations(connection, rule, {}, findings));
  return findings;
}

}  // namespace berth::ledger
