#include "host/plugins/host_process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>

namespace berth::plugins {

void protect_host_process() {
  // Best effort: a system that refuses one of these still runs a host.
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow further is an error of its write, not the end of the host
}

}  // namespace berth::plugins
