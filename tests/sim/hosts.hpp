#pragma once
// Several hosts over one database, each with a clock of its own that may be wrong.
//
//   Hosts hosts(world, 3);
//   hosts.run(1, {});               // a run by the second one, as far as it comes
//   hosts.restart(1);               // its process is gone, another one begins
//
// A host knows of its own machine which processes are gone; the lease of another machine has to run out. run() may be called
// while another host's run is under way, from one of its calls. Refers to the world.
#include <memory>
#include <string>
#include <vector>

#include "integration/machine_clock.hpp"
#include "integration/world.hpp"

namespace berth::sim {

using integration::MachineClock;

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
