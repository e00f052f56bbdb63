#pragma once
// The life of a host, command by command, three times round: what it does with files, connecting, syncing, mapping, the
// books, the REST API. Each step can be cut anywhere and done again, as whoever runs the host would.
//
// Steps refer to the simulator, which outlives them. Used by one thread.
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "e2e/support/world.hpp"

namespace crash {

/// What a step throws when the process that it started was killed.
struct Killed : std::runtime_error {
  Killed() : std::runtime_error("killed") {}
};

/// Whoever types the commands of a step into a folder.
class Person {
 public:
  /// The program that is shipped.
  explicit Person(const e2e::Workspace& berth, bool is_again = false) : berth_(berth), is_again_(is_again) {}
  /// The one that tells of its writes in `log`, and is killed at the moment `at`, "capture.checkpoint between 3", if that is not empty.
  Person(const e2e::Workspace& berth, std::string log, std::string at) : berth_(berth), log_(std::move(log)), at_(std::move(at)) {}

  [[nodiscard]] const e2e::Workspace& berth() const { return berth_; }
  /// Somebody did this before and was cut: what says that it is done already is no failure.
  [[nodiscard]] bool is_again() const { return is_again_; }
  /// `berth ARGUMENTS`; throws Killed, or runtime_error where it fails and `may_fail` is not set.
  std::string does(const std::vector<std::string>& arguments, bool may_fail = false) const;
  /// The same for a command that is refused where it was done before; what it left undone is applied then.
  void does_or_did(const std::vector<std::string>& arguments) const;
  std::unique_ptr<e2e::Process> starts(const std::vector<std::string>& arguments) const;
  /// Where the process was killed at its moment: throws Killed.
  void notice(e2e::Process& process) const;
  /// Is this write in the log by now? Always true for whoever keeps none.
  [[nodiscard]] bool has_seen(const std::string& moment) const;

 private:
  const e2e::Workspace& berth_;
  std::string log_, at_;
  bool is_again_ = false;
};

struct Step {
  std::string what;
  std::function<void()> remote;                 // what happened at the remote before it
  std::function<void(const Person&)> act;
  bool is_sync = false;      // whose calls are looked at
  bool is_cut_anyway = false;   // also where its writes were cut in this round already
  bool keeps_books = true;   // there are books to be compared afterwards
  std::function<void(const Person&)> check{};   // what else must be so afterwards, however it was cut
};

/// `round` from 1 to 3. What is made at the remote has to be made only once: by remote().
std::vector<Step> life(const e2e::Simulator& simulator, int round);

}  // namespace crash
