/* Tries POST, PUT and DELETE; in pull_only mode the host refuses each and sends nothing. The statuses are the JSON of
 * the record thing/report, {"POST":n,"PUT":n,"DELETE":n}; then it returns what the host said to the POST. */
#define PLUGIN_ID "posts"
#define OWN_RUN_PHASE
#include "common.h"

static int32_t ignore_reply(void* ctx, const berth_http_reply* reply) {
  (void)ctx;
  (void)reply;
  return 0;
}

static int32_t try_method(const char* method, berth_error* error) {
  berth_http_request request;
  memset(&request, 0, sizeof request);
  request.method = str(method);
  request.path = str("/things/1");
  request.body = str("{\"total\":0}");
  request.kind = BERTH_CALL_WRITE;
  return host_http()->send(the_host, &request, NULL, ignore_reply, error);
}

static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  berth_error post_error, other;
  memset(&post_error, 0, sizeof post_error);
  memset(&other, 0, sizeof other);
  const int32_t post = try_method("POST", &post_error);
  const int32_t put = try_method("PUT", &other);
  const int32_t remove = try_method("DELETE", &other);
  char json[96];
  snprintf(json, sizeof json, "{\"POST\":%d,\"PUT\":%d,\"DELETE\":%d}", (int)post, (int)put, (int)remove);
  int32_t status = emit_json("thing", "report", json, 0, error);
  if (status == BERTH_OK) status = checkpoint("{}", 0, error);
  if (status != BERTH_OK) return status;
  *error = post_error;
  return post;
}
