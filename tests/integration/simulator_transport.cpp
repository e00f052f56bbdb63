#include "integration/simulator_transport.hpp"

#include <algorithm>

#include "berth/json.hpp"
#include "host/core/text.hpp"

namespace berth::integration {

Result<http::Response> SimulatorTransport::send(const http::Request& request, std::stop_token stop) {
  if (stop.stop_requested()) return make_error(Code::kCancelled, "http.cancelled", "the call was stopped");
  if (!request.url.starts_with(origin_ + "/")) {
    const std::scoped_lock lock(mutex_);
    strangers_.push_back(request.url);
    return make_error(Code::kUnavailable, "http.connect", "nobody listens at " + request.url);
  }
  zoho_sim::Request out = zoho_sim::make_request(request.method, request.url.substr(origin_.size()));
  out.headers = request.headers;
  if (!request.authorization.empty()) out.headers.emplace_back("Authorization", std::string(request.authorization.reveal()));
  out.body = request.body;
  std::string call = request.method + " " + out.path;
  if (!zoho_sim::value_of(out.query, "accept").empty()) call += "?accept=" + std::string(zoho_sim::value_of(out.query, "accept"));
  Exchange exchanged;
  exchanged.began = clock_.now();
  auto answer = exchange(out, call, exchanged.counted);
  exchanged.ended = clock_.now();
  exchanged.status = answer.ok() ? answer->status : 0;
  exchanged.call = std::to_string(exchanged.status) + " " + call;
  if (exchanged.status >= 400) exchanged.code = json::parse(answer->body).value.text_of("code");
  const std::scoped_lock lock(mutex_);
  calls_.push_back(exchanged.call);
  exchanges_.push_back(std::move(exchanged));
  return answer;
}

std::chrono::milliseconds SimulatorTransport::duration() {
  if (varies.count() == 0) return takes;
  const std::scoped_lock lock(mutex_);
  return takes - varies + std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>(2 * varies.count()) + 1));
}

void SimulatorTransport::pass(std::chrono::milliseconds time) {
  if (is_paced_) {
    clock_.sleep_for(time, {});
  } else {
    clock_.advance(time);
  }
}

Result<http::Response> SimulatorTransport::exchange(const zoho_sim::Request& request, const std::string& call, Instant& counted) {
  const auto time = duration();
  const auto half = time / 2;
  pass(is_paced_ ? half : time);
  counted = clock_.now();
  if (before) {
    if (auto instead = before(call)) return std::move(*instead);
  }
  zoho_sim::Response in = simulator_.handle(request);
  switch (in.delivery) {
    case zoho_sim::Delivery::kNormal:
    case zoho_sim::Delivery::kDrip:
    case zoho_sim::Delivery::kDripHead: break;
    case zoho_sim::Delivery::kTruncated:
    case zoho_sim::Delivery::kCutChunked: return make_error(Code::kUnavailable, "http.truncated", "the connection ended inside the answer");
    case zoho_sim::Delivery::kHang:
      clock_.advance(std::chrono::milliseconds(in.pause_ms));
      return make_error(Code::kUnavailable, "http.timeout", "no answer came in time");
    case zoho_sim::Delivery::kReset:
    case zoho_sim::Delivery::kResetHead:
    case zoho_sim::Delivery::kClose: return make_error(Code::kUnavailable, "http.closed", "the connection ended before an answer began");
  }
  http::Response response;
  response.status = in.status;
  for (auto& [name, value] : in.headers) response.headers.emplace_back(lower_ascii(name), std::move(value));
  response.body = std::move(in.body);
  if (after) after(response);
  if (is_paced_) pass(time - half);
  return response;
}

std::vector<std::string> SimulatorTransport::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

std::size_t SimulatorTransport::count(std::string_view prefix, int status) const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(calls_.begin(), calls_.end(), [&](const std::string& call) {
    const auto blank = call.find(' ');
    return std::string_view(call).substr(blank + 1).starts_with(prefix) && (status == 0 || call.starts_with(std::to_string(status)));
  }));
}

void SimulatorTransport::forget_calls() {
  const std::scoped_lock lock(mutex_);
  calls_.clear();
  exchanges_.clear();
}

std::vector<SimulatorTransport::Exchange> SimulatorTransport::exchanges() const {
  const std::scoped_lock lock(mutex_);
  return exchanges_;
}

std::vector<SimulatorTransport::Exchange> SimulatorTransport::api_calls() const {
  std::vector<Exchange> calls = exchanges();
  std::erase_if(calls, [](const Exchange& one) { return one.call.find("/books/v3/") == std::string::npos; });
  std::sort(calls.begin(), calls.end(), [](const Exchange& a, const Exchange& b) { return a.counted < b.counted; });
  return calls;
}

std::vector<std::string> SimulatorTransport::strangers() const {
  const std::scoped_lock lock(mutex_);
  return strangers_;
}

}  // namespace berth::integration
