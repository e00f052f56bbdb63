#include "host/runs/deletions.hpp"

#include <fmt/format.h>

#include "host/storage/commands.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

namespace {

constexpr std::size_t kMissingMax = 100'000;   // asked about after one confirmation; the next comparison finds the others

}  // namespace

Result<std::vector<storage::Brake>> confirm_deletions(storage::Connection& connection, std::string_view integration, Instant now) {
  std::vector<storage::Brake> held = BERTH_TRY(storage::brakes::list(connection, integration));
  for (storage::Brake& brake : held) {
    // Those that no list has shown since; each is asked for before anything is believed.
    const auto missing = BERTH_TRY(storage::records::missing_since_pass(connection, integration, brake.entity, brake.pass, kMissingMax));
    for (const storage::MissingRecord& record : missing) {
      BERTH_CHECK(storage::records::mark_suspect(connection, integration, brake.entity, record.remote_id));
      storage::QueuedDetail entry;
      entry.integration = integration;
      entry.entity = brake.entity;
      entry.remote_id = record.remote_id;
      entry.priority = storage::detail_queue::kConfirmDeletion;
      entry.forced = true;
      entry.cause = "confirm_deletion";
      BERTH_TRY(storage::detail_queue::put(connection, entry));
    }
    brake.missing = static_cast<std::int64_t>(missing.size());
    BERTH_CHECK(storage::brakes::release(connection, integration, brake.phase));
  }
  if (!held.empty()) BERTH_TRY(storage::commands::push(connection, integration, "sync", R"({"trigger":"command"})", now));
  return held;
}

Result<std::string> held_by_brake(storage::Connection& connection, std::string_view integration) {
  const auto held = BERTH_TRY(storage::brakes::list(connection, integration));
  if (held.empty()) return std::string();
  const storage::Brake& first = held.front();
  return fmt::format("{} of {} records of {} have been missing from the remote's list since {}; nothing was archived. `berth confirm-deletions {}` if they are really gone",
                     first.missing, first.alive, first.entity, berth::to_string(first.since), integration);
}

}  // namespace berth::runs
