#include "host/runs/status.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/runs/deletions.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/cursors.hpp"

namespace berth::runs {

namespace {

constexpr std::string_view kDefaultKinds[] = {"default_income", "default_expense"};

/// Who must act, by what happened.
std::string_view who_acts(const Error& error) {
  // Network, certificates and proxies of this machine.
  for (const std::string_view reason : {"http.tls", "http.connect", "http.not_http", "http.encoding_unknown"}) {
    if (error.reason == reason) return "host_admin";
  }
  // What a remote sends badly passes, or is its own to mend.
  if (error.reason.starts_with("http.") && error.code == Code::kBadResponse) return "nobody";
  switch (error.code) {
    case Code::kInvalidConfig:
    case Code::kUnauthenticated:
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kConflict:
    case Code::kForbidden: return "operator";
    case Code::kQuotaExhausted:
    case Code::kUnavailable:
    case Code::kCancelled: return "nobody";
    case Code::kEnvironment: return "host_admin";
    case Code::kBadResponse:
    case Code::kInternal:
    case Code::kUnsupported: return "plugin_author";
  }
  return "operator";
}

Result<bool> has_every_phase_passed(storage::Connection& connection, const Setup& setup) {
  for (const Phase& phase : setup.phases) {
    if (phase.enabled && BERTH_TRY(storage::cursors::passes_complete(connection, setup.id, phase.id)) == 0) return false;
  }
  return true;
}

/// The last thing that the remote said was about the tokens: a rule of the phases file renewed them and was refused again.
bool are_tokens_refused(const RunReport& report) {
  return !report.errors.empty() && report.errors.back().action == http::to_string(http::Action::kRefreshOnce) &&
         report.errors.back().reason == report.reason;
}

}  // namespace

Result<bool> are_defaults_mapped(storage::Connection& connection, const Setup& setup) {
  for (const std::string_view kind : kDefaultKinds) {
    const auto row = BERTH_TRY(storage::account_rows::find(connection, setup.id, kind, "", setup.company->id));
    if (!row || !row->is_mapped()) return false;
  }
  // Without it nothing of a reduced pull posts; it is asked for when the first document needs it.
  const bool is_reduced = std::any_of(setup.phases.begin(), setup.phases.end(), [](const Phase& phase) { return phase.is_reduced; });
  if (!is_reduced) return true;
  const auto total = BERTH_TRY(storage::account_rows::find(connection, setup.id, "reduced_total", "", setup.company->id));
  return !total || total->is_mapped();
}

Status mark_connected(storage::Connection& connection, const Setup& setup, Instant now) {
  for (const std::string_view kind : kDefaultKinds) {
    BERTH_CHECK(storage::account_rows::ensure(connection, setup.id, kind, "", setup.company->id, now));
  }
  const auto integration = BERTH_TRY(storage::integrations::find(connection, setup.id));
  if (integration && integration->last_sync.unix_ms > 0) {
    // Reconnected: what was synced stays, and so does the state that follows from it.
    BERTH_CHECK(storage::integrations::set_status(connection, setup.id, {.actual = "initial_sync", .reason = {}, .message = {}, .who_acts = {}, .next_attempt = {}}, now));
    return refresh_setup_state(connection, setup, now);
  }
  return storage::integrations::set_status(
      connection, setup.id, {.actual = "initial_sync", .reason = {}, .message = {}, .who_acts = "nobody", .next_attempt = {}}, now);
}

Status refresh_setup_state(storage::Connection& connection, const Setup& setup, Instant now) {
  const auto integration = BERTH_TRY(storage::integrations::find(connection, setup.id));
  if (!integration || integration->last_sync.unix_ms == 0) return success();
  const bool may_move = integration->actual == "initial_sync" || integration->actual == "setup_incomplete" ||
                        integration->actual == "connected";
  if (!may_move) return success();
  if (BERTH_TRY(are_defaults_mapped(connection, setup))) {
    return storage::integrations::set_status(connection, setup.id,
                                             {.actual = "connected", .reason = {}, .message = {}, .who_acts = {}, .next_attempt = {}}, now);
  }
  return storage::integrations::set_status(
      connection, setup.id,
      {.actual = "setup_incomplete",
       .reason = "berth.setup_incomplete",
       .message = fmt::format("map the default accounts: berth accounts list {}", setup.id),
       .who_acts = "operator",
       .next_attempt = {}},
      now);
}

// Only refused tokens ask for a new consent; an organisation that refuses this user does not.
bool needs_consent(const Error& error, const RunReport& report) {
  return error.code == Code::kUnauthenticated && (error.reason.starts_with("oauth.") || are_tokens_refused(report));
}

Status mark_run_failed(storage::Connection& connection, std::string_view integration, const RunReport& report, const Error* error,
                       Instant now) {
  const auto set = [&](std::string actual, std::string_view who, Instant next_attempt) {
    return storage::integrations::set_status(connection, integration,
                                             {.actual = std::move(actual),
                                              .reason = report.reason,
                                              .message = report.message,
                                              .who_acts = std::string(who),
                                              .next_attempt = next_attempt},
                                             now);
  };
  const auto row = BERTH_TRY(storage::integrations::find(connection, integration));
  const bool has_synced = row && row->last_sync.unix_ms > 0;
  switch (report.outcome) {
    case RunOutcome::kRateLimited: return set("waiting_quota", "nobody", report.next_attempt);
    case RunOutcome::kIncomplete: return set(has_synced ? "degraded" : "initial_sync", "nobody", report.next_attempt);
    case RunOutcome::kCrashed: return set("degraded", "plugin_author", report.next_attempt);
    case RunOutcome::kFailed:
      if (error != nullptr && needs_consent(*error, report)) return set("needs_reauth", "operator", {});
      return set(has_synced ? "degraded" : "error", error == nullptr ? "operator" : who_acts(*error), report.next_attempt);
    case RunOutcome::kCancelled:
    case RunOutcome::kSucceeded:
    case RunOutcome::kNothingChanged: break;
  }
  return success();
}

Status mark_run_ended(storage::Connection& connection, const Setup& setup, const RunReport& report, const Error* error,
                      Instant now) {
  if (report.outcome != RunOutcome::kSucceeded && report.outcome != RunOutcome::kNothingChanged) {
    return mark_run_failed(connection, setup.id, report, error, now);
  }
  const auto integration = BERTH_TRY(storage::integrations::find(connection, setup.id));
  const bool has_synced = integration && integration->last_sync.unix_ms > 0;
  // The first sync has ended when every phase has; a run may have been asked for some of them.
  if (!has_synced && !BERTH_TRY(has_every_phase_passed(connection, setup))) {
    return storage::integrations::set_status(
        connection, setup.id, {.actual = "initial_sync", .reason = {}, .message = {}, .who_acts = "nobody", .next_attempt = {}}, now);
  }
  BERTH_CHECK(storage::integrations::set_last_sync(connection, setup.id, report.ended));
  if (std::string held = BERTH_TRY(held_by_brake(connection, setup.id)); !held.empty()) {
    return storage::integrations::set_status(
        connection, setup.id,
        {.actual = "degraded", .reason = "berth.deletion_brake", .message = std::move(held), .who_acts = "operator", .next_attempt = {}}, now);
  }
  const bool is_mapped = BERTH_TRY(are_defaults_mapped(connection, setup));
  BERTH_CHECK(storage::integrations::set_status(
      connection, setup.id, {.actual = is_mapped ? "connected" : "setup_incomplete", .reason = {}, .message = {}, .who_acts = {}, .next_attempt = {}}, now));
  return refresh_setup_state(connection, setup, now);
}

}  // namespace berth::runs
