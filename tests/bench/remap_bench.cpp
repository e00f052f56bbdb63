// Changed rules over stored documents: what `mapping diff` and `mapping apply` cost, that neither calls anybody, and that one
// tells exactly what the other does.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "bench/support/first_sync.hpp"
#include "bench/support/table.hpp"

namespace {

using namespace bench;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("the rules of the plugin have no \"" + from + "\" any more");
  return text.replace(at, from.size(), to);
}

std::string plugin_rules() {
  std::ifstream in(BERTH_SOURCE_DIR "/plugins/zoho_books/mapping.yaml", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Invoices lose their location and go to the integration's own company: entries of many invoices change, those of their
/// payments follow.
std::string changed_rules() {
  const std::string company = "{first_of: [{lookup: {kind: company, by: name, value: {custom_field: Company}, missing: warn}}, {integration: company}]}";
  const std::string location = "      location:     {ensure: {kind: classification_line, in: Location, name: {custom_field: Location}}}\n";
  return replaced(replaced(plugin_rules(), company, "{integration: company}"), location, "");
}

struct Run {
  std::string changes;
  berth::json::Value summary;
};

Run measure(const std::string& name, e2e::Process& process) {
  const Usage usage = watch(process, std::chrono::hours(2));
  const e2e::Outcome outcome = process.wait();
  const std::string mark = "],\n\"summary\":";
  const std::size_t end = outcome.out.rfind(mark);
  if (outcome.exit != 0 || end == std::string::npos) throw std::runtime_error(name + " did not succeed: " + outcome.err);
  Run run;
  run.changes = outcome.out.substr(0, end);
  run.summary = berth::json::parse(outcome.out.substr(end + mark.size(), outcome.out.rfind('}') - end - mark.size())).value;
  const auto decided = static_cast<double>(e2e::number_at(run.summary, "decided"));
  print(name + ": wall", usage.wall.count(), "s");
  print(name + ": CPU", usage.cpu().count(), "s");
  print(name + ": CPU a record", usage.cpu().count() * 1000.0 / decided, "ms");
  print(name + ": resident, peak", static_cast<double>(usage.resident_peak) / 1024.0, "MiB");
  print(name + ": size of what it tells", static_cast<double>(outcome.out.size()) / 1024.0 / 1024.0, "MiB");
  return run;
}

int measure(const Options& options) {
  const auto simulator = start_simulator(options);
  const auto host = connected_host(*simulator, options);
  const auto sync = host->start({"--json", "sync", "zoho"});
  static_cast<void>(watch(*sync, std::chrono::hours(2)));
  if (sync->wait().exit != 0) throw std::runtime_error("the sync did not succeed");
  simulator->reset_counters();

  print_title("changed rules: " + std::to_string(options.contacts) + " contacts, " + std::to_string(options.items) + " items, " +
              std::to_string(options.invoices) + " invoices, " + std::to_string(options.payments) + " payments");
  host->write("changed.yaml", changed_rules());
  const Run foretold = measure("diff", *host->start({"--json", "mapping", "diff", "zoho", "--mapping", "changed.yaml"}));
  host->write("mapping.yaml", changed_rules());
  const Run happened = measure("apply", *host->start({"--json", "mapping", "apply", "zoho"}));
  for (const char* name : {"decided", "changed", "posted", "waiting", "failed", "new_content", "entries_reversed", "entries_posted", "asked_for"}) {
    print(name, e2e::number_at(happened.summary, name));
  }
  std::int64_t calls = 0;
  for (const char* kind : {"list", "detail", "file", "token", "other"}) calls += simulator->calls(kind);
  const bool is_equal = foretold.changes == happened.changes && berth::json::dump(foretold.summary) == berth::json::dump(happened.summary);
  print("calls to the remote", calls);
  print("bytes of changes that both tell alike", is_equal ? static_cast<std::int64_t>(happened.changes.size()) : std::int64_t{0});
  const e2e::Outcome checked = host->run({"ledger", "check"}, std::chrono::seconds(600));
  std::printf("  %s", checked.out.c_str());
  if (!is_equal) std::fprintf(stderr, "remap_bench: what was foretold is not what happened\n");
  if (calls != 0) std::fprintf(stderr, "remap_bench: the remote was called\n");
  return is_equal && calls == 0 ? checked.exit : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = options_of(argc, argv);
    print_machine();
    set_prefix(options.prefix);
    return measure(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "remap_bench: %s\n", error.what());
    return 1;
  }
}
