#include <algorithm>

#include "berth/phases.hpp"

namespace berth::phases {
namespace {

std::string_view trim_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view{} : digits.substr(first);
}

/// Texts of a plain decimal number that mean the same become the same: "598.00" and "598". Exponents stay as they are.
std::string normalised(std::string_view text) {
  if (text.empty() || text.find_first_not_of("-0123456789.") != std::string_view::npos ||
      text.find('-', 1) != std::string_view::npos) {
    return std::string(text);
  }
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos && text.find('.', dot + 1) != std::string_view::npos) return std::string(text);
  const std::string_view whole = trim_zeros(text.substr(0, dot));
  std::string_view fraction = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (whole.empty() && fraction.empty()) return "0";
  return (negative ? "-" : "") + std::string(whole) + (fraction.empty() ? "" : "." + std::string(fraction));
}

std::string text_at(const json::Value& document, std::string_view field) {
  const json::Value* found = document.at_path(field);
  if (found == nullptr) return {};
  if (found->is_boolean()) return found->boolean() ? "true" : "false";
  return std::string(found->text());
}

bool is_present(const json::Value& document, std::string_view field) {
  const json::Value* found = document.at_path(field);
  if (found == nullptr || found->is_null()) return false;
  return !found->is_string() || !found->text().empty();  // remotes write "" for nothing
}

}  // namespace

bool holds(const Condition& condition, const json::Value& document) {
  switch (condition.kind) {
    case Condition::Kind::kIn: {
      const std::string text = text_at(document, condition.field);
      return std::find(condition.values.begin(), condition.values.end(), text) != condition.values.end();
    }
    case Condition::Kind::kPresent:
      return is_present(document, condition.field) == condition.present;
    case Condition::Kind::kDiffersFrom:
      return normalised(text_at(document, condition.field)) != normalised(text_at(document, condition.other));
    case Condition::Kind::kOffered:
      return false;
  }
  return false;
}

bool suffices(const Reduced& reduced, const json::Value& row) {
  const bool is_whole = std::all_of(reduced.needs.begin(), reduced.needs.end(), [&](const std::string& field) { return is_present(row, field); });
  return is_whole && !(reduced.unless && holds(*reduced.unless, row));
}

}  // namespace berth::phases
