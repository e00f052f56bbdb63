// A plugin that does what the plan says: the text of the plan is the name of an act. Written against the C tables, so
// that every status can be seen. What an act found out it emits as thing `report`.
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
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

#include "berth/abi/abi.h"
#include "berth/abi/ext/connect.h"

namespace {

berth_str str(std::string_view text) {
  return {text.data(), text.size()};
}

struct Probe {
  berth_connector table{};
  const berth_host* host = nullptr;
  const berth_host_log* log = nullptr;
  const berth_host_http* http = nullptr;
  const berth_host_records* records = nullptr;
  const berth_host_control* control = nullptr;
  berth_error* error = nullptr;
  berth_str cursor{};

  std::int32_t emit(std::string_view id, std::string_view json, std::string_view entity = "thing",
                    std::uint32_t flags = 0, std::string_view part = {}) const {
    berth_record record{};
    record.ref = {str(entity), str(id), str("1")};
    record.part = str(part);
    record.json = str(json);
    record.flags = flags;
    return records->emit(host, &record, error);
  }
  std::int32_t checkpoint(std::string_view text = R"({"at":1})", std::uint32_t flags = 0) const {
    return records->checkpoint(host, str(text), flags, error);
  }
  /// The end of an act that found something out: text without quotes.
  std::int32_t report(const std::string& found) const {
    if (const auto status = emit("report", "{\"found\":\"" + found + "\"}"); status != BERTH_OK) return status;
    return checkpoint();
  }
  static berth_http_request get(std::string_view path) {
    berth_http_request request{};
    request.method = str("GET");
    request.path = str(path);
    request.kind = BERTH_CALL_DETAIL;
    return request;
  }
};

using Act = std::function<std::int32_t(Probe&)>;

struct Batch {
  Probe* probe = nullptr;
  std::string seen;
  std::size_t stop_after = 1'000;
  std::size_t count = 0;
  bool throws = false;
  bool calls_back = false;
  std::int32_t status_in_callback = -1;
};

std::int32_t on_reply(void* ctx, const berth_http_reply* reply) {
  auto& batch = *static_cast<Batch*>(ctx);
  if (batch.throws) throw 42;
  ++batch.count;
  if (batch.calls_back) {
    berth_error ignored{};
    batch.status_in_callback = batch.probe->records->checkpoint(batch.probe->host, str("{}"), 0, &ignored);
  }
  if (reply->status != BERTH_OK) {
    batch.seen += std::to_string(reply->index) + "=" + reply->error->reason + ";";
  } else {
    std::string headers;
    for (std::size_t i = 0; i < reply->response->header_count; ++i) {
      headers.append(reply->response->headers[i].name.ptr, reply->response->headers[i].name.len);
    }
    batch.seen += std::to_string(reply->index) + "=" + std::to_string(reply->response->status) + headers +
                  std::to_string(reply->response->body.len) + ";";
    batch.probe->emit("r" + std::to_string(reply->index), "{}");
  }
  return batch.count >= batch.stop_after ? 1 : 0;
}

std::int32_t run_batch(Probe& probe, std::size_t size, Batch batch) {
  batch.probe = &probe;
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < size; ++i) paths.push_back("/things/" + std::to_string(i));
  std::vector<berth_http_request> requests;
  for (const auto& path : paths) requests.push_back(Probe::get(path));
  const std::int32_t sent =
      probe.http->send_batch(probe.host, requests.data(), requests.size(), &batch, &on_reply, probe.error);
  if (batch.throws) return sent;
  berth_error first = *probe.error;
  if (size > 256) return sent;
  const std::int32_t status =
      probe.report(batch.seen + "sent " + std::to_string(sent) + " inside " + std::to_string(batch.status_in_callback));
  if (status == BERTH_OK && sent != BERTH_OK) *probe.error = first;
  return status != BERTH_OK ? status : sent;
}

/// What create() was given: some functions do wrong when it says so.
std::string misbehaviour;

int deeper(int depth) {
  volatile char room[4'096];
  room[0] = static_cast<char>(depth);
  return depth > 1'000'000'000 ? room[0] : deeper(depth + 1) + room[0];
}

[[noreturn]] void loop_for_ever() {
  for (std::atomic<unsigned long> turns{0};;) ++turns;
}

std::string outcome(long result) {
  return result >= 0 ? "ok" : std::to_string(errno);
}

const std::map<std::string, Act, std::less<>>& acts() {
  static const std::map<std::string, Act, std::less<>> all = {
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

      // records
      {"kinds_of_records",
       [](Probe& p) -> std::int32_t {
         p.emit("row", R"({"total":12.10})", "thing", BERTH_RECORD_LIST_ONLY);
         p.emit("whole", "{\"note\":\"d\xc3\xa9j\xc3\xa0 \\u0000\"}");
         p.emit("whole", "[1,2]", "thing", 0, "comments");
         p.emit("gone", "", "thing", BERTH_RECORD_DELETED);
         return p.checkpoint(R"({"page":2})", BERTH_CHECKPOINT_PASS_COMPLETE);
       }},
      {"cursor_back", [](Probe& p) { return p.report(std::string(p.cursor.ptr, p.cursor.len)); }},
      {"known",
       [](Probe& p) -> std::int32_t {
         const berth_ref refs[] = {{str("thing"), str("none"), str("1")},
                                   {str("thing"), str("row"), str("1")},
                                   {str("thing"), str("detail"), {}}};
         std::uint8_t answers[3] = {9, 9, 9};
         if (const auto status = p.records->known(p.host, refs, 3, answers, p.error); status != BERTH_OK) return status;
         return p.report(std::to_string(answers[0]) + std::to_string(answers[1]) + std::to_string(answers[2]));
       }},
      {"queue",
       [](Probe& p) -> std::int32_t {
         const berth_ref ref{str("thing"), str("7"), str("v")};
         p.records->need_detail(p.host, &ref, 9'999, p.error);
         std::string seen;
         const auto sink = [](void* ctx, const berth_wanted* wanted) {
           static_cast<std::string*>(ctx)
               ->append(wanted->ref.remote_id.ptr, wanted->ref.remote_id.len)
               .append(std::to_string(wanted->want));
         };
         if (const auto status = p.records->next_details(p.host, 5, &seen, sink, p.error); status != BERTH_OK)
           return status;
         p.records->attach(p.host, &ref, str("a.pdf"), str("application/pdf"), {"%PDF\0\xff", 6}, p.error);
         return p.report(seen);
       }},
      {"progress_and_time",
       [](Probe& p) -> std::int32_t {
         p.control->progress(p.host, 3, 10);
         return p.report(std::to_string(p.control->now_unix_ms(p.host)));
       }},
      {"many_records",
       [](Probe& p) -> std::int32_t {
         const std::string json = "{\"text\":\"" + std::string(1'500, 'x') + "\"}";
         for (int i = 0; i < 4'000; ++i) {
           if (const auto status = p.emit("m" + std::to_string(i), json); status != BERTH_OK) return status;
           if (i % 200 == 199) {
             if (const auto status = p.checkpoint(); status != BERTH_OK) return status;
           }
         }
         return BERTH_OK;
       }},

      // what is refused; each emits and then commits, so that the error of the posted call arrives
      {"record_too_large",
       [](Probe& p) -> std::int32_t {
         p.emit("big", "{\"a\":\"" + std::string(8u << 20u, 'x') + "\"}");
         return p.checkpoint();
       }},
      {"record_far_too_large",
       [](Probe& p) -> std::int32_t {
         p.emit("big", "{\"a\":\"" + std::string(20u << 20u, 'x') + "\"}");
         return p.checkpoint();
       }},
      {"record_not_json",
       [](Probe& p) {
         p.emit("x", "{\"a\":NaN}");
         return p.checkpoint();
       }},
      {"record_not_object",
       [](Probe& p) {
         p.emit("x", "[1]");
         return p.checkpoint();
       }},
      {"record_not_utf8",
       [](Probe& p) {
         p.emit("x", "{\"a\":\"\xff\xfe\"}");
         return p.checkpoint();
       }},
      {"ref_not_utf8",
       [](Probe& p) {
         p.emit("\xff", "{}");
         return p.checkpoint();
       }},
      {"ref_without_id",
       [](Probe& p) {
         p.emit("", "{}");
         return p.checkpoint();
       }},
      {"deleted_with_document",
       [](Probe& p) {
         p.emit("x", "{}", "thing", BERTH_RECORD_DELETED);
         return p.checkpoint();
       }},
      {"unknown_entity",
       [](Probe& p) {
         p.emit("x", "{}", "ghost");
         return p.checkpoint();
       }},
      {"unknown_flag", [](Probe& p) { return p.emit("x", "{}", "thing", 64u); }},
      {"null_text",
       [](Probe& p) -> std::int32_t {
         berth_record record{};
         record.json = {nullptr, 5};
         return p.records->emit(p.host, &record, p.error);
       }},
      {"refused_and_ignored",
       [](Probe& p) {
         p.emit("x", "[1]");
         return BERTH_OK;
       }},
      {"refused_then_committed",
       [](Probe& p) -> std::int32_t {
         p.emit("good", "{}");
         p.emit("x", "[1]");
         p.checkpoint();
         return p.checkpoint() == BERTH_OK ? BERTH_OK : BERTH_INTERNAL;
       }},
      {"records_overdue",
       [](Probe& p) -> std::int32_t {
         for (int i = 0; i < 1'001; ++i) p.emit(std::to_string(i), "{}");
         return p.checkpoint();
       }},
      {"bytes_overdue",
       [](Probe& p) -> std::int32_t {
         const std::string json = "{\"a\":\"" + std::string(3u << 20u, 'x') + "\"}";
         for (int i = 0; i < 3; ++i) p.emit(std::to_string(i), json);
         return p.checkpoint();
       }},
      {"thousand_records",
       [](Probe& p) -> std::int32_t {
         for (int i = 0; i < 1'000; ++i) p.emit(std::to_string(i), "{}");
         return p.checkpoint();
       }},
      {"cursor_too_large", [](Probe& p) { return p.checkpoint("\"" + std::string(64u << 10u, 'x') + "\""); }},
      {"cursor_not_json", [](Probe& p) { return p.checkpoint("page 2"); }},
      {"too_many_known",
       [](Probe& p) -> std::int32_t {
         const std::vector<berth_ref> refs(1'001, {str("thing"), str("1"), {}});
         std::vector<std::uint8_t> answers(refs.size());
         return p.records->known(p.host, refs.data(), refs.size(), answers.data(), p.error);
       }},
      {"attachment_too_large",
       [](Probe& p) -> std::int32_t {
         const berth_ref ref{str("thing"), str("7"), str("v")};
         const std::string bytes((15u << 20u) + 1, 'x');
         p.records->attach(p.host, &ref, str("a"), str("b"), str(bytes), p.error);
         return p.checkpoint();
       }},
      {"long_log",
       [](Probe& p) -> std::int32_t {
         p.log->write(p.host, BERTH_WARN, str(std::string(100'000, 'x')), str("{\"a\":1}"));
         p.log->write(p.host, 99, str("bad \xff text"), str("no json"));
         return BERTH_OK;
       }},

      {"log_flood",
       [](Probe& p) -> std::int32_t {
         for (int i = 0; i < 10'500; ++i) p.log->write(p.host, BERTH_INFO, str("flood"), {});
         return BERTH_OK;
       }},

      // http
      {"send",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/things/0");
         if (const auto status = p.http->send(p.host, &request, &batch, &on_reply, p.error); status != BERTH_OK)
           return status;
         return p.report(batch.seen);
       }},
      {"send_fails",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/fail");
         return p.http->send(p.host, &request, &batch, &on_reply, p.error);
       }},
      {"batch", [](Probe& p) { return run_batch(p, 3, {}); }},
      {"batch_of_256", [](Probe& p) { return run_batch(p, 256, {}); }},
      {"batch_of_257", [](Probe& p) { return run_batch(p, 257, {}); }},
      {"batch_stopped",
       [](Probe& p) {
         Batch b;
         b.stop_after = 2;
         return run_batch(p, 100, b);
       }},
      {"batch_throws",
       [](Probe& p) {
         Batch b;
         b.throws = true;
         return run_batch(p, 3, b);
       }},
      {"batch_calls_back",
       [](Probe& p) {
         Batch b;
         b.calls_back = true;
         return run_batch(p, 1, b);
       }},
      {"large_body",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/large");
         if (const auto status = p.http->send(p.host, &request, &batch, &on_reply, p.error); status != BERTH_OK)
           return status;
         return p.report(batch.seen);
       }},
      {"wrong_thread",
       [](Probe& p) -> std::int32_t {
         std::int32_t status = -1;
         berth_error error{};
         std::thread([&] { status = p.records->checkpoint(p.host, str("{}"), 0, &error); }).join();
         std::thread([&] { p.log->write(p.host, BERTH_INFO, str("from a thread"), {}); }).join();
         return p.report(std::to_string(status) + error.reason);
       }},
      {"until_stopped",
       [](Probe& p) -> std::int32_t {
         p.log->write(p.host, BERTH_INFO, str("started"), {});
         while (p.control->should_stop(p.host) == 0) {
         }
         p.emit("last", "{}");
         if (const auto status = p.checkpoint(); status != BERTH_OK) return status;
         std::snprintf(p.error->reason, sizeof p.error->reason, "probe.stopped");
         return BERTH_CANCELLED;
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
  return all;
}

Probe& probe_of(berth_connector* connector) {
  return *static_cast<Probe*>(connector->self);
}

std::int32_t check(berth_connector* connector, berth_error* error) {
  if (misbehaviour == "throw_in_check") throw 42;
  Probe& probe = probe_of(connector);
  probe.error = error;
  Batch batch;
  batch.probe = &probe;
  const auto request = Probe::get("/check");
  return probe.http->send(
      probe.host, &request, &batch, [](void*, const berth_http_reply*) -> std::int32_t { return 0; }, error);
}

std::int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  Probe& probe = probe_of(connector);
  probe.error = error;
  probe.cursor = run->cursor_json;
  const auto act = acts().find(std::string_view(run->plan_json.ptr, run->plan_json.len));
  if (act == acts().end()) return BERTH_UNSUPPORTED;
  return act->second(probe);
}

std::int32_t organizations(berth_connector*, void* sink_ctx, void (*sink)(void*, const berth_organization*),
                           berth_error*) {
  if (misbehaviour == "throw_in_organizations") throw 42;
  if (misbehaviour == "crash_in_organizations") std::abort();
  const berth_organization one{str("10"), str("Acme"), str(R"({"currency":"USD"})")};
  const berth_organization two{str("20"), str("Bm\xc3\xbcller"), str("{}")};
  sink(sink_ctx, &one);
  sink(sink_ctx, &two);
  return BERTH_OK;
}

const void* extension(berth_connector* connector, berth_str id) {
  static const berth_plugin_connect connect{&organizations};
  const bool has_none = probe_of(connector).cursor.len == 4;  // after a phase with a cursor of four bytes
  if (!has_none && std::string_view(id.ptr, id.len) == BERTH_PLUGIN_CONNECT) return &connect;
  return nullptr;
}

void destroy(berth_connector* connector) {
  if (misbehaviour == "crash_in_destroy") std::abort();
  if (misbehaviour == "hang_in_destroy") loop_for_ever();
  Probe* probe = &probe_of(connector);
  if (misbehaviour != "throw_in_destroy") probe->log->write(probe->host, BERTH_INFO, str("destroyed"), {});
  delete probe;
  if (misbehaviour == "throw_in_destroy") throw 42;   // what it threw away is no leak of the host's
}

template <class Table>
const Table* service(const berth_host* host, std::string_view id) {
  return static_cast<const Table*>(host->extension(host, str(id)));
}

berth_connector* create(const berth_host* host, berth_str config_json, berth_error* error) {
  const std::string_view config(config_json.ptr, config_json.len);
  if (config == "throw") throw 42;
  if (config == "crash_in_create") std::abort();
  if (config == "hang_in_create") loop_for_ever();
  misbehaviour = config;
  if (config == "refuse") {
    std::snprintf(error->reason, sizeof error->reason, "probe.config");
    std::snprintf(error->message, sizeof error->message, "key `colour` is missing");
    return nullptr;
  }
  if (host->extension(host, str("com.example.unknown/1")) != nullptr) return nullptr;
  auto* probe = new Probe;
  probe->host = host;
  probe->log = service<berth_host_log>(host, BERTH_HOST_LOG);
  probe->http = service<berth_host_http>(host, BERTH_HOST_HTTP);
  probe->records = service<berth_host_records>(host, BERTH_HOST_RECORDS);
  probe->control = service<berth_host_control>(host, BERTH_HOST_CONTROL);
  probe->table = {probe, &check, &run_phase, &extension, &destroy};
  return &probe->table;
}

berth_str descriptor() {
  return str(
      R"({"id":"probe","name":"Probe","version":"1.2.3","phases":[{"id":"acts","entity":"thing"}],)"
      R"("entities":[{"id":"thing","version":"counter"}],"cost_classes":[{"id":"acts.detail","default":"40%"}],"oauth":{"pkce":false}})");
}

const berth_identity identity{sizeof(berth_identity), BERTH_ABI_MAJOR, BERTH_ABI_MINOR, 0, {"probe", 5}, {"1.2.3", 5}};
const berth_plugin table{&identity, &descriptor, &create};

}  // namespace

extern "C" const berth_plugin* berth_plugin_entry(const berth_identity*, berth_error*) {
  return &table;
}
