#include "host/mapping/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/text.hpp"

namespace berth::mapping {

std::string explain(const Rules& rules, std::string_view entity, const Record& record, const Outcome& outcome) {
  constexpr std::size_t kFieldWidthMax = 28;  // longer names push their own line only
  std::size_t width = 0;
  for (const TraceLine& line : outcome.trace) width = std::max(width, std::min(line.field.size(), kFieldWidthMax));

  std::string text = fmt::format("{} {} (version {}, rules {}, would be: {})\n", entity, record.remote_id.empty() ? "?" : record.remote_id,
                                 record.version.empty() ? "?" : record.version, rules.revision(), to_string(outcome.kind));
  for (const TraceLine& line : outcome.trace) text += fmt::format("  {:<{}} {}\n", line.field, width, line.text);
  if (!outcome.reason.empty()) text += fmt::format("reason: {}: {}\n", outcome.reason, outcome.message);
  if (!outcome.at.empty()) text += fmt::format("at: {}\n", join(outcome.at, ", "));
  for (std::size_t i = 0; i < outcome.warnings.size(); ++i) {
    const std::string& hint = outcome.warning_hints[i];
    text += fmt::format("warning: {}{}\n", outcome.warnings[i], hint.empty() ? "" : fmt::format(" ({})", hint));
  }
  for (const std::string& flag : outcome.flags) text += fmt::format("flag: {}\n", flag);
  for (const std::string& wait : outcome.waits_for) text += fmt::format("waits for: {}\n", wait);
  return text;
}

}  // namespace berth::mapping
