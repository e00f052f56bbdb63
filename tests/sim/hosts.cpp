#include "sim/hosts.hpp"

#include <fmt/format.h>

namespace berth::sim {

Hosts::Hosts(integration::World& world, int count) : world_(world), hosts_(static_cast<std::size_t>(count)) {
  for (int host = 0; host < count; ++host) {
    hosts_[static_cast<std::size_t>(host)].clock = std::make_unique<MachineClock>(world.clock);
    restart(host);
  }
}

void Hosts::restart(int number) {
  Host& host = hosts_.at(static_cast<std::size_t>(number));
  host.running = {};
  const std::string machine = fmt::format("machine{}:", number);
  const std::string owner = fmt::format("{}{}", machine, ++host.processes);
  host.running = world_.begin_process(owner, *host.clock, [machine, owner](std::string_view other) { return other.starts_with(machine) && other != owner; });
}

Result<runs::RunReport> Hosts::run(int number, const runs::RunRequest& request) {
  integration::Running& running = hosts_.at(static_cast<std::size_t>(number)).running;
  const auto unit = BERTH_TRY(running.registry->unit(integration::kIntegration));
  const runs::RemoteAccess access = BERTH_TRY(running.registry->access(*unit));
  return running.engine->run(unit->setup, access, request, {});
}

}  // namespace berth::sim
