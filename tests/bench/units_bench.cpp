// What a host keeps of integrations that it used once: units are put together one after the other, each with the gate of an
// organisation of its own, first with room for all of them and then with as much room as a host has.
#define DOCTEST_CONFIG_IMPLEMENT
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "bench/support/measure.hpp"
#include "bench/support/options.hpp"
#include "bench/support/table.hpp"
#include "host/storage/integrations.hpp"
#include "integration/world.hpp"

namespace {

using namespace berth;

struct Options {
  int integrations = 2'000;
  int kept = 200;   // of them, to see what one costs
};

std::string id_of(int number) { return fmt::format("tenant_{:06}", number); }

void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().reason + ": " + status.error().message);
}

/// Connected integrations, an organisation each, with the tokens of the one that the simulator knows.
void fill(integration::World& world, int count) {
  world.connect();
  must(world.database->write("bench.fill", [&](storage::Connection& connection) -> Status {
    for (int i = 0; i < count; ++i) {
      storage::Integration row;
      row.id = id_of(i);
      row.plugin = "zoho_books";
      row.company = "acme_us";
      row.tenant = row.id;
      row.environment = "production";
      row.mode = "pull_only";
      row.origin = "api";
      row.remote_id = fmt::format("60{:08}", i);
      row.organization_json = R"({"currency":"USD","time_zone":"America/New_York","fiscal_year_start":1})";
      row.created = row.connected = world.clock.now();
      BERTH_CHECK(storage::integrations::insert(connection, row));
    }
    return success();
  }));
  const oauth::TokenSet tokens = *world.tokens.load(integration::kIntegration).value();
  for (int i = 0; i < count; ++i) {
    if (!world.tokens.save(id_of(i), tokens, 0).ok()) throw std::runtime_error("tokens cannot be kept");
  }
}

/// Each is put together, makes as many calls as a run that finds nothing, and is given back; a second passes between two of them.
void use_each(integration::World& world, int count) {
  for (int i = 0; i < count; ++i) {
    const auto unit = world.registry->unit(id_of(i));
    if (!unit.ok()) throw std::runtime_error(unit.error().message);
    const auto access = world.registry->access(**unit);
    if (!access.ok()) throw std::runtime_error(access.error().message);
    for (int call = 0; call < 4; ++call) {
      auto permit = access->gate->acquire({});
      if (!permit.ok()) throw std::runtime_error(permit.error().message);
      permit->finish(nullptr);
    }
    must(access->gate->rest());
    world.later(std::chrono::seconds(1));
  }
}

double resident_mebibytes() {
  malloc_trim(0);   // what is free, and not yet given back, is no cost of the units
  return static_cast<double>(bench::memory_of(getpid(), "VmRSS")) / 1024.0;
}

int measure(const Options& options) {
  const integration::WorldOptions small{.contacts = 2, .items = 2, .invoices = 2, .payments = 1, .credit_notes = 0};
  bench::print_title(fmt::format("units: {} integrations used once, one after the other", options.integrations));
  {
    integration::WorldOptions room = small;
    room.units_in_memory = room.gates_in_memory = static_cast<std::size_t>(options.kept);
    integration::World world(room);
    fill(world, options.kept);
    const double before = resident_mebibytes();
    use_each(world, options.kept);
    bench::print("kept, a unit and its gate", 1024.0 * (resident_mebibytes() - before) / options.kept, "KiB");
  }
  integration::World world(small);
  fill(world, options.integrations);
  use_each(world, std::min<int>(options.integrations, static_cast<int>(runs::kUnitsInMemory)));
  const double full = resident_mebibytes();
  const auto began = std::chrono::steady_clock::now();
  use_each(world, options.integrations);
  const bench::Seconds wall = std::chrono::steady_clock::now() - began;
  const double after = resident_mebibytes();
  bench::print("put together again, each", 1000.0 * wall.count() / options.integrations, "ms");
  bench::print("units kept", static_cast<std::int64_t>(world.registry->units_kept()));
  bench::print("gates kept", static_cast<std::int64_t>(world.registry->gates_kept()));
  bench::print("resident, once as many were used as are kept", full, "MiB");
  bench::print("resident, after all of them", after, "MiB");
  bench::print("more for each of them", 1024.0 * (after - full) / options.integrations, "KiB");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context;
  context.setAsDefaultForAssertsOutOfTestCases();
  context.setAssertHandler([](const doctest::AssertData& data) {
    std::fprintf(stderr, "%s(%d): %s\n", data.m_file, data.m_line, data.m_expr);
    std::exit(1);
  });
  try {
    Options options;
    bench::read_options(argc, argv, {{"--integrations", &options.integrations}, {"--kept", &options.kept}});
    bench::print_machine();
    return measure(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "units_bench: %s\n", error.what());
    return 1;
  }
}
