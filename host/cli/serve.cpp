// `berth serve`: scheduler and REST API in one process, until a signal ends it. The first one lets runs end at their next
// checkpoint, with every answer that is paid for, and gives their leases and shares of quotas back, so that other hosts go on
// at once; a second one, or `hosts.drain` after the first, ends the process at once.
#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "host/admin/api.hpp"
#include "host/app/data_folder.hpp"
#include "host/app/presence.hpp"
#include "host/core/text.hpp"
#include "host/cli/commands.hpp"
#include "host/schedule/scheduler.hpp"
#include "host/server/server.hpp"

namespace berth::cli {

namespace {

/// Runs that do not come to an end, such as one that waits for a database which is out of reach, are ended with the process:
/// what they committed stays, and their leases run out.
class DrainLimit {
 public:
  DrainLimit(std::chrono::milliseconds limit, telemetry::Log log, const schedule::Scheduler& scheduler)
      : thread_([this, limit, log = std::move(log), &scheduler](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          ended_.wait_for(lock, stop, limit, [] { return false; });
          if (stop.stop_requested()) return;
          log.error("ended by force: runs were not at an end in time", {{"limit", to_string_duration(limit)}, {"integrations", join(scheduler.running(), ", ")}});
          std::_Exit(kFindings);
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;
};

}  // namespace

int serve(const Global& global, const ServeOptions& options_of_line) {
  const auto config = load_config(global);
  if (!config.ok()) return fail(global, config.error());
  // Signals are taken by sigwait alone; blocked before the first thread, so that every thread inherits it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  app::HostOptions options;
  options.sink = telemetry::make_stderr_sink(options_of_line.json_log ? telemetry::Format::kJson : telemetry::Format::kHuman);
  options.least = global.verbose ? telemetry::Level::kDebug : telemetry::Level::kInfo;
  for (const std::string& folder : global.plugin_dirs) options.plugin_folders.emplace_back(folder);
  options.safe_mode = options_of_line.safe_mode;
  if (const Status prepared = app::prepare_data_folder(config->data_dir); !prepared.ok()) return fail(global, prepared.error());
  const auto lock = app::ServeLock::take(config->data_dir);
  if (!lock.ok()) return fail(global, lock.error());
  auto opened = app::Host::open(*config, std::move(options));
  if (!opened.ok()) return fail(global, opened.error());
  app::Host& host = **opened;
  if (const Status noted = host.registry().note_safe_mode(); !noted.ok()) return fail(global, noted.error());

  schedule::Scheduler scheduler({.database = host.database(), .registry = host.registry(), .engine = host.engine(), .clock = host.clock(), .log = host.log(),
                                 .owner = host.owner(), .is_dead_owner = app::is_dead_owner},
                                {.workers_max = static_cast<std::size_t>(config->plugins.workers_max)});
  std::atomic<bool> is_ready{false};
  app::Presence presence({.database = host.database(),
                          .clock = host.clock(),
                          .log = host.log(),
                          .owner = host.owner(),
                          .address = config->server.public_url,
                          .lease = config->hosts.lease});
  admin::Api api(host.api_services([&] { scheduler.wake(); }, [&] { return is_ready.load(); }, [&] { return presence.reachable(); }));
  server::Server server({.host = config->server.host, .port = config->server.port, .log = host.log()},
                        [&](const server::Request& request) { return api.handle(request); });
  if (const Status started = server.start(); !started.ok()) return fail(global, started.error());
  presence.start();
  scheduler.start();
  is_ready = true;
  print_line(fmt::format("berth serves {} ({}:{})", config->server.public_url, config->server.host, server.port()));
  flush_output();
  int signal = 0;
  sigwait(&signals, &signal);
  // The next one ends the process at once, as if nobody handled it.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  is_ready = false;   // first: whoever balances load looks elsewhere
  host.log().info("ending", {{"signal", signal}, {"runs", scheduler.running().size()}});
  const DrainLimit limit(config->hosts.drain, host.log(), scheduler);
  presence.is_draining();
  api.jobs().stop_all();
  scheduler.stop();
  server.stop();
  presence.end();
  return kFine;
}

}  // namespace berth::cli
