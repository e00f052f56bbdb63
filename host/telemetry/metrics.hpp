#pragma once
// Counters, gauges and histograms by name and labels, and their text for Prometheus.
//
//   metrics.count("berth_http_requests_total", {{"integration", id}, {"kind", "list"}});
//   metrics.text();                       // "# TYPE berth_http_requests_total counter\n..."
//
// Any thread may call everything. Nothing fails: a name or label that Prometheus does not allow, a name used with two
// types, or more than kSeriesMax series are counted in berth_metrics_refused_total instead. Values are doubles because
// they are measurements; no amount of money is a metric.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace berth::telemetry {

using Labels = std::map<std::string, std::string>;

class Metrics {
 public:
  static constexpr std::size_t kSeriesMax = 10'000;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The sentence of "# HELP"; before the first value of that name.
  void describe(std::string_view name, std::string_view help);
  void count(std::string_view name, const Labels& labels = {}, double by = 1);
  void set(std::string_view name, double value, const Labels& labels = {});
  /// Seconds into buckets from 5 ms to 5 min.
  void observe_seconds(std::string_view name, double seconds, const Labels& labels = {});
  /// Forgets a gauge of something that is gone.
  void remove(std::string_view name, const Labels& labels);
  /// Text exposition format 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace berth::telemetry
