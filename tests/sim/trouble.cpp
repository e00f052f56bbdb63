#include "sim/trouble.hpp"

#include "host/runs/lease.hpp"

namespace berth::sim {

using integration::World;

namespace {

constexpr std::int64_t kWrongMinutesMax = 180;

/// One call less, and is it this one?
bool is_now(std::atomic<int>& calls_left) { return calls_left >= 0 && calls_left-- == 0; }

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
                                    Kind::kPageContextArray, Kind::kNoRateHeaders, Kind::kSamePage,    Kind::kMorePages,          Kind::kNested};
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

void Trouble::fault_of_host(World& world, Hosts& hosts) {
  const std::uint64_t which = random_.below(24);
  if (which < 4) {  // killed between two commits, or the disk fails there
    is_new_process_ = random_.below(2) == 0;
    note(is_new_process_ ? "kill" : "disk");
    world.database->die_after(static_cast<int>(random_.below(12)));
  } else if (which < 7) {  // killed inside a transaction
    is_new_process_ = true;
    note("kill inside");
    world.database->die_inside(static_cast<int>(random_.below(12)));
  } else if (which < 10) {
    note("answer to commit lost");
    world.database->lose_answer_after(static_cast<int>(random_.below(12)));
  } else if (which < 12) {
    note("token expired");
    world.control("POST", "tokens/expire");
  } else if (which == 12) {
    note("token revoked");
    world.control("POST", "tokens/revoke");
  } else if (which < 15) {
    wrong_clock(hosts);
  } else if (which < 17) {
    note("clock jumps in a run");
    calls_until_clock_ = static_cast<int>(random_.below(10));
  } else if (which < 21) {
    note("stalled host comes back");
    calls_until_stall_ = static_cast<int>(random_.below(8));
  }
}

/// Of any of the machines, ahead or behind; half of the time it is set right.
void Trouble::wrong_clock(Hosts& hosts) {
  note("wrong clock");
  const std::int64_t minutes = static_cast<std::int64_t>(random_.below(2 * kWrongMinutesMax + 1)) - kWrongMinutesMax;
  hosts.clock_of(static_cast<int>(random_.below(static_cast<std::uint64_t>(hosts.count())))).be_wrong_by(std::chrono::minutes(random_.below(2) == 0 ? 0 : minutes));
}

void Trouble::during_calls(World& world, Hosts& hosts, RemoteLife& life) {
  const int next = (host_ + 1) % hosts.count();
  const std::int64_t jump = static_cast<std::int64_t>(random_.below(2 * kWrongMinutesMax + 1)) - kWrongMinutesMax;
  world.transport.before = [this, &world, &hosts, &life, next, jump](const std::string&) -> std::optional<http::Response> {
    if (is_now(calls_until_change_)) {
      if (life.interfere(world)) {
        ++changes_noted_;
        calls_until_change_ = 3;
      }
    }
    if (is_now(calls_until_clock_)) hosts.clock_of(host_).be_wrong_by(std::chrono::minutes(jump));
    if (is_now(calls_until_stall_)) {
      // This call takes so long that the lease runs out; another host does the work, and then the answer comes.
      world.later(runs::kLeaseTtl + std::chrono::seconds(1));
      (void)hosts.run(next, {});
    }
    return std::nullopt;
  };
}

int Trouble::before_run(World& world, Hosts& hosts, RemoteLife& life) {
  host_ = static_cast<int>(random_.below(static_cast<std::uint64_t>(hosts.count())));
  for (std::uint64_t n = random_.below(4); n > 0; --n) fault_of_remote(world);
  fault_of_host(world, hosts);
  calls_until_change_ = random_.below(2) == 0 ? static_cast<int>(random_.below(10)) : -1;
  during_calls(world, hosts, life);
  return host_;
}

void Trouble::after_run(World& world, Hosts& hosts) {
  world.transport.before = nullptr;
  calls_until_stall_ = calls_until_change_ = calls_until_clock_ = -1;
  for (; changes_noted_ > 0; --changes_noted_) note("lists shift");
  const bool was_dead = world.database->is_dead();
  world.database->revive();
  if (is_new_process_ || (was_dead && random_.below(2) == 0)) {
    // Of a database that is gone all of its hosts know; the one that was killed begins anew.
    hosts.restart(host_);
  }
  is_new_process_ = false;
  if (world.integration().actual == "needs_reauth" && random_.below(3) == 0) {
    world.simulator.clear_faults();
    world.connect();
  }
}

void Trouble::end(World& world, Hosts& hosts) {
  world.simulator.clear_faults();
  world.transport.before = nullptr;
  world.database->revive();
  for (int host = 0; host < hosts.count(); ++host) hosts.clock_of(host).be_wrong_by(std::chrono::minutes(0));
  // A token that was revoked last is not noticed yet.
  world.connect();
}

}  // namespace berth::sim
