#pragma once
// What people and programs see of the stored state, as JSON with stable keys. REST and `--json` print the same.
#include <string_view>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/ledger/queries.hpp"
#include "host/runs/registry.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/records.hpp"
#include "host/storage/runs.hpp"
#include "host/views/stored.hpp"

namespace berth::admin {

using views::entry_view;
using views::record_view;

/// {"id":"zoho_acme","desired":"enabled","status":"connected","running":false,...}; `running` while somebody holds the lease.
Result<json::Value> integration_view(storage::Connection& connection, runs::QuotaKeys& keys, const storage::Integration& integration, Instant now);
[[nodiscard]] json::Value account_row_view(const storage::AccountRow& row);
[[nodiscard]] json::Value run_view(const storage::Run& run);
[[nodiscard]] json::Value balance_view(const ledger::Balance& balance);

/// Maps a row of the account table and makes what waited for it pending; the audit row is of the same transaction. The caller applies. Errors:
/// admin.account_unknown when the company's chart has no such account, admin.account_kind for an unknown kind,
/// runs.company_unknown.
Result<storage::AccountRow> map_account(storage::Database& database, const config::Config& config, std::string_view integration,
                                        std::string_view kind, std::string_view label, std::string_view company,
                                        std::string_view account, std::string_view actor, Instant now);
/// Paused integrations run neither by schedule nor when asked; resuming forgets crashes and the wait after them. `desired`: enabled, paused, disabled.
Status set_desired(storage::Database& database, std::string_view integration, std::string_view desired, Instant now);

/// The same by its verb (pause, resume, enable, disable), with an audit row in the same transaction. Returns what is desired now.
Result<std::string> change_desired(storage::Database& database, std::string_view integration, std::string_view verb, std::string_view actor, Instant now);

/// Appends to the audit log, within the transaction that does what is noted.
Status note(storage::Connection& connection, std::string_view actor, std::string_view action, std::string_view target, Instant now,
            std::string_view detail_json = "{}");

}  // namespace berth::admin
