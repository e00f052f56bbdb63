// What a host costs that has nothing to do: the real `berth serve` over a database with very many integrations, all connected,
// with hourly phases whose next look lies ahead.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <thread>

#include "bench/support/measure.hpp"
#include "bench/support/options.hpp"
#include "bench/support/table.hpp"
#include "e2e/support/world.hpp"
#include "host/core/time.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace {

using namespace berth;
using bench::Seconds;

struct Options {
  int integrations = 100'000;
  int seconds = 60;
  int settle = 5;   // until the figures of the start are over
};

void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().reason + ": " + status.error().message);
}

/// As a host that has synced them leaves them: connected, each phase begun within the last hour, the next look within the next.
void fill(const std::filesystem::path& file, int count, Instant now) {
  const SystemClock clock;
  auto database = storage::open_sqlite({.path = file.string(), .is_durable = false}, clock);
  if (!database.ok()) throw std::runtime_error(database.error().message);
  constexpr int kAtOnce = 5'000;
  for (int from = 0; from < count; from += kAtOnce) {
    must((*database)->write("bench.fill", [&](storage::Connection& connection) -> Status {
      for (int i = from; i < std::min(count, from + kAtOnce); ++i) {
        storage::Integration row;
        row.id = fmt::format("tenant_{:06}", i);
        row.plugin = "zoho_books";
        row.company = "acme_us";
        row.tenant = fmt::format("tenant_{:06}", i);
        row.environment = "production";
        row.mode = "pull_only";
        row.origin = "api";
        row.actual = "connected";
        row.name = fmt::format("Company {} Ltd", i);
        row.remote_id = fmt::format("60{:08}", i);
        row.organization_json = R"({"currency":"USD","time_zone":"America/New_York","fiscal_year_start":1})";
        row.created = row.connected = now - std::chrono::hours(24 * 30);
        row.last_sync = now - std::chrono::minutes(i % 60);
        BERTH_CHECK(storage::integrations::insert(connection, row));
        for (const char* phase : {"invoices", "customer_payments", "contacts", "items"}) {
          BERTH_TRY(storage::cursors::begin(connection, row.id, phase, "changes", row.last_sync));
        }
        // From five minutes on, over an hour.
        const Instant look = now + std::chrono::minutes(5) + std::chrono::milliseconds(std::int64_t{3'600'000} * i / count);
        BERTH_TRY(connection.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = ?", {look, row.id}));
      }
      return success();
    }));
  }
}

/// Mebibytes of a line of /proc/PID/status.
double mebibytes_of(pid_t pid, const std::string& name) { return static_cast<double>(bench::memory_of(pid, name)) / 1024.0; }

int measure(const Options& options) {
  const e2e::Simulator simulator({.contacts = 5, .items = 3, .invoices = 5, .payments = 2, .credit_notes = 0});
  const e2e::Workspace workspace(simulator);
  const SystemClock clock;
  workspace.must({"status"});   // makes the database
  const auto began = std::chrono::steady_clock::now();
  fill(workspace.folder() / "data" / "berth.db", options.integrations, clock.now());
  const Seconds filled = std::chrono::steady_clock::now() - began;

  const auto starting = std::chrono::steady_clock::now();
  const auto serve = workspace.serve();
  const Seconds started = std::chrono::steady_clock::now() - starting;
  const Seconds cpu_at_start = bench::cpu_of(serve->id());
  std::this_thread::sleep_for(std::chrono::seconds(options.settle));
  const Seconds before = bench::cpu_of(serve->id());
  const auto from = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(options.seconds));
  const Seconds used = bench::cpu_of(serve->id()) - before;
  const Seconds wall = std::chrono::steady_clock::now() - from;
  const double resident = mebibytes_of(serve->id(), "VmRSS"), peak = mebibytes_of(serve->id(), "VmHWM");
  const std::int64_t calls = simulator.calls("list") + simulator.calls("detail");
  if (!serve->is_running()) throw std::runtime_error("berth serve ended: " + serve->err());
  serve->signal(SIGTERM);
  const auto stopping = std::chrono::steady_clock::now();
  serve->wait();
  const Seconds stopped = std::chrono::steady_clock::now() - stopping;

  bench::print_title(fmt::format("idle host: {} integrations connected, hourly phases, none due within {} s", options.integrations, options.seconds));
  bench::print("made in storage", filled.count(), "s");
  bench::print("berth serve, until it is ready", started.count(), "s");
  bench::print("berth serve, CPU until then", cpu_at_start.count(), "s");
  bench::print("idle, wall", wall.count(), "s");
  bench::print("idle, CPU", used.count(), "s");
  bench::print("idle, share of a core", 100.0 * used.count() / wall.count(), "%");
  bench::print("resident", resident, "MiB");
  bench::print("resident, peak since the start", peak, "MiB");
  bench::print("berth serve, until it ended", stopped.count(), "s");
  bench::print("calls to the remote", calls);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    bench::read_options(argc, argv, {{"--integrations", &options.integrations}, {"--seconds", &options.seconds}, {"--settle", &options.settle}});
    bench::print_machine();
    return measure(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "idle_bench: %s\n", error.what());
    return 1;
  }
}
