// B6: everything a plugin can do to its worker is one failed call with a reason of its own, told within the limits of time
// and memory that the host has; the host goes on, and nothing of the worker is left.
#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <future>

#include "fixture.hpp"
#include "host/plugins/worker_memory.hpp"

using namespace runner_tests;
using namespace std::chrono_literals;

namespace {

/// A sanitizer takes some of it to start.
constexpr std::chrono::seconds kCpu{kSanitized ? 4 : 1};

bool skipped_because_sanitized() {
  if (kSanitized) MESSAGE("skipped: sanitizers need what the lock and the memory limit forbid");
  return kSanitized;
}

/// How an act of the probe ends, after which the host must have a working worker again.
struct Ending {
  std::string reason, message;
  Crash crash;
};

Ending ending_of(const std::string& act, const WorkerOptions& options = Worker::options(), std::chrono::seconds cpu = 60s,
                 std::chrono::milliseconds slice = 60s) {
  auto runner = make_worker_runner(options);
  Manifest manifest = manifest_of("probe");
  manifest.limits.cpu = cpu;
  RecordingServices services;
  auto opened = runner->open({&manifest, manifest.sha256, "{}"}, services, {});
  REQUIRE_MESSAGE(opened.ok(), opened.error().message);
  const Status status = (*opened)->run_phase({"acts", act, "", SystemClock().now() + slice}, {});
  Ending ending{reason_of(status), status.ok() ? services.report() : status.error().message, {}};
  if ((*opened)->crash() != nullptr) ending.crash = *(*opened)->crash();
  return ending;
}

/// A worker that does not keep to the protocol.
WorkerOptions hostile_worker(const std::string& how) {
  WorkerOptions options = Worker::options();
  options.executable = BERTH_HOSTILE_WORKER;
  options.arguments = {how};
  options.stall_after = std::max<std::chrono::milliseconds>(1s, kShortSilence);
  return options;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

long resident_kib() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_maxrss;
}

}  // namespace

TEST_CASE("B6: a plugin that leaks is out of memory, whichever way it dies of it, and the message has use and limit") {
  if (skipped_because_sanitized()) return;
  const Ending thrown = ending_of("leak_and_throw");
  CHECK(thrown.reason == "sdk.out_of_memory");
  CHECK(thrown.message.find(" of 256 MiB of memory were in use when more was refused") != std::string::npos);
  for (const auto& [act, number] : {std::pair{"leak_in_a_thread", SIGABRT}, {"leak_and_write_to_null", SIGSEGV}}) {
    CAPTURE(std::string(act));
    const Ending ending = ending_of(act);
    CHECK(ending.reason == "plugin.out_of_memory");
    CHECK(ending.crash.signal == number);
    CHECK(ending.message.find(" of 256 MiB of memory in use") != std::string::npos);
    CHECK(ending.crash.memory_limit == 256u << 20u);
    CHECK(ending.crash.memory > 230u << 20u);
  }
}

TEST_CASE("a crash with plenty of memory left is no lack of memory") {
  if (skipped_because_sanitized()) return;
  const Ending ending = ending_of("null_write");
  CHECK(ending.reason == "plugin.crashed");
  CHECK(ending.crash.memory > 0);
  CHECK(ending.crash.memory < 230u << 20u);
}

TEST_CASE("the note of a worker about its memory is read back, and anything else is none") {
  const auto note = find_memory_note("noise\nberth worker: memory in use 4096 of 8192 bytes, more had been refused\nmore noise");
  REQUIRE(note.has_value());
  CHECK(note->in_use == 4096);
  CHECK(note->limit == 8192);
  CHECK(note->was_refused);
  CHECK_FALSE(find_memory_note("berth worker: memory in use 1 of 2 bytes")->was_refused);
  for (const char* text : {"", "berth worker: memory in use ", "berth worker: memory in use x of 2 bytes", "berth worker: memory in use 1 off 2 bytes"})
    CHECK_FALSE(find_memory_note(text).has_value());
}

TEST_CASE("B6: a plugin that computes without end is ended by its limit of processor time, also when it talks or ignores the signal") {
  const Ending talking = ending_of("compute_and_talk", Worker::options(), kCpu);
  CHECK(talking.reason == "plugin.cpu_limit");
  CHECK(talking.message.find(" s of processor time and was ended, its limit (limits.cpu of plugin.yaml)") != std::string::npos);
  CHECK(talking.crash.cpu_ms >= 900);
  // On a busy machine its seconds of processor time take many of the clock, in which it says nothing.
  WorkerOptions patient = Worker::options();
  patient.stall_after = 100s;
  const Ending ignoring = ending_of("compute_and_ignore_the_signal", patient, kCpu);
  CHECK(ignoring.reason == "plugin.cpu_limit");
  CHECK(ignoring.crash.signal == SIGKILL);
}

TEST_CASE("B6: each flood is ended as one, and the host does not grow with it") {
  const long before = resident_kib();
  const std::pair<const char*, const char*> floods[] = {
      {"flood_emit", "sdk.checkpoint_overdue"}, {"flood_details", "sdk.checkpoint_overdue"}, {"flood_files", "sdk.checkpoint_overdue"},
      {"flood_log", "without once asking for an answer"}, {"flood_progress", "without once asking for an answer"},
      {"flood_stderr", "to standard error"}, {"flood_stdout", "to standard error"}};
  for (const auto& [act, says] : floods) {
    CAPTURE(std::string(act));
    const Ending ending = ending_of(act);
    CHECK(ending.reason == "plugin.flood");
    CHECK_MESSAGE(ending.message.find(says) != std::string::npos, ending.message);
  }
  if (!kSanitized) CHECK(resident_kib() - before < 64 * 1024);
}

TEST_CASE("files need checkpoints between them too") {
  CHECK(ending_of("files_without_checkpoint").reason == "sdk.checkpoint_overdue");
}

TEST_CASE("B6: a process that the system ended is told as that, also where the host had asked it to go meanwhile") {
  const Ending limited = ending_of("nothing", hostile_worker("closes_and_ends_by_the_limit"));
  CHECK_MESSAGE(limited.reason == "plugin.cpu_limit", limited.message);
}

TEST_CASE("B6: every other way in which a plugin ends its process is a crash with what is known of it") {
  if (skipped_because_sanitized()) return;
  const Ending left = ending_of("exit_with_handlers");
  CHECK(left.reason == "plugin.crashed");
  CHECK(left.message.find("exited with 0") != std::string::npos);
  CHECK(left.crash.signal == 0);
  CHECK(ending_of("terminate").crash.signal == SIGABRT);
  const Ending deep = ending_of("overflow_the_stack");
  CHECK(deep.reason == "plugin.crashed");
  CHECK(deep.crash.signal == SIGSEGV);
  const Ending killed = ending_of("kill_itself");
  CHECK(killed.reason == "plugin.crashed");
  CHECK(killed.message.find("which the host did not send") != std::string::npos);
  CHECK(ending_of("close_the_pipe").reason == "plugin.crashed");
  const Ending closed = ending_of("nothing", hostile_worker("closes_and_goes_on"));
  CHECK(closed.reason == "plugin.crashed");
  CHECK(closed.message.find("closed its pipe to the host") != std::string::npos);
}

TEST_CASE("a plugin that stops its own process is a hang") {
  WorkerOptions options = Worker::options();
  options.stall_after = kShortSilence;
  const Ending stopped = ending_of("stop_itself", options);
  CHECK(stopped.reason == "plugin.hang");
  CHECK(stopped.crash.signal == SIGKILL);
}

TEST_CASE("B6: a library that crashes or hangs while it is loaded, before any of its functions, is told apart and leaves a crash") {
  WorkerOptions options = Worker::options();
  options.stall_after = kShortSilence;
  const auto runner = make_worker_runner(options);
  for (const auto& [plugin, reason] : {std::pair{"static_crash", "plugin.crashed"}, {"static_hang", "plugin.hang"}}) {
    CAPTURE(std::string(plugin));
    const Manifest manifest = manifest_of(plugin);
    std::optional<Crash> crash;
    RecordingServices services;
    const auto opened = runner->open({.manifest = &manifest, .pin_sha256 = manifest.sha256, .config_json = "{}", .crash = &crash}, services, {});
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().reason == reason);
    REQUIRE(crash.has_value());
    CHECK(crash->signal == (std::string_view(plugin) == "static_crash" ? SIGABRT : SIGTERM));
    std::optional<Crash> described;
    CHECK(runner->descriptor({.manifest = &manifest, .pin_sha256 = manifest.sha256, .config_json = {}, .crash = &described}).error().reason == reason);
    CHECK(described.has_value());
    if (std::string_view(plugin) == "static_crash") CHECK(crash->stderr_tail.find("last words of a static constructor") != std::string::npos);
  }
}

TEST_CASE("B6: create that crashes or hangs is one failed call") {
  WorkerOptions options = Worker::options();
  options.stall_after = kShortSilence;
  const auto runner = make_worker_runner(options);
  const Manifest manifest = manifest_of("probe");
  CHECK(refusal(*runner, manifest, manifest.sha256, "crash_in_create").reason == "plugin.crashed");
  CHECK(refusal(*runner, manifest, manifest.sha256, "hang_in_create").reason == "plugin.hang");
}

TEST_CASE_TEMPLATE("what is no exception may be thrown from every function of a plugin", Runner, InProcess, Worker) {
  const auto checking = open<Runner>("probe", "throw_in_check");
  CHECK(reason_of(checking.plugin->check({})) == "sdk.unknown_exception");
  const auto listing = open<Runner>("probe", "throw_in_organizations");
  CHECK(listing.plugin->organizations({}).error().reason == "sdk.unknown_exception");
  CHECK(reason_of(listing.run("nothing")) == "ok");
  auto ending = open<Runner>("probe", "throw_in_destroy");
  CHECK(reason_of(ending.run("nothing")) == "ok");
  ending.plugin.reset();
}

TEST_CASE("B6: destroy that hangs or crashes takes its grace and no more, and the run before it stands") {
  WorkerOptions options = Worker::options();
  options.close_grace = 200ms;
  for (const char* how : {"hang_in_destroy", "crash_in_destroy"}) {
    CAPTURE(std::string(how));
    auto opened = open_with(make_worker_runner(options), "probe", how);
    CHECK(reason_of(opened.run("kinds_of_records")) == "ok");
    const auto before = std::chrono::steady_clock::now();
    opened.plugin.reset();
    CHECK(std::chrono::steady_clock::now() - before < 5s);
    CHECK(opened.services->checkpoints.size() == 1);
    CHECK(opened.services->logged("destroy did not end well"));
  }
  const auto listing = open<Worker>("probe", "crash_in_organizations");
  CHECK(listing.plugin->organizations({}).error().reason == "plugin.crashed");
  CHECK(listing.plugin->crash()->phase.empty());
}

TEST_CASE("B6: a worker that breaks the protocol is ended and not believed") {
  const std::pair<const char*, const char*> cases[] = {
      {"nested_batches", "plugin.protocol"},  {"checkpoint_in_batch", "plugin.protocol"}, {"unasked_returns", "plugin.protocol"},
      {"host_call", "plugin.protocol"},         {"unknown_name", "plugin.protocol"},
      {"garbage_arguments", "plugin.protocol"}, {"trailing_arguments", "plugin.protocol"}, {"wrong_kind", "plugin.protocol"},
      {"zero_length", "plugin.protocol"},     {"length_too_large", "plugin.protocol"},    {"half_a_frame", "plugin.hang"},
      {"half_a_frame_and_end", "plugin.crashed"}, {"never_reads", "plugin.hang"}};
  for (const auto& [how, reason] : cases) {
    const std::string ended = ending_of("nothing", hostile_worker(how)).reason;
    CHECK_MESSAGE(ended == reason, how, " ended with ", ended);
  }
  // An answer that comes once more is none to the next call.
  const auto opened = open_with(make_worker_runner(hostile_worker("same_return_again")), "probe");
  CHECK(reason_of(opened.run("nothing")) == "ok");
  CHECK(reason_of(opened.run("nothing")) == "plugin.protocol");
}

TEST_CASE("a worker that asks the host without end is ended with its slice") {
  const Ending ending = ending_of("nothing", hostile_worker("crowd_of_calls"), 60s, 300ms);
  // It never reads the answers either; what is seen first decides.
  CHECK_MESSAGE((ending.reason == "plugin.deadline" || ending.reason == "plugin.hang"), ending.reason);
}

TEST_CASE("limits of a worker: no core file, few descriptors, memory and processor time of the manifest, no other process") {
  if (skipped_because_sanitized()) return;
  CHECK(ending_of("limits").message == "core 0 files 64 cpu 60 memory 256 dup limited");
  CHECK(ending_of("threads").message == "limited");
  CHECK(ending_of("fork").message == "refused " + std::to_string(EPERM));
}

TEST_CASE("B6: after fifty crashes of every kind no descriptor, no process and no zombie of them is left") {
  const auto runner = make_worker_runner(Worker::options());
  const Manifest manifest = manifest_of("probe");
  const auto crash_once = [&](const std::string& act) {
    RecordingServices services;
    auto opened = runner->open({&manifest, manifest.sha256, "{}"}, services, {});
    REQUIRE(opened.ok());
    CHECK_FALSE((*opened)->run_phase({"acts", act, "", SystemClock().now() + 60s}, {}).ok());
  };
  crash_once("abort");   // what is opened once and kept
  const std::size_t before = open_descriptors();
  const char* const acts[] = {"abort", "exit", "null_write", "garbage_on_the_pipe", "exit_with_handlers"};
  for (int i = 0; i < 50; ++i) crash_once(acts[i % 5]);
  CHECK(open_descriptors() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("B6: while one plugin hangs, another one's call in the same host goes on undisturbed") {
  WorkerOptions options = Worker::options();
  options.stall_after = std::max<std::chrono::milliseconds>(1s, kShortSilence);
  const auto hanging = open_with(make_worker_runner(options), "probe");
  auto hang = std::async(std::launch::async, [&] { return reason_of(hanging.run("loop")); });
  const auto other = open<Worker>();
  int done = 0;
  while (hang.wait_for(0ms) != std::future_status::ready) {
    REQUIRE(reason_of(other.run("batch")) == "ok");
    ++done;
  }
  CHECK(hang.get() == "plugin.hang");
  CHECK(done > 5);
}
