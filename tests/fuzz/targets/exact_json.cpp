// Exact JSON: what is read is printed back the same, digits are kept, limits hold, mistakes lie inside the text, and
// what is JSON is what Boost.JSON's own tree says is JSON. Input: the document.
#include <algorithm>
#include <boost/json.hpp>

#include "berth/json.hpp"
#include "fuzz/fuzz.hpp"
#include "host/core/text.hpp"

namespace berth::fuzz {
namespace {

constexpr std::size_t kShallow = 4;

std::size_t depth_of(const json::Value& value) {
  std::size_t below = 0;
  for (const auto& item : value.items()) below = std::max(below, depth_of(item));
  for (const auto& [key, member] : value.members()) below = std::max(below, depth_of(member));
  return value.is_array() || value.is_object() ? below + 1 : 0;
}

/// The numbers of a tree in the order of the text, and a check of every text on the way.
void collect(const json::Value& value, std::vector<std::string>& numbers) {
  if (value.is_number()) numbers.emplace_back(value.text());
  if (value.is_string()) FUZZ_CHECK(is_valid_utf8(value.text()), "a text that is not UTF-8");
  for (const auto& item : value.items()) collect(item, numbers);
  for (const auto& [key, member] : value.members()) {
    FUZZ_CHECK(is_valid_utf8(key), "a key that is not UTF-8");
    FUZZ_CHECK(value.find(key) == &member, "the key " + key + " is there twice");
    collect(member, numbers);
  }
}

/// The numbers of a text that is JSON, found without parsing it: outside of strings nothing else has digits.
std::vector<std::string> numbers_in(std::string_view text) {
  std::vector<std::string> numbers;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
      }
    } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      const std::size_t end = std::min(text.find_first_not_of("+-.eE0123456789", at), text.size());
      numbers.emplace_back(text.substr(at, end - at));
      at = end - 1;
    }
  }
  return numbers;
}

void check_error(std::string_view text, const json::ParseError& error) {
  FUZZ_CHECK(error.offset <= text.size(), error.message);
  const std::string_view before = text.substr(0, error.offset);
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  FUZZ_CHECK(error.line == lines + 1, error.message);
  FUZZ_CHECK(error.column >= 1 && error.column <= error.offset + 1, error.message);
  FUZZ_CHECK(is_one_line(error.message), error.message);
}

/// What Boost.JSON's own tree holds, in our kinds; its numbers are only compared by kind.
void check_alike(const boost::json::value& theirs, const json::Value& ours) {
  FUZZ_CHECK(theirs.is_null() == ours.is_null() && theirs.is_bool() == ours.is_boolean() &&
                 theirs.is_number() == ours.is_number() && theirs.is_string() == ours.is_string() &&
                 theirs.is_array() == ours.is_array() && theirs.is_object() == ours.is_object(),
             json::dump(ours));
  if (theirs.is_string()) FUZZ_CHECK(std::string_view(theirs.get_string()) == ours.text(), json::dump(ours));
  if (const auto* whole = theirs.if_int64())
    FUZZ_CHECK(ours.text() == "-0" || ours.integer() == *whole, json::dump(ours));
  if (const auto* array = theirs.if_array()) {
    FUZZ_CHECK(array->size() == ours.size(), json::dump(ours));
    for (std::size_t i = 0; i < ours.size(); ++i) check_alike(array->at(i), ours.items()[i]);
  }
  if (const auto* object = theirs.if_object()) {
    FUZZ_CHECK(object->size() == ours.size(), json::dump(ours));
    for (const auto& [key, member] : ours.members()) check_alike(object->at(key), member);
  }
}

void check_boost(std::string_view text, const json::Parsed& ours) {
  boost::json::parse_options options;
  options.max_depth = json::ParseOptions{}.max_depth;
  boost::json::error_code failure;
  const auto theirs = boost::json::parse(text, failure, {}, options);
  if (ours.ok()) {
    FUZZ_CHECK(!failure, failure.message());
    check_alike(theirs, ours.value);
  } else if (!failure) {
    FUZZ_CHECK(ours.error.message.find("duplicate key") != std::string::npos, ours.error.message);
  }
}

void check_printed(const json::Value& value, const std::string& printed, std::string_view what) {
  const auto again = json::parse(printed);
  FUZZ_CHECK(again.ok(), std::string(what) + ": " + again.error.message);
  FUZZ_CHECK(again.value == value, std::string(what) + ": " + printed);
}

}  // namespace

void fuzz_exact_json(std::string_view input) {
  const auto parsed = json::parse(input);
  check_boost(input, parsed);
  const auto shallow = json::parse(input, {.max_depth = kShallow, .max_bytes = 1'000});
  if (input.size() > 1'000) FUZZ_CHECK(!shallow.ok() && shallow.error.offset == 0, "a document of too many bytes");
  if (!parsed.ok()) {
    check_error(input, parsed.error);
    FUZZ_CHECK(parsed.value.is_null(), "a document that was refused has a value");
    FUZZ_CHECK(!shallow.ok(), "a document is taken with fewer levels and refused with more");
    // A text that is not JSON can still be quoted.
    const auto quoted = json::parse(json::quote(input));
    FUZZ_CHECK(quoted.ok() && quoted.value.is_string(), "a quoted text");
    if (is_valid_utf8(input)) FUZZ_CHECK(quoted.value.text() == input, "a quoted text is another");
    return;
  }
  const std::size_t depth = depth_of(parsed.value);
  FUZZ_CHECK(depth <= json::ParseOptions{}.max_depth, "a document is deeper than it may be");
  if (input.size() <= 1'000) FUZZ_CHECK(shallow.ok() == (depth <= kShallow), shallow.error.message);
  std::vector<std::string> numbers;
  collect(parsed.value, numbers);
  FUZZ_CHECK(numbers == numbers_in(input), "digits that are not those of the text");

  const std::string compact = json::dump(parsed.value);
  check_printed(parsed.value, compact, "compact");
  check_printed(parsed.value, json::dump_pretty(parsed.value), "pretty");
  const std::string canonical = json::canonical(parsed.value);
  check_printed(parsed.value, canonical, "canonical");
  FUZZ_CHECK(json::canonical(json::parse(canonical).value) == canonical, canonical);
  FUZZ_CHECK(json::dump(json::parse(compact).value) == compact, compact);
}

}  // namespace berth::fuzz
