#pragma once
// Things by name that are expensive to make, kept as long as there is room: beyond a limit those go that nobody has used for
// longest. What somebody holds never goes, so that one thing is never there twice.
//
//   RecentlyUsed<Unit> units(128);
//   units.put("zoho_acme", std::make_shared<Unit>(...));
//   std::shared_ptr<Unit> unit = units.find("zoho_acme");   // used last, now; nullptr: not there
//   units.trim();                                           // where room may have become free
//
// Not for several threads: the owner's mutex guards it, and every shared_ptr has to come from here, under that mutex. Hand out no
// weak_ptr. Nothing fails.
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace berth {

template <class Thing>
class RecentlyUsed {
 public:
  /// Whether a thing that nobody holds may go now; empty: it may.
  using MayGo = std::function<bool(const Thing& thing)>;
  explicit RecentlyUsed(std::size_t limit, MayGo may_go = {}) : limit_(limit), may_go_(std::move(may_go)) {}

  std::shared_ptr<Thing> find(std::string_view name) {
    const auto found = places_.find(name);
    if (found == places_.end()) return nullptr;
    things_.splice(things_.end(), things_, found->second);
    return found->second->second;
  }
  /// In place of one of that name, which stays alive for whoever holds it.
  void put(std::string_view name, std::shared_ptr<Thing> thing) {
    erase(name);
    things_.emplace_back(name, std::move(thing));
    places_.emplace(name, std::prev(things_.end()));
    trim();
  }
  void erase(std::string_view name) {
    const auto found = places_.find(name);
    if (found == places_.end()) return;
    things_.erase(found->second);
    places_.erase(found);
  }
  /// Those used longest ago go, until there are no more than the limit or the others are all in use.
  void trim() {
    for (auto at = things_.begin(); at != things_.end() && things_.size() > limit_;) {
      if (at->second.use_count() > 1 || (may_go_ && !may_go_(*at->second))) {
        ++at;
        continue;
      }
      places_.erase(at->first);
      at = things_.erase(at);
    }
  }
  [[nodiscard]] std::size_t size() const { return things_.size(); }

 private:
  using Things = std::list<std::pair<std::string, std::shared_ptr<Thing>>>;   // the one used last is the last
  const std::size_t limit_;
  const MayGo may_go_;
  Things things_;
  std::map<std::string, typename Things::iterator, std::less<>> places_;
};

}  // namespace berth
