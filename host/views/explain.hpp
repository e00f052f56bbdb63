#pragma once
// Why something did not happen, and what to do: what the catalogue of reasons and the mapping language say, as JSON with
// stable keys. `berth explain`, GET /api/v1/reasons, and what stands beside a reason everywhere else.
//
// Any thread.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/reasons/reasons.hpp"

namespace berth::views {

/// Nothing for a reason that nobody explains, and where there is no memory left to look.
[[nodiscard]] std::optional<reasons::Explanation> explain(const reasons::Signs& signs);
[[nodiscard]] std::optional<reasons::Explanation> explain(std::string_view reason);

/// {"reason":..,"cause":..,"resolution":..,"who_acts":..,"link":..,"symptoms":[..]}; all of it about one reason. Errors:
/// admin.reason_unknown with the nearest ones.
Result<json::Value> reason_view(std::string_view reason);
/// Every reason that there is, sorted: those of this host, of the connectors that were found, and of the mapping language.
[[nodiscard]] std::vector<std::string> all_reasons();

/// Adds cause, resolution, who_acts, and where they are known link and symptom, to a view that has a `reason`. A view
/// that says who acts already keeps that.
void add_explanation(json::Value& view, const reasons::Signs& signs);

}  // namespace berth::views
