/* Says in its descriptor that it has the phase things, and knows no phase when it is asked for it. */
#define PLUGIN_ID "unknown_phase"
#define OWN_RUN_PHASE
#include "common.h"

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  return fail(error, BERTH_UNSUPPORTED, "unknown_phase.phase_unknown", "This plugin knows no phase.");
}
