// Two integrations of one plugin in one host, in one process: while a call of one of them has no answer, everything that is shared
// (registry, gates, tokens, database) is free for the other.
#include <condition_variable>
#include <future>
#include <thread>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

constexpr std::string_view kSecond = "second";

WorldOptions two() {
  WorldOptions options;
  options.integrations =
      "  - {id: second, plugin: zoho_books, company: acme_us, plan: premium, backfill: {from: all}, client: {id: env:ZOHO_CLIENT_ID, secret: "
      "env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI}, data_centers: [{location: test, accounts: \"http://127.0.0.1:9100\", api: "
      "\"http://127.0.0.1:9100\", allow_http_loopback: true, limits: {per_minute: 60000, concurrent: 5, per_day: 100000}}]}\n";
  return options;
}

/// As if it had been connected: a second consent for the simulator's one organisation is refused, as it has to be.
void connect_second(World& world) {
  REQUIRE(world.tokens.save(kSecond, world.tokens.load(kIntegration).value().value(), 0).ok());
  REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) -> Status {
    const storage::Integration first = BERTH_TRY(storage::integrations::find(connection, kIntegration)).value();
    BERTH_CHECK(storage::integrations::set_organization(connection, kSecond, first.remote_id, "the same", first.organization_json));
    return storage::integrations::set_connected(connection, kSecond, world.clock.now());
  }).ok());
}

/// Lets the first call with that beginning wait until it is let go.
class Held {
 public:
  Held(World& world, std::string call) : world_(world), call_(std::move(call)) {
    world_.transport.before = [this](const std::string& made) -> std::optional<http::Response> {
      std::unique_lock lock(mutex_);
      if (is_there_ || !made.starts_with(call_)) return std::nullopt;
      is_there_ = true;
      changed_.notify_all();
      changed_.wait_for(lock, std::chrono::seconds(60), [this] { return is_free_; });
      return std::nullopt;
    };
  }
  ~Held() { let_go(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return is_there_; });
  }
  void let_go() {
    const std::scoped_lock lock(mutex_);
    is_free_ = true;
    changed_.notify_all();
  }

 private:
  World& world_;
  const std::string call_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_there_ = false, is_free_ = false;
};

/// Runs it on a thread of its own; fails instead of waiting for ever.
template <class Work>
bool ends(Work work) {
  auto done = std::async(std::launch::async, std::move(work));
  const bool is_done = done.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
  CHECK(is_done);
  return is_done;
}

}  // namespace

TEST_CASE("while a call of one integration has no answer, the registry, the gates and the engine are free for the other of its plugin") {
  for (const bool is_token : {false, true}) {
    CAPTURE(is_token);
    World world(two());
    world.connect();
    connect_second(world);
    if (is_token) world.control("POST", "tokens/expire");
    Held held(world, is_token ? "POST /oauth/v2/token" : "GET /books/v3/invoices");
    Result<runs::RunReport> first = make_error(Code::kInternal, "test.not_ended", "");
    std::thread slow([&] { first = world.try_sync(); });
    REQUIRE(held.wait());
    // None of these was put together or asked for before.
    CHECK(world.registry->find_unit(kSecond) == nullptr);
    std::optional<runs::RunReport> second;
    const bool is_free = ends([&] {
      const std::shared_ptr<runs::IntegrationUnit> unit = world.registry->unit(kSecond).value();
      CHECK(world.registry->find_unit(kIntegration) != nullptr);
      CHECK(world.registry->ids().value().size() == 2);
      const runs::RemoteAccess access = world.registry->access(*unit).value();
      CHECK(world.registry->find_gate(*unit, "927000001") == access.gate);
      CHECK(access.gate->snapshot().in_flight <= 1);
      second = world.engine->run(unit->setup, access, {}, {}).value();
    });
    held.let_go();
    slow.join();
    REQUIRE(is_free);
    REQUIRE(first.ok());
    CHECK_MESSAGE(first->outcome == runs::RunOutcome::kSucceeded, first->reason);
    REQUIRE(second.has_value());
    CHECK_MESSAGE(second->outcome == runs::RunOutcome::kSucceeded, second->reason);
    CHECK(phase_of(*second, "invoices").fetched == phase_of(*first, "invoices").fetched);
    world.transport.before = nullptr;
  }
}

TEST_CASE("while the plugin of one integration is opened, which may take long, the other one of its plugin is put together") {
  World world(two());
  struct SlowRunner final : plugins::PluginRunner {
    explicit SlowRunner(plugins::PluginRunner& real) : real_(real) {}
    Result<plugins::Descriptor> descriptor(const plugins::OpenRequest& request) override {
      std::unique_lock lock(mutex);
      if (!std::exchange(is_there, true)) {
        changed.notify_all();
        changed.wait_for(lock, std::chrono::seconds(60), [this] { return is_free; });
      }
      lock.unlock();
      return real_.descriptor(request);
    }
    Result<std::unique_ptr<plugins::PluginInstance>> open(const plugins::OpenRequest& request, plugins::Services& services, std::stop_token stop) override {
      return real_.open(request, services, std::move(stop));
    }
    [[nodiscard]] std::string_view kind() const override { return real_.kind(); }
    plugins::PluginRunner& real_;
    std::mutex mutex;
    std::condition_variable changed;
    bool is_there = false, is_free = false;
  } runner(*world.runner);
  runs::Registry registry({.config = world.config,
                           .environment = [](std::string_view) { return std::optional<std::string>("x"); },
                           .database = *world.database,
                           .transport = world.transport,
                           .token_store = world.tokens,
                           .runner = runner,
                           .clock = world.clock,
                           .log = world.log,
                           .plugin_folders = world.config.plugins.paths});
  std::thread slow([&] { CHECK(registry.unit(kIntegration).ok()); });
  {
    std::unique_lock lock(runner.mutex);
    REQUIRE(runner.changed.wait_for(lock, std::chrono::seconds(60), [&] { return runner.is_there; }));
  }
  const bool is_free = ends([&] {
    CHECK(registry.unit(kSecond).ok());
    CHECK(registry.find_unit(kIntegration) == nullptr);
    CHECK_FALSE(registry.crash_of(kIntegration).has_value());
    CHECK(registry.ids().value().size() == 2);
  });
  {
    const std::scoped_lock lock(runner.mutex);
    runner.is_free = true;
    runner.changed.notify_all();
  }
  slow.join();
  CHECK(is_free);
  CHECK(registry.find_unit(kIntegration) != nullptr);
}
