#pragma once
// What an integration's status is after something happened. Green only after a success.
#include <string>
#include <string_view>

#include "host/runs/report.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::runs {

/// Tokens are there, the first sync has not ended yet: initial_sync. Also makes the placeholder rows of the default
/// accounts, which people must map before set-up is complete.
Status mark_connected(storage::Connection& connection, const Setup& setup, Instant now);
/// connected or setup_incomplete, by the default accounts and the first successful sync; other states stay.
Status refresh_setup_state(storage::Connection& connection, const Setup& setup, Instant now);
/// After a run.
Status mark_run_ended(storage::Connection& connection, const Setup& setup, const RunReport& report, const Error* error,
                      Instant now);

/// Only a person's new consent helps: it is not tried again by itself.
[[nodiscard]] bool needs_consent(const Error& error, const RunReport& report);
/// After a run that did not end well; also one whose plugin could not even be opened.
Status mark_run_failed(storage::Connection& connection, std::string_view integration, const RunReport& report, const Error* error,
                       Instant now);

/// Both default accounts are mapped for the integration's company, and with `pull: reduced` that of the totals.
Result<bool> are_defaults_mapped(storage::Connection& connection, const Setup& setup);

}  // namespace berth::runs
