#include "host/http/budget.hpp"

#include <charconv>

#include "host/core/text.hpp"

namespace berth::http {

Budgets::Budgets() : guarded_(std::make_unique<Guarded>()) {}

Status Budgets::add(const json::Value& block, std::string_view place) {
  if (block.is_null()) return success();
  const auto invalid = [&](std::string_view key, const std::string& what) {
    return make_error(Code::kInvalidConfig, "http.budget_invalid",
                      std::string(place) + (key.empty() ? "" : "/" + std::string(key)) + ": " + what + ".");
  };
  if (!block.is_object()) return invalid("", "an object is expected");
  const std::scoped_lock lock(guarded_->mutex);
  for (const auto& [cost, value] : block.members()) {
    Class one;
    if (const auto calls = value.integer(); calls && value.is_number() && *calls >= 0) {
      one.amount = *calls;
      one.limit = *calls;
    } else {
      auto text = value.is_string() ? value.text() : std::string_view{};
      const bool is_percent = text.ends_with('%');
      if (is_percent) text.remove_suffix(1);
      const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), one.amount);
      if (!is_percent || error != std::errc{} || stop != text.data() + text.size() || one.amount < 0 ||
          one.amount > 100) {
        return invalid(cost, "a number of calls or a share such as \"40%\" is expected");
      }
      one.is_share = true;
    }
    guarded_->classes.insert_or_assign(cost, one);
  }
  return success();
}

Result<Budgets> Budgets::parse(const json::Value& block, std::string_view place) {
  Budgets budgets;
  BERTH_CHECK(budgets.add(block, place));
  return budgets;
}

void Budgets::begin_run(std::optional<std::int64_t> day_left) {
  const std::scoped_lock lock(guarded_->mutex);
  for (auto& [cost, one] : guarded_->classes) {
    one.spent = 0;
    one.refused = false;
    if (!one.is_share) continue;
    // Rounded up, so that a small rest of a day still moves every phase.
    one.limit = day_left ? std::optional((*day_left * one.amount + 99) / 100) : std::nullopt;
  }
}

Status Budgets::take(std::string_view cost) {
  if (cost.empty()) return success();
  const std::scoped_lock lock(guarded_->mutex);
  const auto found = guarded_->classes.find(cost);
  if (found == guarded_->classes.end()) return success();
  auto& one = found->second;
  if (one.limit && one.spent >= *one.limit) {
    one.refused = true;
    return make_error(Code::kQuotaExhausted, "berth.budget",
                      "The budget of " + std::string(cost) + " for this run is spent: " + std::to_string(one.spent) +
                          " of " + std::to_string(*one.limit) + " calls.");
  }
  ++one.spent;
  return success();
}

void Budgets::take_repeat(std::string_view cost) {
  const std::scoped_lock lock(guarded_->mutex);
  const auto found = guarded_->classes.find(cost);
  if (found != guarded_->classes.end()) ++found->second.spent;
}

std::vector<BudgetUse> Budgets::use() const {
  const std::scoped_lock lock(guarded_->mutex);
  std::vector<BudgetUse> uses;
  for (const auto& [cost, one] : guarded_->classes) uses.push_back({cost, one.spent, one.limit, one.refused});
  return uses;
}

}  // namespace berth::http
