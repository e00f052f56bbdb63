#include "host/plugins/worker_lock.hpp"

#include <asm/sockios.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace berth::plugins {

namespace {

constexpr rlim_t kDescriptorsMax = 64;

#ifndef BERTH_SANITIZED
/// By name, because not every kernel header knows all of them; an unknown one cannot be called either.
constexpr const char* kRefused[] = {
    // the network
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
    "recvfrom", "recvmsg", "recvmmsg", "getsockname", "getpeername", "setsockopt", "getsockopt", "shutdown",
    // files: opening (so also for writing), making, renaming, removing, changing
    "open", "openat", "creat", "open_by_handle_at", "name_to_handle_at", "mkdir", "mkdirat", "rmdir", "mknod",
    "mknodat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat", "symlink", "symlinkat",
    "truncate", "ftruncate", "fallocate", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown",
    "fchownat", "utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr", "removexattr",
    "lremovexattr", "fremovexattr", "memfd_create", "inotify_init", "inotify_init1", "fanotify_init",
    // what processes of one user share: an id is enough to reach the queues and memory of others
    "mq_open", "mq_unlink", "mq_notify", "shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget",
    "semop", "semtimedop", "semctl",
    // programs and processes
    "execve", "execveat", "fork", "vfork", "kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open",
    "pidfd_send_signal", "pidfd_getfd", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
    "process_mrelease", "kcmp", "setns", "unshare", "setpgid", "setsid", "setrlimit", "get_robust_list", "migrate_pages",
    "move_pages", "ioprio_set",
    // the kernel
    "bpf", "io_uring_setup", "io_uring_enter", "io_uring_register", "perf_event_open", "userfaultfd", "keyctl",
    "add_key", "request_key", "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "mount_setattr",
    "fsopen", "fspick", "fsconfig", "fsmount", "open_tree", "open_tree_attr", "syslog", "vhangup", "modify_ldt",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
    "swapoff", "acct", "quotactl", "quotactl_fd", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname",
    "setdomainname", "iopl", "ioperm", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid",
    "setfsgid", "setgroups", "capset", "personality"};

/// Commands of a call that are refused while the call itself is needed. The kernel reads such a command as 32 bits, so the
/// upper half of the argument must not matter.
constexpr scmp_datum_t kCommandMask = 0xffffffffu;

/// fcntl(2): with an owner and O_ASYNC the kernel sends any signal to any process of the user when a pipe is written to;
/// leases and directory notes signal too.
constexpr int kFileCommands[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG, F_SETLEASE, F_NOTIFY};
/// ioctl(2): the same by its older names, and typing into or taking over a terminal.
constexpr unsigned long kDeviceCommands[] = {FIOASYNC, FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX, TIOCSCTTY, TIOCSPGRP};
/// prctl(2): what become_worker() has set stays: the end with the host, and no debugging by others.
constexpr int kProcessCommands[] = {PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_PTRACER};
/// A thread sets these for itself, whose id is 0; any other id may be another process.
constexpr const char* kOnlyForItself[] = {"sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity",
                                          "prlimit64"};

/// A filter context that is released whatever happens.
class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW)) {}
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  [[nodiscard]] bool ok() const { return context_ != nullptr && failure_ == 0; }
  [[nodiscard]] int failure() const { return context_ == nullptr ? ENOMEM : -failure_; }

  void refuse(const char* name, int error_number, const scmp_arg_cmp* condition = nullptr) {
    if (!ok()) return;
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;
    const auto action = static_cast<std::uint32_t>(SCMP_ACT_ERRNO(error_number));
    keep(seccomp_rule_add_array(context_, action, number, condition == nullptr ? 0 : 1, condition));
  }
  /// Refuses the call where its argument is that command.
  template <class Command>
  void refuse_command(const char* name, unsigned argument, Command command) {
    const scmp_arg_cmp is_command{argument, SCMP_CMP_MASKED_EQ, kCommandMask,
                                  static_cast<scmp_datum_t>(command) & kCommandMask};
    refuse(name, EPERM, &is_command);
  }
  /// Refuses the call unless its argument is that value.
  void refuse_unless(const char* name, unsigned argument, scmp_datum_t value) {
    const scmp_arg_cmp is_other{argument, SCMP_CMP_NE, value, 0};
    refuse(name, EPERM, &is_other);
  }
  void load() {
    if (ok()) keep(seccomp_attr_set(context_, SCMP_FLTATR_CTL_TSYNC, 1));
    if (ok()) keep(seccomp_load(context_));
  }

 private:
  void keep(int result) {
    if (result < 0) failure_ = result;
  }
  scmp_filter_ctx context_;
  int failure_ = 0;
};
#endif

void limit(int resource, rlim_t soft, rlim_t hard) {
  rlimit now{};
  getrlimit(static_cast<__rlimit_resource_t>(resource), &now);
  const rlimit wanted{soft < now.rlim_max ? soft : now.rlim_max, hard < now.rlim_max ? hard : now.rlim_max};
  setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted);
}

void wipe_environment() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    explicit_bzero(*entry, std::strlen(*entry));
  clearenv();
}

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU, SIGCHLD}) std::signal(number, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);  // the host's death is seen as the end of the pipe
}

}  // namespace

PipeEnds become_worker() {
  PipeEnds ends;
  ends.from_host = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  ends.to_host = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  const int null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_device < 0 || dup2(null_device, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    ends.to_host = -1;
  if (null_device >= 0) close(null_device);
  wipe_environment();
  reset_signals();
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_NOFILE, kDescriptorsMax, kDescriptorsMax);
  mallopt(M_ARENA_MAX, 2);  // arenas reserve address space, which is limited
  return ends;
}

void limit_resources([[maybe_unused]] std::uint64_t memory_bytes, std::chrono::seconds cpu) {
#ifndef BERTH_SANITIZED
  limit(RLIMIT_AS, memory_bytes, memory_bytes);
#endif
  const auto seconds = static_cast<rlim_t>(cpu.count());
  limit(RLIMIT_CPU, seconds, seconds + 1);
}

std::string lock_system_calls() {
#ifdef BERTH_SANITIZED
  return "off: a sanitizer build";
#else
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return std::string("off: no_new_privs: ") + std::strerror(errno);
  Filter filter;
  for (const char* name : kRefused) filter.refuse(name, EPERM);
  for (const char* name : {"openat2", "clone3"}) filter.refuse(name, ENOSYS);
  const scmp_arg_cmp makes_process{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0};
  filter.refuse("clone", EPERM, &makes_process);
  for (const int command : kFileCommands) filter.refuse_command("fcntl", 1, command);
  for (const unsigned long command : kDeviceCommands) filter.refuse_command("ioctl", 1, command);
  for (const int command : kProcessCommands) filter.refuse_command("prctl", 0, command);
  for (const char* name : kOnlyForItself) filter.refuse_unless(name, 0, 0);
  filter.refuse_unless("setpriority", 0, PRIO_PROCESS);
  filter.refuse_unless("setpriority", 1, 0);
  filter.refuse_unless("tgkill", 0, static_cast<scmp_datum_t>(getpid()));
  filter.refuse_unless("prlimit64", 2, 0);  // reading a limit is fine, setting one is not
  filter.load();
  if (!filter.ok()) return std::string("off: ") + std::strerror(filter.failure());
  return "on";
#endif
}

}  // namespace berth::plugins
