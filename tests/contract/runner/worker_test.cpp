// What only a worker gives: the host survives everything a plugin does, and a plugin reaches nothing but the pipe.
#include <csignal>

#include <cerrno>
#include <sstream>

#include "fixture.hpp"
#include "host/plugins/worker_process.hpp"

using namespace runner_tests;

namespace {

/// After whatever happened to one worker, the next one works.
void check_host_goes_on() {
  const auto opened = open<Worker>();
  CHECK(reason_of(opened.run("batch")) == "ok");
}

const std::string kRefused = std::to_string(EPERM);

}  // namespace

TEST_CASE("a write through a null pointer is one failed run") {
  const auto opened = open<Worker>();
  const Status status = opened.run("null_write");
  CHECK(reason_of(status) == "plugin.crashed");
  const Crash* crash = opened.plugin->crash();
  REQUIRE(crash != nullptr);
  CHECK(crash->phase == "acts");
  CHECK(crash->last_request == "GET /things/0");
  CHECK(crash->stderr_tail.find("last words") != std::string::npos);
  if (!kSanitized) {
    CHECK(crash->signal == SIGSEGV);
    CHECK(status.error().message.find("signal 11") != std::string::npos);
  }
  // What was committed stays, and the instance is of no use any more.
  CHECK(opened.services->checkpoints.size() == 1);
  CHECK(opened.services->checkpoints[0].committed == std::vector<std::string>{"kept"});
  CHECK(reason_of(opened.run("nothing")) == "plugin.crashed");
  check_host_goes_on();
}

TEST_CASE("abort is one failed run, and its signal is seen") {
  const auto opened = open<Worker>();
  CHECK(reason_of(opened.run("abort")) == "plugin.crashed");
  CHECK(opened.plugin->crash()->signal == SIGABRT);
  check_host_goes_on();
}

TEST_CASE("a plugin that ends its process is a crash with the exit code") {
  const auto opened = open<Worker>();
  CHECK(reason_of(opened.run("exit")) == "plugin.crashed");
  CHECK(opened.plugin->crash()->signal == 0);
  CHECK(opened.plugin->crash()->exit_code == 0);
}

TEST_CASE("an endless loop is ended after the end of its slice") {
  const auto opened = open<Worker>();
  const Status status = opened.run("loop", {}, "", SystemClock().now() + std::chrono::milliseconds(50));
  CHECK(reason_of(status) == "plugin.deadline");
  CHECK(opened.plugin->crash()->signal == SIGTERM);
  check_host_goes_on();
}

TEST_CASE("an endless loop that ignores SIGTERM is killed after a stop") {
  const auto opened = open<Worker>();
  std::stop_source stop;
  opened.services->stop_on_log = &stop;
  CHECK(reason_of(opened.run("loop_and_ignore_sigterm", stop.get_token())) == "plugin.hang");
  CHECK(opened.plugin->crash()->signal == SIGKILL);
}

TEST_CASE("a plugin that is silent for too long is ended") {
  WorkerOptions options = Worker::options();
  options.stall_after = kShortSilence;
  const auto opened = open_with(make_worker_runner(options), "probe");
  CHECK(reason_of(opened.run("loop")) == "plugin.hang");
}

TEST_CASE("a plugin that waits for an answer longer than it may be silent is not ended: calls wait at the quota for minutes") {
  WorkerOptions options = Worker::options();
  options.stall_after = kShortSilence;
  const auto opened = open_with(make_worker_runner(options), "probe");
  opened.services->first_answer_takes = kShortSilence * 3 / 2;
  CHECK(reason_of(opened.run("send")) == "ok");
  opened.services->first_answer_takes = kShortSilence * 3 / 2;
  CHECK(reason_of(opened.run("batch")) == "ok");
  CHECK(reason_of(opened.run("loop")) == "plugin.hang");
}

TEST_CASE("a plugin that closes or spoils the pipe is ended") {
  const auto closing = open<Worker>();
  CHECK(reason_of(closing.run("close_the_pipe")) == "plugin.crashed");
  const auto spoiling = open<Worker>();
  const std::string reason = reason_of(spoiling.run("garbage_on_the_pipe"));
  CHECK(reason == "plugin.protocol");
  check_host_goes_on();
}

TEST_CASE("the test plugins that crash and hang leave what they have committed") {
  const auto crashing = open<Worker>("crashes");
  CHECK(reason_of(crashing.run("{}")) == "plugin.crashed");
  CHECK(crashing.services->checkpoints.at(0).committed == std::vector<std::string>{"kept"});
  const auto hanging = open<Worker>("hangs");
  CHECK(reason_of(hanging.run("{}", {}, "", SystemClock().now() + std::chrono::milliseconds(50))) == "plugin.deadline");
  CHECK(hanging.services->checkpoints.size() == 1);
}

TEST_CASE("what a plugin prints goes to the log and not into the pipe") {
  const auto opened = open<Worker>();
  REQUIRE(reason_of(opened.run("noise")) == "ok");
  // Standard error comes by its own pipe: by the end of the next call it is there.
  REQUIRE(reason_of(opened.run("batch")) == "ok");
  CHECK(opened.services->logged("noise 2"));
  const auto printing = open<Worker>("prints");
  REQUIRE(reason_of(printing.run("{}")) == "ok");
  CHECK(printing.services->records.at(0).ref.remote_id == "printed");
}

TEST_CASE("a worker has an empty environment") {
  REQUIRE(setenv("BERTH_TEST_SECRET", "not for plugins", 1) == 0);
  const auto opened = open<Worker>();
  REQUIRE(reason_of(opened.run("environment")) == "ok");
  CHECK(opened.services->report() == "empty");
}

TEST_CASE("sockets, files, programs and other processes are out of a plugin's reach") {
  if (kSanitized) {
    MESSAGE("skipped: sanitizers need what the lock and the memory limit forbid");
    return;
  }
  const auto opened = open<Worker>();
  const std::string lock = opened.plugin->system_call_lock();
  REQUIRE_MESSAGE(lock == "on", lock);
  REQUIRE(reason_of(opened.run("other_calls")) == "ok");
  CHECK(opened.services->report() == "exec " + kRefused + " kill " + kRefused + " unlink " + kRefused + " memfd " +
                                         kRefused + " rlimit " + kRefused + " thread 1");
  const auto intruder = open<Worker>("intruder");
  REQUIRE(reason_of(intruder.run("{}")) == "ok");
  CHECK(intruder.services->records.at(0).json == R"({"socket":"1","read":"1","write":"1","fork":"1"})");
}

TEST_CASE("a plugin signals, slows and looks into no other process, by whatever call") {
  if (kSanitized) {
    MESSAGE("skipped: sanitizers need what the lock and the memory limit forbid");
    return;
  }
  const auto opened = open<Worker>();
  REQUIRE(opened.plugin->system_call_lock() == "on");
  REQUIRE(reason_of(opened.run("signal_others")) == "ok");
  std::istringstream found(opened.services->report());
  std::size_t calls = 0;
  for (std::string name, result; found >> name >> result; ++calls) CHECK_MESSAGE(result == kRefused, name);
  CHECK(calls == 22);
  const auto another = open<Worker>();
  REQUIRE(reason_of(another.run("own_calls")) == "ok");
  CHECK(another.services->report() == "flags ok param ok nice ok limit ok thread 1");
}

TEST_CASE("memory beyond the manifest's limit is refused to a plugin and not taken from the host") {
  if (kSanitized) {
    MESSAGE("skipped: sanitizers need what the lock and the memory limit forbid");
    return;
  }
  const auto opened = open<Worker>();
  REQUIRE(reason_of(opened.run("memory")) == "ok");
  CHECK(opened.services->report() == "limited");
}

TEST_CASE("in this process nothing is locked, and the instance says so") {
  const auto opened = open<InProcess>();
  CHECK(opened.plugin->system_call_lock() == "off: in process");
  CHECK(opened.runner->kind() == "in_process");
}

TEST_CASE("a worker program that cannot be executed is an error of the machine") {
  WorkerOptions options = Worker::options();
  options.executable = "/no/such/worker";
  const auto runner = make_worker_runner(options);
  const Manifest manifest = manifest_of("probe");
  const Error error = refusal(*runner, manifest, manifest.sha256);
  CHECK(error.reason == "plugin.worker_failed");
  CHECK(error.code == Code::kEnvironment);
}

TEST_CASE("a worker ends by itself when its host is gone") {
  auto process = WorkerProcess::start(make_launcher(), BERTH_TEST_WORKER, {});
  REQUIRE(process.ok());
  const ProcessEnd end = process.value()->finish(std::chrono::seconds(20), std::chrono::seconds(1));
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

TEST_CASE("an instance may outlive its runner") {
  auto opened = open<Worker>();
  opened.runner.reset();
  CHECK(reason_of(opened.run("batch")) == "ok");
}
