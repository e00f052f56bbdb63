/* Emits 1,100 records without a checkpoint, then checkpoints as if nothing had happened. */
#define PLUGIN_ID "checkpoint_overdue"
#define OWN_RUN_PHASE
#include "common.h"

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  char id[16];
  for (int i = 0; i < 1100; i++) {
    snprintf(id, sizeof id, "%d", i);
    const int32_t status = emit_json("thing", id, "{\"a\":1}", 0, error);
    if (status != BERTH_OK) return status;
  }
  return checkpoint("{}", BERTH_CHECKPOINT_PASS_COMPLETE, error);
}
