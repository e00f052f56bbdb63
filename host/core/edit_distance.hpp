#pragma once
// How far two texts are apart. Pure; any thread.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace berth {

/// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. Quadratic: bound the lengths before.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that a slip of the pen made of `name`: equal without case, or at most one edit away, two for names of eight
/// letters and more. "" if there is none. Stricter than nearest(), for names beside which others may stand on purpose.
[[nodiscard]] std::string near_miss(std::string_view name, std::span<const std::string> candidates);

/// `nearest: "Acme West"`, with a word about it where only the case differs; "" for no candidate.
[[nodiscard]] std::string near_miss_hint(std::string_view name, std::string_view near);

}  // namespace berth
