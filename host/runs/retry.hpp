#pragma once
// When a run that did not end well is tried again, and when an integration is paused because its plugin crashes over and
// over. One that the remote's limits ended waits for what they say, but never less than a minute, and longer each time
// where such runs brought nothing: a remote that promises calls "in a second" would be asked for ever.
//
// All of it is computed from the runs in storage, inside the transaction that ends a run, and the answer is stored with
// the integration (next_attempt, desired): it is the same after a restart of the host. A run that crashed with its host
// (berth.run_abandoned) and one that a person stopped count for nothing.
// Any thread.
#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/runs/report.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::runs {

struct RetryPolicy {
  std::array<std::chrono::milliseconds, 4> after_crash{std::chrono::seconds(30), std::chrono::minutes(2), std::chrono::minutes(10),
                                                       std::chrono::hours(1)};   // the last one again and again
  std::chrono::milliseconds after_failure{60'000};   // doubled each time up to
  std::chrono::milliseconds after_failure_max{3'600'000};
  std::chrono::milliseconds after_limit{60'000};     // at least; doubled each time that nothing was brought, up to
  std::chrono::milliseconds after_limit_max{3'600'000};
  int jitter_percent = 20;                           // of the wait, later, so that integrations do not move in step
  int crashes_max = 5;                               // that many within the window pause the integration
  std::chrono::milliseconds crash_window{24 * 3'600'000};
};

struct NextAttempt {
  Instant at;              // 0: as scheduled
  bool must_pause = false; // a crash loop
};

/// The plugin ended its worker, or was ended with it, by itself: what counts as a crash.
[[nodiscard]] bool is_plugin_crash(std::string_view reason);

/// After the run `report`, whose row is not finished yet; the later of this and what the remote advised counts. Errors:
/// storage's.
Result<NextAttempt> next_attempt(storage::Connection& connection, const RetryPolicy& policy, const storage::Integration& integration,
                                 const RunReport& report);

/// "zoho is paused after 5 crashes within 24 h. The last one: ...": who acts and how to go on.
[[nodiscard]] std::string crash_loop_message(const RetryPolicy& policy, std::string_view integration, const RunReport& report);

/// Why an integration that is not enabled does not run: plugin.crash_loop with its story, else runs.paused or runs.disabled.
[[nodiscard]] Error not_enabled(const storage::Integration& integration);

/// What a person's wish changes: resuming or enabling also forgets crashes and waits. `desired`: enabled, paused, disabled.
Status set_desired(storage::Connection& connection, std::string_view integration, std::string_view desired, Instant now);

}  // namespace berth::runs
