// B6: what follows a run whose plugin crashed: waits that grow and outlast a restart of the host, and the pause after five.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "host/runs/retry.hpp"
#include "host/schedule/scheduler.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/runs.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

/// How the plugin is to end, whatever it would do.
struct Mood {
  std::optional<Error> on_phase, on_load;
  std::stop_source* stops = nullptr;   // asked to stop before the phase ends like that
};

plugins::Crash made_up_crash(std::string phase) {
  return {.signal = 11, .exit_code = 0, .phase = std::move(phase), .last_request = "GET /invoices/46", .stderr_tail = "last words", .cpu_ms = 12};
}

class MoodyInstance final : public plugins::PluginInstance {
 public:
  MoodyInstance(std::unique_ptr<plugins::PluginInstance> real, const Mood& mood) : real_(std::move(real)), mood_(mood) {}
  Status check(std::stop_token stop) override { return real_->check(std::move(stop)); }
  Status run_phase(const plugins::PhaseRun& run, std::stop_token stop) override {
    if (!mood_.on_phase) return real_->run_phase(run, std::move(stop));
    if (mood_.stops != nullptr) mood_.stops->request_stop();
    crash_ = made_up_crash(run.phase);
    return *mood_.on_phase;
  }
  Result<std::vector<plugins::Organization>> organizations(std::stop_token stop) override { return real_->organizations(std::move(stop)); }
  [[nodiscard]] const plugins::Crash* crash() const override { return crash_ ? &*crash_ : nullptr; }

 private:
  std::unique_ptr<plugins::PluginInstance> real_;
  const Mood& mood_;
  std::optional<plugins::Crash> crash_;
};

class MoodyRunner final : public plugins::PluginRunner {
 public:
  Result<std::unique_ptr<plugins::PluginInstance>> open(const plugins::OpenRequest& request, plugins::Services& services, std::stop_token stop) override {
    auto opened = BERTH_TRY(real_->open(request, services, std::move(stop)));
    return std::unique_ptr<plugins::PluginInstance>(std::make_unique<MoodyInstance>(std::move(opened), mood));
  }
  Result<plugins::Descriptor> descriptor(const plugins::OpenRequest& request) override {
    if (!mood.on_load) return real_->descriptor(request);
    if (request.crash != nullptr) *request.crash = made_up_crash("");
    return *mood.on_load;
  }
  [[nodiscard]] std::string_view kind() const override { return "in_process"; }
  Mood mood;

 private:
  std::unique_ptr<plugins::PluginRunner> real_ = plugins::make_in_process_runner();
};

Error crashed(std::string reason = "plugin.crashed") {
  return make_error(Code::kInternal, std::move(reason), "the worker of plugin zoho_books was ended by signal 11 (Segmentation fault)");
}

struct Host : World {
  Host() : World({.contacts = 4, .items = 3, .invoices = 5, .payments = 2, .credit_notes = 1}) {
    auto moody = std::make_unique<MoodyRunner>();
    mood = &moody->mood;
    runner = std::move(moody);
    start_again();
    connect();
    sync(scheduler->due(clock.now()).value().front().request);
    later(72h);
  }
  ~Host() { scheduler.reset(); }
  /// As after a restart of the host: nothing in memory is left.
  void start_again(schedule::Options options = {.look_every = 5ms}) {
    scheduler.reset();
    restart();
    scheduler = std::make_unique<schedule::Scheduler>(
        schedule::Scheduler::Dependencies{.database = *database, .registry = *registry, .engine = *engine, .clock = clock, .log = log}, options);
  }
  std::vector<schedule::DueRun> due() { return scheduler->due(clock.now()).value(); }
  void settle() {
    scheduler->wake();
    for (int i = 0; i < 4000; ++i) {
      // A run that begins between two looks is not due any more, and one that ends may leave something due: twice.
      if (due().empty() && scheduler->running().empty() && due().empty() && scheduler->running().empty()) return;
      std::this_thread::sleep_for(5ms);
    }
    FAIL("the scheduler does not come to rest");
  }
  /// The report of the newest run, as REST and `berth run show` have it.
  json::Value newest() {
    json::Value view;
    REQUIRE(database->read([&](storage::Connection& connection) -> Status {
      view = admin::run_view(BERTH_TRY(storage::runs::list(connection, kIntegration, {.after = {}, .limit = 1})).items.front());
      return success();
    }).ok());
    return view;
  }
  void ask() {
    REQUIRE(database->write("test.write", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(storage::commands::push(connection, kIntegration, "sync", R"({"trigger":"api"})", clock.now()));
      return success();
    }).ok());
  }
  void set_desired(std::string_view desired) { REQUIRE(admin::set_desired(*database, kIntegration, desired, clock.now()).ok()); }

  Mood* mood = nullptr;
  std::unique_ptr<schedule::Scheduler> scheduler;
};

constexpr std::array<std::chrono::milliseconds, 4> kWaits{30s, 2min, 10min, 1h};

}  // namespace

TEST_CASE("B6: a crashed run is tried again after 30 s, 2 min, 10 min and an hour, also by a host that was started anew meanwhile") {
  Host host;
  host.mood->on_phase = crashed();
  for (const auto wait : kWaits) {
    CAPTURE(wait.count());
    REQUIRE(host.due().size() == 1);
    const runs::RunReport report = host.sync(host.due().front().request);
    CHECK(report.outcome == runs::RunOutcome::kCrashed);
    const storage::Integration row = host.integration();
    CHECK(row.reason == "plugin.crashed");
    CHECK(row.next_attempt == report.next_attempt);
    CHECK(row.next_attempt >= report.ended + wait);
    CHECK(row.next_attempt <= report.ended + wait + wait / 5);
    host.start_again();
    host.unit();
    host.clock.set(row.next_attempt - 1s);
    CHECK(host.due().empty());
    host.clock.set(row.next_attempt);
    CHECK(host.due().size() == 1);
  }
}

TEST_CASE("B6: five crashes within a day pause the integration with reason, story and way on, until a person resumes it") {
  Host host;
  host.mood->on_phase = crashed();
  for (int i = 0; i < 5; ++i) {
    CHECK(host.integration().desired == "enabled");
    host.sync();
    host.later(2h);
  }
  const storage::Integration row = host.integration();
  CHECK(row.desired == "paused");
  CHECK(row.reason == "plugin.crash_loop");
  CHECK(row.who_acts == "operator");
  CHECK(row.next_attempt.unix_ms == 0);
  for (const char* said : {"berth resume zoho_acme", "crashed 5 times within 24 h", "plugin.crashed: the worker of plugin zoho_books was ended by signal 11"})
    CHECK_MESSAGE(row.message.find(said) != std::string::npos, row.message);
  CHECK(host.newest().find("report")->text_of("paused") == "plugin.crash_loop");
  // Neither by itself nor when asked.
  host.later(24h * 30);
  host.ask();
  CHECK(host.due().empty());
  const auto refused = host.try_sync();
  REQUIRE(!refused.ok());
  CHECK(refused.error().reason == "plugin.crash_loop");
  CHECK(refused.error().code == Code::kConflict);
  CHECK(refused.error().message == row.message);
  CHECK(host.number("SELECT COUNT(*) FROM run WHERE outcome = 'crashed'") == 5);
  // Resumed, the count begins anew.
  host.set_desired("enabled");
  CHECK(host.integration().reason.empty());
  CHECK(host.due().size() == 1);
  for (const auto wait : kWaits) {
    host.later(1s);   // runs of one moment have no order
    const runs::RunReport again = host.sync();
    CHECK(again.next_attempt >= again.ended + wait);
    CHECK(again.next_attempt <= again.ended + wait + wait / 5);
  }
  CHECK(host.integration().desired == "enabled");
  host.mood->on_phase.reset();
  CHECK(host.sync().outcome != runs::RunOutcome::kCrashed);
  CHECK(host.integration().reason == "berth.setup_incomplete");
  CHECK(host.integration().next_attempt.unix_ms == 0);
}

TEST_CASE("crashes that lie more than a day apart, and those before a success, do not add up") {
  Host host;
  for (int day = 0; day < 4; ++day) {
    host.mood->on_phase = crashed();
    host.sync();
    host.later(1s);
    const runs::RunReport second = host.sync();
    // The second one in a row.
    CHECK(second.next_attempt >= second.ended + kWaits[1]);
    CHECK(second.next_attempt <= second.ended + kWaits[1] * 2);
    host.mood->on_phase.reset();
    host.later(1s);
    host.sync();
    host.later(13h);
  }
  CHECK(host.integration().desired == "enabled");
  CHECK(host.number("SELECT COUNT(*) FROM run WHERE outcome = 'crashed'") == 8);
}

TEST_CASE("a wait after a crash does not keep a person waiting") {
  Host host;
  host.mood->on_phase = crashed();
  host.sync();
  CHECK(host.due().empty());
  host.later(1s);
  host.ask();
  REQUIRE(host.due().size() == 1);
  CHECK(host.due().front().request.trigger == "api");
}

TEST_CASE("a plugin that had to be ended after a person's stop, and a host that died, are no crashes of the plugin") {
  Host host;
  for (int i = 0; i < 6; ++i) {
    std::stop_source stop;
    host.mood->on_phase = crashed("plugin.hang");
    host.mood->stops = &stop;
    const runs::RunReport stopped = host.sync({}, stop.get_token());
    CHECK(stopped.outcome == runs::RunOutcome::kCancelled);
    CHECK(stopped.crash.has_value());
    host.mood->stops = nullptr;
    host.mood->on_phase.reset();
    host.database->die_after(2);
    CHECK(!host.try_sync().ok());
    host.database->revive();
    host.later(runs::kLeaseTtl + 1s);
    host.start_again();
    host.unit();
  }
  // No success lies between them and the first crash.
  host.mood->on_phase = crashed();
  const runs::RunReport first = host.sync();
  CHECK(host.number("SELECT COUNT(*) FROM run WHERE reason = 'berth.run_abandoned'") == 6);
  CHECK(host.integration().desired == "enabled");
  CHECK(first.next_attempt <= first.ended + 36s);
}

TEST_CASE("B6: every way in which a plugin ends its worker counts, a plain failure does not") {
  for (const char* reason : {"plugin.crashed", "plugin.out_of_memory", "plugin.cpu_limit", "plugin.hang", "plugin.deadline", "plugin.flood",
                             "plugin.protocol", "sdk.out_of_memory"}) {
    CHECK(runs::is_plugin_crash(reason));
  }
  for (const char* reason : {"plugin.untrusted", "plugin.worker_failed", "berth.run_abandoned", "sdk.exception", ""}) CHECK_FALSE(runs::is_plugin_crash(reason));
  Host host;
  host.mood->on_phase = make_error(Code::kInternal, "sdk.exception", "a failure");
  for (int i = 0; i < 7; ++i) CHECK(host.sync().outcome == runs::RunOutcome::kFailed);
  CHECK(host.integration().desired == "enabled");
}

TEST_CASE("B6: a failed run's wait outlasts a restart of the host, and doubles up to an hour") {
  Host host;
  host.mood->on_phase = make_error(Code::kInternal, "sdk.exception", "a failure");
  std::chrono::milliseconds wanted = 1min;
  for (int i = 0; i < 8; ++i) {
    const runs::RunReport report = host.sync();
    CHECK(report.next_attempt >= report.ended + wanted);
    CHECK(report.next_attempt <= report.ended + wanted + wanted / 5);
    host.start_again();
    host.unit();
    CHECK(host.due().empty());
    host.clock.set(report.next_attempt);
    CHECK(host.due().size() == 1);
    wanted = std::min<std::chrono::milliseconds>(wanted * 2, 1h);
  }
}

TEST_CASE("B6: the report of a crashed run has signal, phase, last request and the end of standard error") {
  Host host;
  host.mood->on_phase = crashed();
  host.sync();
  const json::Value run = host.newest();
  const json::Value* crash = run.find("report")->find("crash");
  REQUIRE(crash != nullptr);
  CHECK(crash->find("signal")->integer() == 11);
  CHECK(crash->text_of("signal_name") == "Segmentation fault");
  CHECK(crash->text_of("phase") == "invoices");
  CHECK(crash->text_of("last_request") == "GET /invoices/46");
  CHECK(crash->text_of("stderr_tail") == "last words");
  CHECK(runs::crash_text(*crash) == "signal 11 (Segmentation fault) in phase invoices, last request GET /invoices/46, 12 ms of processor time");
  CHECK(run.find("report")->text_of("system_call_filter") == "off: in process");
}

TEST_CASE("B6: a plugin that crashes while it is loaded is a crashed run too, and pauses only its own integration") {
  Host host;
  host.mood->on_load = crashed();
  host.start_again();   // nothing is put together yet
  host.scheduler->start();
  for (int i = 0; i < 5; ++i) {
    host.settle();
    CHECK(host.number("SELECT COUNT(*) FROM run WHERE outcome = 'crashed' AND reason = 'plugin.crashed'") == i + 1);
    host.later(2h);
  }
  CHECK(host.newest().find("report")->find("crash")->find("signal")->integer() == 11);
  CHECK(host.integration().desired == "paused");
  CHECK(host.integration().reason == "plugin.crash_loop");
  host.mood->on_load.reset();
  host.set_desired("enabled");
  host.settle();
  CHECK(host.integration().reason == "berth.setup_incomplete");
  host.scheduler->stop();
}

TEST_CASE("no more runs than workers_max are under way, and the others come when there is a place") {
  Host host;
  host.start_again({.workers_max = 1, .look_every = 5ms});
  host.add_without_plugin("zz_other");
  host.unit();
  std::atomic<bool> is_there = false, may_go = false;
  host.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (call.starts_with("GET /books/v3/") && !is_there.exchange(true)) {
      while (!may_go) std::this_thread::sleep_for(1ms);
    }
    return std::nullopt;
  };
  host.scheduler->start();
  for (int i = 0; i < 4000 && !is_there; ++i) std::this_thread::sleep_for(1ms);
  REQUIRE(is_there);
  std::this_thread::sleep_for(50ms);
  CHECK(host.scheduler->running() == std::vector<std::string>{std::string(kIntegration)});
  CHECK(host.number("SELECT COUNT(*) FROM run WHERE integration = 'zz_other'") == 0);
  may_go = true;
  host.settle();
  CHECK(host.number("SELECT COUNT(*) FROM run WHERE integration = 'zz_other' AND reason = 'runs.plugin_missing'") == 1);
  CHECK(host.integration("zz_other").reason == "runs.plugin_missing");
  host.scheduler->stop();
}
