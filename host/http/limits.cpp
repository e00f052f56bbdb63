#include "host/http/limits.hpp"

#include <algorithm>

#include "host/http/budget.hpp"
#include "host/http/fields.hpp"

namespace berth::http {
namespace {

constexpr const char* kReason = "http.limits_invalid";
constexpr std::int64_t kPerDayMax = 1'000'000'000;

Result<std::int64_t> parse_per_day(const Fields& fields, std::string_view plan) {
  const auto* value = fields.find("per_day");
  if (value == nullptr || !value->is_object()) return fields.integer("per_day", 0, 0, kPerDayMax);
  const Fields choice(*value, "/limits/per_day", kReason);
  const std::vector<std::string> keys{"by_plan"};
  BERTH_CHECK(choice.only(keys));
  const auto* table = choice.find("by_plan");
  if (table == nullptr || !table->is_object() || table->size() == 0)
    return choice.error("by_plan", "plans are expected");
  const Fields plans(*table, "/limits/per_day/by_plan", kReason);
  std::int64_t largest = 0;
  std::vector<std::string> known;
  for (const auto& [name, limit] : table->members()) {
    const auto calls = BERTH_TRY(plans.integer(name, 0, 1, kPerDayMax));
    if (name == plan) return calls;
    largest = std::max(largest, calls);
    known.push_back(name);
  }
  if (!plan.empty()) return choice.error("by_plan", unknown_word("plan", plan, known));
  return largest;
}

}  // namespace

Result<Limits> Limits::parse(const json::Value& block, std::string_view plan) {
  Limits limits;
  if (block.is_null()) return limits;
  const Fields fields(block, "/limits", kReason);
  BERTH_CHECK(fields.must_be_object());
  const std::vector<std::string> keys{"shared_by", "per_minute", "concurrent", "per_day", "per_run", "headers"};
  BERTH_CHECK(fields.only(keys));
  limits.shared_by = BERTH_TRY(fields.text("shared_by"));
  const std::string rest = replace_all(replace_all(limits.shared_by, kSharedByOrganization, ""), kSharedByIntegration, "");
  if (rest.find_first_of("{}") != std::string::npos) {
    return fields.error("shared_by", "only " + std::string(kSharedByOrganization) + " and " + std::string(kSharedByIntegration) + " are known");
  }
  limits.per_minute = static_cast<int>(BERTH_TRY(fields.integer("per_minute", 0, 0, kPerMinuteMax)));
  limits.concurrent = static_cast<int>(BERTH_TRY(fields.integer("concurrent", 1, 1, kConcurrentMax)));
  limits.per_day = BERTH_TRY(parse_per_day(fields, plan));
  if (const auto* per_run = fields.find("per_run")) {
    if (!Budgets::parse(json::Value::object({{"per_run", *per_run}}), "/limits").ok()) {
      return fields.error("per_run", "a number of calls or a share such as \"40%\" is expected");
    }
    limits.per_run = *per_run;
  }
  if (const auto* value = fields.find("headers")) {
    const Fields headers(*value, "/limits/headers", kReason);
    BERTH_CHECK(headers.must_be_object());
    const std::vector<std::string> names{"limit", "remaining", "reset_seconds"};
    BERTH_CHECK(headers.only(names));
    limits.header_limit = lower_ascii(BERTH_TRY(headers.text("limit")));
    limits.header_remaining = lower_ascii(BERTH_TRY(headers.text("remaining")));
    limits.header_reset_seconds = lower_ascii(BERTH_TRY(headers.text("reset_seconds")));
  }
  return limits;
}

}  // namespace berth::http
