#pragma once
// What goes wrong while hosts run: the remote's answers, the network, the disk, the process, the lease, the tokens, the clocks;
// lists shift while they are read, and a host that stood still comes back when another has taken over.
//
//   Trouble trouble(seed);
//   const int host = trouble.before_run(world, hosts, life);      // a few faults that wait for the run of this host
//   ... the run ...
//   trouble.after_run(world, hosts);       // what is dead lives again, in a new process or in the same
#include <atomic>
#include <map>
#include <string>

#include "host/core/random.hpp"
#include "integration/world.hpp"
#include "sim/hosts.hpp"
#include "sim/remote_life.hpp"

namespace berth::sim {

class Trouble {
 public:
  explicit Trouble(std::uint64_t seed) : random_(seed) {}
  int before_run(integration::World& world, Hosts& hosts, RemoteLife& life);
  void after_run(integration::World& world, Hosts& hosts);
  /// No more of it: what waits is taken back, the clocks are right and the integration is connected.
  void end(integration::World& world, Hosts& hosts);
  /// Faults that were made, and how many of each kind.
  [[nodiscard]] int count() const { return count_; }
  [[nodiscard]] const std::map<std::string, int>& kinds() const { return kinds_; }

 private:
  void note(const std::string& kind);
  void fault_of_remote(integration::World& world);
  void fault_of_host(integration::World& world, Hosts& hosts);
  void wrong_clock(Hosts& hosts);
  void during_calls(integration::World& world, Hosts& hosts, RemoteLife& life);
  SeededRandom random_;
  int count_ = 0;
  std::map<std::string, int> kinds_;
  int host_ = 0;
  bool is_new_process_ = false;
  // During the run, on the threads of its calls: -1 is never.
  std::atomic<int> calls_until_stall_ = -1, calls_until_change_ = -1, calls_until_clock_ = -1;
  std::atomic<int> changes_noted_ = 0;
};

}  // namespace berth::sim
