#include "host/telemetry/metrics.hpp"

#include <doctest/doctest.h>

using berth::telemetry::Metrics;

namespace {
bool contains(const Metrics& metrics, std::string_view line) {
  return metrics.text().find(line) != std::string::npos;
}
}  // namespace

TEST_CASE("what Prometheus does not allow is counted, not thrown") {
  Metrics metrics;
  metrics.count("not a name");
  metrics.count("good_total", {{"bad-label", "x"}});
  metrics.count("berth_x");
  metrics.set("berth_x", 1);
  CHECK(contains(metrics, "berth_metrics_refused_total 3"));
}

TEST_CASE("series beyond the limit are counted, and those that are there go on") {
  Metrics metrics;
  for (std::size_t i = 0; i < Metrics::kSeriesMax + 5; ++i) metrics.count("berth_x_total", {{"id", std::to_string(i)}});
  metrics.count("berth_x_total", {{"id", "0"}});
  CHECK(contains(metrics, "berth_metrics_refused_total 5"));
  CHECK(contains(metrics, "berth_x_total{id=\"0\"} 2"));
}

TEST_CASE("counters add up, gauges are set and removed, histograms have buckets, labels are escaped") {
  Metrics metrics;
  metrics.describe("berth_http_requests_total", "Requests sent.");
  metrics.count("berth_http_requests_total", {{"kind", "list"}});
  metrics.count("berth_http_requests_total", {{"kind", "list"}}, 2);
  CHECK(
      contains(metrics, "# HELP berth_http_requests_total Requests sent.\n# TYPE berth_http_requests_total counter\n"));
  CHECK(contains(metrics, "berth_http_requests_total{kind=\"list\"} 3"));
  metrics.set("berth_queue", 7, {{"integration", "a\"b\nc"}});
  CHECK(contains(metrics, "berth_queue{integration=\"a\\\"b\\nc\"} 7"));
  metrics.remove("berth_queue", {{"integration", "a\"b\nc"}});
  metrics.remove("berth_queue", {{"integration", "never there"}});
  CHECK_FALSE(contains(metrics, "berth_queue{"));
  metrics.set("berth_queue", 8, {{"integration", "a"}});
  CHECK(contains(metrics, "berth_queue{integration=\"a\"} 8"));
  metrics.observe_seconds("berth_run_seconds", 0.3);
  CHECK(contains(metrics, "berth_run_seconds_bucket{le=\"0.25\"} 0"));
  CHECK(contains(metrics, "berth_run_seconds_bucket{le=\"0.5\"} 1"));
  CHECK(contains(metrics, "berth_run_seconds_count 1"));
}
