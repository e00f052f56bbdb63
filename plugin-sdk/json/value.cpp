#include <algorithm>
#include <charconv>

#include "berth/json.hpp"

namespace berth::json {
namespace {

std::optional<std::size_t> array_index(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

std::string unescape_pointer(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out.push_back(token[++i] == '0' ? '~' : '/');
    } else {
      out.push_back(token[i]);
    }
  }
  return out;
}

}  // namespace

std::string_view Value::text() const {
  if (is_string()) return std::get<std::string>(data_);
  if (is_number()) return std::get<Number>(data_).text;
  return {};
}

std::optional<std::int64_t> Value::integer() const {
  if (!is_number()) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Array Value::items() && { return is_array() ? std::get<Array>(std::move(data_)) : Array{}; }

Object Value::members() && { return is_object() ? std::get<Object>(std::move(data_)) : Object{}; }

const Array& Value::items() const& {
  static const Array none;
  return is_array() ? std::get<Array>(data_) : none;
}

const Object& Value::members() const& {
  static const Object none;
  return is_object() ? std::get<Object>(data_) : none;
}

Array& Value::make_array() {
  if (!is_array()) data_ = Array{};
  return std::get<Array>(data_);
}

Object& Value::make_object() {
  if (!is_object()) data_ = Object{};
  return std::get<Object>(data_);
}

const Value* Value::find(std::string_view key) const {
  for (const Member& member : members()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

std::string_view Value::text_of(std::string_view key) const {
  const Value* value = find(key);
  return value == nullptr ? std::string_view{} : value->text();
}

const Value* Value::at_path(std::string_view dotted) const {
  const Value* at = this;
  while (at != nullptr && !dotted.empty()) {
    const std::size_t dot = dotted.find('.');
    at = at->find(dotted.substr(0, dot));
    dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
  }
  return at;
}

const Value* Value::at_pointer(std::string_view pointer) const {
  const Value* at = this;
  while (at != nullptr && !pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::size_t slash = pointer.find('/');
    const std::string_view token = pointer.substr(0, slash);
    pointer = slash == std::string_view::npos ? std::string_view{} : pointer.substr(slash);
    if (at->is_array()) {
      const auto index = array_index(token);
      at = index && *index < at->items().size() ? &at->items()[*index] : nullptr;
    } else {
      at = at->find(unescape_pointer(token));
    }
  }
  return at;
}

Value& Value::set(std::string key, Value value) {
  Object& object = make_object();
  for (Member& member : object) {
    if (member.first == key) return member.second = std::move(value);
  }
  return object.emplace_back(std::move(key), std::move(value)).second;
}

void Value::erase(std::string_view key) {
  if (!is_object()) return;
  std::erase_if(std::get<Object>(data_), [&](const Member& member) { return member.first == key; });
}

std::size_t Value::size() const {
  return is_array() ? items().size() : members().size();
}

bool operator==(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
      return a.boolean() == b.boolean();
    case Kind::kNumber:
    case Kind::kString:
      return a.text() == b.text();
    case Kind::kArray:
      return a.items() == b.items();
    case Kind::kObject:
      break;
  }
  if (a.size() != b.size()) return false;
  return std::all_of(a.members().begin(), a.members().end(), [&](const Member& member) {
    const Value* other = b.find(member.first);
    return other != nullptr && *other == member.second;
  });
}

}  // namespace berth::json
