#pragma once
// How much a remote organisation lets itself be asked: the `limits:` block of phases.yaml.
#include <cstdint>
#include <string>
#include <string_view>

#include "berth/json.hpp"
#include "host/core/result.hpp"

namespace berth::http {

inline constexpr int kConcurrentMax = 16;
inline constexpr std::int64_t kPerMinuteMax = 100'000;

/// The words of `shared_by`.
inline constexpr std::string_view kSharedByOrganization = "{connection.organization_id}";
inline constexpr std::string_view kSharedByIntegration = "{integration.id}";

struct Limits {
  std::string shared_by = {};     // "{connection.organization_id}": whose calls are counted together
  int per_minute = 0;             // calls in any 60 s; 0: no limit
  int concurrent = 1;             // calls at once, 1 to kConcurrentMax
  std::int64_t per_day = 0;       // 0: not known
  json::Value per_run = {};       // calls of one run, a number or a share of the day's rest; null: no cap (budget.hpp)
  std::string header_limit = {};  // lower case; empty: the remote sends none
  std::string header_remaining = {};
  std::string header_reset_seconds = {};

  /// `plan` chooses in `per_day: {by_plan: …}`; empty takes the largest, because the answers' headers correct it.
  /// Errors: http.limits_invalid (kInvalidConfig) with the place, "/limits/per_minute: …".
  static Result<Limits> parse(const json::Value& block, std::string_view plan);
};

}  // namespace berth::http
