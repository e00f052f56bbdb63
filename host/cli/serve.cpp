// `berth serve`: scheduler and REST API in one process, until a signal ends it.
#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <csignal>

#include "host/admin/api.hpp"
#include "host/cli/commands.hpp"
#include "host/schedule/scheduler.hpp"
#include "host/server/server.hpp"

namespace berth::cli {

int serve(const Global& global, bool json_log) {
  const auto config = load_config(global);
  if (!config.ok()) return fail(global, config.error());
  // Signals are taken by sigwait alone; blocked before the first thread, so that every thread inherits it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  app::HostOptions options;
  options.sink = telemetry::make_stderr_sink(json_log ? telemetry::Format::kJson : telemetry::Format::kHuman);
  options.least = global.verbose ? telemetry::Level::kDebug : telemetry::Level::kInfo;
  for (const std::string& folder : global.plugin_dirs) options.plugin_folders.emplace_back(folder);
  auto opened = app::Host::open(*config, std::move(options));
  if (!opened.ok()) return fail(global, opened.error());
  app::Host& host = **opened;

  schedule::Scheduler scheduler({.database = host.database(), .registry = host.registry(), .engine = host.engine(), .clock = host.clock(), .log = host.log()}, {});
  std::atomic<bool> is_ready{false};
  admin::Api api(host.api_services([&] { scheduler.wake(); }, [&] { return is_ready.load(); }));
  server::Server server({.host = config->server.host, .port = config->server.port, .log = host.log()},
                        [&](const server::Request& request) { return api.handle(request); });
  if (const Status started = server.start(); !started.ok()) return fail(global, started.error());
  scheduler.start();
  is_ready = true;
  print_line(fmt::format("berth serves {} ({}:{})", config->server.public_url, config->server.host, server.port()));
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  is_ready = false;
  host.log().info("ending", {{"signal", signal}});
  scheduler.stop();
  server.stop();
  return kFine;
}

}  // namespace berth::cli
