#include "host/admin/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "host/views/explain.hpp"
#include "host/core/text.hpp"

namespace berth::admin {

namespace {

Error unknown(std::string_view id) {
  return make_error(Code::kNotFound, "admin.job_unknown", fmt::format("there is no job \"{}\"; the last {} are kept, until the host ends", shortened(id, 80), kJobsKeptMax));
}

}  // namespace

Jobs::~Jobs() {
  for (Job& job : jobs_) job.thread.request_stop();
  for (Job& job : jobs_) {
    if (job.thread.joinable()) job.thread.join();
  }
}

Result<std::string> Jobs::begin(JobOrder order, bool only_one, Work work) {
  const std::scoped_lock guard(mutex_);
  const auto is_under_way = [](const Job& job) { return !job.outcome; };
  if (only_one && std::any_of(jobs_.begin(), jobs_.end(), [&](const Job& job) { return is_under_way(job) && job.order.kind == order.kind; })) {
    return make_error(Code::kConflict, "admin.jobs_busy", fmt::format("another {} is under way; one at a time", order.kind));
  }
  if (static_cast<std::size_t>(std::count_if(jobs_.begin(), jobs_.end(), is_under_way)) >= kJobsAtOnceMax) {
    return make_error(Code::kConflict, "admin.jobs_busy", fmt::format("{} jobs are under way; try again when one has ended", kJobsAtOnceMax));
  }
  drop_old();
  Job& job = jobs_.emplace_back();
  job.id = new_id("job", clock_, random_);
  job.order = std::move(order);
  job.began = clock_.now();
  auto run = [this, &job, work = std::move(work)](std::stop_token stop) {
    Result<json::Value> outcome = make_error(Code::kInternal, "admin.job_failed", "the job ended without an outcome");
    try {
      outcome = work({std::move(stop), [&job](std::int64_t done, std::int64_t total) {
                        job.done = done;
                        job.total = total;
                      }});
    } catch (const std::exception& error) {
      outcome = make_error(Code::kInternal, "admin.job_failed", fmt::format("the job ended with: {}", error.what()));
    }
    const std::scoped_lock locked(mutex_);
    job.ended = clock_.now();
    job.outcome = std::move(outcome);
    has_ended_.notify_all();
  };
  try {
    job.thread = std::jthread(std::move(run));
  } catch (const std::exception& error) {
    // Nobody would ever end it.
    jobs_.pop_back();
    return make_error(Code::kEnvironment, "admin.job_failed", fmt::format("no thread for the job could be started: {}", error.what()));
  }
  return job.id;
}

void Jobs::drop_old() {
  while (jobs_.size() >= kJobsKeptMax) {
    const auto oldest = std::find_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.outcome.has_value(); });
    if (oldest == jobs_.end()) return;
    jobs_.erase(oldest);   // its thread is at its end: it wrote the outcome under the lock that is held here
  }
}

json::Value Jobs::view_of(const Job& job, bool with_result) const {
  const bool is_running = !job.outcome;
  json::Value view = json::Value::object({{"job", job.id},
                                          {"kind", job.order.kind},
                                          {"integration", job.order.integration},
                                          {"actor", job.order.actor},
                                          {"state", is_running ? (job.thread.get_stop_token().stop_requested() ? "stopping" : "running") : job.outcome->ok() ? "done" : "failed"},
                                          {"began", to_string(job.began)},
                                          {"ended", is_running ? json::Value() : json::Value(to_string(job.ended))},
                                          {"progress", json::Value::object({{"done", job.done.load()}, {"total", job.total.load()}})}});
  if (!with_result) return view;
  view.set("result", !is_running && job.outcome->ok() ? **job.outcome : json::Value());
  if (!is_running && !job.outcome->ok()) {
    const Error& error = job.outcome->error();
    json::Value shown = json::Value::object({{"reason", error.reason}, {"detail", error.message}});
    views::add_explanation(shown, {.reason = error.reason});
    view.set("error", std::move(shown));
  }
  return view;
}

Result<json::Value> Jobs::view(std::string_view id) const {
  const std::scoped_lock guard(mutex_);
  const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& each) { return each.id == id; });
  if (job == jobs_.end()) return unknown(id);
  return view_of(*job, true);
}

json::Value Jobs::list() const {
  const std::scoped_lock guard(mutex_);
  json::Value all = json::Value::array();
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) all.push_back(view_of(*job, false));
  return all;
}

void Jobs::stop_all() {
  const std::scoped_lock lock(mutex_);
  for (Job& job : jobs_) {
    if (!job.outcome) job.thread.request_stop();
  }
}

Result<json::Value> Jobs::stop(std::string_view id) {
  const std::scoped_lock guard(mutex_);
  const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& each) { return each.id == id; });
  if (job == jobs_.end()) return unknown(id);
  if (!job->outcome) job->thread.request_stop();
  return view_of(*job, false);
}

void Jobs::wait(std::string_view id) {
  std::unique_lock guard(mutex_);
  // By id each time: while this waits, one that has ended may be dropped for newer ones.
  has_ended_.wait(guard, [&] {
    const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& each) { return each.id == id; });
    return job == jobs_.end() || job->outcome.has_value();
  });
}

}  // namespace berth::admin
