/* Writes to standard output, also bytes that look like a frame of a pipe protocol, then does its work. */
#define PLUGIN_ID "prints"
#define OWN_RUN_PHASE
#include "common.h"

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  printf("hello from a plugin\n");
  fwrite("\x00\x00\x00\x05\x01garbage", 1, 12, stdout);
  fflush(stdout);
  fprintf(stderr, "a complaint from a plugin\n");
  const int32_t status = emit_json("thing", "printed", "{\"done\":true}", 0, error);
  return status != BERTH_OK ? status : checkpoint("{}", BERTH_CHECKPOINT_PASS_COMPLETE, error);
}
