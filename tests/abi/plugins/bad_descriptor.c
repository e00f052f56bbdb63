/* Its descriptor is not JSON. */
#define PLUGIN_ID "bad_descriptor"
#define PLUGIN_DESCRIPTOR "{\"id\":\"bad_descriptor\",\"phases\":[}"
#include "common.h"
