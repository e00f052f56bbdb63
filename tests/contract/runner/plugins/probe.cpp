#include "probe.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "berth/abi/ext/connect.h"

namespace probe {
namespace {

/// What create() was given: some functions do wrong when it says so.
std::string misbehaviour;

const Acts& acts() {
  static const Acts all = [] {
    Acts merged = records_acts();
    for (Acts more : {http_acts(), stream_acts(), ending_acts(), system_acts()}) merged.merge(more);
    return merged;
  }();
  return all;
}

Probe& probe_of(berth_connector* connector) {
  return *static_cast<Probe*>(connector->self);
}

std::int32_t check(berth_connector* connector, berth_error* error) {
  if (misbehaviour == "throw_in_check") throw 42;
  Probe& probe = probe_of(connector);
  probe.error = error;
  Batch batch;
  batch.probe = &probe;
  const auto request = Probe::get("/check");
  return probe.http->send(
      probe.host, &request, &batch, [](void*, const berth_http_reply*) -> std::int32_t { return 0; }, error);
}

std::int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) {
  Probe& probe = probe_of(connector);
  probe.error = error;
  probe.cursor = run->cursor_json;
  const auto act = acts().find(std::string_view(run->plan_json.ptr, run->plan_json.len));
  if (act == acts().end()) return BERTH_UNSUPPORTED;
  return act->second(probe);
}

std::int32_t organizations(berth_connector*, void* sink_ctx, void (*sink)(void*, const berth_organization*),
                           berth_error*) {
  if (misbehaviour == "throw_in_organizations") throw 42;
  if (misbehaviour == "crash_in_organizations") std::abort();
  const berth_organization one{str("10"), str("Acme"), str(R"({"currency":"USD"})")};
  const berth_organization two{str("20"), str("Bm\xc3\xbcller"), str("{}")};
  sink(sink_ctx, &one);
  sink(sink_ctx, &two);
  return BERTH_OK;
}

const void* extension(berth_connector* connector, berth_str id) {
  static const berth_plugin_connect connect{&organizations};
  const bool has_none = probe_of(connector).cursor.len == 4;  // after a phase with a cursor of four bytes
  if (!has_none && std::string_view(id.ptr, id.len) == BERTH_PLUGIN_CONNECT) return &connect;
  return nullptr;
}

void destroy(berth_connector* connector) {
  if (misbehaviour == "crash_in_destroy") std::abort();
  if (misbehaviour == "hang_in_destroy") loop_for_ever();
  Probe* probe = &probe_of(connector);
  if (misbehaviour != "throw_in_destroy") probe->log->write(probe->host, BERTH_INFO, str("destroyed"), {});
  delete probe;
  if (misbehaviour == "throw_in_destroy") throw 42;   // what it threw away is no leak of the host's
}

template <class Table>
const Table* service(const berth_host* host, std::string_view id) {
  return static_cast<const Table*>(host->extension(host, str(id)));
}

berth_connector* create(const berth_host* host, berth_str config_json, berth_error* error) {
  const std::string_view config(config_json.ptr, config_json.len);
  if (config == "throw") throw 42;
  if (config == "crash_in_create") std::abort();
  if (config == "hang_in_create") loop_for_ever();
  misbehaviour = config;
  if (config == "refuse") {
    std::snprintf(error->reason, sizeof error->reason, "probe.config");
    std::snprintf(error->message, sizeof error->message, "key `colour` is missing");
    return nullptr;
  }
  if (host->extension(host, str("com.example.unknown/1")) != nullptr) return nullptr;
  auto* probe = new Probe;
  probe->host = host;
  probe->log = service<berth_host_log>(host, BERTH_HOST_LOG);
  probe->http = service<berth_host_http>(host, BERTH_HOST_HTTP);
  probe->records = service<berth_host_records>(host, BERTH_HOST_RECORDS);
  probe->control = service<berth_host_control>(host, BERTH_HOST_CONTROL);
  probe->table = {probe, &check, &run_phase, &extension, &destroy};
  return &probe->table;
}

berth_str descriptor() {
  return str(
      R"({"id":"probe","name":"Probe","version":"1.2.3","phases":[{"id":"acts","entity":"thing"}],)"
      R"("entities":[{"id":"thing","version":"counter"}],"cost_classes":[{"id":"acts.detail","default":"40%"}],"oauth":{"pkce":false}})");
}

const berth_identity identity{sizeof(berth_identity), BERTH_ABI_MAJOR, BERTH_ABI_MINOR, 0, {"probe", 5}, {"1.2.3", 5}};
const berth_plugin table{&identity, &descriptor, &create};

}  // namespace
}  // namespace probe

extern "C" const berth_plugin* berth_plugin_entry(const berth_identity*, berth_error*) {
  return &probe::table;
}
