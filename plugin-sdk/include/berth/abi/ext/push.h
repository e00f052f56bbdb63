/* berth/abi/ext/push.h - writes documents made here to the remote; only in mode two_way. */
#pragma once
#include "../abi.h"
#ifdef __cplusplus
extern "C" {
#endif
#define BERTH_PLUGIN_PUSH "berth.push/1"
enum { BERTH_PUSH_CREATE = 1, BERTH_PUSH_UPDATE = 2, BERTH_PUSH_VOID = 3, BERTH_PUSH_DELETE = 4 };
typedef struct berth_document {
   berth_str entity, local_id;  /* "customer", "invoice", "customer_payment", "deposit"; the id here        */
   berth_str idempotency_key;   /* made before the first attempt; also the reference the remote record gets */
   berth_str remote_id;         /* empty: not written yet                                                   */
   berth_str json;              /* the canonical model; amounts are decimal strings                         */
   uint32_t  operation, reserved;   /* BERTH_PUSH_*                                                         */
} berth_document;
typedef void (*berth_push_sink_fn)(void* sink_ctx, const berth_record* remote);
typedef struct berth_plugin_push {
   /* Every remote record that carries the document's reference: none, one, or several (then a person decides). The
      host calls it before each repeat of an attempt whose outcome is unknown, so that a time-out after the remote
      has committed never makes a second record. [run-thread] */
   int32_t (*find)(berth_connector* connector, const berth_document* document,
                   void* sink_ctx, berth_push_sink_fn sink, berth_error* error);
   /* One attempt, no repeats; `sink` gets the record as the remote now has it. [run-thread] */
   int32_t (*push)(berth_connector* connector, const berth_document* document,
                   void* sink_ctx, berth_push_sink_fn sink, berth_error* error);
} berth_plugin_push;
#ifdef __cplusplus
}
#endif
