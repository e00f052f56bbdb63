#pragma once
// Runs of an integration and their reports.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"
#include "host/storage/page.hpp"

namespace berth::storage {

struct Run {
  std::string id{};
  std::string integration{};
  std::string trigger{};  // schedule | command | api | connect
  std::string phases_json = "[]";
  Instant started{};
  Instant ended{};  // 0: still running
  std::string outcome =
      "running";  // running | succeeded | nothing_changed | incomplete | rate_limited | failed | crashed | cancelled
  std::string reason{};
  std::string message{};
  std::string report_json = "{}";
};

struct RunEnd {
  std::string outcome{};
  std::string reason{};
  std::string message{};
  std::string report_json = "{}";
  Instant ended{};
};

namespace runs {

Status open(Connection& connection, const Run& run);
/// The report so far, for whoever watches. Errors: storage.not_found.
Status save_report(Connection& connection, std::string_view id, std::string_view report_json);
/// Errors: storage.not_found.
Status finish(Connection& connection, std::string_view id, const RunEnd& end);
/// Ends runs of the integration that are still "running" as crashed, except `keep_id`. Call while holding the lease:
/// then no other process can be in them. Returns how many.
Result<std::int64_t> close_abandoned(Connection& connection, std::string_view integration, std::string_view keep_id,
                                     Instant now);
/// Runs of the integration that began after `since` and crashed by their plugin: not those whose host ended.
Result<std::int64_t> count_crashed(Connection& connection, std::string_view integration, Instant since);
Result<std::optional<Run>> find(Connection& connection, std::string_view id);
/// Id of the run of the integration that was under way at that moment: there is one at a time. Nothing between two runs.
Result<std::optional<std::string>> at(Connection& connection, std::string_view integration, Instant when);
/// Newest first; `integration` "" = of all.
Result<Page<Run>> list(Connection& connection, std::string_view integration, const PageRequest& page = {});

}  // namespace runs
}  // namespace berth::storage
