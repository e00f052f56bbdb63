#pragma once
// Every finding that loading a rules file can produce, in one table: validate prints them, the reference pages are made
// from it, and the loader reports nothing that is not in it.
#include <string>
#include <string_view>
#include <vector>

namespace berth::mapping {

struct Check {
  std::string_view id;    // "mapping.lookup_missing_required"
  bool is_error = true;   // else a warning
  std::string_view what;  // what it finds, a sentence for the reference
  std::string_view hint;  // what to do; the finding may say it more precisely
};

[[nodiscard]] const std::vector<Check>& checks();

/// A reason or a flag that evaluating a record can give by itself (those of `state:`, `ignore:` and `none_importable:` are
/// the rules' own).
struct OutcomeReason {
  std::string_view id;
  std::string_view outcome;  // "parked", "failed", "ignored", "flag"
  std::string_view what;
  std::string_view hint;
};
[[nodiscard]] const std::vector<OutcomeReason>& outcome_reasons();
/// nullptr for an unknown id.
[[nodiscard]] const Check* find_check(std::string_view id);

}  // namespace berth::mapping
