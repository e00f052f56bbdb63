// Requests, alone and in batches, and what a plugin does with its time meanwhile.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "probe.hpp"

namespace probe {

std::int32_t on_reply(void* ctx, const berth_http_reply* reply) {
  auto& batch = *static_cast<Batch*>(ctx);
  if (batch.throws) throw 42;
  ++batch.count;
  if (batch.calls_back) {
    berth_error ignored{};
    batch.status_in_callback = batch.probe->records->checkpoint(batch.probe->host, str("{}"), 0, &ignored);
  }
  if (reply->status != BERTH_OK) {
    batch.seen += std::to_string(reply->index) + "=" + reply->error->reason + ";";
  } else {
    std::string headers;
    for (std::size_t i = 0; i < reply->response->header_count; ++i) {
      headers.append(reply->response->headers[i].name.ptr, reply->response->headers[i].name.len);
    }
    batch.seen += std::to_string(reply->index) + "=" + std::to_string(reply->response->status) + headers +
                  std::to_string(reply->response->body.len) + ";";
    batch.probe->emit("r" + std::to_string(reply->index), "{}");
  }
  return batch.count >= batch.stop_after ? 1 : 0;
}

namespace {

std::int32_t run_batch(Probe& probe, std::size_t size, Batch batch) {
  batch.probe = &probe;
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < size; ++i) paths.push_back("/things/" + std::to_string(i));
  std::vector<berth_http_request> requests;
  for (const auto& path : paths) requests.push_back(Probe::get(path));
  const std::int32_t sent =
      probe.http->send_batch(probe.host, requests.data(), requests.size(), &batch, &on_reply, probe.error);
  if (batch.throws) return sent;
  berth_error first = *probe.error;
  if (size > 256) return sent;
  const std::int32_t status =
      probe.report(batch.seen + "sent " + std::to_string(sent) + " inside " + std::to_string(batch.status_in_callback));
  if (status == BERTH_OK && sent != BERTH_OK) *probe.error = first;
  return status != BERTH_OK ? status : sent;
}

}  // namespace

Acts http_acts() {
  return {
      {"send",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/things/0");
         if (const auto status = p.http->send(p.host, &request, &batch, &on_reply, p.error); status != BERTH_OK)
           return status;
         return p.report(batch.seen);
       }},
      {"send_fails",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/fail");
         return p.http->send(p.host, &request, &batch, &on_reply, p.error);
       }},
      {"batch", [](Probe& p) { return run_batch(p, 3, {}); }},
      {"batch_of_256", [](Probe& p) { return run_batch(p, 256, {}); }},
      {"batch_of_257", [](Probe& p) { return run_batch(p, 257, {}); }},
      {"batch_stopped",
       [](Probe& p) {
         Batch b;
         b.stop_after = 2;
         return run_batch(p, 100, b);
       }},
      {"batch_throws",
       [](Probe& p) {
         Batch b;
         b.throws = true;
         return run_batch(p, 3, b);
       }},
      {"batch_calls_back",
       [](Probe& p) {
         Batch b;
         b.calls_back = true;
         return run_batch(p, 1, b);
       }},
      {"large_body",
       [](Probe& p) -> std::int32_t {
         Batch batch;
         batch.probe = &p;
         const auto request = Probe::get("/large");
         if (const auto status = p.http->send(p.host, &request, &batch, &on_reply, p.error); status != BERTH_OK)
           return status;
         return p.report(batch.seen);
       }},
      {"wrong_thread",
       [](Probe& p) -> std::int32_t {
         std::int32_t status = -1;
         berth_error error{};
         std::thread([&] { status = p.records->checkpoint(p.host, str("{}"), 0, &error); }).join();
         std::thread([&] { p.log->write(p.host, BERTH_INFO, str("from a thread"), {}); }).join();
         return p.report(std::to_string(status) + error.reason);
       }},
      {"until_stopped",
       [](Probe& p) -> std::int32_t {
         p.log->write(p.host, BERTH_INFO, str("started"), {});
         while (p.control->should_stop(p.host) == 0) {
         }
         p.emit("last", "{}");
         if (const auto status = p.checkpoint(); status != BERTH_OK) return status;
         std::snprintf(p.error->reason, sizeof p.error->reason, "probe.stopped");
         return BERTH_CANCELLED;
       }},
  };
}

}  // namespace probe
