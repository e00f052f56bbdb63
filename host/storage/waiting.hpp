#pragma once
// Named things that records wait for: "customer/46…", "account/payment_mode/Stripe/acme_us". When one appears, wake()
// makes pending whatever waits for it.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Awaited {
  std::string key{};
  std::int64_t records = 0;
};

namespace waiting {

/// Replaces what the record waits for; none: it waits for nothing.
Status set_waits(Connection& connection, std::int64_t record, std::string_view integration,
                 const std::vector<std::string>& keys);
/// Who wakes: everybody, or all but those that were skipped, which only a change in the books concerns.
enum class Sleepers { kAll, kNotSkipped };
/// Parked, failed, posted (with a deferred share) and skipped records that wait for the key become pending. Returns how many.
Result<std::int64_t> wake(Connection& connection, std::string_view integration, std::string_view key, Instant now,
                          Sleepers which = Sleepers::kAll);
/// What is awaited, most wanted first. `prefix` "" = everything, "account/" = account rows only.
Result<std::vector<Awaited>> awaited(Connection& connection, std::string_view integration,
                                     std::string_view prefix = "");
/// Records that wait for the key, at most `limit`, by id.
Result<std::vector<std::int64_t>> waiters(Connection& connection, std::string_view integration, std::string_view key, std::size_t limit);
Result<std::vector<std::string>> waits_of(Connection& connection, std::int64_t record);

}  // namespace waiting
}  // namespace berth::storage
