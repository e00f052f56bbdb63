#pragma once
// Work asked for while another process holds the lease of the integration. Its holder takes it after its slice.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Command {
  std::int64_t id = 0;
  std::string integration{};
  std::string kind{};  // sync | apply | retry
  std::string argument_json = "{}";
  Instant created{};
};

namespace commands {

constexpr std::size_t kQueuedMax = 1000;  // for one integration; more is refused

/// Queues it and returns its id; the same kind and argument already waiting is not queued twice (its id is returned).
/// Errors: storage.commands_full.
Result<std::int64_t> push(Connection& connection, std::string_view integration, std::string_view kind,
                          std::string_view argument_json, Instant now);
/// Takes all of the integration out of the queue, oldest first.
Result<std::vector<Command>> take(Connection& connection, std::string_view integration);
/// Removes those; unknown ids do nothing.
Status erase(Connection& connection, const std::vector<std::int64_t>& ids);
/// Those waiting, oldest first.
Result<std::vector<Command>> list(Connection& connection, std::string_view integration);

}  // namespace commands
}  // namespace berth::storage
