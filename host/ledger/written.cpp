// The live entries around a document in a foreign currency: all that move an item which it opens or relieves.
#include <fmt/format.h>

#include <set>

#include "host/ledger/live_entries.hpp"

namespace berth::ledger {
namespace {

using storage::Connection;
using storage::Row;

constexpr std::string_view kOfItem =
    "(SELECT m.entry FROM open_item_match AS m WHERE m.integration = ? AND m.entity = ? AND m.remote_id = ?)";

Control control_of(std::string_view text) {
  return text == "ar" ? Control::kReceivable : text == "credits" ? Control::kCredits : Control::kNone;
}

EntryLine read_line(const Row& row, const WrittenEntry& written) {
  EntryLine line;
  line.account = row.text(1);
  const std::int64_t base = row.integer(2);
  line.base = Money(base, written.live.base_currency).absolute();
  std::int64_t sign = base;
  if (!row.is_null(3)) {
    line.document = Money(row.integer(3), written.live.currency).absolute();
    sign = row.integer(3);
  }
  line.side = sign < 0 ? Side::kCredit : Side::kDebit;
  line.control = control_of(row.text(4));
  line.party = row.text(5);
  line.location = row.text(6);
  line.service_type = row.text(7);
  line.description = row.text(8);
  return line;
}

Status load_item(Connection& connection, const documents::Source& item, Books& books) {
  const std::vector<storage::Parameter> key{item.integration, item.entity, item.remote_id};
  std::set<std::int64_t> added;
  for (const Row& row : BERTH_TRY(connection.query(
           fmt::format("SELECT {}, e.local_id, e.rules_revision, e.description, e.rate "
                       "FROM entry AS e WHERE e.id IN {} AND {} ORDER BY e.id",
                       kLiveColumns, kOfItem, kLiveEntry),
           key))) {
    if (books.written.contains(row.integer(0))) continue;
    WrittenEntry written;
    written.live = BERTH_TRY(read_live(row));
    written.local_id = row.text(kLiveColumnCount);
    written.rules_revision = row.text(kLiveColumnCount + 1);
    written.description = row.text(kLiveColumnCount + 2);
    if (const std::string rate = row.text(kLiveColumnCount + 3); !rate.empty()) {
      const auto parsed = Decimal::parse(rate);
      if (!parsed) return damaged(fmt::format("entry {}", written.live.id), parsed.error());
      written.rate = *parsed;
    }
    added.insert(written.live.id);
    books.written.emplace(written.live.id, std::move(written));
  }
  if (added.empty()) return success();
  for (const Row& row : BERTH_TRY(connection.query(
           fmt::format("SELECT l.entry, l.account, l.base_minor, l.document_minor, l.control, l.party, l.location, "
                       "l.service_type, l.description FROM entry_line AS l WHERE l.entry IN {} "
                       "ORDER BY l.entry, l.position",
                       kOfItem),
           key))) {
    if (!added.contains(row.integer(0))) continue;
    WrittenEntry& written = books.written.at(row.integer(0));
    written.lines.push_back(read_line(row, written));
  }
  for (const Row& row : BERTH_TRY(connection.query(
           fmt::format("SELECT x.entry, x.integration, x.entity, x.remote_id, x.local_id, x.company, x.customer, "
                       "x.control, x.opens, x.document_minor, x.base_minor FROM open_item_match AS x "
                       "WHERE x.entry IN {} ORDER BY x.entry, x.position",
                       kOfItem),
           key))) {
    if (!added.contains(row.integer(0))) continue;
    WrittenEntry& written = books.written.at(row.integer(0));
    written.matches.push_back({written.live.event,
                               {row.text(1), row.text(2), row.text(3), ""},
                               row.text(4),
                               row.text(5),
                               row.text(6),
                               control_of(row.text(7)),
                               row.boolean(8),
                               Money(row.integer(9), written.live.currency),
                               Money(row.integer(10), written.live.base_currency)});
  }
  return success();
}

}  // namespace

ItemKey key_of(const Match& match) {
  return {match.item.entity, match.item.remote_id, match.company, match.customer,
          std::string(match.amount.currency().code())};
}

Status load_written(Connection& connection, const documents::Source& own, Books& books) {
  std::set<std::pair<std::string, std::string>> items;
  if (!books.last_sequence.empty()) {
    items.emplace(own.entity, own.remote_id);
    for (const Row& row : BERTH_TRY(connection.query(
             "SELECT DISTINCT m.entity, m.remote_id FROM entry AS e JOIN open_item_match AS m ON m.entry = e.id "
             "WHERE e.integration = ? AND e.entity = ? AND e.remote_id = ?",
             {own.integration, own.entity, own.remote_id}))) {
      items.emplace(row.text(0), row.text(1));
    }
  }
  for (const auto& [id, referred] : books.referred) {
    if (referred.posted) items.emplace(referred.source.entity, referred.source.remote_id);
  }
  for (const auto& [entity, remote_id] : items) {
    BERTH_CHECK(load_item(connection, {own.integration, entity, remote_id, ""}, books));
  }
  return success();
}

}  // namespace berth::ledger
