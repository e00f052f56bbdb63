/* What the test plugins share: a correct connector in C, of which each plugin spoils one thing. A plugin defines
 * PLUGIN_ID and the functions it does not take from here, then includes this file. C11, no C++, no library. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "berth/abi/abi.h"

#ifndef PLUGIN_ID
#error "PLUGIN_ID is the plugin's id, a string literal"
#endif
#ifndef PLUGIN_ABI_MAJOR
#define PLUGIN_ABI_MAJOR BERTH_ABI_MAJOR
#endif
#ifndef PLUGIN_STRUCT_SIZE
#define PLUGIN_STRUCT_SIZE sizeof(berth_identity)
#endif
#ifndef PLUGIN_DESCRIPTOR
#define PLUGIN_DESCRIPTOR                                                                  \
  "{\"id\":\"" PLUGIN_ID "\",\"name\":\"Test plugin " PLUGIN_ID                            \
  "\",\"version\":\"1.0.0\","                                                              \
  "\"phases\":[{\"id\":\"things\",\"entity\":\"thing\",\"after\":[],\"optional\":false}]," \
  "\"entities\":[{\"id\":\"thing\",\"version\":\"opaque\"}],"                              \
  "\"cost_classes\":[{\"id\":\"things.detail\",\"default\":\"100%\"}],\"configuration\":{}}"
#endif

static const berth_host* the_host; /* one instance at a time is enough for these tests */

static inline berth_str str(const char* text) {
  berth_str out = {text, strlen(text)};
  return out;
}

static inline int32_t fail(berth_error* error, int32_t status, const char* reason, const char* message) {
  error->retry_after_ms = -1;
  snprintf(error->reason, sizeof error->reason, "%s", reason);
  snprintf(error->message, sizeof error->message, "%s", message);
  return status;
}

static inline const berth_host_log* host_log(void) {
  return the_host->extension(the_host, str(BERTH_HOST_LOG));
}
static inline const berth_host_http* host_http(void) {
  return the_host->extension(the_host, str(BERTH_HOST_HTTP));
}
static inline const berth_host_records* host_records(void) {
  return the_host->extension(the_host, str(BERTH_HOST_RECORDS));
}
static inline const berth_host_control* host_control(void) {
  return the_host->extension(the_host, str(BERTH_HOST_CONTROL));
}

static inline int32_t emit_json(const char* entity, const char* id, const char* json, uint32_t flags,
                                berth_error* error) {
  berth_record record;
  memset(&record, 0, sizeof record);
  record.ref.entity = str(entity);
  record.ref.remote_id = str(id);
  record.ref.version = str("1");
  record.json = str(json);
  record.flags = flags;
  return host_records()->emit(the_host, &record, error);
}

static inline int32_t checkpoint(const char* cursor, uint32_t flags, berth_error* error) {
  return host_records()->checkpoint(the_host, str(cursor), flags, error);
}

/* ---- the parts a plugin may bring itself ---- */
#ifndef OWN_RUN_PHASE
static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  (void)connector;
  (void)run;
  return checkpoint("{}", BERTH_CHECKPOINT_PASS_COMPLETE, error);
}
#else
static int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error);
#endif

static int32_t check(berth_connector* connector, berth_error* error) {
  (void)connector;
  (void)error;
  return BERTH_OK;
}

static const void* no_extension(berth_connector* connector, berth_str id) {
  (void)connector;
  (void)id;
  return NULL;
}

static void destroy(berth_connector* connector) {
  free(connector);
}

static berth_connector* create(const berth_host* host, berth_str config_json, berth_error* error) {
  (void)config_json;
  berth_connector* made = calloc(1, sizeof *made);
  if (made == NULL) {
    fail(error, BERTH_INTERNAL, PLUGIN_ID ".out_of_memory", "There is no memory.");
    return NULL;
  }
  the_host = host;
  made->check = check;
  made->run_phase = run_phase;
  made->extension = no_extension;
  made->destroy = destroy;
  return made;
}

static berth_str descriptor_json(void) {
  berth_str out = {PLUGIN_DESCRIPTOR, sizeof(PLUGIN_DESCRIPTOR) - 1};
  return out;
}

static const berth_identity the_identity = {
    PLUGIN_STRUCT_SIZE, PLUGIN_ABI_MAJOR, BERTH_ABI_MINOR, 0, {PLUGIN_ID, sizeof(PLUGIN_ID) - 1}, {"1.0.0", 5}};
static const berth_plugin the_plugin = {&the_identity, descriptor_json, create};

#ifndef OWN_ENTRY
const berth_plugin* berth_plugin_entry(const berth_identity* host, berth_error* error) {
  if (host->struct_size != sizeof(berth_identity) || host->abi_major != BERTH_ABI_MAJOR) {
    fail(error, BERTH_UNSUPPORTED, PLUGIN_ID ".host", "This plugin was built for another host.");
    return NULL;
  }
  return &the_plugin;
}
#endif
