#pragma once
// What is known about a value's type before any record is there.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/mapping/rules.hpp"

namespace berth::mapping {

struct StaticType {
  std::optional<FieldType> type;    // nothing: any scalar, known only when the record comes
  std::string reference_kind;       // of a reference
  bool may_be_absent = true;        // false: whatever the record holds, there is a value (or the record waits or fails)
};

[[nodiscard]] inline StaticType typed(FieldType type, bool may_be_absent) { return {type, "", may_be_absent}; }
[[nodiscard]] inline StaticType reference_to(std::string kind, bool may_be_absent) { return {FieldType::kReference, std::move(kind), may_be_absent}; }

/// "a text", "a reference to a customer", "a value of the record": as messages name it.
[[nodiscard]] std::string describe(const StaticType& type);
/// The type of a name after `as:`; nothing for an unknown one.
[[nodiscard]] std::optional<FieldType> type_named(std::string_view name);
[[nodiscard]] const std::vector<std::string>& type_names();
/// The type of a literal: text, boolean, integer or decimal; nothing for null, lists and maps.
[[nodiscard]] std::optional<FieldType> type_of_literal(const json::Value& literal);
[[nodiscard]] bool is_scalar(const StaticType& type);
/// Whether `from` can be read as `to` (after conversion).
[[nodiscard]] bool converts(const StaticType& from, FieldType to, std::string_view reference_kind);
/// The common type of two alternatives; nothing if they are not alike.
[[nodiscard]] std::optional<StaticType> common(const StaticType& a, const StaticType& b);

}  // namespace berth::mapping
