#include "host/http/fields.hpp"

#include <algorithm>

namespace berth::http {

std::string unknown_word(std::string_view what, std::string_view word, std::span<const std::string> known) {
  std::string text = "unknown " + std::string(what) + " \"" + shortened(word, 60) + "\"";
  const auto near = nearest(word, known);
  if (!near.empty()) text += "; did you mean \"" + near + "\"?";
  return text;
}

Status Fields::only(std::span<const std::string> keys) const {
  for (const auto& [key, value] : object_.members()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) return error("", unknown_word("key", key, keys));
  }
  return success();
}

Result<std::string> Fields::text(std::string_view key, std::string otherwise) const {
  const auto* value = find(key);
  if (value == nullptr || value->is_null()) return otherwise;
  if (!value->is_string()) return error(key, "a text is expected");
  return std::string(value->text());
}

Result<bool> Fields::boolean(std::string_view key) const {
  const auto* value = find(key);
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_boolean()) return error(key, "true or false is expected");
  return value->boolean();
}

Result<std::int64_t> Fields::integer(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                     std::int64_t most) const {
  const auto* value = find(key);
  if (value == nullptr || value->is_null()) return otherwise;
  const auto number = value->integer();
  if (!number || *number < least || *number > most) {
    return error(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most) + " is expected");
  }
  return *number;
}

Result<std::vector<std::string>> Fields::texts(std::string_view key) const {
  std::vector<std::string> found;
  const auto* value = find(key);
  if (value == nullptr || value->is_null()) return found;
  const auto take = [&](const json::Value& one) {
    if (!one.is_string() && !one.is_number()) return false;
    found.emplace_back(one.text());
    return true;
  };
  if (value->is_array()) {
    for (const auto& one : value->items()) {
      if (!take(one)) return error(key, "texts or numbers are expected");
    }
    if (found.empty()) return error(key, "an empty list matches nothing");
  } else if (!take(*value)) {
    return error(key, "a text, a number or a list of these is expected");
  }
  return found;
}

}  // namespace berth::http
