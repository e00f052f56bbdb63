#include <algorithm>

#include "host/ledger/invariants.hpp"

namespace berth::ledger {
namespace {

using storage::Connection;

// Entries of one commit have dense numbers, so a first and a last one name them: every ? pair below.
constexpr Invariant kOfEntries[] = {
    {"I1", "entry {0}: debits and credits differ by {1} in base currency",
     "SELECT CAST(entry AS TEXT), CAST(SUM(base_minor) AS TEXT) FROM entry_line WHERE entry BETWEEN ? AND ? "
     "GROUP BY entry HAVING SUM(base_minor) <> 0"},
    {"I1", "entry {0}: it says {1} lines and has {2}",
     "SELECT CAST(e.id AS TEXT), CAST(e.line_count AS TEXT), CAST(COUNT(l.entry) AS TEXT) FROM entry AS e "
     "LEFT JOIN entry_line AS l ON l.entry = e.id WHERE e.id BETWEEN ? AND ? GROUP BY e.id, e.line_count "
     "HAVING COUNT(l.entry) <> e.line_count OR e.line_count = 1"},
    {"I2", "entry {0}: debits and credits differ by {1} in the document's currency",
     "SELECT CAST(entry AS TEXT), CAST(SUM(document_minor) AS TEXT) FROM entry_line WHERE entry BETWEEN ? AND ? "
     "GROUP BY entry HAVING SUM(document_minor) <> 0"},
    {"I8", "{0} {1} has {2} live entries of the event {3}",
     "SELECT e.entity, e.remote_id, CAST(COUNT(*) AS TEXT), e.event FROM entry AS t JOIN entry AS e "
     "ON e.integration = t.integration AND e.entity = t.entity AND e.remote_id = t.remote_id AND e.event = t.event "
     "WHERE t.id BETWEEN ? AND ? AND t.reverses IS NULL AND e.reverses IS NULL "
     "AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id) GROUP BY t.id HAVING COUNT(*) > 1"},
    {"I4", "{0} {1}: {2} wait to be applied, only {3} are unused",
     "SELECT p.entity, p.remote_id, CAST(SUM(p.amount_minor) AS TEXT), CAST((SELECT -COALESCE(SUM(o.open_minor), 0) "
     "FROM open_item AS o WHERE o.integration = p.integration AND o.entity = p.entity AND o.remote_id = p.remote_id) "
     // From the documents to what waits of them, in this order: thousands of others may wait.
     "AS TEXT) FROM (SELECT DISTINCT integration, entity, remote_id FROM entry WHERE id BETWEEN ? AND ?) AS t "
     "CROSS JOIN pending_application AS p WHERE p.integration = t.integration AND p.entity = t.entity "
     "AND p.remote_id = t.remote_id "
     "GROUP BY p.integration, p.entity, p.remote_id HAVING SUM(p.amount_minor) > (SELECT -COALESCE(SUM(o.open_minor), 0) "
     "FROM open_item AS o WHERE o.integration = p.integration AND o.entity = p.entity AND o.remote_id = p.remote_id)"},
};

constexpr Invariant kControl{
    "I3", "entry {0}, customer {1}: control account {2} and open items differ by {3} ({4} in base)",
    "SELECT CAST(entry AS TEXT), party, control, CAST(SUM(document) AS TEXT), CAST(SUM(base) AS TEXT) FROM ("
    "SELECT entry, party, control, COALESCE(document_minor, 0) AS document, base_minor AS base FROM entry_line "
    "WHERE entry BETWEEN ? AND ? AND control <> '' UNION ALL "
    "SELECT entry, customer, control, -document_minor, -base_minor FROM open_item_match WHERE entry BETWEEN ? AND ?) "
    "AS movement GROUP BY entry, party, control HAVING SUM(document) <> 0 OR SUM(base) <> 0"};

// The rows of open_item, a summary that is kept, against the matches that it sums up.
constexpr Invariant kOfItems[] = {
    {"I3", "open item {0} {1}: it shows {2} carried at {3}, which is not the sum of its matches",
     "SELECT o.entity, o.remote_id, CAST(o.open_minor AS TEXT), CAST(o.base_open_minor AS TEXT) FROM open_item AS o "
     "WHERE (o.remote_id, o.entity, o.integration) IN "
     "(SELECT t.remote_id, t.entity, t.integration FROM open_item_match AS t WHERE t.entry BETWEEN ? AND ?) "
     "AND (o.open_minor, o.base_open_minor) <> (SELECT COALESCE(SUM(m.document_minor), 0), "
     "COALESCE(SUM(m.base_minor), 0) FROM open_item_match AS m WHERE m.integration = o.integration "
     "AND m.entity = o.entity AND m.remote_id = o.remote_id AND m.company = o.company AND m.customer = o.customer "
     "AND m.currency = o.currency)"},
    {"I5", "{0} {1}: {2} of {3} are open, carried at {4}",
     "SELECT o.entity, o.remote_id, CAST(o.open_minor AS TEXT), CAST(o.total_minor AS TEXT), "
     "CAST(o.base_open_minor AS TEXT) FROM open_item AS o WHERE (o.remote_id, o.entity, o.integration) IN "
     "(SELECT t.remote_id, t.entity, t.integration FROM open_item_match AS t WHERE t.entry BETWEEN ? AND ?) "
     "AND ((o.open_minor = 0 AND o.base_open_minor <> 0) OR (o.total_minor >= 0 AND o.open_minor < 0 AND o.control = 'ar') "
     "OR (o.total_minor <= 0 AND o.open_minor > 0))"},
};

}  // namespace

Result<std::vector<CheckFinding>> check_touched(Connection& connection, const Touched& touched) {
  std::vector<CheckFinding> findings;
  if (touched.entries.empty()) return findings;
  const auto [first, last] = std::minmax_element(touched.entries.begin(), touched.entries.end());
  const std::vector<storage::Parameter> range{*first, *last};
  for (const Invariant& invariant : kOfEntries) BERTH_CHECK(find_violations(connection, invariant, range, findings));
  BERTH_CHECK(find_violations(connection, kControl, {*first, *last, *first, *last}, findings));
  for (const Invariant& invariant : kOfItems) BERTH_CHECK(find_violations(connection, invariant, range, findings));
  return findings;
}

}  // namespace berth::ledger
