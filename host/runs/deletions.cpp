#include "host/runs/deletions.hpp"

#include <fmt/format.h>

#include <algorithm>

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
      BERTH_CHECK(storage::detail_queue::put_confirming(connection, integration, brake.entity, record.remote_id));
    }
    brake.missing = BERTH_TRY(storage::detail_queue::ask_confirming(connection, integration, brake.entity));   // with those that answered that they are gone
    BERTH_CHECK(storage::brakes::release(connection, integration, brake.phase));
  }
  if (!held.empty()) BERTH_TRY(storage::commands::push(connection, integration, "sync", R"({"trigger":"command"})", now));
  return held;
}

namespace {

Result<std::optional<storage::Brake>> brake_of(storage::Connection& connection, std::string_view integration, const Phase& phase) {
  for (storage::Brake& brake : BERTH_TRY(storage::brakes::list(connection, integration))) {
    if (brake.phase == phase.id) return std::optional(std::move(brake));
  }
  return std::optional<storage::Brake>();
}

/// What the comparison has missed whose brake holds, and no list has shown since.
Result<std::int64_t> held_back(storage::Connection& connection, std::string_view integration, const Phase& phase) {
  const auto brake = BERTH_TRY(brake_of(connection, integration, phase));
  if (!brake || brake->pass == 0) return 0;
  const auto missing = BERTH_TRY(storage::records::missing_since_pass(connection, integration, phase.entity, brake->pass, kMissingMax));
  return std::count_if(missing.begin(), missing.end(), [](const storage::MissingRecord& record) { return !record.is_archived_by_hand; });
}

}  // namespace

Result<Suspects> suspects_of(storage::Connection& connection, std::string_view integration, const Phase& phase, std::optional<std::int64_t> missing) {
  Suspects suspects;
  suspects.waiting = BERTH_TRY(storage::detail_queue::confirming(connection, integration, phase.entity));
  suspects.count = suspects.waiting.found + (missing ? *missing : BERTH_TRY(held_back(connection, integration, phase)));
  suspects.let_through = phase.brake_rows;
  if (!suspects.are_too_many()) return suspects;   // and nobody need count the others
  const auto count = BERTH_TRY(storage::records::alive_count(connection, integration, phase.entity));
  suspects.of = count.alive + count.suspect;
  suspects.let_through = std::max(phase.brake_rows, suspects.of * phase.brake_percent / 100);
  return suspects;
}

Status see_brake(storage::Connection& connection, std::string_view integration, const Phase& phase, Instant now) {
  const auto before = BERTH_TRY(brake_of(connection, integration, phase));
  const Suspects suspects = BERTH_TRY(suspects_of(connection, integration, phase));
  const bool is_of_comparison = before && before->pass > 0;
  if (!suspects.are_too_many()) {
    // One that a comparison has put on, a comparison or a person takes off.
    return !before || is_of_comparison ? success() : storage::brakes::release(connection, integration, phase.id);
  }
  return storage::brakes::put(connection, {.integration = std::string(integration),
                                           .phase = phase.id,
                                           .entity = phase.entity,
                                           .pass = is_of_comparison ? before->pass : 0,
                                           .missing = suspects.count,
                                           .alive = suspects.of,
                                           .since = now});
}

Result<std::string> held_by_brake(storage::Connection& connection, std::string_view integration) {
  const auto held = BERTH_TRY(storage::brakes::list(connection, integration));
  if (held.empty()) return std::string();
  const storage::Brake& first = held.front();
  return fmt::format("{} of {} records of {} seem to be gone at the remote since {}; nothing was archived. `berth confirm-deletions {}` if they are really gone",
                     first.missing, first.alive, first.entity, berth::to_string(first.since), integration);
}

}  // namespace berth::runs
