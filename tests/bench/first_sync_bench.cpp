// What a first sync costs: the real host and its real worker against the simulator without limits and without latency.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>

#include "bench/support/first_sync.hpp"
#include "bench/support/table.hpp"

namespace {

using namespace bench;

std::int64_t size_of_database(const std::filesystem::path& folder) {
  std::int64_t size = 0;
  for (const char* name : {"berth.db", "berth.db-wal"}) {
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(folder / "data" / name, missing);
    if (!missing) size += static_cast<std::int64_t>(bytes);
  }
  return size;
}

int measure(const Options& options) {
  const auto simulator = start_simulator(options);
  const auto host = connected_host(*simulator, options);
  simulator->reset_counters();
  const auto sync = host->start({"--json", "sync", "zoho"});
  const Usage usage = watch(*sync, std::chrono::hours(2));
  const e2e::Outcome outcome = sync->wait();
  const auto report = berth::json::parse(outcome.out);
  if (outcome.exit != 0 || !report.ok() || report.value.text_of("outcome") != "succeeded") {
    std::fprintf(stderr, "the sync did not succeed: %s%s\n", outcome.out.c_str(), outcome.err.c_str());
    return 1;
  }

  std::int64_t documents = 0, posted = 0, files = 0, calls = 0, undecided = 0;
  print_title("first sync: " + std::to_string(options.contacts) + " contacts, " + std::to_string(options.items) + " items, " +
              std::to_string(options.invoices) + " invoices, " + std::to_string(options.payments) + " payments");
  for (const e2e::Value& phase : report.value.find("phases")->items()) {
    if (phase.text_of("outcome") == "derived") continue;
    const std::string name(phase.text_of("phase"));
    print(name + " listed", e2e::number_at(phase, "listed"));
    print(name + " fetched one by one", e2e::number_at(phase, "fetched"));
    print(name + " posted", e2e::number_at(phase, "posted"));
    documents += e2e::number_at(phase, "listed");
    posted += e2e::number_at(phase, "posted");
    files += e2e::number_at(phase, "files");
    calls += e2e::number_at(phase, "calls.total");
    undecided += e2e::number_at(phase, "parked") + e2e::number_at(phase, "failed") + e2e::number_at(phase, "skipped");
  }
  const auto each = [&](Seconds time) { return time.count() * 1000.0 / static_cast<double>(documents); };
  const auto mebi = [](std::int64_t kibi) { return static_cast<double>(kibi) / 1024.0; };
  print("documents", documents);
  print("documents posted", posted);
  print("documents parked, failed or skipped", undecided);
  print("files stored (PDF)", files);
  print("calls", calls);
  print("wall", usage.wall.count(), "s");
  print("host, user", usage.user.count(), "s");
  print("host, system", usage.system.count(), "s");
  print("worker, user", usage.children_user.count(), "s");
  print("worker, system", usage.children_system.count(), "s");
  print("host, CPU a document", each(usage.own()), "ms");
  print("worker, CPU a document", each(usage.children()), "ms");
  print("CPU a document, together", each(usage.cpu()), "ms");
  print("host, resident, peak", mebi(usage.resident_peak), "MiB");
  print("worker, resident, peak", mebi(usage.child_resident_peak), "MiB");
  print("resident together, peak", mebi(usage.resident_together), "MiB");
  print("proportional together, peak", mebi(usage.proportional_together), "MiB");
  print("written and private together, peak", mebi(usage.private_together), "MiB");
  print("database", mebi(size_of_database(host->folder()) / 1024), "MiB");
  const e2e::Outcome journal = host->run({"ledger", "export", "--format", "hledger"}, std::chrono::seconds(600));
  std::int64_t entries = 0;
  for (std::size_t at = 0; at < journal.out.size(); at = journal.out.find('\n', at) + 1) {
    entries += journal.out[at] >= '0' && journal.out[at] <= '9';
    if (journal.out.find('\n', at) == std::string::npos) break;
  }
  print("journal entries", entries);
  const e2e::Outcome checked = host->run({"ledger", "check"}, std::chrono::seconds(600));
  std::printf("  %s", checked.out.c_str());
  if (options.keeps_folder) {
    std::string kept = (std::filesystem::temp_directory_path() / "berth-bench-kept.XXXXXX").string();
    if (mkdtemp(kept.data()) == nullptr) throw std::runtime_error("no temporary folder");
    std::filesystem::copy(host->folder(), kept, std::filesystem::copy_options::recursive);
    std::printf("  kept in %s\n", kept.c_str());
  }
  return checked.exit;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = options_of(argc, argv);
    print_machine();
    set_prefix(options.prefix);
    return measure(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "first_sync_bench: %s\n", error.what());
    return 1;
  }
}
