#include "bench/support/measure.hpp"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {

namespace {

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/"; }

/// Kibibytes of the lines "Name:   123 kB" of a file of /proc; 0 where the line or the process is not there.
class Memory {
 public:
  explicit Memory(const std::string& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    text_ = text.str();
  }
  [[nodiscard]] std::int64_t of(const std::string& name) const {
    const auto at = text_.find("\n" + name + ":");
    return at == std::string::npos ? 0 : std::strtoll(text_.c_str() + at + name.size() + 2, nullptr, 10);
  }

 private:
  std::string text_;
};

/// Fields 14 to 17 of /proc/PID/stat: utime, stime, cutime, cstime.
void read_times(pid_t pid, Usage& usage) {
  std::ifstream in(folder_of(pid) + "stat");
  std::string line;
  std::getline(in, line);
  std::istringstream rest(line.substr(line.rfind(')') + 2));   // the name may have blanks
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  long long user = 0, system = 0, children_user = 0, children_system = 0;
  rest >> user >> system >> children_user >> children_system;
  if (!rest) throw std::runtime_error("/proc/PID/stat is not as expected");
  const auto seconds = [](long long ticks) { return Seconds(static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK))); };
  usage.user = seconds(user);
  usage.system = seconds(system);
  usage.children_user = seconds(children_user);
  usage.children_system = seconds(children_system);
}

/// Between fork and exec a child shares every page with its parent and would count as a second host.
bool is_another_program(pid_t child) {
  std::ifstream in(folder_of(child) + "cmdline");
  std::string command;
  std::getline(in, command);
  return command.find("worker") != std::string::npos;
}

bool has_ended(pid_t pid) {
  siginfo_t info = {};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) throw std::runtime_error("waitid failed");
  return info.si_pid == pid;
}

}  // namespace

Usage watch(e2e::Process& process, std::chrono::seconds limit) {
  constexpr int kProportionalEvery = 20;   // it walks all page tables
  Usage usage;
  const pid_t pid = process.id();
  const auto began = std::chrono::steady_clock::now();
  for (int sample = 0; !has_ended(pid); ++sample) {
    if (std::chrono::steady_clock::now() - began > limit) throw std::runtime_error("it took longer than " + std::to_string(limit.count()) + " s");
    const Memory own(folder_of(pid) + "status");
    usage.resident_peak = std::max(usage.resident_peak, own.of("VmHWM"));
    std::int64_t together = own.of("VmRSS");
    auto children = e2e::children_of(pid);
    std::erase_if(children, [](pid_t child) { return !is_another_program(child); });
    for (const pid_t child : children) {
      const Memory of_child(folder_of(child) + "status");
      usage.child_resident_peak = std::max(usage.child_resident_peak, of_child.of("VmHWM"));
      together += of_child.of("VmRSS");
    }
    usage.resident_together = std::max(usage.resident_together, together);
    if (sample % kProportionalEvery == 0) {
      std::int64_t proportional = 0, dirty = 0;
      const auto add = [&](pid_t one) {
        const Memory memory(folder_of(one) + "smaps_rollup");
        proportional += memory.of("Pss");
        dirty += memory.of("Private_Dirty");
      };
      add(pid);
      for (const pid_t child : children) add(child);
      usage.proportional_together = std::max(usage.proportional_together, proportional);
      usage.private_together = std::max(usage.private_together, dirty);
    }
    e2e::pause_shortly();
  }
  usage.wall = std::chrono::steady_clock::now() - began;
  read_times(pid, usage);
  return usage;
}

Seconds cpu_of(pid_t process) {
  Usage usage;
  read_times(process, usage);
  return usage.cpu();
}

std::int64_t memory_of(pid_t process, const std::string& name) {
  const std::int64_t found = Memory(folder_of(process) + "status").of(name);
  if (found == 0) throw std::runtime_error("/proc/PID/status has no " + name);
  return found;
}

Seconds cpu_of_this_process() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return Seconds(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9);
}

}  // namespace bench
