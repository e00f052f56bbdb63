#include "integration/paced_clock.hpp"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>

namespace berth::integration {

namespace {

/// How often each other thread was given a processor, by its id; nothing if one of them could run now.
std::optional<std::map<std::string, std::string>> all_blocked() {
  std::map<std::string, std::string> turns;
  const std::string me = std::to_string(gettid());
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) std::abort();
  bool is_any_running = false;
  while (const dirent* entry = readdir(folder)) {
    const std::string id = entry->d_name;
    if (id[0] == '.' || id == me) continue;
    std::ifstream stat("/proc/self/task/" + id + "/stat");
    std::ostringstream text;
    text << stat.rdbuf();
    // "1234 (name) S ...": the name may hold anything.
    const std::string line = text.str();
    const auto end = line.rfind(')');
    if (end == std::string::npos || end + 2 >= line.size()) continue;   // it has just ended
    is_any_running = is_any_running || line[end + 2] != 'S';
    std::ifstream switches("/proc/self/task/" + id + "/status");
    for (std::string word; switches >> word;) {
      if (word == "voluntary_ctxt_switches:") switches >> turns[id];
    }
  }
  closedir(folder);
  if (is_any_running) return std::nullopt;
  return turns;
}

}  // namespace

PacedClock::PacedClock(Instant start) : ManualClock(start), mover_([this](const std::stop_token& stop) { move(stop); }) {}

bool PacedClock::sleep_until(Instant until, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (until <= now()) return true;
  const auto place = sleepers_.insert(until);
  changed_.notify_all();
  changed_.wait(lock, stop, [&] { return now() >= until; });
  sleepers_.erase(place);
  changed_.notify_all();   // the mover waits for the first one that lies ahead
  return now() >= until;
}

void PacedClock::move(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!changed_.wait(lock, stop, [&] { return !sleepers_.empty() && *sleepers_.begin() > now(); })) return;
    lock.unlock();
    // Twice, with no thread having run between: one that was woken by another is seen the second time.
    const auto before = all_blocked();
    const bool is_quiet = before && all_blocked() == before;
    if (!is_quiet) usleep(20);
    lock.lock();
    if (!is_quiet || sleepers_.empty() || *sleepers_.begin() <= now()) continue;
    set(*sleepers_.begin());
    changed_.notify_all();
  }
}

}  // namespace berth::integration
