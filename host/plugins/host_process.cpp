#include "host/plugins/host_process.hpp"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace berth::plugins {

void protect_host_process() {
  // Best effort: a system that refuses one of these still runs a host.
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow further is an error of its write, not the end of the host
}

std::string system_call_filter() {
#ifdef BERTH_SANITIZED
  return "off: a sanitizer build";
#else
  // A kernel that knows filters looks for one at the address, and finds none there: seccomp(2), EFAULT.
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) == 0 || errno == EFAULT) return "on";
  return std::string("off: ") + std::strerror(errno);
#endif
}

}  // namespace berth::plugins
