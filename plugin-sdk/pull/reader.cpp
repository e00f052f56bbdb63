#include "reader.hpp"

#include <algorithm>

#include "berth/times.hpp"

namespace berth::phases {
namespace {

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool is_scalar(const json::Value& value) {
  return value.is_string() || value.is_number() || value.is_boolean();
}

std::string scalar_text(const json::Value& value) {
  return value.is_boolean() ? (value.boolean() ? "true" : "false") : std::string(value.text());
}

}  // namespace

std::string described(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::kNull:
      return "nothing";
    case json::Kind::kArray:
      return "a list";
    case json::Kind::kObject:
      return "a mapping";
    default:
      return "\"" + scalar_text(value).substr(0, 60) + "\"";
  }
}

Reader::Reader(const json::Value& value, std::string path, std::vector<Problem>& problems)
    : value_(value), path_(std::move(path)), problems_(problems) {
  if (!value_.is_object()) problems_.push_back({path_, "A mapping belongs here, found " + described(value_) + "."});
}

const json::Value* Reader::get(std::string_view key) {
  known_.emplace(key);
  const json::Value* found = value_.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool Reader::has(std::string_view key) const {
  return value_.find(key) != nullptr;
}

std::string Reader::path_of(std::string_view key) const {
  return path_ + "/" + escaped(key);
}

void Reader::problem(std::string_view key, std::string message) {
  problems_.push_back({key.empty() ? path_ : path_of(key), std::move(message)});
}

std::string Reader::text(std::string_view key, bool required) {
  const json::Value* found = get(key);
  if (found == nullptr) {
    if (required && value_.is_object()) problem("", "The key \"" + std::string(key) + "\" is missing.");
    return {};
  }
  if (!is_scalar(*found) || scalar_text(*found).empty()) {
    problem(key, "A text belongs here, found " + described(*found) + ".");
    return {};
  }
  return scalar_text(*found);
}

std::int64_t Reader::integer(std::string_view key, std::int64_t otherwise, std::int64_t smallest,
                             std::int64_t largest) {
  const json::Value* found = get(key);
  if (found == nullptr) return otherwise;
  const auto number = found->integer();
  if (!number || *number < smallest || *number > largest) {
    problem(key, "A whole number from " + std::to_string(smallest) + " to " + std::to_string(largest) +
                     " belongs here, found " + described(*found) + ".");
    return otherwise;
  }
  return *number;
}

bool Reader::boolean(std::string_view key, bool otherwise) {
  const json::Value* found = get(key);
  if (found == nullptr) return otherwise;
  if (!found->is_boolean()) problem(key, "true or false belongs here, found " + described(*found) + ".");
  return found->boolean();
}

std::int64_t Reader::duration_ms(std::string_view key, std::int64_t otherwise) {
  const json::Value* found = get(key);
  if (found == nullptr) return otherwise;
  const auto duration = found->is_string() ? times::parse_duration_ms(found->text()) : std::nullopt;
  if (!duration) {
    problem(key, "A duration such as 30s, 10m, 2h or 5d belongs here, found " + described(*found) + ".");
    return otherwise;
  }
  return *duration;
}

std::vector<std::string> Reader::texts(std::string_view key, bool required) {
  std::vector<std::string> out;
  const json::Value* found = get(key);
  if (found == nullptr) {
    if (required && value_.is_object()) problem("", "The key \"" + std::string(key) + "\" is missing.");
    return out;
  }
  if (is_scalar(*found)) return {scalar_text(*found)};
  if (!found->is_array() || (required && found->items().empty())) {
    problem(key, "A list of texts belongs here, found " + described(*found) + ".");
    return out;
  }
  for (const json::Value& item : found->items()) {
    if (!is_scalar(item)) problem(key, "Every element must be a text, found " + described(item) + ".");
    out.push_back(scalar_text(item));
  }
  return out;
}

std::vector<Param> Reader::params(std::string_view key) {
  std::vector<Param> out;
  const json::Value* found = get(key);
  if (found == nullptr) return out;
  if (!found->is_object()) problem(key, "Query parameters (a mapping) belong here, found " + described(*found) + ".");
  for (const auto& [name, value] : found->members()) {
    if (!is_scalar(value)) {
      problems_.push_back(
          {path_of(key) + "/" + escaped(name), "A query parameter must be a text, found " + described(value) + "."});
    }
    out.push_back({name, scalar_text(value)});
  }
  return out;
}

std::optional<Reader> Reader::object(std::string_view key) {
  const json::Value* found = get(key);
  if (found == nullptr) return std::nullopt;
  return std::optional<Reader>(std::in_place, *found, path_of(key), problems_);
}

std::string Reader::one_of(std::string_view key, std::initializer_list<std::string_view> words) {
  const json::Value* found = get(key);
  if (found == nullptr) return std::string(*words.begin());
  const std::string text = is_scalar(*found) ? scalar_text(*found) : std::string();
  if (std::find(words.begin(), words.end(), text) == words.end()) {
    std::string list;
    for (const std::string_view word : words) list += (list.empty() ? "" : ", ") + std::string(word);
    problem(key, "One of " + list + " belongs here, found " + described(*found) + ".");
  }
  return text;
}

void Reader::finish() {
  for (const auto& [key, value] : value_.members()) {
    if (!known_.contains(key)) {
      std::string known;
      for (const std::string& one : known_) known.append(known.empty() ? "" : ", ").append(one);
      problem(key, std::string("The key \"").append(key).append("\" is not known here; known are ").append(known).append("."));
    }
  }
}

}  // namespace berth::phases
