/* Its descriptor names another plugin than its manifest and its identity do. */
#define PLUGIN_ID "other_descriptor"
#define PLUGIN_DESCRIPTOR \
  "{\"id\":\"somebody_else\",\"name\":\"x\",\"version\":\"1.0.0\",\"phases\":[],\"entities\":[]}"
#include "common.h"
