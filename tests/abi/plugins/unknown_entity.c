/* Emits a record of an entity that its descriptor does not name. */
#define PLUGIN_ID "unknown_entity"
#define OWN_RUN_PHASE
#include "common.h"

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  const int32_t status = emit_json("ghost", "1", "{}", 0, error);
  return status != BERTH_OK ? status : checkpoint("{}", 0, error);
}
