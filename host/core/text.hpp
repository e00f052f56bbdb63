#pragma once
// Small things about text that several folders need.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string lower_ascii(std::string_view text);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
/// `text` with every `from` replaced.
[[nodiscard]] std::string replace_all(std::string text, std::string_view from, std::string_view to);
/// The candidate nearest to `text` by edit distance (without case first), or "" if none is within a third of its length.
[[nodiscard]] std::string nearest(std::string_view text, std::span<const std::string> candidates);
/// Shell pattern with * only: "tds_*", "*reverse_charge*".
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text);
[[nodiscard]] bool is_valid_utf8(std::string_view text);
/// At most `limit` bytes, cut at a character's edge, with "..." where something was cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit);
/// Percent-encoding of RFC 3986: unreserved characters stay.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// The reverse; "+" stays "+" unless `plus_is_blank`. Broken escapes stay as they are.
[[nodiscard]] std::string percent_decode(std::string_view text, bool plus_is_blank = false);
/// "zoho_books.rate_limit.daily": dotted, lower case, digits and underscores.
[[nodiscard]] bool is_reason_id(std::string_view text);

}  // namespace berth
