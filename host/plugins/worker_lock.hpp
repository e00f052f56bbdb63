#pragma once
// What a worker process does to itself before code of a plugin runs in it, so that a plugin reaches nothing but the
// pipe.
//
// All functions are for a worker's main thread, in the order of this file. They change the whole process and are never
// called in the host.
#include <chrono>
#include <cstdint>
#include <string>

namespace berth::plugins {

/// The two ends of the pipe to the host, private descriptors from here on.
struct PipeEnds {
  int from_host = -1;
  int to_host = -1;
};

/// Moves descriptors 0 and 1 away and puts /dev/null and standard error in their places, so that what a plugin prints
/// cannot break the protocol; wipes the environment, also from memory; own process group, default signals, no core
/// file, few descriptors, not dumpable, killed with the thread that started it. Ends are -1 where descriptors ran out.
[[nodiscard]] PipeEnds become_worker();

/// Address space and processor time. Not in sanitizer builds, which reserve terabytes.
void limit_resources(std::uint64_t memory_bytes, std::chrono::seconds cpu);

/// Refuses from now on, for all threads and for good: sockets, opening and changing files, starting programs and
/// processes, looking into or signalling other processes, and what else only a program of its own would need. The calls
/// fail with EPERM (openat2 and clone3, whose arguments a filter cannot see: ENOSYS).
/// Returns "on", or "off: ..." with the reason where the kernel has no such filters or the build is a sanitizer's.
[[nodiscard]] std::string lock_system_calls();

}  // namespace berth::plugins
