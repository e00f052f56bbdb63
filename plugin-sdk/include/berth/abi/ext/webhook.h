/* berth/abi/ext/webhook.h - what a stored delivery says has changed. */
#pragma once
#include "../abi.h"
#ifdef __cplusplus
extern "C" {
#endif
#define BERTH_PLUGIN_WEBHOOK "berth.webhook/1"
typedef struct berth_delivery {
   const berth_pair* query;     /* decoded                                                               */
   const berth_pair* headers;   /* names in lower case                                                   */
   size_t            query_count, header_count;
   berth_str         body;      /* any bytes                                                             */
   uint32_t          is_signed, reserved;   /* 1: the host has checked it; 0: only a hint to fetch       */
} berth_delivery;
typedef struct berth_plugin_webhook {
   /* Pure: no host call but log. The host puts each named record into the detail queue. [run-thread] */
   int32_t (*changes)(berth_connector* connector, const berth_delivery* delivery, void* sink_ctx,
                      void (*sink)(void* sink_ctx, berth_str entity, berth_str remote_id), berth_error* error);
} berth_plugin_webhook;
#ifdef __cplusplus
}
#endif
