#pragma once
// How many calls of a kind one run may make: `budget: {invoices.detail: 40%}` of phases.yaml, so that no run can
// exhaust the day. A share is of what is left of the day's quota, after the reserve, when the run begins.
//
//   Budgets budgets = BERTH_TRY(Budgets::parse(block, "/phases/0/budget"));
//   budgets.begin_run(gate.day_left());
//   if (auto refused = budgets.take("invoices.detail")) ...                 // berth.budget
//
// Any thread. One object a run.
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"

namespace berth::http {

struct BudgetUse {
  std::string cost;
  std::int64_t spent = 0;
  std::optional<std::int64_t> limit;  // nothing: a share of a day whose limit is not known
  bool refused = false;               // at least one call was refused
};

class Budgets {
 public:
  Budgets();
  /// Adds the classes of {"invoices.detail":"40%","invoices.pdf":200}; a class that is there already is replaced, so
  /// an integration's own budgets are added last. `place` begins messages. Errors: http.budget_invalid
  /// (kInvalidConfig).
  Status add(const json::Value& block, std::string_view place);
  static Result<Budgets> parse(const json::Value& block, std::string_view place);

  /// Fixes the shares and forgets what was spent.
  void begin_run(std::optional<std::int64_t> day_left);
  /// Takes one call of a class. Empty and unlisted classes are free. Errors: berth.budget (kQuotaExhausted).
  Status take(std::string_view cost);
  /// A repeat of a call that was taken: counted, never refused.
  void take_repeat(std::string_view cost);
  [[nodiscard]] std::vector<BudgetUse> use() const;

 private:
  struct Class {
    bool is_share = false;
    std::int64_t amount = 0;  // calls, or percent
    std::optional<std::int64_t> limit;
    std::int64_t spent = 0;
    bool refused = false;
  };
  struct Guarded {
    std::mutex mutex;
    std::map<std::string, Class, std::less<>> classes;
  };
  std::unique_ptr<Guarded> guarded_;
};

}  // namespace berth::http
