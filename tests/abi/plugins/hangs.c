/* Emits and checkpoints one record, then loops for ever, deaf to should_stop. */
#define PLUGIN_ID "hangs"
#define OWN_RUN_PHASE
#include "common.h"

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  int32_t status = emit_json("thing", "kept", "{}", 0, error);
  if (status == BERTH_OK) status = checkpoint("{\"n\":1}", 0, error);
  if (status != BERTH_OK) return status;
  for (volatile unsigned long turns = 0;; turns = turns + 1) {
  }
}
