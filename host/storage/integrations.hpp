#pragma once
// Integrations: what was declared (by the file or by REST) and how each one is doing. One table for both origins.
//
//   BERTH_CHECK(storage::integrations::upsert_declared(connection, declared));           // at start, once per entry of
//   the file auto found = BERTH_TRY(storage::integrations::find(connection, "zoho_acme"));        // optional
//
// Setters fail with storage.not_found when there is no such integration.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Integration {
  std::string id{};
  std::string plugin{};
  std::string company{};
  std::string tenant{};
  std::string environment{};
  std::string mode{};                // pull_only | two_way
  std::string origin = "file";       // file | api
  std::string settings_json = "{}";  // the declaration of one made by REST
  std::string desired = "enabled";   // enabled | paused | disabled
  std::string actual = "pending";    // pending | authorizing | initial_sync | setup_incomplete | connected |
                                   // waiting_quota | degraded | needs_reauth | error | unknown
  std::string reason{};
  std::string message{};
  std::string who_acts{};
  Instant since{};                       // of `actual` and `reason`
  Instant next_attempt{};                // unix_ms 0: none planned
  std::string name{};                    // of the remote organisation
  std::string remote_id{};               // of the remote organisation; "" = none chosen
  std::string organization_json = "{}";  // currency, time zone, all organisations seen
  Instant created{};
  Instant connected{};       // 0: never
  Instant last_sync{};       // end of the last run in which every phase ended well; 0: none
  Instant backfill_floor{};  // 0: no floor
  Instant resumed{};         // when a person last let it run again; 0: never
};

struct IntegrationStatus {
  std::string actual{};
  std::string reason{};
  std::string message{};
  std::string who_acts{};
  Instant next_attempt{};
};

namespace integrations {

/// Declared by the file: writes company, tenant, environment, mode and settings; what people decided and what happened
/// since (desired, status, organisation, times) stays. A new one starts with the `desired` given.
/// Errors: storage.integration_taken (an integration of that id was made by REST, or has another plugin).
Status upsert_declared(Connection& connection, const Integration& declared);
/// Made by REST, console or link. Errors: storage.integration_taken.
Status insert(Connection& connection, const Integration& integration);
Result<std::optional<Integration>> find(Connection& connection, std::string_view id);
/// All of them by id, or those with that reason.
Result<std::vector<Integration>> list(Connection& connection, std::string_view reason = {});

/// Those that are connected to that organisation of a remote, whatever their plugin.
Result<std::vector<Integration>> connected_like(Connection& connection, std::string_view remote_id);

/// Takes back one made by REST that never became connected. False if there is none such.
Result<bool> erase_unconnected(Connection& connection, std::string_view id);
/// The integration that is connected to that organisation of the plugin, other than `but`.
Result<std::optional<std::string>> connected_to(Connection& connection, std::string_view plugin, std::string_view remote_id,
                                                std::string_view but);

Status set_desired(Connection& connection, std::string_view id, std::string_view desired);
/// A person lets it run: enabled, no attempt is waited for, and what crashed before does not count any more.
Status resume(Connection& connection, std::string_view id, Instant now);
/// `since` moves only when the actual status or its reason changes.
Status set_status(Connection& connection, std::string_view id, const IntegrationStatus& status, Instant now);
Status set_organization(Connection& connection, std::string_view id, std::string_view remote_id, std::string_view name,
                        std::string_view organization_json);
Status set_connected(Connection& connection, std::string_view id, Instant connected);
Status set_last_sync(Connection& connection, std::string_view id, Instant last_sync);
Status set_backfill_floor(Connection& connection, std::string_view id, Instant floor);

}  // namespace integrations
}  // namespace berth::storage
