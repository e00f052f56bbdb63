#pragma once
// What goes wrong while a host runs: the remote's answers, the network, the disk, the process, the lease, the tokens, the clock.
//
//   Trouble trouble(seed);
//   trouble.before_run(world);      // a few faults that wait for the run
//   ... the run ...
//   trouble.after_run(world);       // what is dead lives again, in a new process or in the same
#include <map>
#include <string>

#include "host/core/random.hpp"
#include "integration/world.hpp"

namespace berth::sim {

class Trouble {
 public:
  explicit Trouble(std::uint64_t seed) : random_(seed) {}
  void before_run(integration::World& world);
  void after_run(integration::World& world);
  /// No more of it: what waits is taken back, and the integration is connected.
  void end(integration::World& world);
  /// Faults that were made, and how many of each kind.
  [[nodiscard]] int count() const { return count_; }
  [[nodiscard]] const std::map<std::string, int>& kinds() const { return kinds_; }

 private:
  void note(const std::string& kind);
  void fault_of_remote(integration::World& world);
  void steal_the_lease(integration::World& world);
  SeededRandom random_;
  int count_ = 0;
  std::map<std::string, int> kinds_;
  bool is_new_process_ = false;
  std::atomic<int> calls_until_theft_ = -1;
  std::int64_t stolen_ = 0;  // fencing number of the thief's lease
};

}  // namespace berth::sim
