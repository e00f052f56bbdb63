#pragma once
// Several hosts over one database, each with a clock of its own that may be wrong.
//
//   Hosts hosts(world, 3);
//   hosts.run(1, {});               // a run by the second one, as far as it comes
//   hosts.restart(1);               // its process is gone, another one begins
//
// A host knows of its own machine which processes are gone; the lease of another machine has to run out. run() may be called
// while another host's run is under way, from one of its calls. Refers to the world.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "integration/world.hpp"

namespace berth::sim {

/// The clock of a machine: the true time and an error.
class MachineClock final : public Clock {
 public:
  explicit MachineClock(ManualClock& truth) : truth_(truth) {}
  [[nodiscard]] Instant now() const override { return {truth_.now().unix_ms + error_ms_}; }
  bool sleep_until(Instant until, std::stop_token stop) override { return truth_.sleep_until({until.unix_ms - error_ms_}, std::move(stop)); }
  void be_wrong_by(std::chrono::milliseconds error) { error_ms_ = error.count(); }

 private:
  ManualClock& truth_;
  std::atomic<std::int64_t> error_ms_ = 0;
};

class Hosts {
 public:
  Hosts(integration::World& world, int count);
  /// May fail anywhere, already where it asks for the integration.
  Result<runs::RunReport> run(int host, const runs::RunRequest& request);
  void restart(int host);
  [[nodiscard]] int count() const { return static_cast<int>(hosts_.size()); }
  [[nodiscard]] MachineClock& clock_of(int host) { return *hosts_.at(static_cast<std::size_t>(host)).clock; }

 private:
  struct Host {
    std::unique_ptr<MachineClock> clock;
    int processes = 0;
    integration::Running running;
  };
  integration::World& world_;
  std::vector<Host> hosts_;
};

}  // namespace berth::sim
