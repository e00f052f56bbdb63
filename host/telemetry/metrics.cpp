#include "host/telemetry/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <set>
#include <utility>

namespace berth::telemetry {
namespace {

constexpr std::string_view kRefused = "berth_metrics_refused_total";
const prometheus::Histogram::BucketBoundaries& seconds_buckets() {
  static const prometheus::Histogram::BucketBoundaries kBuckets{0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1,
                                                                2.5,   5,    10,   30,  60,   300};
  return kBuckets;
}

}  // namespace

struct Metrics::State {
  template <class Type>
  using Families = std::map<std::string, prometheus::Family<Type>*, std::less<>>;

  std::mutex mutex;  // guards all below; the library's own locks cover only its values
  prometheus::Registry registry;
  std::map<std::string, std::string, std::less<>> help;
  Families<prometheus::Counter> counters;
  Families<prometheus::Gauge> gauges;
  Families<prometheus::Histogram> histograms;
  std::set<std::pair<std::string, Labels>> series;
  prometheus::Counter& refused;

  State()
      : refused(prometheus::BuildCounter()
                    .Name(std::string(kRefused))
                    .Help("Values that could not be kept.")
                    .Register(registry)
                    .Add({})) {}

  /// The library throws for names and labels that Prometheus does not allow and for a name of another type.
  template <class Type, class Use>
  void with(Families<Type>& families, auto(*build)(), std::string_view name, const Labels& labels, const Use& use) {
    const std::lock_guard lock(mutex);
    const std::pair<std::string, Labels> key{std::string(name), labels};
    const bool is_new = !series.contains(key);
    try {
      if (is_new && series.size() >= kSeriesMax) {
        refused.Increment();
        return;
      }
      auto found = families.find(name);
      if (found == families.end()) {
        const auto text = help.find(name);
        auto& family =
            build().Name(key.first).Help(text == help.end() ? std::string() : text->second).Register(registry);
        found = families.emplace(key.first, &family).first;
      }
      use(*found->second);
      if (is_new) series.insert(key);
    } catch (const std::exception&) {
      refused.Increment();
    }
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::describe(std::string_view name, std::string_view help) {
  const std::lock_guard lock(state_->mutex);
  state_->help.insert_or_assign(std::string(name), std::string(help));
}

void Metrics::count(std::string_view name, const Labels& labels, double by) {
  state_->with(state_->counters, &prometheus::BuildCounter, name, labels,
               [&](auto& family) { family.Add(labels).Increment(by); });
}

void Metrics::set(std::string_view name, double value, const Labels& labels) {
  state_->with(state_->gauges, &prometheus::BuildGauge, name, labels,
               [&](auto& family) { family.Add(labels).Set(value); });
}

void Metrics::observe_seconds(std::string_view name, double seconds, const Labels& labels) {
  state_->with(state_->histograms, &prometheus::BuildHistogram, name, labels,
               [&](auto& family) { family.Add(labels, seconds_buckets()).Observe(seconds); });
}

void Metrics::remove(std::string_view name, const Labels& labels) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->gauges.find(name);
  if (found == state_->gauges.end() || state_->series.erase({std::string(name), labels}) == 0) return;
  found->second->Remove(&found->second->Add(labels));
}

std::string Metrics::text() const {
  const std::lock_guard lock(state_->mutex);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace berth::telemetry
