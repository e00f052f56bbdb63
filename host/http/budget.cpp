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
      one.limit = calls;
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

Budgets::Class* Budgets::Guarded::find(std::string_view cost) {
  const auto found = classes.find(cost);
  return found == classes.end() ? nullptr : &found->second;
}

void Budgets::begin_run(std::optional<std::int64_t> day_left) {
  const std::scoped_lock lock(guarded_->mutex);
  for (auto& [cost, one] : guarded_->classes) {
    one.spent = 0;
    one.refused = false;
    one.is_lifted = false;
    if (!one.is_share) continue;
    // Rounded up, so that a small rest of a day still moves every phase.
    one.limit = day_left ? std::optional((*day_left * one.amount + 99) / 100) : std::nullopt;
  }
}

bool Budgets::lift_shares(const std::set<std::string, std::less<>>& but) {
  const std::scoped_lock lock(guarded_->mutex);
  bool is_wanted = false;
  for (auto& [cost, one] : guarded_->classes) {
    // Nothing of the day is a class that is switched off.
    if (!one.is_share || one.is_lifted || one.amount == 0 || cost == kRunBudget || but.contains(cost)) continue;
    one.is_lifted = true;
    is_wanted = is_wanted || one.refused;
  }
  return is_wanted;
}

void Budgets::hold_back(std::optional<std::int64_t> calls) {
  const std::scoped_lock lock(guarded_->mutex);
  guarded_->left = calls;
  guarded_->was_held_back = false;
}

bool Budgets::was_held_back() const {
  const std::scoped_lock lock(guarded_->mutex);
  return guarded_->was_held_back;
}

Status Budgets::take(std::string_view cost) {
  const std::scoped_lock lock(guarded_->mutex);
  if (guarded_->left && *guarded_->left <= 0) {
    guarded_->was_held_back = true;
    return make_error(Code::kQuotaExhausted, "berth.run_cap",
                      "What is left of the day's calls is kept for others that draw on it and for changes to come; the next run goes on.");
  }
  Class* const run = guarded_->find(kRunBudget);
  if (run != nullptr && run->is_spent()) {
    run->refused = true;
    return make_error(Code::kQuotaExhausted, "berth.run_cap",
                      "The cap of this run is reached: " + std::to_string(run->spent) + " of " + std::to_string(*run->limit) +
                          " calls; the next run goes on.");
  }
  Class* const one = cost.empty() || cost == kRunBudget ? nullptr : guarded_->find(cost);
  if (one != nullptr && one->is_spent()) {
    one->refused = true;
    return make_error(Code::kQuotaExhausted, "berth.budget",
                      "The budget of " + std::string(cost) + " for this run is spent: " + std::to_string(one->spent) +
                          " of " + std::to_string(*one->limit) + " calls; the next run goes on.");
  }
  if (guarded_->left) --*guarded_->left;
  if (run != nullptr) ++run->spent;
  if (one != nullptr) ++one->spent;
  return success();
}

void Budgets::give_back(std::string_view cost) {
  const std::scoped_lock lock(guarded_->mutex);
  if (guarded_->left) ++*guarded_->left;
  if (Class* const run = guarded_->find(kRunBudget)) --run->spent;
  if (Class* const one = cost == kRunBudget ? nullptr : guarded_->find(cost)) --one->spent;
}

void Budgets::take_repeat(std::string_view cost) {
  const std::scoped_lock lock(guarded_->mutex);
  if (guarded_->left) --*guarded_->left;
  if (Class* const run = guarded_->find(kRunBudget)) ++run->spent;
  if (Class* const one = cost == kRunBudget ? nullptr : guarded_->find(cost)) ++one->spent;
}

std::vector<BudgetUse> Budgets::use() const {
  const std::scoped_lock lock(guarded_->mutex);
  std::vector<BudgetUse> uses;
  for (const auto& [cost, one] : guarded_->classes) uses.push_back({cost, one.spent, one.limit, one.is_share, one.is_lifted, one.refused});
  return uses;
}

}  // namespace berth::http
