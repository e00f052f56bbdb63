#include "host/mapping/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace berth::mapping {
namespace {

constexpr std::array kNamed{FieldType::kText,     FieldType::kMoney, FieldType::kDecimal, FieldType::kRate,    FieldType::kQuantity,
                            FieldType::kDate,     FieldType::kTime,  FieldType::kInteger, FieldType::kBoolean, FieldType::kCountry};

bool is_number(FieldType type) {
  return type == FieldType::kDecimal || type == FieldType::kRate || type == FieldType::kQuantity || type == FieldType::kInteger;
}
/// Types whose values are plain texts in the document.
bool is_text_like(FieldType type) {
  return type == FieldType::kText || type == FieldType::kCountry || type == FieldType::kCurrency || type == FieldType::kDate || type == FieldType::kTime;
}

std::string with_article(std::string_view noun) {
  const bool has_vowel = !noun.empty() && std::string_view("aeiou").find(noun.front()) != std::string_view::npos;
  return fmt::format("{} {}", has_vowel ? "an" : "a", noun);
}

}  // namespace

std::string describe(const StaticType& type) {
  if (!type.type) return "a value of the record";
  if (*type.type == FieldType::kReference) return fmt::format("a reference to {}", with_article(type.reference_kind));
  return with_article(documents::to_string(*type.type));
}

const std::vector<std::string>& type_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const FieldType type : kNamed) all.emplace_back(documents::to_string(type));
    return all;
  }();
  return names;
}

std::optional<FieldType> type_named(std::string_view name) {
  const auto found = std::find_if(kNamed.begin(), kNamed.end(), [&](FieldType type) { return documents::to_string(type) == name; });
  if (found == kNamed.end()) return std::nullopt;
  return *found;
}

std::optional<FieldType> type_of_literal(const json::Value& literal) {
  switch (literal.kind()) {
    case json::Kind::kBoolean: return FieldType::kBoolean;
    case json::Kind::kString: return FieldType::kText;
    case json::Kind::kNumber: return literal.integer() ? FieldType::kInteger : FieldType::kDecimal;
    default: return std::nullopt;
  }
}

bool is_scalar(const StaticType& type) {
  if (!type.type) return true;
  switch (*type.type) {
    case FieldType::kReference:
    case FieldType::kAccount:
    case FieldType::kTextList:
    case FieldType::kList: return false;
    default: return true;
  }
}

bool converts(const StaticType& from, FieldType to, std::string_view reference_kind) {
  const bool needs_row = to == FieldType::kReference || to == FieldType::kAccount || to == FieldType::kTextList || to == FieldType::kList;
  if (!from.type) return !needs_row;
  if (*from.type == to) return to != FieldType::kReference || from.reference_kind == reference_kind;
  if (needs_row || !is_scalar(from)) return false;
  if (*from.type == FieldType::kText) return true;
  if (is_number(*from.type)) return is_number(to) || to == FieldType::kMoney;
  if (is_text_like(*from.type)) return to == FieldType::kText;
  return false;
}

std::optional<StaticType> common(const StaticType& a, const StaticType& b) {
  StaticType both = a;
  both.may_be_absent = a.may_be_absent && b.may_be_absent;
  if (a.type == b.type && a.reference_kind == b.reference_kind) return both;
  if (!is_scalar(a) || !is_scalar(b)) return std::nullopt;
  // What the record holds is converted where it is used, so it goes with every scalar.
  if (!a.type || !b.type) {
    both.type.reset();
    return both;
  }
  if (is_number(*a.type) && is_number(*b.type)) {
    both.type = FieldType::kDecimal;
    return both;
  }
  return std::nullopt;
}

}  // namespace berth::mapping
