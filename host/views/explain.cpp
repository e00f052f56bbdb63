#include "host/views/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "host/core/text.hpp"
#include "host/mapping/checks.hpp"

namespace berth::views {

namespace {

constexpr std::size_t kNearestShown = 5;

/// Findings of rules files and what comes of a record are explained beside the language itself.
std::optional<reasons::Explanation> of_the_language(std::string_view reason) {
  const auto operators = [](std::string_view what, std::string_view hint) {
    std::string resolution(hint);
    if (!resolution.empty() && resolution.front() >= 'a' && resolution.front() <= 'z') resolution.front() = static_cast<char>(resolution.front() - 'a' + 'A');
    if (!resolution.empty() && !resolution.ends_with('.')) resolution += '.';
    return reasons::Explanation{std::string(what), std::move(resolution), reasons::Who::kOperator, {}, {}};
  };
  for (const mapping::OutcomeReason& each : mapping::outcome_reasons()) {
    if (each.id == reason) return operators(each.what, each.hint);
  }
  for (const mapping::Check& each : mapping::checks()) {
    if (each.id == reason) return operators(each.what, each.hint);
  }
  return std::nullopt;
}

}  // namespace

std::optional<reasons::Explanation> explain(const reasons::Signs& signs) {
  try {
    if (auto found = reasons::catalogue().explain(signs)) return found;
    return of_the_language(signs.reason);
  } catch (const std::bad_alloc&) {
    return std::nullopt;  // an error is told without its cause rather than not at all
  }
}

std::optional<reasons::Explanation> explain(std::string_view reason) { return explain(reasons::Signs{.reason = reason}); }

std::vector<std::string> all_reasons() {
  std::vector<std::string> ids = reasons::catalogue().ids();
  for (const mapping::Check& each : mapping::checks()) ids.emplace_back(each.id);
  for (const mapping::OutcomeReason& each : mapping::outcome_reasons()) ids.emplace_back(each.id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Result<json::Value> reason_view(std::string_view reason) {
  const reasons::Entry* entry = reasons::catalogue().find(reason);
  const auto found = entry != nullptr ? reasons::Explanation{entry->cause, entry->resolution, entry->who, entry->link, {}} : of_the_language(reason);
  if (!found) {
    const std::vector<std::string> near = reasons::nearest_ids(reason, all_reasons(), kNearestShown);
    return make_error(Code::kNotFound, "admin.reason_unknown",
                      fmt::format("there is no reason \"{}\"; {}", shortened(reason, 80), near.empty() ? "nothing is near to it" : "near to it: " + join(near, ", ")));
  }
  json::Value view = json::Value::object({{"reason", reason},
                                          {"cause", found->cause},
                                          {"resolution", found->resolution},
                                          {"who_acts", reasons::to_string(found->who)},
                                          {"link", found->link}});
  json::Value symptoms = json::Value::array();
  for (const reasons::Symptom* symptom : reasons::catalogue().symptoms_of(reason)) {
    if (view.text_of("link").empty() && !symptom->link.empty()) view.set("link", symptom->link);
    symptoms.push_back(json::Value::object({{"id", symptom->id},
                                            {"symptom", symptom->symptom},
                                            {"cause", symptom->cause},
                                            {"resolution", symptom->resolution},
                                            {"who_acts", reasons::to_string(symptom->who)}}));
  }
  view.set("symptoms", std::move(symptoms));
  return view;
}

void add_explanation(json::Value& view, const reasons::Signs& signs) {
  const auto found = explain(signs);
  if (!found) return;
  view.set("cause", found->cause);
  view.set("resolution", found->resolution);
  if (view.text_of("who_acts").empty()) view.set("who_acts", reasons::to_string(found->who));
  if (!found->link.empty()) view.set("link", found->link);
  if (!found->symptom.empty()) view.set("symptom", found->symptom);
}

}  // namespace berth::views
