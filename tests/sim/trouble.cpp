#include "sim/trouble.hpp"

#include "host/storage/leases.hpp"

namespace berth::sim {

using integration::kIntegration;
using integration::World;

namespace {
constexpr std::string_view kThief = "thief:1:x";
}  // namespace

void Trouble::note(const std::string& kind) {
  ++count_;
  ++kinds_[kind];
}

void Trouble::fault_of_remote(World& world) {
  using Kind = zoho_sim::FaultKind;
  static constexpr const char* kPaths[] = {"/books/v3/invoices", "/books/v3/invoices/", "/books/v3/customerpayments", "/books/v3/contacts",
                                           "/books/v3/creditnotes", "/books/v3/", "/oauth/v2/token"};
  static constexpr int kStatuses[] = {500, 502, 503, 504, 429, 400};
  static constexpr int kCodes[] = {44, 44, 1070, 1070, 45};
  static constexpr Kind kKinds[] = {Kind::kStatus,     Kind::kStatus,  Kind::kHtml,  Kind::kEmpty,     Kind::kTruncated,          Kind::kCutChunked,
                                    Kind::kHang,       Kind::kReset,   Kind::kClose, Kind::kRateLimit, Kind::kRateLimit,          Kind::kPageContextMissing,
                                    Kind::kPageContextArray, Kind::kNoRateHeaders, Kind::kSamePage,    Kind::kNested};
  zoho_sim::Fault fault;
  fault.kind = kKinds[random_.below(std::size(kKinds))];
  fault.path_prefix = kPaths[random_.below(std::size(kPaths))];
  fault.skip = static_cast<int>(random_.below(6));
  fault.count = 1 + static_cast<int>(random_.below(3));
  fault.status = kStatuses[random_.below(std::size(kStatuses))];
  fault.code = kCodes[random_.below(std::size(kCodes))];
  fault.bytes = 40;
  fault.pause_ms = 30'000;
  fault.process = random_.below(2) == 0;
  if (fault.kind == Kind::kNested) fault.bytes = 10'000;
  note(std::string(zoho_sim::fault_name(fault.kind)));
  world.simulator.inject(fault);
}

void Trouble::before_run(World& world) {
  for (std::uint64_t n = random_.below(4); n > 0; --n) fault_of_remote(world);
  const std::uint64_t which = random_.below(20);
  if (which < 4) {  // killed between two commits, or the disk fails there
    is_new_process_ = random_.below(2) == 0;
    note(is_new_process_ ? "kill" : "disk");
    world.database->die_after(static_cast<int>(random_.below(12)));
  } else if (which < 7) {  // killed inside a transaction
    is_new_process_ = true;
    note("kill inside");
    world.database->die_inside(static_cast<int>(random_.below(12)));
  } else if (which < 9) {
    note("token expired");
    world.control("POST", "tokens/expire");
  } else if (which == 9) {
    note("token revoked");
    world.control("POST", "tokens/revoke");
  } else if (which < 12) {
    note("clock");
    world.later(std::chrono::minutes(1 + random_.below(180)));
  } else if (which < 14) {
    note("lease");
    calls_until_theft_ = static_cast<int>(random_.below(8));
    world.transport.before = [this, &world](const std::string&) -> std::optional<http::Response> {
      if (calls_until_theft_ >= 0 && calls_until_theft_-- == 0) steal_the_lease(world);
      return std::nullopt;
    };
  }
}

/// Another host that thinks this one is dead.
void Trouble::steal_the_lease(World& world) {
  (void)world.database->write([&](storage::Connection& connection) -> Status {
    const Instant later{world.clock.now().unix_ms + 86'400'000};
    if (const auto fencing = BERTH_TRY(storage::leases::acquire(connection, kIntegration, kThief, std::chrono::minutes(1), later))) stolen_ = *fencing;
    return success();
  });
}

void Trouble::after_run(World& world) {
  world.transport.before = nullptr;
  calls_until_theft_ = -1;
  const bool was_dead = world.database->is_dead();
  world.database->revive();
  if (stolen_ != 0) {
    REQUIRE(world.database->write([&](storage::Connection& connection) { return storage::leases::release(connection, kIntegration, kThief, stolen_); }).ok());
    stolen_ = 0;
  }
  if (is_new_process_ || (was_dead && random_.below(2) == 0)) world.restart();
  is_new_process_ = false;
  if (world.integration().actual == "needs_reauth" && random_.below(3) == 0) {
    world.simulator.clear_faults();
    world.connect();
  }
}

void Trouble::end(World& world) {
  world.simulator.clear_faults();
  world.transport.before = nullptr;
  world.database->revive();
  // A token that was revoked last is not noticed yet.
  world.connect();
}

}  // namespace berth::sim
