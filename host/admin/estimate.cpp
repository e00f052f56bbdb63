#include "host/admin/estimate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/admin/quota.hpp"

namespace berth::admin {

namespace {

json::Value calls_view(const runs::CallCounts& calls) {
  return json::Value::object({{"list", calls.list}, {"detail", calls.detail}, {"file", calls.file}, {"other", calls.other}, {"total", calls.total()}});
}

/// What comes on top for what nobody here can know.
std::string formula_of(const runs::PhaseEstimate& phase) {
  std::string text = phase.page_size == 1 ? "1 a row" : fmt::format("1 per {} rows", phase.page_size);
  if (phase.has_detail) text += phase.is_reduced ? ", and for each document whose row is not enough 1" : ", 1 per document";
  if (phase.parts > 0) text += fmt::format(" and up to {} more", phase.parts);
  if (phase.files > 0) {
    const char* whose = phase.files == 1 ? "its file" : "its files";
    text += phase.is_reduced ? fmt::format(" and {} for {}", phase.files, whose) : fmt::format(", {} per document for {}", phase.files, whose);
  }
  return text;
}

}  // namespace

Result<json::Value> estimate_view(storage::Connection& connection, runs::QuotaKeys& keys, const storage::Integration& integration, const runs::Setup& setup,
                                  const runs::RunRequest& request, Instant now) {
  const runs::Estimate estimate = BERTH_TRY(runs::estimate_sync(connection, setup, request));
  const json::Value quota = BERTH_TRY(quota_view(connection, keys, integration, now));
  json::Value phases = json::Value::array();
  bool is_first = false;
  for (const runs::PhaseEstimate& phase : estimate.phases) {
    is_first = is_first || phase.is_first;
    phases.push_back(json::Value::object({{"phase", phase.phase},
                                          {"entity", phase.entity},
                                          {"is_first", phase.is_first},
                                          {"stored", phase.stored},
                                          {"queued", phase.queued},
                                          {"queued_files", phase.queued_files},
                                          {"at_least", calls_view(phase.at_least)},
                                          {"at_most", calls_view(phase.at_most)},
                                          {"if_all_changed", phase.if_all_changed ? calls_view(*phase.if_all_changed) : json::Value()},
                                          {"formula", formula_of(phase)}}));
  }
  // Whatever changed, no run makes more than these allow.
  std::optional<std::int64_t> allowed;
  std::string allowed_by;
  const auto cap = [&](std::int64_t calls, std::string_view what) {
    if (allowed && *allowed <= calls) return;
    allowed = calls;
    allowed_by = what;
  };
  const json::Value* day_left = quota.find("day_left");
  if (day_left != nullptr && !day_left->is_null()) cap(day_left->integer().value_or(0), "what is left of the day");
  if (estimate.run_cap) cap(*estimate.run_cap, "the budget `run`");
  if (quota.find("blocked_until") != nullptr && !quota.find("blocked_until")->is_null()) cap(0, "the remote, which has refused further calls");
  const auto within = [&](std::int64_t calls) { return allowed ? std::min(calls, *allowed) : calls; };
  const auto all = estimate.if_all_changed();
  return json::Value::object({{"integration", integration.id},
                              {"mode", estimate.mode},
                              {"is_first", is_first},
                              {"phases", std::move(phases)},
                              {"at_least", within(estimate.at_least())},
                              {"at_most", within(estimate.at_most())},
                              {"wanted", estimate.at_most()},
                              {"if_all_changed", all ? json::Value(*all) : json::Value()},
                              {"allowed", allowed ? json::Value(*allowed) : json::Value()},
                              {"allowed_by", allowed_by},
                              {"day_left", day_left == nullptr ? json::Value() : *day_left},
                              {"day_limit", quota.find("day_limit") == nullptr ? json::Value() : *quota.find("day_limit")},
                              {"blocked_until", quota.find("blocked_until") == nullptr ? json::Value() : *quota.find("blocked_until")},
                              {"tokens", json::Value::object({{"at_least", 0}, {"at_most", 1}})}});
}

}  // namespace berth::admin
