/* Emits and checkpoints one record, emits another one, then writes through a null pointer. */
#define PLUGIN_ID "crashes"
#define OWN_RUN_PHASE
#include "common.h"

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  int32_t status = emit_json("thing", "kept", "{}", 0, error);
  if (status == BERTH_OK) status = checkpoint("{\"n\":1}", 0, error);
  if (status == BERTH_OK) status = emit_json("thing", "lost", "{}", 0, error);
  if (status != BERTH_OK) return status;
  volatile int* volatile nothing = NULL;
  *nothing = 42;
  return BERTH_OK;
}
