// Bad ends: errors and exceptions, crashes, hangs, leaks and floods. Most of them only a worker survives.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.hpp"

namespace probe {
namespace {

int deeper(int depth) {
  volatile char room[4'096];
  room[0] = static_cast<char>(depth);
  return depth > 1'000'000'000 ? room[0] : deeper(depth + 1) + room[0];
}

}  // namespace

Acts ending_acts() {
  return {
      {"nothing", [](Probe&) { return BERTH_OK; }},
      {"throw_42", [](Probe&) -> std::int32_t { throw 42; }},
      {"throw_runtime_error", [](Probe&) -> std::int32_t { throw std::runtime_error("a plain failure"); }},
      {"unknown_status", [](Probe&) { return 77; }},
      {"status_without_text", [](Probe&) -> std::int32_t { return BERTH_BAD_RESPONSE; }},
      {"bad_text",
       [](Probe& p) -> std::int32_t {
         std::memset(p.error->reason, 'X', sizeof p.error->reason);
         std::memset(p.error->message, 0xff, sizeof p.error->message);
         return BERTH_BAD_RESPONSE;
       }},

      // what only a worker survives
      {"null_write",
       [](Probe& p) -> std::int32_t {
         p.emit("kept", "{}");
         p.checkpoint();
         p.emit("lost", "{}");
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/things/0");
         p.http->send(p.host, &request, &batch, &on_reply, p.error);
         std::fprintf(stderr, "last words\n");
         volatile int* volatile nothing = nullptr;
         *nothing = 1;
         return BERTH_OK;
       }},
      {"abort", [](Probe&) -> std::int32_t { std::abort(); }},
      {"exit", [](Probe&) -> std::int32_t { std::_Exit(0); }},
      {"loop",
       [](Probe& p) -> std::int32_t {
         p.log->write(p.host, BERTH_INFO, str("started"), {});
         loop_for_ever();
       }},
      {"loop_and_ignore_sigterm",
       [](Probe& p) -> std::int32_t {
         signal(SIGTERM, SIG_IGN);
         p.log->write(p.host, BERTH_INFO, str("started"), {});
         loop_for_ever();
       }},
      {"close_the_pipe",
       [](Probe&) -> std::int32_t {
         for (int descriptor = 3; descriptor < 64; ++descriptor) close(descriptor);
         loop_for_ever();
       }},
      {"garbage_on_the_pipe",
       [](Probe&) -> std::int32_t {
         for (int descriptor = 3; descriptor < 64; ++descriptor) {
           if (write(descriptor, "\x01\x00\x00\x00garbage", 11) < 0) continue;
         }
         loop_for_ever();
       }},
      {"noise",
       [](Probe& p) -> std::int32_t {
         for (int i = 0; i < 3; ++i) std::fprintf(stderr, "noise %d\n", i);
         std::printf("on standard output\n");
         std::fflush(stdout);
         return p.report("done");
       }},
      {"memory",
       [](Probe& p) -> std::int32_t {
         std::vector<std::string> eaten;
         try {
           for (int i = 0; i < 64; ++i) eaten.emplace_back(64u << 20u, 'x');
         } catch (const std::bad_alloc&) {
           const std::size_t count = eaten.size();
           eaten.clear();
           return p.report(count < 8 ? "limited" : "late");
         }
         return p.report("unlimited");
       }},
      // leaks: each way in which a process without memory ends
      {"leak_and_throw",
       [](Probe&) -> std::int32_t {
         for (std::size_t eaten = 0;; eaten += 1u << 20u) std::memset(new char[1u << 20u], 'x', 1u << 20u);
       }},
      {"leak_in_a_thread",
       [](Probe&) -> std::int32_t {
         std::thread([] {
           for (std::size_t eaten = 0;; eaten += 1u << 20u) std::memset(new char[1u << 20u], 'x', 1u << 20u);
         }).join();
         return BERTH_OK;
       }},
      {"leak_and_write_to_null",
       [](Probe&) -> std::int32_t {
         for (;;) {
           auto* volatile eaten = static_cast<volatile char*>(std::malloc(1u << 20u));
           for (std::size_t i = 0; i < (1u << 20u); i += 4'096) eaten[i] = 1;
         }
       }},
      // floods
      {"flood_emit", [](Probe& p) -> std::int32_t { for (;;) p.emit("again", "{}"); }},
      {"flood_details",
       [](Probe& p) -> std::int32_t {
         const berth_ref ref{str("thing"), str("7"), str("v")};
         for (;;) p.records->need_detail(p.host, &ref, 1, p.error);
       }},
      {"flood_log", [](Probe& p) -> std::int32_t { for (;;) p.log->write(p.host, BERTH_INFO, str("flood"), {}); }},
      {"flood_progress", [](Probe& p) -> std::int32_t { for (;;) p.control->progress(p.host, 1, 2); }},
      {"flood_files",
       [](Probe& p) -> std::int32_t {
         const berth_ref ref{str("thing"), str("7"), str("v")};
         for (;;) p.records->attach(p.host, &ref, str("a.txt"), str("text/plain"), str("x"), p.error);
       }},
      {"flood_stderr",
       [](Probe&) -> std::int32_t {
         const std::string line(1'000, 'e');
         for (;;) std::fprintf(stderr, "%s\n", line.c_str());
       }},
      {"flood_stdout",
       [](Probe&) -> std::int32_t {
         const std::string line(100'000, 'o');
         for (;;) std::fputs(line.c_str(), stdout);
       }},
      {"files_without_checkpoint",
       [](Probe& p) -> std::int32_t {
         const berth_ref ref{str("thing"), str("7"), str("v")};
         for (int i = 0; i < 1'001; ++i) p.records->attach(p.host, &ref, str("a.txt"), str("text/plain"), str("x"), p.error);
         return p.checkpoint();
       }},
      // processor time
      {"compute_and_talk",
       [](Probe& p) -> std::int32_t {
         for (std::atomic<unsigned long> turns{0};;) {
           if (++turns % 1'000'000 == 0) p.control->progress(p.host, 1, 2), p.control->now_unix_ms(p.host);
         }
       }},
      {"compute_and_ignore_the_signal",
       [](Probe&) -> std::int32_t {
         signal(SIGXCPU, SIG_IGN);
         loop_for_ever();
       }},
      // ends
      {"stop_itself",
       [](Probe& p) -> std::int32_t {
         raise(SIGSTOP);
         return p.report("went on");
       }},
      {"exit_with_handlers", [](Probe&) -> std::int32_t { std::exit(0); }},
      {"terminate", [](Probe&) -> std::int32_t { std::terminate(); }},
      {"overflow_the_stack", [](Probe&) -> std::int32_t { return deeper(1); }},
      {"kill_itself", [](Probe&) -> std::int32_t {
         syscall(SYS_tgkill, getpid(), getpid(), SIGKILL);
         loop_for_ever();
       }},
  };
}

}  // namespace probe
