/* Never comes to an end of loading its library. */
#define PLUGIN_ID "static_hang"
#include "common.h"

__attribute__((constructor)) static void at_load(void) {
  for (volatile unsigned turns = 0;; ++turns) {
  }
}
