/* Refuses every host, with a reason. */
#define PLUGIN_ID "entry_null"
#define OWN_ENTRY
#include "common.h"

const berth_plugin* berth_plugin_entry(const berth_identity* host, berth_error* error) {
  (void)host;
  (void)the_plugin;
  fail(error, BERTH_UNSUPPORTED, "entry_null.refused", "This plugin refuses every host.");
  return NULL;
}
