/* A whole connector in plain C that uses every service of the host once:
 * GET /things (kind LIST), emits the answer's body as the row of thing "1" and asks for its detail; then takes the
 * detail queue, GET /things/<id> for each in one batch, emits each body as the detail, attaches it as the file "raw",
 * and commits the cursor {"step":2}. The plan and the cursor it was given are logged, so that a test sees that they
 * arrived. */
#define PLUGIN_ID "plain_c"
#define OWN_RUN_PHASE
#include "common.h"

#define MAX_DETAILS 64

typedef struct {
  size_t count;
  char ids[MAX_DETAILS][32];
  char paths[MAX_DETAILS][48];
  int32_t status;
  berth_error* error;
} details;

static int32_t on_list(void* ctx, const berth_http_reply* reply) {
  berth_error* error = ctx;
  if (reply->status != BERTH_OK) return 0; /* send returns the same status */
  berth_record record;
  memset(&record, 0, sizeof record);
  record.ref.entity = str("thing");
  record.ref.remote_id = str("1");
  record.ref.version = str("1");
  record.json = reply->response->body;
  record.flags = BERTH_RECORD_LIST_ONLY;
  return host_records()->emit(the_host, &record, error);
}

static void on_wanted(void* ctx, const berth_wanted* wanted) {
  details* all = ctx;
  if (all->count == MAX_DETAILS || wanted->ref.remote_id.len >= sizeof all->ids[0]) return;
  memcpy(all->ids[all->count], wanted->ref.remote_id.ptr, wanted->ref.remote_id.len); /* the rest is zero */
  memcpy(all->paths[all->count], "/things/", 8);
  memcpy(all->paths[all->count] + 8, wanted->ref.remote_id.ptr, wanted->ref.remote_id.len);
  all->count++;
}

static int32_t on_detail(void* ctx, const berth_http_reply* reply) {
  details* all = ctx;
  berth_record record;
  if (reply->status != BERTH_OK) {
    all->status = reply->status;
    *all->error = *reply->error;
    return 1;
  }
  memset(&record, 0, sizeof record);
  record.ref.entity = str("thing");
  record.ref.remote_id = str(all->ids[reply->index]);
  record.ref.version = str("1");
  record.json = reply->response->body;
  all->status = host_records()->emit(the_host, &record, all->error);
  if (all->status == BERTH_OK) {
    all->status = host_records()->attach(the_host, &record.ref, str("raw"), str("application/json"),
                                         reply->response->body, all->error);
  }
  return all->status != BERTH_OK;
}

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  if (run->phase.len != 6 || memcmp(run->phase.ptr, "things", 6) != 0) {
    return fail(error, BERTH_UNSUPPORTED, "plain_c.phase_unknown", "This plugin has only the phase things.");
  }
  host_log()->write(the_host, BERTH_INFO, str("plan"), run->plan_json);
  if (run->cursor_json.len > 0) host_log()->write(the_host, BERTH_INFO, str("cursor"), run->cursor_json);

  static const berth_pair page = {{"page", 4}, {"1", 1}};
  berth_http_request list;
  memset(&list, 0, sizeof list);
  list.method = str("GET");
  list.path = str("/things");
  list.query = &page;
  list.query_count = 1;
  list.kind = BERTH_CALL_LIST;
  int32_t status = host_http()->send(the_host, &list, error, on_list, error);
  if (status != BERTH_OK) return status;

  berth_ref ref = {str("thing"), str("1"), str("1")};
  uint8_t known = 255;
  status = host_records()->known(the_host, &ref, 1, &known, error);
  if (status != BERTH_OK) return status;
  if (known != BERTH_KNOWN_DETAIL) status = host_records()->need_detail(the_host, &ref, 100, error);
  if (status == BERTH_OK) status = checkpoint("{\"step\":1}", BERTH_CHECKPOINT_PASS_COMPLETE, error);
  if (status != BERTH_OK) return status;
  host_control()->progress(the_host, 1, -1);

  details all;
  memset(&all, 0, sizeof all);
  all.error = error;
  status = host_records()->next_details(the_host, MAX_DETAILS, &all, on_wanted, error);
  if (status != BERTH_OK) return status;
  berth_http_request requests[MAX_DETAILS];
  memset(requests, 0, sizeof requests);
  for (size_t i = 0; i < all.count; i++) {
    requests[i].method = str("GET");
    requests[i].path = str(all.paths[i]);
    requests[i].cost = str("things.detail");
    requests[i].kind = BERTH_CALL_DETAIL;
  }
  if (all.count > 0) {
    berth_error batch_error;
    memset(&batch_error, 0, sizeof batch_error);
    int32_t sent = host_http()->send_batch(the_host, requests, all.count, &all, on_detail, &batch_error);
    status = checkpoint("{\"step\":2}", 0, error); /* what was paid for is kept, whatever became of the rest */
    if (status == BERTH_OK && all.status != BERTH_OK) return all.status;
    if (status == BERTH_OK && sent != BERTH_OK) {
      *error = batch_error;
      return sent;
    }
  }
  return status;
}
