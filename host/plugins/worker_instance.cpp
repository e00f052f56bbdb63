// The calls of the host: one frame out, the worker watched until its answer is back. What the plugin calls meanwhile stands in
// worker_serve.cpp, what is made of its end in worker_end.cpp.
#include "host/plugins/worker_instance.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "berth/abi/abi.h"
#include "host/core/text.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/open_request.hpp"

namespace berth::plugins {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{50};  // how late a deadline of a virtual clock may be seen
constexpr int kFramesAtOnce = 1'000;

}  // namespace

WorkerInstance::WorkerInstance(std::unique_ptr<WorkerEnd> process, std::string plugin_id, Services& services,
                               const WorkerOptions& options)
    : plugin_id_(std::move(plugin_id)),
      options_(options),
      gate_(services),
      process_(std::move(process)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  process_->on_stderr_line([this](std::string_view line) { stderr_line(line); });
}

WorkerInstance::~WorkerInstance() {
  if (broken_) return;
  // The connector's own end, with the pipe open: its end would end the worker in the middle of destroy(). What does not go
  // by itself is ended.
  const bool has_left = process_->send(call_frame(0, Name::kClose), options_.close_grace).ok() && process_->exited_within(options_.close_grace);
  const ProcessEnd end = has_left ? process_->finish(options_.term_grace, options_.term_grace) : process_->kill(options_.term_grace);
  if (end.signal != 0)
    gate_.log(BERTH_WARN, fmt::format("the plugin's destroy did not end well: signal {} ({})", end.signal, strsignal(end.signal)), {});
  else if (end.exit_code != 0)
    gate_.log(BERTH_WARN, fmt::format("the plugin's destroy did not end well: exit code {}", end.exit_code), {});
}

Status WorkerInstance::load(const OpenRequest& request, std::stop_token stop) {
  const LoadRequest wanted = BERTH_TRY(load_request(request));
  limits_ = request.manifest->limits;
  gate_.begin_call(stop);
  Encoder arguments;
  arguments.text(wanted.id).text(wanted.version).text(wanted.library.string()).text(wanted.pin_sha256);
  arguments.i64(static_cast<std::int64_t>(limits_.memory_bytes)).i64(limits_.cpu.count());
  const std::string results = BERTH_TRY(call(Name::kOpen, arguments.bytes(), std::move(stop)));
  Decoder decoder(results);
  const std::string descriptor_json = decoder.text();
  lock_ = decoder.text();
  if (!decoder.finished()) return end_worker(Ended::kProtocol);
  gate_.set_descriptor(BERTH_TRY(matching_descriptor(*request.manifest, descriptor_json)));
  return success();
}

Status WorkerInstance::create(const OpenRequest& request, std::stop_token stop) {
  gate_.begin_call(stop);
  const auto created = call(Name::kCreate, Encoder().text(request.config_json).bytes(), std::move(stop));
  return gate_.end_call(created.ok() ? success() : Status(created.error()));
}

Status WorkerInstance::check(std::stop_token stop) {
  gate_.begin_call(stop);
  const auto checked = call(Name::kCheck, {}, std::move(stop));
  return gate_.end_call(checked.ok() ? success() : Status(checked.error()));
}

Status WorkerInstance::run_phase(const PhaseRun& run, std::stop_token stop) {
  gate_.begin_phase(run, stop);
  Encoder arguments;
  arguments.text(run.phase).text(run.plan_json).text(run.cursor_json).i64(run.deadline.unix_ms);
  const auto ran = call(Name::kRunPhase, arguments.bytes(), std::move(stop));
  return gate_.end_call(ran.ok() ? success() : Status(ran.error()));
}

Result<std::vector<Organization>> WorkerInstance::organizations(std::stop_token stop) {
  gate_.begin_call(stop);
  const auto listed = call(Name::kOrganizations, {}, std::move(stop));
  BERTH_CHECK(gate_.end_call(listed.ok() ? success() : Status(listed.error())));
  Decoder decoder(listed.value());
  std::vector<Organization> found;
  for (std::uint32_t left = decoder.count(12); left > 0; --left) {
    Organization one;
    one.remote_id = decoder.text();
    one.name = decoder.text();
    one.json = decoder.text();
    BERTH_CHECK(check_organization(one));
    found.push_back(std::move(one));
  }
  if (!decoder.finished() || found.size() > limits::kOrganizations) return end_worker(Ended::kProtocol);
  return found;
}

/// One call of the plugin, from the frame out to the frame back.
Result<std::string> WorkerInstance::call(Name name, std::string_view arguments, std::stop_token stop) {
  if (broken_)
    return make_error(Code::kInternal, "plugin.crashed",
                      fmt::format("the worker of plugin {} has ended: {}", plugin_id_, broken_->message));
  if (arguments.size() > kFrameBytesMax - 64) return protocol_error("arguments that are longer than a frame may be");
  std::uint64_t earlier = 0;
  while (read(wake_.get(), &earlier, sizeof earlier) > 0) {
  }
  last_sign_ = next_look_ = Clock::now();
  stop_sent_.reset();
  stopped_by_deadline_ = false;
  stderr_lines_ = 0;
  stderr_bytes_before_ = process_->stderr_bytes();
  posted_ = 0;
  taken_.clear();
  in_batch_ = false;
  const std::stop_callback wake_up(stop, [this] {
    const std::uint64_t one = 1;
    // A full counter is readable already.
    if (write(wake_.get(), &one, sizeof one) < 0) return;
  });
  const std::uint32_t id = ++last_id_;
  awaited_ = {id};
  returns_.clear();
  BERTH_CHECK(send(call_frame(id, name, arguments)));
  BERTH_CHECK(pump([&] { return returns_.contains(id); }));
  if (stderr_lines_ > kStderrLinesMax) {
    gate_.log(BERTH_WARN,
              fmt::format("the plugin wrote {} more lines to standard error", stderr_lines_ - kStderrLinesMax), {});
  }
  return results_of(returns_.extract(id).mapped());
}

Status WorkerInstance::pump(const std::function<bool()>& done) {
  while (!done()) {
    BERTH_CHECK(watch());
    bool took = false;
    BERTH_CHECK(take(kTick, took));
  }
  return success();
}

Status WorkerInstance::pump_what_is_there() {
  // So many at most: a plugin that never falls silent must not keep the deadline from being looked at.
  bool took = true;
  for (int frames = 0; took && frames < kFramesAtOnce; ++frames) BERTH_CHECK(take(std::chrono::milliseconds(0), took));
  return success();
}

/// Waits for one frame and handles it.
Status WorkerInstance::take(std::chrono::milliseconds timeout, bool& took) {
  if (broken_) return *broken_;
  took = false;
  // Once the stop is passed on there is nothing to be woken for.
  const int wake = stop_sent_ ? -1 : wake_.get();
  Frame frame;
  switch (process_->wait(timeout, wake, frame)) {
    case WorkerEnd::Event::kFrame:
      took = true;
      return handle(std::move(frame));
    case WorkerEnd::Event::kNothing:
      next_look_ = Clock::now();
      return success();
    case WorkerEnd::Event::kEnded:
      return end_worker(Ended::kByItself);
    case WorkerEnd::Event::kBroken:
      return end_worker(Ended::kProtocol);
  }
  return success();
}

/// Stop, deadline and silence: asked first, then ended.
Status WorkerInstance::watch() {
  const auto now = Clock::now();
  if (!stop_sent_ && now >= next_look_) {
    next_look_ = now + kTick / 2;
    if (gate_.should_stop()) {
      const auto deadline = gate_.deadline();
      stopped_by_deadline_ = deadline && gate_.now() >= *deadline;
      stop_sent_ = now;
      BERTH_CHECK(send(call_frame(0, Name::kStop)));
    }
  }
  if (stop_sent_ && now - *stop_sent_ >= options_.stop_grace)
    return end_worker(stopped_by_deadline_ ? Ended::kDeadline : Ended::kStopIgnored);
  if (now - last_sign_ >= options_.stall_after) return end_worker(Ended::kSilent);
  if (process_->stderr_bytes() - stderr_bytes_before_ > limits::kStderrBytes) return end_worker(Ended::kFlood);
  return success();
}

Status WorkerInstance::handle(Frame&& frame) {
  last_sign_ = Clock::now();
  if (frame.kind == FrameKind::kReturn) {
    // Only what is waited for is kept: a worker must not fill the host's memory with answers that nobody asked for.
    if (awaited_.erase(frame.id) == 0) return end_worker(Ended::kProtocol);
    returns_.insert_or_assign(frame.id, std::move(frame));
    return success();
  }
  const Status served = serve(frame);
  host_has_worked();
  return served;
}

/// While the host works the plugin waits, and neither silence nor the grace of a stop is its own.
void WorkerInstance::host_has_worked() {
  const auto now = Clock::now();
  if (stop_sent_) *stop_sent_ += now - last_sign_;
  last_sign_ = now;
}

Status WorkerInstance::send(std::string_view frame) {
  if (broken_) return *broken_;
  if (process_->send(frame, options_.stall_after).ok()) return success();
  return end_worker(Ended::kSilent);
}

void WorkerInstance::stderr_line(std::string_view line) {
  if (++stderr_lines_ > kStderrLinesMax) return;
  gate_.log(BERTH_WARN, line, R"({"stream":"stderr"})");
}

}  // namespace berth::plugins
