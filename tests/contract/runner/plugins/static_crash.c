/* Dies while its library is loaded, before any function of it is called. */
#define PLUGIN_ID "static_crash"
#include "common.h"

__attribute__((constructor)) static void at_load(void) {
  fprintf(stderr, "last words of a static constructor\n");
  abort();
}
