#include "host/storage/account_rows.hpp"

#include <algorithm>

#include "host/core/text.hpp"
#include "host/storage/changes.hpp"

namespace berth::storage::account_rows {
namespace {

constexpr std::string_view kColumns =
    "integration, kind, row_key, company, label, account, origin, created_ms, mapped_ms";

AccountRow read(const Row& row) {
  return {row.text(0), row.text(1), row.text(2),    row.text(3),    row.text(4),
          row.text(5), row.text(6), row.instant(7), row.instant(8), 0};
}

/// Makes the row, or gives the one that is there another account.
Status store(Connection& connection, const AccountRow& row) {
  BERTH_CHECK(
      connection.execute("INSERT INTO account_row (integration, kind, row_key, company, label, account, origin, "
                         "created_ms, mapped_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                         "ON CONFLICT (integration, kind, row_key, company) DO UPDATE SET account = excluded.account, "
                         "origin = excluded.origin, mapped_ms = excluded.mapped_ms",
                         {row.integration, row.kind, row.row_key, row.company, row.label, row.account, row.origin,
                          row.created, row.mapped}));
  return success();
}

AccountRow placeholder(std::string_view integration, std::string_view kind, std::string_view label,
                       std::string_view company, Instant now) {
  const auto shown = trim(label);
  return {std::string(integration),
          std::string(kind),
          key_of(kind, label),
          std::string(company),
          shown.empty() ? "-" : std::string(shown),
          "",
          "seen",
          now,
          Instant{},
          0};
}

/// The row there, or what it would be as a placeholder.
Result<AccountRow> find_or_placeholder(Connection& connection, std::string_view integration, std::string_view kind,
                                       std::string_view label, std::string_view company, Instant now) {
  auto found = BERTH_TRY(find(connection, integration, kind, label, company));
  return found ? std::move(*found) : placeholder(integration, kind, label, company, now);
}

}  // namespace

std::string key_of(std::string_view kind, std::string_view label) {
  const auto text = trim(label);
  if (text.empty() || text == "-") return "-";
  if (kind != "payment_mode") return std::string(text);
  auto key = lower_ascii(text);
  std::erase_if(key, [](char character) { return character == ' ' || character == '\t'; });
  return key;
}

std::optional<AccountName> parse_name(std::string_view name) {
  constexpr std::string_view kAwaited = "account/";
  if (name.starts_with(kAwaited)) name.remove_prefix(kAwaited.size());
  const auto first = name.find('/');
  const auto last = name.rfind('/');
  if (first == std::string_view::npos || first == last || first == 0 || last + 1 == name.size()) return std::nullopt;
  return AccountName{std::string(name.substr(0, first)), std::string(name.substr(first + 1, last - first - 1)), std::string(name.substr(last + 1))};
}

Result<std::optional<AccountRow>> find(Connection& connection, std::string_view integration, std::string_view kind,
                                       std::string_view label, std::string_view company) {
  const auto row = BERTH_TRY(
      connection.first("SELECT " + std::string(kColumns) +
                           " FROM account_row WHERE integration = ? AND kind = ? AND row_key = ? AND company = ?",
                       {integration, kind, key_of(kind, label), company}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<AccountRow> ensure(Connection& connection, std::string_view integration, std::string_view kind,
                          std::string_view label, std::string_view company, Instant now) {
  if (auto found = BERTH_TRY(find(connection, integration, kind, label, company))) return std::move(*found);
  auto row = placeholder(integration, kind, label, company, now);
  BERTH_CHECK(store(connection, row));
  return row;
}

Result<AccountRow> map(Connection& connection, std::string_view integration, std::string_view kind,
                       std::string_view label, std::string_view company, std::string_view account, Instant now) {
  auto row = BERTH_TRY(find_or_placeholder(connection, integration, kind, label, company, now));
  row.account = account;
  row.origin = "person";
  row.mapped = account.empty() ? Instant{} : now;
  BERTH_CHECK(store(connection, row));
  return row;
}

Result<std::vector<AccountRow>> prefill(Connection& connection, std::string_view integration,
                                        const std::vector<AccountPrefill>& entries, Instant now) {
  std::vector<AccountRow> changed;
  for (const auto& entry : entries) {
    auto row = BERTH_TRY(find_or_placeholder(connection, integration, entry.kind, entry.label, entry.company, now));
    if (row.origin == "person" || row.account == entry.account) continue;
    row.account = entry.account;
    row.origin = "file";
    row.mapped = now;
    BERTH_CHECK(store(connection, row));
    changed.push_back(std::move(row));
  }
  return changed;
}

Result<std::vector<AccountRow>> list(Connection& connection, std::string_view integration) {
  std::vector<AccountRow> all;
  BERTH_CHECK(connection.each(
      "SELECT " + std::string(kColumns) +
          ", (SELECT COUNT(*) FROM waiting w WHERE w.integration = account_row.integration AND w.awaited = 'account/' "
          "|| account_row.kind || "
          "'/' || account_row.label || '/' || account_row.company) FROM account_row WHERE integration = ? "
          "ORDER BY CASE WHEN account = '' THEN 0 ELSE 1 END, kind, row_key, company",
      {integration}, [&](const Row& row) {
        all.push_back(read(row));
        all.back().waiting = row.integer(9);
        return true;
      }));
  return all;
}

Result<std::vector<std::pair<std::string, std::string>>> mapped(Connection& connection, std::string_view integration, std::string_view kind,
                                                                std::string_view company, std::size_t limit) {
  std::vector<std::pair<std::string, std::string>> found;
  BERTH_CHECK(connection.each("SELECT label, account FROM account_row WHERE integration = ? AND kind = ? AND company = ? AND account <> '' ORDER BY label LIMIT ?",
                              {integration, kind, company, limit}, [&](const Row& row) {
                                found.emplace_back(row.text(0), row.text(1));
                                return true;
                              }));
  return found;
}

}  // namespace berth::storage::account_rows
