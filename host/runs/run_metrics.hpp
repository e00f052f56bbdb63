#pragma once
// What a run that ended adds to the metrics. Any thread.
#include "host/runs/report.hpp"
#include "host/telemetry/metrics.hpp"

namespace berth::runs {

void count_run(telemetry::Metrics& metrics, const RunReport& report);

}  // namespace berth::runs
