/* berth/abi/abi.h - the stable boundary between an integration host and a connector plugin. C11 / C++17. */
/* Evolution policy of this boundary:
 * 1. A released struct, function, constant, id or documented meaning never changes: not its fields, order, types,
 *    ownership, threads, nullability or units.
 * 2. While BERTH_ABI_MAJOR is 0, until the first tagged release, anything may change, and host and plugin must have the
 *    same minor. From 1 on two majors never work together, and the minor is information for logs that decides nothing.
 * 3. New abilities are new ids, and this is the only way to grow (struct_size detects accidents); a changed ability is
 *    ".../2" beside ".../1". The host keeps "/1" for at least four minor releases after "/2" exists, and says when it
 *    will go. Ids of third parties start with their reversed domain.
 * 4. An interface starts as draft (a header in abi/draft/, not promised) and keeps its id when it becomes stable.
 * 5. Whoever asks for an extension handles NULL. Only log, http, records and control revision 1 may be assumed of every
 *    host with major 1.
 * 6. Unknown values: a host treats a plugin status it does not know as BERTH_INTERNAL; a host never sends a plugin a
 *    value that its revision of the interface does not list. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#define BERTH_EXPORT __attribute__((visibility("default")))
#ifdef __cplusplus
extern "C" {
#endif
#define BERTH_ABI_MAJOR 0u      /* 1 from the first tagged release on */
#define BERTH_ABI_MINOR 1u
#define BERTH_ENTRY_SYMBOL "berth_plugin_entry"
/* Borrowed UTF-8 (where it says so: any bytes), no NUL at the end. Valid until the call that got them returns. */
typedef struct berth_str  { const char* ptr; size_t len; } berth_str;
typedef struct berth_pair { berth_str name, value; } berth_pair;
typedef enum berth_status {
   BERTH_OK              = 0,
   BERTH_CANCELLED       = 1,   /* the host asked to stop; not an error of the plugin                     */
   BERTH_INVALID_CONFIG  = 2,   /* an operator must edit configuration                                    */
   BERTH_UNAUTHENTICATED = 3,   /* an operator must reconnect                                             */
   BERTH_QUOTA_EXHAUSTED = 4,   /* berth.budget: the phase ends; berth.quota: the run ends          */
   BERTH_UNAVAILABLE     = 5,   /* transient and already retried by the host; the scheduler comes back    */
   BERTH_BAD_RESPONSE    = 6,   /* the remote answered with something the plugin cannot read              */
   BERTH_INTERNAL        = 7,   /* a bug in the plugin                                                    */
   BERTH_UNSUPPORTED     = 8    /* the phase, plan mode, operation or extension is not known              */
} berth_status;
/* Memory of the caller; the callee fills it only when it returns something other than BERTH_OK. */
typedef struct berth_error {
   int64_t retry_after_ms;      /* from now; -1: no advice                                                */
   char    reason[64];          /* stable id, "zoho_books.rate_limit.daily"; ends in a NUL                */
   char    message[448];        /* one sentence for an operator; no secrets; ends in a NUL                */
} berth_error;
typedef struct berth_identity {
   uint32_t  struct_size, abi_major, abi_minor, reserved;     /* sizeof this; reserved is 0, here and below */
   berth_str name, version;     /* "berth" / "zoho_books"; semantic version of that program               */
} berth_identity;
typedef struct berth_ref { berth_str entity, remote_id, version; } berth_ref;   /* version may be empty   */

/* ---- host -> plugin: what a plugin may call. ------------------------------------------------------------- 
 * [posted]: does not wait for an answer. What is wrong with it is returned by the next host call that has a status; a
 * call that returned an error has done nothing. [run-thread]: one thread at a time for one instance. [thread-safe]: any. */
typedef struct berth_host {
   const berth_identity* identity;
   void* ctx;                                                  /* the host's own                          */
   /* NULL when the host does not offer it. Ids are "berth.<name>/<revision>". [thread-safe] */
   const void* (*extension)(const struct berth_host* host, berth_str id);
} berth_host;

#define BERTH_HOST_LOG "berth.log/1"
typedef enum berth_level { BERTH_DEBUG = 0, BERTH_INFO = 1, BERTH_WARN = 2, BERTH_ERROR = 3 } berth_level;
typedef struct berth_host_log {                                                 /* [thread-safe, posted]  */
   void (*write)(const berth_host* host, int32_t level, berth_str message, berth_str fields_json);
} berth_host_log;
#define BERTH_HOST_HTTP "berth.http/1"
enum { BERTH_CALL_OTHER = 0, BERTH_CALL_LIST = 1, BERTH_CALL_DETAIL = 2, BERTH_CALL_FILE = 3, BERTH_CALL_WRITE = 4 };
typedef struct berth_http_request {
   berth_str         method;       /* "GET"; in pull_only mode nothing else passes                        */
   berth_str         path;         /* "/invoices/46": below the integration's API base. Exactly one "/"
                                      at the start; no "//", no segment "." or "..", no "?", "#", "\", CR or
                                      LF, neither plain nor as %XX                                        */
   const berth_pair* query;        /* plain text; the host encodes names and values                       */
   const berth_pair* headers;      /* the host adds authorisation; names and values without CR, LF, NUL   */
   size_t            query_count, header_count;
   berth_str         body;
   berth_str         cost;         /* cost class it draws on, "invoices.detail"; empty: only the quota    */
   uint32_t          kind, reserved;   /* BERTH_CALL_*: a line of the report; only DETAIL can find GONE    */
} berth_http_request;
/* What the `errors:` rules of phases.yaml made of an answer; the rules that wait, retry or stop never reach the plugin. */
enum { BERTH_VERDICT_NONE = 0,     /* no rule matched: the status is the plugin's to judge                */
       BERTH_VERDICT_GONE = 1,     /* this record does not exist: emit it as DELETED                      */
       BERTH_VERDICT_REFUSED = 2   /* permanent for this record only: go on with the next                 */ };
typedef struct berth_http_response {
   int32_t           status;
   uint32_t          verdict;      /* BERTH_VERDICT_*                                                     */
   berth_str         remote_code;  /* what the rules' code pointer found in the body, as text             */
   const berth_pair* headers;      /* names in lower case                                                 */
   size_t            header_count;
   berth_str         body;         /* decoded; any bytes                                                  */
} berth_http_response;
typedef struct berth_http_reply {
   uint32_t                   index;     /* place of the request in the batch                             */
   int32_t                    status;    /* BERTH_OK: `response` is set; else `error` is, the other NULL  */
   const berth_error*         error;
   const berth_http_response* response;
} berth_http_reply;
/* On the run thread. Views die when it returns. It may call emit, need_detail, attach, log and should_stop and
   nothing else of the host. 0: go on; anything else: start no further request of this batch. */
typedef int32_t (*berth_http_reply_fn)(void* reply_ctx, const berth_http_reply* reply);
typedef struct berth_host_http {
   /* Both block. Retries, limits, budgets, tokens, redirects (never followed) and cancellation are the host's.
      send: a batch of one; returns that reply's status. [run-thread] */
   int32_t (*send)(const berth_host* host, const berth_http_request* request,
                   void* reply_ctx, berth_http_reply_fn reply, berth_error* error);
   /* As many in flight as limits allow; replies in completion order, each request exactly one (one never sent says
      why), at most 16 finished ones wait. BERTH_OK only if all were sent; else BERTH_CANCELLED (reply or host said
      stop) or BERTH_QUOTA_EXHAUSTED. [run-thread] */
   int32_t (*send_batch)(const berth_host* host, const berth_http_request* requests, size_t count,
                         void* reply_ctx, berth_http_reply_fn reply, berth_error* error);
} berth_host_http;

#define BERTH_HOST_RECORDS "berth.records/1"
enum { BERTH_RECORD_DELETED = 1u,     /* the remote said that it is gone; `json` is empty                     */
       BERTH_RECORD_LIST_ONLY = 2u    /* a row of a list; kept beside the detail, never instead of it         */ };
typedef struct berth_record {
   berth_ref ref;                     /* "invoice", its id there, its change marker, e.g. last_modified_time  */
   berth_str part;                    /* empty, or a named further answer kept beside the detail, sent before it */
   berth_str json;                    /* as the remote sent it; an object unless a part                       */
   uint32_t  flags, reserved;         /* BERTH_RECORD_*                                                       */
} berth_record;
enum { BERTH_KNOWN_NONE = 0, BERTH_KNOWN_ROW = 1, BERTH_KNOWN_DETAIL = 2 };
enum { BERTH_WANT_DETAIL = 1u, BERTH_WANT_ATTACHMENTS = 2u };
typedef struct berth_wanted { berth_ref ref; uint32_t want, reserved; } berth_wanted;   /* want: BERTH_WANT_* */
enum { BERTH_CHECKPOINT_PASS_COMPLETE = 1u /* every row that the plan asked for has been listed, to the end   */ };
typedef struct berth_host_records {                                             /* all [run-thread]       */
   int32_t (*emit)(const berth_host* host, const berth_record* record, berth_error* error);    /* [posted] */
   /* Commits everything posted since the last checkpoint together with the cursor. */
   int32_t (*checkpoint)(const berth_host* host, berth_str cursor_json, uint32_t flags, berth_error* error);
   /* answers[i] = BERTH_KNOWN_*: how well refs[i] is stored with that very version, this run's emits included.
      Whoever is asked about counts as seen in this pass. */
   int32_t (*known)(const berth_host* host, const berth_ref* refs, size_t count, uint8_t* answers, berth_error* error);
   /* Puts a record into the host's detail queue unless its detail is known. Larger priority first, 0-500. [posted] */
   int32_t (*need_detail)(const berth_host* host, const berth_ref* ref, int32_t priority, berth_error* error);
   /* Calls `sink` for at most n entries of this phase's entities, each entry once per run_phase; none: nothing
      left. An entry leaves the queue when a checkpoint commits what it wanted. */
   int32_t (*next_details)(const berth_host* host, uint32_t n, void* sink_ctx,
                           void (*sink)(void* sink_ctx, const berth_wanted* wanted), berth_error* error);
   /* A file of a record: its name, "application/pdf", any bytes. [posted] */
   int32_t (*attach)(const berth_host* host, const berth_ref* ref, berth_str name, berth_str media_type,
                     berth_str bytes, berth_error* error);
} berth_host_records;

#define BERTH_HOST_CONTROL "berth.control/1"
typedef struct berth_host_control {
   int32_t (*should_stop)(const berth_host* host);                                        /* [thread-safe] */
   int64_t (*now_unix_ms)(const berth_host* host);                                        /* [thread-safe] */
   void    (*progress)(const berth_host* host, int64_t done, int64_t total_or_minus_1);   /* [run-thread, posted] */
} berth_host_control;

/* ---- plugin -> host: what a plugin provides ---------------------------------------------------------------- */
typedef struct berth_run {
   berth_str phase;                   /* a phase id from the descriptor                                       */
   /* What to read, a JSON object; members that are not there say nothing: "mode" (changes, full, sweep, window, ids), "floor", "from",
      "to" (times), "ids" (of mode ids), "limit"; "queue_only": true - the list is not read, only what next_details gives is fetched;
      "goes_on": true - a slice of the same run came before, and this one takes over at its cursor. */
   berth_str plan_json;
   berth_str cursor_json;             /* last committed cursor of this phase and mode; empty: from the start  */
   int64_t   deadline_unix_ms;        /* end of the slice                                                     */
} berth_run;
typedef struct berth_connector {
   void* self;                                                                  /* the plugin's own       */
   int32_t (*check)(struct berth_connector* connector, berth_error* error);        /* this and below: [run-thread] */
   int32_t (*run_phase)(struct berth_connector* connector, const berth_run* run, berth_error* error);
   const void* (*extension)(struct berth_connector* connector, berth_str id);
   void (*destroy)(struct berth_connector* connector);
} berth_connector;
typedef struct berth_plugin {
   const berth_identity* identity;
   berth_str (*descriptor_json)(void);                        /* static storage; no I/O. [thread-safe] */
   berth_connector* (*create)(const berth_host* host, berth_str config_json, berth_error* error);   /* [run-thread] */
} berth_plugin;
/* The one exported symbol. Returns NULL (and fills `error`) to refuse this host. No I/O, no threads. */
BERTH_EXPORT const berth_plugin* berth_plugin_entry(const berth_identity* host, berth_error* error);
#ifdef __cplusplus
}
static_assert(sizeof(berth_str) == 2 * sizeof(void*) && sizeof(berth_error) == 520, "frozen; the rest: tests/abi");
#endif
