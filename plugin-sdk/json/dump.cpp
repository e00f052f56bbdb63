#include <algorithm>
#include <cstdint>
#include <cstring>

#include "berth/json.hpp"

namespace berth::json {
namespace {

enum class Style { kCompact, kPretty, kCanonical };

/// Length of the well-formed UTF-8 sequence at `text`, 0 where it is not one (RFC 3629: no surrogates, shortest form).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool fits = !(first == 0xE0 && byte(1) < 0xA0) && !(first == 0xED && byte(1) > 0x9F);
    return fits && tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool fits = !(first == 0xF0 && byte(1) < 0x90) && !(first == 0xF4 && byte(1) > 0x8F);
    return fits && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

/// How many bytes at the start are ASCII that needs no escape. Eight are looked at together: the bit that marks a byte in
/// `found` is set where it is below 0x20, a quote, a backslash, or not ASCII.
std::size_t plain_prefix(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const auto has_zero = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t found = ((word - kOnes * 0x20U) & ~word & kHighs) | (word & kHighs) | has_zero(word ^ (kOnes * '"')) |
                                has_zero(word ^ (kOnes * '\\'));
    if (found != 0) break;
  }
  const auto is_plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
  };
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

void print_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t plain = plain_prefix(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // bytes that are not UTF-8 become U+FFFD: what is printed is always JSON
      text.remove_prefix(1);
      continue;
    }
    if (length > 1) {
      out.append(text.substr(0, length));
      text.remove_prefix(length);
      continue;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default: {
        const auto code = static_cast<unsigned char>(c);
        if (code < 0x20) {
          out += "\\u00";
          out.push_back(kHex[code >> 4u]);
          out.push_back(kHex[code & 15u]);
        } else {
          out.push_back(c);
        }
      }
    }
    text.remove_prefix(1);
  }
  out.push_back('"');
}

void new_line(std::string& out, std::size_t depth) {
  out.push_back('\n');
  out.append(2 * depth, ' ');
}

void print(std::string& out, const Value& value, Style style, std::size_t depth);

template <typename Range, typename PrintOne>
void print_list(std::string& out, const Range& range, char open, char shut, Style style, std::size_t depth,
                PrintOne&& print_one) {
  out.push_back(open);
  bool first = true;
  for (const auto& element : range) {
    if (!first) out.push_back(',');
    first = false;
    if (style == Style::kPretty) new_line(out, depth + 1);
    print_one(element);
  }
  if (style == Style::kPretty && !first) new_line(out, depth);
  out.push_back(shut);
}

void print_member(std::string& out, const Member& member, Style style, std::size_t depth) {
  print_string(out, member.first);
  out += style == Style::kPretty ? ": " : ":";
  print(out, member.second, style, depth + 1);
}

void print_sorted(std::string& out, const Object& object, const std::vector<std::string_view>& without, std::size_t depth) {
  constexpr Style style = Style::kCanonical;
  std::vector<const Member*> sorted;
  sorted.reserve(object.size());
  for (const Member& member : object) {
    if (std::find(without.begin(), without.end(), member.first) == without.end()) sorted.push_back(&member);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Member* a, const Member* b) { return a->first < b->first; });
  print_list(out, sorted, '{', '}', style, depth,
             [&](const Member* member) { print_member(out, *member, style, depth); });
}

void print_object(std::string& out, const Object& object, Style style, std::size_t depth) {
  if (style == Style::kCanonical) {
    print_sorted(out, object, {}, depth);
    return;
  }
  print_list(out, object, '{', '}', style, depth,
             [&](const Member& member) { print_member(out, member, style, depth); });
}

void print(std::string& out, const Value& value, Style style, std::size_t depth) {
  switch (value.kind()) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBoolean:
      out += value.boolean() ? "true" : "false";
      return;
    case Kind::kNumber:
      out += value.text();
      return;
    case Kind::kString:
      print_string(out, value.text());
      return;
    case Kind::kArray:
      print_list(out, value.items(), '[', ']', style, depth,
                 [&](const Value& item) { print(out, item, style, depth + 1); });
      return;
    case Kind::kObject:
      print_object(out, value.members(), style, depth);
      return;
  }
}

std::string printed(const Value& value, Style style) {
  std::string out;
  print(out, value, style, 0);
  return out;
}

}  // namespace

std::string dump(const Value& value) {
  return printed(value, Style::kCompact);
}
std::string dump_pretty(const Value& value) {
  return printed(value, Style::kPretty);
}
std::string canonical(const Value& value) {
  return printed(value, Style::kCanonical);
}
std::string canonical(const Value& value, const std::vector<std::string_view>& without) {
  if (!value.is_object()) return canonical(value);
  std::string out;
  print_sorted(out, value.members(), without, 0);
  return out;
}

std::string quote(std::string_view text) {
  std::string out;
  print_string(out, text);
  return out;
}

}  // namespace berth::json
