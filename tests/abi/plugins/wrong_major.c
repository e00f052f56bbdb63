/* Its identity says ABI major 99: no host may use it. */
#define PLUGIN_ID "wrong_major"
#define PLUGIN_ABI_MAJOR 99u
#include "common.h"
