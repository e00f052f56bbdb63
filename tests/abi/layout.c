/* The boundary as a C11 compiler sees it: every header alone compiles, and every field lies where it always lay. */
#include "berth/abi/ext/connect.h"
#include "berth/abi/ext/push.h"
#include "berth/abi/ext/stream.h"
#include "berth/abi/ext/webhook.h"

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type);
#define FIELD(type, field, offset, size)                                            \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved"); \
  _Static_assert(sizeof(((type*)0)->field) == (size), #type "." #field " has another size");
#define VALUE(name, value) _Static_assert((name) == (value), #name);
#include "layout.inc"

int berth_layout_in_c(void);
int berth_layout_in_c(void) {
  return 1;
}
