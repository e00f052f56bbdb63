// What the limits and the filter of a worker forbid, and what goes on working.
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <asm/sockios.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.hpp"

namespace probe {
namespace {

std::string outcome(long result) {
  return result >= 0 ? "ok" : std::to_string(errno);
}

}  // namespace

Acts system_acts() {
  return {
      {"limits",
       [](Probe& p) -> std::int32_t {
         rlimit core{}, files{}, cpu{}, memory{};
         getrlimit(RLIMIT_CORE, &core);
         getrlimit(RLIMIT_NOFILE, &files);
         getrlimit(RLIMIT_CPU, &cpu);
         getrlimit(RLIMIT_AS, &memory);
         int copies = 0;
         while (dup(STDERR_FILENO) >= 0) ++copies;
         return p.report("core " + std::to_string(core.rlim_cur) + " files " + std::to_string(files.rlim_cur) + " cpu " +
                         std::to_string(cpu.rlim_cur) + " memory " + std::to_string(memory.rlim_cur >> 20u) + " dup " +
                         (copies < 64 ? "limited" : "unlimited"));
       }},
      {"threads",
       [](Probe& p) -> std::int32_t {
         // Each takes address space for its stack, of which there is not much.
         std::atomic<bool> may_end{false};
         std::vector<std::thread> threads;
         try {
           while (threads.size() < 1'000) threads.emplace_back([&] { while (!may_end) std::this_thread::yield(); });
         } catch (const std::exception&) {
         }
         may_end = true;
         for (auto& thread : threads) thread.join();
         return p.report(threads.size() < 1'000 ? "limited" : "unlimited");
       }},
      {"fork",
       [](Probe& p) -> std::int32_t {
         const pid_t child = fork();
         if (child == 0) _exit(0);
         return p.report(child < 0 ? "refused " + std::to_string(errno) : "forked");
       }},
      {"environment", [](Probe& p) { return p.report(environ == nullptr || *environ == nullptr ? "empty" : "there"); }},
      {"signal_others",
       [](Probe& p) -> std::int32_t {
         // What is refused says 1 (EPERM); a call says EINVAL or the like only where the filter let it through.
         const pid_t host = getppid();
         std::string found;
         const auto note = [&](const char* name, long result) { found += std::string(name) + " " + outcome(result) + " "; };
         note("F_SETOWN", fcntl(STDERR_FILENO, F_SETOWN, host));
         const f_owner_ex owner{F_OWNER_PID, host};
         note("F_SETOWN_EX", fcntl(STDERR_FILENO, F_SETOWN_EX, &owner));
         note("F_SETSIG", fcntl(STDERR_FILENO, F_SETSIG, SIGKILL));
         // The kernel looks at the lower half of the command alone.
         note("wide_F_SETOWN", syscall(SYS_fcntl, STDERR_FILENO, (1L << 32) | F_SETOWN, host));
         int group = host;
         note("FIOSETOWN", ioctl(STDERR_FILENO, FIOSETOWN, &group));
         const sched_param parameter{};
         note("sched_setscheduler", sched_setscheduler(host, SCHED_OTHER, &parameter));
         note("sched_setparam", sched_setparam(host, &parameter));
         note("sched_setattr", syscall(SYS_sched_setattr, host, nullptr, 0));
         cpu_set_t processors;
         CPU_ZERO(&processors);
         CPU_SET(0, &processors);
         note("sched_setaffinity", sched_setaffinity(host, sizeof processors, &processors));
         note("setpriority", setpriority(PRIO_PROCESS, static_cast<id_t>(host), 19));
         note("setpriority_user", setpriority(PRIO_USER, 0, 0));
         note("ioprio_set", syscall(SYS_ioprio_set, 1, host, 0));
         note("migrate_pages", syscall(SYS_migrate_pages, host, 0, nullptr, nullptr));
         note("move_pages", syscall(SYS_move_pages, host, 0, nullptr, nullptr, nullptr, 0));
         rlimit limit{};
         note("prlimit", prlimit(host, RLIMIT_NOFILE, nullptr, &limit));
         note("syslog", syscall(SYS_syslog, 10, nullptr, 0));
         note("shmctl", syscall(SYS_shmctl, 0, 0, nullptr));
         note("get_robust_list", syscall(SYS_get_robust_list, host, nullptr, nullptr));
         note("mount_setattr", syscall(SYS_mount_setattr, -1, "", 0, nullptr, 0));
         note("fsconfig", syscall(SYS_fsconfig, -1, 0, nullptr, nullptr, 0));
         note("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, 0));
         note("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 1));
         return p.report(found);
       }},
      {"own_calls",
       [](Probe& p) -> std::int32_t {
         // What programs do with themselves goes on.
         std::string found = "flags " + outcome(fcntl(STDERR_FILENO, F_GETFL));
         sched_param parameter{};
         found += " param " + outcome(sched_setscheduler(0, SCHED_OTHER, &parameter));
         found += " nice " + outcome(setpriority(PRIO_PROCESS, 0, 19));
         rlimit limit{};
         found += " limit " + outcome(getrlimit(RLIMIT_NOFILE, &limit));
         int ran = 0;
         std::thread([&] {
           pthread_setname_np(pthread_self(), "probe");
           ran = 1;
         }).join();
         found += " thread " + std::to_string(ran);
         return p.report(found);
       }},
      {"other_calls",
       [](Probe& p) -> std::int32_t {
         char* const arguments[] = {nullptr};
         std::string found = "exec " + outcome(execve("/bin/true", arguments, arguments));
         found += " kill " + outcome(kill(getppid(), 0));
         found += " unlink " + outcome(unlink("/tmp/berth-probe-no-such-file"));
         found += " memfd " + outcome(memfd_create("probe", 0));
         const rlimit more{64, 64};
         found += " rlimit " + outcome(setrlimit(RLIMIT_NOFILE, &more));
         int ran = 0;
         std::thread([&] { ran = 1; }).join();
         found += " thread " + std::to_string(ran);
         return p.report(found);
       }},
  };
}

}  // namespace probe
