#pragma once
// A network namespace with two cables to this machine: one to what stands for the database's network, one for the remote's. What is
// started in it has no other way out; a cable that is cut is a link that is down, so packets vanish and nobody is told.
//
//   if (const auto why = Network::unavailable()) MESSAGE("skipped: " << *why);
//   Network network;
//   Proxy database({.listen = network.outside(Cable::kDatabase), .socket_path = socket});     // reached from inside
//   network.inside([&] { … });                       // as a program in the namespace would: sockets, HTTP
//   network.cut(Cable::kDatabase);  network.mend(Cable::kDatabase);
//
// Names carry the id of this process; what a killed process left is removed by the next one. Needs root and `ip` of iproute2. Throws where a
// command fails.
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace hosts {

enum class Cable { kDatabase, kRemote };

class Network {
 public:
  /// Why this machine can have none, or nothing.
  static std::optional<std::string> unavailable();
  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// The address of this machine on that cable.
  [[nodiscard]] static std::string outside(Cable cable);
  void cut(Cable cable) const;
  void mend(Cable cable) const;
  /// On a thread of its own that is in the namespace, as are the threads and sockets that it makes.
  void inside(const std::function<void()>& work) const;
  /// What begins a program there: the words before its own.
  [[nodiscard]] std::vector<std::string> starter() const;
};

}  // namespace hosts
