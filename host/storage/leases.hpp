#pragma once
// The lease of an integration: who runs it now. One holder at a time, over all threads and processes that share the
// database. A holder that stalls past the end of its lease may be overtaken; its fencing number is then old, and the
// first statement of each of its commits, require(), refuses.
//
//   auto fencing = BERTH_TRY(storage::leases::acquire(c, "zoho_acme", owner, 5min, clock.now()));
//   if (!fencing) ...                                            // somebody else holds it
//   BERTH_CHECK(storage::leases::require(c, "zoho_acme", owner, *fencing));    // in every transaction of the run
//
// Call all but find() and list() within Database::write. When a lease ends is told in the time that all who use the database agree on
// (Connection::shared_now): on PostgreSQL a host whose clock is wrong neither loses its leases nor takes those of others.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Lease {
  std::string integration{};
  std::string owner{};  // one per process start and thread that runs, e.g. "host7:4711:0199c3e2"
  std::int64_t fencing = 0;
  Instant expires{};   // as this machine's clock will show it then
};

struct HeldSince {
  Lease lease{};
  Instant began{};   // the run that goes on under it; 0: none, such as while changed rules are applied
};

namespace leases {

/// Takes the lease if it is free, has expired or is ours, and returns its fencing number, larger than every one before;
/// nothing if another owner holds it.
Result<std::optional<std::int64_t>> acquire(Connection& connection, std::string_view integration,
                                            std::string_view owner, std::chrono::milliseconds ttl, Instant of_machine);
/// Moves the end. Errors: storage.lease_lost.
Status renew(Connection& connection, std::string_view integration, std::string_view owner, std::int64_t fencing,
             std::chrono::milliseconds ttl, Instant of_machine);
/// Frees it; nothing happens where it is no longer ours.
Status release(Connection& connection, std::string_view integration, std::string_view owner, std::int64_t fencing);
/// Errors: storage.lease_lost (code kConflict) when another holder has taken over or the lease was given back.
Status require(Connection& connection, std::string_view integration, std::string_view owner, std::int64_t fencing);
/// The lease if somebody holds it now.
Result<std::optional<Lease>> find(Connection& connection, std::string_view integration, Instant of_machine);

/// All that are held now.
Result<std::vector<HeldSince>> list(Connection& connection, Instant of_machine);

}  // namespace leases
}  // namespace berth::storage
