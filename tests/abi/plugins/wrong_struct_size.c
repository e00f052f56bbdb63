/* Its identity has another size than the host's: one of the two was built with a changed header. */
#define PLUGIN_ID "wrong_struct_size"
#define PLUGIN_STRUCT_SIZE (sizeof(berth_identity) - 8)
#include "common.h"
