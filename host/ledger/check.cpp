// The invariants of docs/accounting.md. The triggers make most of them impossible to break; this finds what a damaged file or a
// bug in them has let through. Amounts in messages are minor units: what is wrong may well be the currency.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "host/ledger/invariants.hpp"

namespace berth::ledger {
namespace {

using storage::Connection;
using storage::Parameter;
using storage::Row;

/// A query that yields a row per violation, and the sentence that its columns fill: {0}, {1}, ... as text. Where {which} stands
/// in the query comes a condition: none, or `touched`, which is true for what the entries between ? and ? have written.
struct Invariant {
  std::string_view id;  // "I1"
  std::string_view text, sql;
  std::string_view touched{};
};

// Entries of one commit have dense numbers, so a first and a last one name them: every ? pair below.
constexpr Invariant kRules[] = {
    {"I1", "entry {0}: debits and credits differ by {1} in base currency",
     "SELECT CAST(l.entry AS TEXT), CAST(exact_sum(l.base_minor) AS TEXT) FROM entry_line AS l WHERE {which} "
     "GROUP BY l.entry HAVING exact_sum(l.base_minor) <> 0",
     "l.entry BETWEEN ? AND ?"},
    {"I1", "entry {0}: it says {1} lines and has {2}",
     "SELECT CAST(e.id AS TEXT), CAST(e.line_count AS TEXT), CAST(COUNT(l.entry) AS TEXT) FROM entry AS e "
     "LEFT JOIN entry_line AS l ON l.entry = e.id WHERE {which} GROUP BY e.id, e.line_count "
     "HAVING COUNT(l.entry) <> e.line_count OR e.line_count = 1",
     "e.id BETWEEN ? AND ?"},
    {"I2", "entry {0}: debits and credits differ by {1} in the document's currency",
     "SELECT CAST(l.entry AS TEXT), CAST(exact_sum(l.document_minor) AS TEXT) FROM entry_line AS l WHERE {which} "
     "GROUP BY l.entry HAVING exact_sum(l.document_minor) <> 0",
     "l.entry BETWEEN ? AND ?"},
    {"I4", "{0} {1}: {2} wait to be applied, only {3} are unused",
     "SELECT p.entity, p.remote_id, CAST(exact_sum(p.amount_minor) AS TEXT), CAST((SELECT -COALESCE(SUM(o.open_minor), 0) "
     "FROM open_item AS o WHERE o.integration = p.integration AND o.entity = p.entity AND o.remote_id = p.remote_id) AS TEXT) "
     "FROM pending_application AS p WHERE {which} GROUP BY p.integration, p.entity, p.remote_id "
     "HAVING exact_sum(p.amount_minor) > (SELECT -COALESCE(SUM(o.open_minor), 0) FROM open_item AS o "
     "WHERE o.integration = p.integration AND o.entity = p.entity AND o.remote_id = p.remote_id)",
     "(p.integration, p.entity, p.remote_id) IN (SELECT integration, entity, remote_id FROM entry WHERE id BETWEEN ? AND ?)"},
    {"I3", "open item {0} {1}: it shows {2} carried at {3}, its matches add up to {4} carried at {5}",
     "SELECT s.entity, s.remote_id, CAST(s.open_minor AS TEXT), CAST(s.base_open_minor AS TEXT), CAST(s.sum AS TEXT), "
     "CAST(s.base_sum AS TEXT) FROM (SELECT o.entity, o.remote_id, o.open_minor, o.base_open_minor, "
     "exact_sum(m.document_minor) AS sum, exact_sum(m.base_minor) AS base_sum FROM open_item AS o "
     "LEFT JOIN open_item_match AS m ON m.integration = o.integration AND m.entity = o.entity AND m.remote_id = o.remote_id "
     "AND m.company = o.company AND m.customer = o.customer AND m.currency = o.currency WHERE {which} "
     "GROUP BY o.remote_id, o.entity, o.integration, o.company, o.customer, o.currency, o.open_minor, o.base_open_minor) AS s "
     "WHERE s.open_minor <> s.sum OR s.base_open_minor <> s.base_sum",
     "(o.remote_id, o.entity, o.integration) IN (SELECT t.remote_id, t.entity, t.integration FROM open_item_match AS t "
     "WHERE t.entry BETWEEN ? AND ?)"},
    {"I5", "{0} {1} is settled, but is carried at {2}",
     "SELECT o.entity, o.remote_id, CAST(o.base_open_minor AS TEXT) FROM open_item AS o WHERE {which} AND o.open_minor = 0 "
     "AND o.base_open_minor <> 0",
     "(o.remote_id, o.entity, o.integration) IN (SELECT t.remote_id, t.entity, t.integration FROM open_item_match AS t "
     "WHERE t.entry BETWEEN ? AND ?)"},
    {"I5", "{0} {1}: more was applied than it has, {2} of {3} are open",
     "SELECT o.entity, o.remote_id, CAST(o.open_minor AS TEXT), CAST(o.total_minor AS TEXT) FROM open_item AS o WHERE {which} "
     "AND ((o.total_minor >= 0 AND o.open_minor < 0 AND o.control = 'ar') OR (o.total_minor <= 0 AND o.open_minor > 0))",
     "(o.remote_id, o.entity, o.integration) IN (SELECT t.remote_id, t.entity, t.integration FROM open_item_match AS t "
     "WHERE t.entry BETWEEN ? AND ?)"},
    {"I8", "{0} {1} has {2} live entries of the event {3}",
     "SELECT e.entity, e.remote_id, CAST(COUNT(*) AS TEXT), e.event FROM entry AS e WHERE {which} AND e.reverses IS NULL "
     "AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id) "
     "GROUP BY e.integration, e.entity, e.remote_id, e.event HAVING COUNT(*) > 1",
     "(e.integration, e.entity, e.remote_id, e.event) IN (SELECT integration, entity, remote_id, event FROM entry "
     "WHERE id BETWEEN ? AND ? AND reverses IS NULL)"},
};

// Over whole accounts, and what no commit can break.
constexpr Invariant kRulesOfAll[] = {
    {"I1", "lines of entry {0} belong to no entry",
     "SELECT DISTINCT CAST(l.entry AS TEXT) FROM entry_line AS l LEFT JOIN entry AS e ON e.id = l.entry WHERE e.id IS NULL"},
    // I3 and I4 are one sentence: a control account is the sum of its open items, in both currencies.
    {"I3", "{0}, customer {1}, {2}: receivable accounts and open items differ by {3} ({4} in base)",
     "SELECT company, customer, currency, CAST(exact_sum(document_minor) AS TEXT), CAST(exact_sum(base_minor) AS TEXT) FROM ("
     "SELECT e.company, l.party AS customer, e.currency, COALESCE(l.document_minor, 0) AS document_minor, l.base_minor "
     "FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.control = 'ar' UNION ALL "
     "SELECT company, customer, currency, -open_minor, -base_open_minor FROM open_item WHERE control = 'ar') AS movement "
     "GROUP BY company, customer, currency HAVING exact_sum(document_minor) <> 0 OR exact_sum(base_minor) <> 0"},
    {"I4", "{0}, customer {1}, {2}: customer credits and unused payments differ by {3} ({4} in base)",
     "SELECT company, customer, currency, CAST(exact_sum(document_minor) AS TEXT), CAST(exact_sum(base_minor) AS TEXT) FROM ("
     "SELECT e.company, l.party AS customer, e.currency, COALESCE(l.document_minor, 0) AS document_minor, l.base_minor "
     "FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.control = 'credits' UNION ALL "
     "SELECT company, customer, currency, -open_minor, -base_open_minor FROM open_item WHERE control = 'credits') AS movement "
     "GROUP BY company, customer, currency HAVING exact_sum(document_minor) <> 0 OR exact_sum(base_minor) <> 0"},
    {"I6", "{0}, account {1}: payouts have taken {2} out of it, their payments and refunds add up to {3}",
     "SELECT company, account, CAST(exact_sum(taken) AS TEXT), CAST(exact_sum(parts) AS TEXT) FROM ("
     "SELECT company, account, 0 AS taken, amount_minor AS parts FROM payout_part UNION ALL "
     "SELECT e.company, l.account, -l.base_minor, 0 FROM entry AS e JOIN entry_line AS l ON l.entry = e.id WHERE e.entity = 'deposit' "
     "AND (e.company, l.account) IN (SELECT company, account FROM payout_part)) AS movement "
     "GROUP BY company, account HAVING exact_sum(taken - parts) <> 0"},
    // A sum beyond 64 bits is a text on SQLite, which compares as greater than any number; its sign is in the text on both.
    {"I6", "{0}: {1} of it are paid out, {2} came in",
     "SELECT part, CAST(exact_sum(paid) AS TEXT), CAST(exact_sum(came) AS TEXT) FROM ("
     "SELECT part, company, account, amount_minor AS paid, 0 AS came FROM payout_part WHERE part LIKE 'payment/%' UNION ALL "
     "SELECT p.part, p.company, p.account, 0, l.base_minor FROM (SELECT DISTINCT part, company, account FROM payout_part "
     "WHERE part LIKE 'payment/%') AS p CROSS JOIN entry AS e CROSS JOIN entry_line AS l WHERE e.local_id = SUBSTR(p.part, 9) "
     "AND e.event LIKE 'cash%' AND e.company = p.company AND l.entry = e.id AND l.account = p.account) AS movement "
     "GROUP BY part, company, account HAVING CAST(exact_sum(came - paid) AS TEXT) LIKE '-%'"},
    {"I7", "{0}: the trial balance is off by {1}",
     "SELECT e.company, CAST(exact_sum(l.base_minor) AS TEXT) FROM entry AS e JOIN entry_line AS l ON l.entry = e.id "
     "GROUP BY e.company HAVING exact_sum(l.base_minor) <> 0"},
};

// The control accounts of each entry that was written, against its matches.
constexpr Invariant kOfControl{
    "I3", "entry {0}, customer {1}: control account {2} and open items differ by {3} ({4} in base)",
    "SELECT CAST(entry AS TEXT), party, control, CAST(exact_sum(document) AS TEXT), CAST(exact_sum(base) AS TEXT) FROM ("
    "SELECT entry, party, control, COALESCE(document_minor, 0) AS document, base_minor AS base FROM entry_line "
    "WHERE entry BETWEEN ? AND ? AND control <> '' UNION ALL "
    "SELECT entry, customer, control, -document_minor, -base_minor FROM open_item_match WHERE entry BETWEEN ? AND ?) "
    "AS movement GROUP BY entry, party, control HAVING exact_sum(document) <> 0 OR exact_sum(base) <> 0"};

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

/// Appends a finding per row.
Status find(Connection& connection, const Invariant& invariant, std::string_view which, std::span<const Parameter> parameters,
            std::vector<CheckFinding>& findings) {
  std::string sql(invariant.sql);
  constexpr std::string_view kMark = "{which}";
  if (const auto at = sql.find(kMark); at != std::string::npos) sql.replace(at, kMark.size(), which);
  for (const Row& row : BERTH_TRY(connection.query(sql, parameters))) {
    findings.push_back({std::string(invariant.id), fill(invariant.text, row, columns_of(invariant.text))});
  }
  return success();
}

}  // namespace

Result<std::vector<CheckFinding>> check(Connection& connection) {
  std::vector<CheckFinding> findings;
  for (const Invariant& rule : kRules) BERTH_CHECK(find(connection, rule, "TRUE", {}, findings));
  for (const Invariant& rule : kRulesOfAll) BERTH_CHECK(find(connection, rule, "", {}, findings));
  std::stable_sort(findings.begin(), findings.end(), [](const CheckFinding& a, const CheckFinding& b) { return a.invariant < b.invariant; });
  return findings;
}

Result<std::vector<CheckFinding>> check_touched(Connection& connection, const Touched& touched) {
  std::vector<CheckFinding> findings;
  if (touched.entries.empty()) return findings;
  const auto [first, last] = std::minmax_element(touched.entries.begin(), touched.entries.end());
  const Parameter range[] = {*first, *last};
  const Parameter twice[] = {*first, *last, *first, *last};
  for (const Invariant& rule : kRules) BERTH_CHECK(find(connection, rule, rule.touched, range, findings));
  BERTH_CHECK(find(connection, kOfControl, "", twice, findings));
  return findings;
}

}  // namespace berth::ledger
