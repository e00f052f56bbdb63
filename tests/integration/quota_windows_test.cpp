// The three windows of the remote's limits, in virtual time in which calls pass side by side: nothing is refused, and
// what is allowed is used.
#include <algorithm>
#include <map>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

using Exchange = SimulatorTransport::Exchange;

std::size_t count_code(const std::vector<Exchange>& calls, std::string_view code) {
  return static_cast<std::size_t>(std::count_if(calls.begin(), calls.end(), [&](const Exchange& one) { return one.code == code; }));
}

/// The most calls within any 60 seconds, their edges included.
std::size_t most_in_a_minute(const std::vector<Exchange>& calls) {
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t last = 0; last < calls.size(); ++last) {
    while (calls[last].counted - calls[first].counted > 60s) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

int most_at_once(const std::vector<Exchange>& calls) {
  std::vector<std::pair<Instant, int>> steps;
  for (const Exchange& one : calls) {
    steps.emplace_back(one.began, 1);
    steps.emplace_back(one.ended, -1);
  }
  std::sort(steps.begin(), steps.end());   // an end before a beginning of the same moment
  int now = 0;
  int most = 0;
  for (const auto& [at, step] : steps) most = std::max(most, now += step);
  return most;
}

/// Calls in whole minutes from the first call on, per hundred that were allowed in them. The last minute, in which the work
/// ended, is left out.
double used_percent(const std::vector<Exchange>& calls, int per_minute) {
  const auto minutes = (calls.back().counted - calls.front().counted) / 60s;
  REQUIRE(minutes >= 5);
  const Instant end = calls.front().counted + minutes * 60s;
  const auto within = std::count_if(calls.begin(), calls.end(), [&](const Exchange& one) { return one.counted < end; });
  return 100.0 * static_cast<double>(within) / static_cast<double>(minutes * per_minute);
}

WorldOptions paced(int invoices) {
  WorldOptions options;
  options.invoices = invoices;
  options.payments = invoices / 3;
  options.contacts = 25;
  options.items = 10;
  options.credit_notes = 12;
  options.limits = "{per_minute: 100, concurrent: 5, per_day: 100000}";
  options.is_paced = true;
  return options;
}

}  // namespace

TEST_CASE("A5: at 100 calls a minute the first sync meets no code 44 and uses 95 % of what is allowed") {
  std::chrono::milliseconds latency{};
  std::chrono::milliseconds varies{};
  int at_once = 5;
  bool sliding = true;
  SUBCASE("in 200 ms, in each minute of the clock") { latency = 200ms, sliding = false; }
  SUBCASE("in 200 ms, in any 60 s") { latency = 200ms; }
  SUBCASE("in 1.5 s, in each minute of the clock") { latency = 1500ms, sliding = false; }
  SUBCASE("in 1.5 s, in any 60 s") { latency = 1500ms; }
  SUBCASE("in 2 s, in any 60 s") { latency = 2000ms; }
  SUBCASE("in half a second to 3.5, in any 60 s") { latency = 2000ms, varies = 1500ms; }
  SUBCASE("in 2.9 s, in any 60 s") { latency = 2900ms; }
  SUBCASE("in 2.9 s and ten at once, in any 60 s") { latency = 2900ms, at_once = 10; }
  SUBCASE("in 1.4 to 4.4 s and ten at once, in any 60 s") { latency = 2900ms, varies = 1500ms, at_once = 10; }
  const int invoices = kIsSanitized ? 260 : 500;   // for five minutes at least
  WorldOptions options = paced(invoices);
  options.limits = "{per_minute: 100, concurrent: " + std::to_string(at_once) + ", per_day: 100000}";
  World world(options);
  world.connect();
  world.transport.forget_calls();
  world.simulator.set_limits({.per_minute = 100, .per_day = 100'000, .concurrent = 10, .sliding = sliding});
  world.transport.takes = latency;
  world.transport.varies = varies;
  const runs::RunReport report = world.sync();
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
  const auto calls = world.transport.api_calls();
  CHECK(calls.size() > 2 * static_cast<std::size_t>(invoices));
  CHECK(count_code(calls, "44") == 0);
  CHECK(count_code(calls, "1070") == 0);
  CHECK(most_in_a_minute(calls) <= 100);
  CHECK(most_at_once(calls) == at_once);
  // What arithmetic leaves of 100 calls a minute: so many at once make no more, and since nobody knows when within a call it
  // is counted, its place is free 60 s after its answer.
  const double seconds = static_cast<double>(latency.count()) / 1000;
  const double possible = std::min({100.0, at_once * 60 / seconds, 100 * 60 / (60 + seconds)});
  const double used = used_percent(calls, 100);
  MESSAGE(calls.size() << " calls of " << latency.count() << " ms, " << at_once << " at once: " << used << " % of what is allowed, where " << possible << " % are possible for long");
  CHECK(used >= 95.0 * possible / 100);
  if (latency <= 2s) CHECK(used >= 95.0);
  CHECK(used <= 101.0);
}
