/* berth/abi/ext/connect.h - which organisations a fresh token can see. Called once after OAuth, no phase running. */
#pragma once
#include "../abi.h"
#ifdef __cplusplus
extern "C" {
#endif
#define BERTH_PLUGIN_CONNECT "berth.connect/1"
typedef struct berth_organization {
   berth_str remote_id, name;
   berth_str json;              /* {"currency":"USD","fiscal_year_start_month":1,"time_zone":"America/New_York", …} */
} berth_organization;
typedef struct berth_plugin_connect {
   /* In the remote's order; the host takes the first unless told otherwise, lists all, and names the integration.
      [run-thread] */
   int32_t (*organizations)(berth_connector* connector, void* sink_ctx,
                            void (*sink)(void* sink_ctx, const berth_organization* organization), berth_error* error);
} berth_plugin_connect;
#ifdef __cplusplus
}
#endif
