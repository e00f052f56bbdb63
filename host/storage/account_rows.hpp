#pragma once
// The account table: (integration, kind, key, company) -> account. The file prefills it, documents make placeholders at
// first sight, people map them.
//
// A row is awaited under "account/KIND/LABEL/COMPANY", e.g. "account/payment_mode/Stripe/acme_us",
// "account/default_income/-/acme_us".
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct AccountRow {
  std::string integration{};
  std::string kind{};     // default_income | default_expense | payment_mode | tax | zoho_account | service_line | reduced_total | role
  std::string row_key{};  // account_rows::key_of(kind, label)
  std::string company{};
  std::string label{};    // the key as first seen; "-" for none
  std::string account{};  // "" = a placeholder that a person must map
  std::string origin{};   // file | person | seen
  Instant created{};
  Instant mapped{};          // 0: not mapped
  std::int64_t waiting = 0;  // records that wait for it; list() fills it
  [[nodiscard]] bool is_mapped() const { return !account.empty(); }
  /// The name under which records wait for it.
  [[nodiscard]] std::string awaited() const { return "account/" + kind + "/" + label + "/" + company; }
};

/// A row as it is named: KIND/KEY/COMPANY. The kind has no slash, the company neither; the key may have some (ACH/WIRE).
struct AccountName {
  std::string kind{};
  std::string label{};  // "-" for none
  std::string company{};
};

/// An entry of the file: kind, label ("" for none) and company -> account.
struct AccountPrefill {
  std::string kind{};
  std::string label{};
  std::string company{};
  std::string account{};
};

namespace account_rows {

/// "payment_mode/ACH/WIRE/acme_us", also with "account/" before it as it is awaited; nothing for what is no such name.
std::optional<AccountName> parse_name(std::string_view name);

/// "-" for no key; payment modes in lower case without blanks, so that "Bank Transfer" and "banktransfer" are one row.
std::string key_of(std::string_view kind, std::string_view label);

Result<std::optional<AccountRow>> find(Connection& connection, std::string_view integration, std::string_view kind,
                                       std::string_view label, std::string_view company);
/// The row, made as a placeholder where it is missing.
Result<AccountRow> ensure(Connection& connection, std::string_view integration, std::string_view kind,
                          std::string_view label, std::string_view company, Instant now);
/// A person maps it (origin "person"), also one that nothing has shown yet. Returns the row; the caller wakes
/// row.awaited().
Result<AccountRow> map(Connection& connection, std::string_view integration, std::string_view kind,
                       std::string_view label, std::string_view company, std::string_view account, Instant now);
/// From the file: rows that a person mapped stay. Returns those whose account changed, for waking.
Result<std::vector<AccountRow>> prefill(Connection& connection, std::string_view integration,
                                        const std::vector<AccountPrefill>& entries, Instant now);
/// All of the integration, unmapped first, with the number of records that wait.
Result<std::vector<AccountRow>> list(Connection& connection, std::string_view integration);

/// Label and account of the mapped rows of this kind and company; no more than `limit`.
Result<std::vector<std::pair<std::string, std::string>>> mapped(Connection& connection, std::string_view integration, std::string_view kind,
                                                                std::string_view company, std::size_t limit);

}  // namespace account_rows
}  // namespace berth::storage
