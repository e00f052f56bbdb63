#pragma once
// What a host does to its own process before it loads a secret or starts a worker: no core files, its memory closed to
// other processes of the same user, and no end by a pipe that a worker has left. Called once, early in main.
#include <string>

namespace berth::plugins {

void protect_host_process();

/// Whether workers can restrict the system calls of plugins on this machine: "on", or "off: ..." with the reason. Asks the
/// kernel and changes nothing. Any thread.
[[nodiscard]] std::string system_call_filter();

}  // namespace berth::plugins
