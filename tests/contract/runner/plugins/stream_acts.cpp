// Requests that are under way while the plugin works.
#include <string>
#include <vector>

#include "berth/abi/ext/stream.h"
#include "probe.hpp"

namespace probe {
namespace {

const berth_host_stream* stream_of(const Probe& probe) {
  return static_cast<const berth_host_stream*>(probe.host->extension(probe.host, str(BERTH_HOST_STREAM)));
}

std::int32_t add(Probe& probe, std::size_t first, std::size_t count, std::string_view path = "/things/") {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < count; ++i) paths.push_back(std::string(path) + std::to_string(first + i));
  std::vector<berth_http_request> requests;
  for (const auto& one : paths) requests.push_back(Probe::get(one));
  return stream_of(probe)->add(probe.host, requests.data(), requests.size(), probe.error);
}

std::int32_t take(Probe& probe, Batch& batch) { return stream_of(probe)->take(probe.host, &batch, &on_reply, probe.error); }

/// Takes until so many replies have come.
std::int32_t take_until(Probe& probe, Batch& batch, std::size_t count) {
  while (batch.count < count) {
    if (const auto status = take(probe, batch); status != BERTH_OK) return status;
  }
  return BERTH_OK;
}

}  // namespace

Acts stream_acts() {
  return {
      {"stream",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         if (const auto status = add(p, 0, 3); status != BERTH_OK) return status;
         if (const auto status = take_until(p, batch, 2); status != BERTH_OK) return status;
         // What the host is asked for between two replies is answered, and more is added meanwhile.
         if (const auto status = p.checkpoint(); status != BERTH_OK) return status;
         if (const auto status = add(p, 3, 2); status != BERTH_OK) return status;
         if (const auto status = take_until(p, batch, 5); status != BERTH_OK) return status;
         if (const auto status = take(p, batch); status != BERTH_OK) return status;
         return p.report(batch.seen + std::to_string(batch.count));
       }},
      {"stream_stopped",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         batch.stop_after = 1;
         if (const auto status = add(p, 0, 100); status != BERTH_OK) return status;
         if (const auto status = take_until(p, batch, 100); status != BERTH_OK) return status;
         return p.report(std::to_string(batch.count));
       }},
      {"stream_of_large_bodies_stopped",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         batch.stop_after = 1;
         const std::vector<berth_http_request> requests(3, Probe::get("/large"));
         if (const auto status = stream_of(p)->add(p.host, requests.data(), requests.size(), p.error); status != BERTH_OK) return status;
         if (const auto status = take(p, batch); status != BERTH_OK) return status;
         // Other replies of that take wait still, and other work comes before they are asked for.
         if (const auto status = p.checkpoint(); status != BERTH_OK) return status;
         if (const auto status = take_until(p, batch, 3); status != BERTH_OK) return status;
         return p.report(batch.seen);
       }},
      {"stream_calls_back",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         batch.calls_back = true;
         if (const auto status = add(p, 0, 1); status != BERTH_OK) return status;
         if (const auto status = take(p, batch); status != BERTH_OK) return status;
         return p.report(std::to_string(batch.status_in_callback));
       }},
      {"stream_throws",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         batch.throws = true;
         if (const auto status = add(p, 0, 1); status != BERTH_OK) return status;
         return take(p, batch);
       }},
      {"stream_of_257",
       [](Probe& p) -> std::int32_t {
         if (const auto status = add(p, 0, 200); status != BERTH_OK) return status;
         return add(p, 200, 57);
       }},
      {"stream_of_large_bodies",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const std::vector<berth_http_request> requests(3, Probe::get("/large"));
         if (const auto status = stream_of(p)->add(p.host, requests.data(), requests.size(), p.error); status != BERTH_OK) return status;
         if (const auto status = take_until(p, batch, 3); status != BERTH_OK) return status;
         return p.report(batch.seen);
       }},
      {"stream_left_behind", [](Probe& p) -> std::int32_t { return add(p, 0, 5); }},
      {"stream_fails",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/fail");
         if (const auto status = stream_of(p)->add(p.host, &request, 1, p.error); status != BERTH_OK) return status;
         if (const auto status = take(p, batch); status != BERTH_OK) return status;
         return p.report(batch.seen);
       }},
  };
}

}  // namespace probe
