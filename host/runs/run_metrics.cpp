#include "host/runs/run_metrics.hpp"

namespace berth::runs {

void count_run(telemetry::Metrics& metrics, const RunReport& report) {
  metrics.count("berth_runs_total", {{"integration", report.integration}, {"outcome", std::string(to_string(report.outcome))}});
  metrics.observe_seconds("berth_run_seconds", static_cast<double>((report.ended - report.started).count()) / 1000.0,
                          {{"integration", report.integration}});
  for (const PhaseReport& phase : report.phases) {
    const telemetry::Labels of_phase{{"integration", report.integration}, {"phase", phase.phase}};
    const auto count = [&](const char* name, const char* label, const char* value, std::int64_t number) {
      if (number == 0) return;
      telemetry::Labels labels = of_phase;
      labels[label] = value;
      metrics.count(name, labels, static_cast<double>(number));
    };
    count("berth_remote_calls_total", "kind", "list", phase.calls.list);
    count("berth_remote_calls_total", "kind", "detail", phase.calls.detail);
    count("berth_remote_calls_total", "kind", "file", phase.calls.file);
    count("berth_remote_calls_total", "kind", "other", phase.calls.other);
    if (phase.outcome == "derived") continue;
    count("berth_records_total", "state", "posted", phase.posted);
    count("berth_records_total", "state", "parked", phase.parked);
    count("berth_records_total", "state", "skipped", phase.skipped);
    count("berth_records_total", "state", "failed", phase.failed);
    count("berth_records_total", "state", "ignored", phase.ignored);
  }
}

}  // namespace berth::runs
