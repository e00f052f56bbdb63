#pragma once
// What happens at the remote in a world: people make, edit, void and delete documents. The same seed gives the same changes at the
// same instants, whatever the host does meanwhile, so two worlds end with the same remote books.
//
//   RemoteLife life(seed);
//   life.live(world, until);        // a handful of changes, then the clock stands at `until`
#include <map>
#include <string>
#include <vector>

#include "host/core/random.hpp"
#include "integration/world.hpp"

namespace berth::sim {

class RemoteLife {
 public:
  explicit RemoteLife(std::uint64_t seed) : random_(seed) {}
  /// Some changes, each at its own instant. The clock must not be past the first of them.
  void live(integration::World& world, Instant until);
  [[nodiscard]] int changes() const { return changes_; }

 private:
  void change(integration::World& world);
  bool ask(integration::World& world, const std::string& method, const std::string& path, const std::string& body = "{}");
  std::string some(const std::vector<std::string>& ids);
  std::string amount();
  SeededRandom random_;
  int changes_ = 0;
  std::vector<std::string> payments_, notes_;
};

}  // namespace berth::sim
