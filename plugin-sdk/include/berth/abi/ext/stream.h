/* berth/abi/ext/stream.h - calls that are under way while the plugin works on the answers of others. Optional: a host
   that does not offer it has send_batch, which ends with its slowest call. */
#pragma once
#include "../abi.h"
#ifdef __cplusplus
extern "C" {
#endif
#define BERTH_HOST_STREAM "berth.stream/1"
typedef struct berth_host_stream {                                              /* both [run-thread], in run_phase */
   /* Begins them as limits allow and returns at once. At most 256 may be under way. What is under way at the end of
      run_phase is ended, and its answers are lost: the next slice, whose plan says "goes_on", asks for them again; also where
      the plan says "queue_only", and details are all that is asked for. */
   int32_t (*add)(const berth_host* host, const berth_http_request* requests, size_t count, berth_error* error);
   /* Waits for a reply and calls `reply` for all that are there, at most 16, in the order in which they finished; never
      where nothing is under way. `index` is the place among all requests that were added in this run_phase. Every one
      has a reply. The rules for the callback are those of a batch; where it says anything but 0, or the host wants to
      stop, nothing more is begun in this run_phase, and what was not begun is replied with BERTH_CANCELLED. */
   int32_t (*take)(const berth_host* host, void* reply_ctx, berth_http_reply_fn reply, berth_error* error);
} berth_host_stream;
#ifdef __cplusplus
}
#endif
