#pragma once
// What a program and the children it waited for cost: processor time and resident memory, from /proc.
//
//   e2e::Process process = ...;
//   const Usage usage = watch(process);      // returns when it has ended
//
// Processor time is exact (read when the process has ended and is not yet reaped). Memory is sampled every few milliseconds:
// a peak shorter than that shows only in `resident_peak` of one process, which the kernel keeps.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "e2e/support/process.hpp"

namespace bench {

using Seconds = std::chrono::duration<double>;

struct Usage {
  Seconds wall{}, user{}, system{};            // of the process itself
  Seconds children_user{}, children_system{};  // of the children it waited for: its workers
  // Kibibytes.
  std::int64_t resident_peak = 0;           // VmHWM of the process
  std::int64_t child_resident_peak = 0;     // largest VmHWM of a child
  std::int64_t resident_together = 0;       // largest sum of VmRSS at one moment: pages that both map count twice
  std::int64_t proportional_together = 0;   // largest sum of Pss at one moment: shared pages count once
  std::int64_t private_together = 0;        // largest sum of Private_Dirty: what was written and is nobody else's
  [[nodiscard]] Seconds own() const { return user + system; }
  [[nodiscard]] Seconds children() const { return children_user + children_system; }
  [[nodiscard]] Seconds cpu() const { return own() + children(); }
};

/// Watches it until it ends; it is not reaped yet. Throws where it takes longer than the limit.
Usage watch(e2e::Process& process, std::chrono::seconds limit);

/// Processor time of a process and of the children it waited for, so far.
Seconds cpu_of(pid_t process);
/// Kibibytes of a line of /proc/PID/status, such as "VmRSS". Throws where there is none.
std::int64_t memory_of(pid_t process, const std::string& name);
/// Processor time of this process so far.
Seconds cpu_of_this_process();

}  // namespace bench
