#include "host/ledger/commit.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::ledger {
namespace {

using documents::Source;
using storage::Connection;
using storage::Row;

/// A match as stored: the item's identity and two signed amounts.
struct StoredMatch {
  Source item;
  std::string local_id, company, customer, currency, base_currency, control, number;
  bool opens = false;
  std::int64_t document_minor = 0;
  std::int64_t base_minor = 0;
};

/// A row of `entry`; dates and currencies as text. 0 in reverses and supersedes: none.
struct EntryRow {
  std::int64_t id = 0;
  Source source;
  std::string event;
  std::int64_t sequence = 0;
  std::string company, date, document_date, currency, base_currency, rate, description, fingerprint;
  std::int64_t reverses = 0;
  std::int64_t supersedes = 0;
  std::size_t line_count = 0;
  std::string local_id, rules_revision;
};

constexpr std::size_t kLinesInStatement = 8;

/// Whose entry is written: the planned document's, or one that is derived again.
struct Origin {
  const Source& source;
  const std::string& local_id;
  const std::string& rules_revision;
};

class Committer {
 public:
  Committer(Connection& connection, const CommitContext& context) : connection_(connection), context_(context) {}

  Status reverse(const Reversal& reversal);
  Status post(const Entry& entry, const std::vector<Match>& matches, const Origin& origin);
  Status replace_payout(const std::vector<PayoutPart>& parts);
  Status replace_pending(const std::vector<PendingApplication>& shares);
  Committed take() { return std::move(committed_); }

 private:
  Result<std::int64_t> next_id();
  Status write_lines(std::int64_t entry, const std::vector<EntryLine>& lines);
  Status write_entry(const EntryRow& row);
  Status write_match(std::int64_t entry, std::size_t position, const StoredMatch& match, bool is_reversal);
  void moved(const Source& item);

  Connection& connection_;
  const CommitContext& context_;
  Committed committed_;
};

std::int64_t signed_minor(Side side, Money amount) {
  return side == Side::kDebit ? amount.minor() : -amount.minor();
}

Error key_conflict(const Source& source, std::string_view event, std::int64_t sequence) {
  return make_error(Code::kInternal, "ledger.key_conflict",
                    fmt::format("{}/{}/{}/{} is recorded already with other content", source.entity, source.remote_id,
                                event, sequence));
}

Result<std::int64_t> Committer::next_id() {
  const auto row = BERTH_TRY(connection_.first("UPDATE ledger_counter SET last = last + 1 WHERE name = 'entry' RETURNING last"));
  if (!row) return make_error(Code::kEnvironment, "ledger.damaged", "the counter of entries is missing");
  return row->integer(0);
}

void Committer::moved(const Source& item) {
  std::string document = item.entity + "/" + item.remote_id;
  if (std::find(committed_.moved.begin(), committed_.moved.end(), document) == committed_.moved.end()) {
    committed_.moved.push_back(std::move(document));
  }
}

Status Committer::write_entry(const EntryRow& row) {
  BERTH_CHECK(connection_.execute(
      "INSERT INTO entry (id, integration, entity, remote_id, event, sequence, company, date, document_date, currency, "
      "base_currency, rate, "
      "description, fingerprint, reverses, supersedes, line_count, local_id, version, rules_revision, created_ms) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULLIF(?, 0), NULLIF(?, 0), ?, ?, ?, ?, ?)",
      {row.id,
       row.source.integration,
       row.source.entity,
       row.source.remote_id,
       row.event,
       row.sequence,
       row.company,
       row.date,
       row.document_date,
       row.currency,
       row.base_currency,
       row.rate,
       row.description,
       row.fingerprint,
       row.reverses,
       row.supersedes,
       row.line_count,
       row.local_id,
       row.source.version,
       row.rules_revision,
       context_.now}));
  committed_.entries.push_back(row.id);
  return success();
}

// The match itself, and the open item as the running sum of its matches.
Status Committer::write_match(std::int64_t entry, std::size_t position, const StoredMatch& match, bool is_reversal) {
  BERTH_CHECK(connection_.execute(
      "INSERT INTO open_item_match (entry, position, integration, entity, remote_id, local_id, company, customer, "
      "currency, control, "
      "opens, document_minor, base_minor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {entry, position, match.item.integration, match.item.entity, match.item.remote_id, match.local_id, match.company,
       match.customer, match.currency, match.control, match.opens ? 1 : 0, match.document_minor, match.base_minor}));
  const std::int64_t posts = match.opens ? (is_reversal ? -1 : 1) : 0;
  const std::int64_t total = match.opens ? match.document_minor : 0;
  const std::int64_t base_total = match.opens ? match.base_minor : 0;
  BERTH_CHECK(
      connection_.execute("INSERT INTO open_item (integration, entity, remote_id, company, customer, currency, "
                          "base_currency, control, local_id, number, "
                          "posts, total_minor, open_minor, base_total_minor, base_open_minor) VALUES (?, ?, ?, ?, ?, "
                          "?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                          "ON CONFLICT (integration, entity, remote_id, company, customer, currency) DO UPDATE SET "
                          "posts = open_item.posts + excluded.posts, "
                          "total_minor = open_item.total_minor + excluded.total_minor, open_minor = "
                          "open_item.open_minor + excluded.open_minor, "
                          "base_total_minor = open_item.base_total_minor + excluded.base_total_minor, "
                          "base_open_minor = open_item.base_open_minor + excluded.base_open_minor, "
                          "number = CASE WHEN excluded.number <> '' THEN excluded.number ELSE open_item.number END",
                          {match.item.integration, match.item.entity, match.item.remote_id, match.company,
                           match.customer, match.currency, match.base_currency, match.control, match.local_id,
                           match.number, posts, total, match.document_minor, base_total, match.base_minor}));
  moved(match.item);
  return success();
}

Status Committer::reverse(const Reversal& reversal) {
  const auto stored =
      BERTH_TRY(connection_.first("SELECT integration, entity, remote_id, company, document_date, currency, "
                                  "base_currency, rate, description, line_count, "
                                  "local_id, version, rules_revision, reverses, fingerprint FROM entry WHERE id = ?",
                                  {reversal.entry}));
  if (!stored) {
    return make_error(Code::kInternal, "ledger.entry_unknown",
                      fmt::format("there is no entry {} to reverse", reversal.entry));
  }
  const Source source{stored->text(0), stored->text(1), stored->text(2), ""};
  if (!stored->is_null(13)) {
    return make_error(Code::kInternal, "ledger.already_reversed",
                      fmt::format("entry {} is itself a reversal", reversal.entry));
  }
  const auto earlier =
      BERTH_TRY(connection_.first("SELECT id, event, sequence FROM entry WHERE reverses = ?", {reversal.entry}));
  if (earlier) {
    if (earlier->text(1) == reversal.event && earlier->integer(2) == reversal.sequence)
      return success();  // committed before
    return make_error(Code::kInternal, "ledger.already_reversed",
                      fmt::format("entry {} is reversed already, by entry {}", reversal.entry, earlier->integer(0)));
  }
  const bool is_own = source.integration == context_.source.integration && source.entity == context_.source.entity &&
                      source.remote_id == context_.source.remote_id;
  const std::int64_t id = BERTH_TRY(next_id());
  // C1: the stored lines, negated; nothing is computed again.
  BERTH_CHECK(connection_.execute(
      "INSERT INTO entry_line (entry, position, account, base_minor, document_minor, control, party, location, "
      "service_type, description) "
      "SELECT ?, position, account, -base_minor, -document_minor, control, party, location, service_type, description "
      "FROM entry_line WHERE entry = ?",
      {id, reversal.entry}));
  const auto matches =
      BERTH_TRY(connection_.query("SELECT integration, entity, remote_id, local_id, company, customer, currency, "
                                  "control, opens, document_minor, base_minor "
                                  "FROM open_item_match WHERE entry = ? ORDER BY position",
                                  {reversal.entry}));
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const Row& row = matches[i];
    BERTH_CHECK(write_match(id, i,
                            {{row.text(0), row.text(1), row.text(2), ""},
                             row.text(3),
                             row.text(4),
                             row.text(5),
                             row.text(6),
                             stored->text(6),
                             row.text(7),
                             "",
                             row.boolean(8),
                             -row.integer(9),
                             -row.integer(10)},
                            true));
  }
  const auto key_taken = BERTH_TRY(connection_.first(
      "SELECT id FROM entry WHERE integration = ? AND entity = ? AND remote_id = ? AND event = ? AND sequence = ?",
      {source.integration, source.entity, source.remote_id, reversal.event, reversal.sequence}));
  if (key_taken) return key_conflict(source, reversal.event, reversal.sequence);
  const Source made_by{source.integration, source.entity, source.remote_id,
                       is_own ? context_.source.version : stored->text(11)};
  BERTH_CHECK(write_entry({id, made_by, reversal.event, reversal.sequence, stored->text(3), to_string(reversal.date),
                           stored->text(4), stored->text(5), stored->text(6), stored->text(7), stored->text(8),
                           stored->text(14), reversal.entry, 0, static_cast<std::size_t>(stored->integer(9)),
                           stored->text(10), is_own ? context_.rules_revision : stored->text(12)}));
  return success();
}

// Several lines a statement: each statement has a cost of its own, and most entries have three to six lines.
Status Committer::write_lines(std::int64_t entry, const std::vector<EntryLine>& lines) {
  for (std::size_t done = 0; done < lines.size(); done += kLinesInStatement) {
    const std::size_t end = std::min(lines.size(), done + kLinesInStatement);
    std::string sql =
        "INSERT INTO entry_line (entry, position, account, base_minor, document_minor, control, party, location, "
        "service_type, description) VALUES ";
    std::vector<storage::Parameter> parameters;
    parameters.reserve((end - done) * 10);
    for (std::size_t i = done; i < end; ++i) {
      const EntryLine& line = lines[i];
      sql += i == done ? "(?, ?, ?, ?, NULLIF(?, 0), ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, NULLIF(?, 0), ?, ?, ?, ?, ?)";
      parameters.emplace_back(entry);
      parameters.emplace_back(i);
      parameters.emplace_back(line.account);
      parameters.emplace_back(signed_minor(line.side, line.base));
      // No document amount: a line in base only.
      parameters.emplace_back(line.document ? signed_minor(line.side, *line.document) : 0);
      parameters.emplace_back(to_string(line.control));
      parameters.emplace_back(line.party);
      parameters.emplace_back(line.location);
      parameters.emplace_back(line.service_type);
      parameters.emplace_back(line.description);
    }
    BERTH_CHECK(connection_.execute(sql, std::span<const storage::Parameter>(parameters)));
  }
  return success();
}

Status Committer::post(const Entry& entry, const std::vector<Match>& matches, const Origin& origin) {
  const Source& source = origin.source;
  const auto taken =
      BERTH_TRY(connection_.first("SELECT fingerprint, company, reverses, line_count FROM entry WHERE integration = ? "
                                  "AND entity = ? AND remote_id = ? AND event = ? "
                                  "AND sequence = ?",
                                  {source.integration, source.entity, source.remote_id, entry.event, entry.sequence}));
  if (taken) {
    const bool is_same = taken->text(0) == entry.fingerprint && taken->text(1) == entry.company && taken->is_null(2) &&
                         taken->integer(3) == static_cast<std::int64_t>(entry.lines.size());
    if (is_same) return success();  // committed before
    return key_conflict(source, entry.event, entry.sequence);
  }
  const std::int64_t id = BERTH_TRY(next_id());
  BERTH_CHECK(write_lines(id, entry.lines));
  std::size_t position = 0;
  for (const Match& match : matches) {
    if (match.event != entry.event) continue;
    const std::string& local_id = match.local_id.empty() ? origin.local_id : match.local_id;
    BERTH_CHECK(write_match(
        id, position++,
        {match.item, local_id, match.company, match.customer, std::string(match.amount.currency().code()),
         std::string(entry.base_currency.code()), std::string(to_string(match.control)),
         match.local_id.empty() ? context_.number : "", match.opens, match.amount.minor(), match.base.minor()},
        false));
  }
  // The entry that this one replaces, if the last reversal of this event was made by an edit.
  std::optional<Row> superseded;
  if (entry.sequence > 1) {  // the first of its event replaces none
    superseded =
        BERTH_TRY(connection_.first("SELECT MAX(reverses) FROM entry WHERE integration = ? AND entity = ? AND remote_id "
                                    "= ? AND event = ? AND reverses IS NOT NULL",
                                    {source.integration, source.entity, source.remote_id, entry.event}));
  }
  BERTH_CHECK(write_entry({id, source, entry.event, entry.sequence, entry.company, to_string(entry.date),
                           to_string(entry.document_date), std::string(entry.currency.code()),
                           std::string(entry.base_currency.code()), entry.rate ? entry.rate->to_plain() : "",
                           entry.description, entry.fingerprint, 0, superseded ? superseded->integer(0) : 0,
                           entry.lines.size(), origin.local_id, origin.rules_revision}));
  return success();
}

Status Committer::replace_payout(const std::vector<PayoutPart>& parts) {
  const Source& source = context_.source;
  BERTH_CHECK(connection_.execute("DELETE FROM payout_part WHERE integration = ? AND remote_id = ?",
                                  {source.integration, source.remote_id}));
  for (const PayoutPart& part : parts) {
    BERTH_CHECK(connection_.execute(
        "INSERT INTO payout_part (integration, remote_id, part, company, account, amount_minor) VALUES (?, ?, ?, ?, ?, ?)",
        {source.integration, source.remote_id, part.part, part.company, part.account, part.amount.minor()}));
  }
  return success();
}

Status Committer::replace_pending(const std::vector<PendingApplication>& shares) {
  const Source& source = context_.source;
  BERTH_CHECK(
      connection_.execute("DELETE FROM pending_application WHERE integration = ? AND entity = ? AND remote_id = ?",
                          {source.integration, source.entity, source.remote_id}));
  for (const PendingApplication& share : shares) {
    BERTH_CHECK(
        connection_.execute("INSERT INTO pending_application (integration, entity, remote_id, row_id, awaited, "
                            "currency, amount_minor) VALUES (?, ?, ?, ?, ?, ?, ?)",
                            {source.integration, source.entity, source.remote_id, share.id, share.awaited,
                             share.amount.currency().code(), share.amount.minor()}));
  }
  return success();
}

}  // namespace

Result<Committed> commit(Connection& connection, const Plan& plan, const CommitContext& context) {
  Committer committer(connection, context);
  for (const Reversal& reversal : plan.reversals) BERTH_CHECK(committer.reverse(reversal));
  const Origin own{context.source, context.local_id, context.rules_revision};
  for (const Entry& entry : plan.entries) BERTH_CHECK(committer.post(entry, plan.matches, own));
  for (const Rederived& again : plan.rederived) {
    BERTH_CHECK(committer.post(again.entry, again.matches, {again.source, again.local_id, again.rules_revision}));
  }
  BERTH_CHECK(committer.replace_pending(plan.pending_applications));
  if (context.source.entity == "deposit") BERTH_CHECK(committer.replace_payout(plan.payout_parts));
  Committed committed = committer.take();
  committed.replan = plan.replan;
  return committed;
}

}  // namespace berth::ledger
