#pragma once
// How many calls of a kind one run may make: `budget: {invoices.detail: 40%}` of phases.yaml, and how many in all:
// `limits: {per_run: 90%}`, or `run` among an integration's budgets.
//
// A number is a ceiling. A share is a turn: of what is left of the day's quota when the run begins (after the reserve),
// so much is kept for this kind while other kinds still have to come. When all have had theirs, what they left is for
// whoever has work (lift_shares), because a call that is not made today is lost.
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
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"

namespace berth::http {

/// The class that all calls of a run belong to.
inline constexpr std::string_view kRunBudget = "run";

struct BudgetUse {
  std::string cost;
  std::int64_t spent = 0;
  std::optional<std::int64_t> limit;  // nothing: a share of a day whose limit is not known
  bool is_share = false;
  bool is_lifted = false;             // a share that does not bind any more
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
  /// Shares of single classes but these do not bind any more. True if one of them had refused a call.
  bool lift_shares(const std::set<std::string, std::less<>>& but);
  /// From now on this run makes at most so many calls more; nothing: as many as it likes. What is kept so is for others who
  /// draw on the same day, or for what comes later in it.
  void hold_back(std::optional<std::int64_t> calls);
  /// Whether a call was refused for that since.
  [[nodiscard]] bool was_held_back() const;
  /// Takes one call of a class, and one of the run. Empty and unlisted classes cost the run only. Errors: berth.budget,
  /// berth.run_cap (kQuotaExhausted).
  Status take(std::string_view cost);
  /// A call that was taken and not made.
  void give_back(std::string_view cost);
  /// A repeat of a call that was taken: counted, never refused.
  void take_repeat(std::string_view cost);
  [[nodiscard]] std::vector<BudgetUse> use() const;

 private:
  struct Class {
    bool is_share = false;
    std::int64_t amount = 0;  // calls, or percent
    std::optional<std::int64_t> limit;
    std::int64_t spent = 0;
    bool is_lifted = false;
    bool refused = false;
    [[nodiscard]] bool is_spent() const { return limit && !is_lifted && spent >= *limit; }
  };
  struct Guarded {
    std::mutex mutex;
    std::map<std::string, Class, std::less<>> classes;
    std::optional<std::int64_t> left;   // of what hold_back() said
    bool was_held_back = false;
    Class* find(std::string_view cost);
  };
  std::unique_ptr<Guarded> guarded_;
};

}  // namespace berth::http
