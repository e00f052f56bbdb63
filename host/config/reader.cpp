#include <fmt/format.h>

#include <charconv>

#include "host/config/shape.hpp"
#include "host/core/assert.hpp"

namespace berth::config {

const Key& Reader::known(std::string_view key) const {
  const Key* found = shape_->find(key);
  BERTH_ASSERT(found != nullptr, "a key that is read is in the table");
  return *found;
}

const Node* Reader::value(std::string_view key) const {
  (void)known(key);
  const Node* found = node_ == nullptr ? nullptr : node_->find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string Reader::text(std::string_view key) const {
  const Node* found = value(key);
  return found != nullptr && found->is_scalar() ? found->scalar : std::string(known(key).fallback);
}

std::int64_t Reader::integer(std::string_view key) const {
  std::string digits = text(key);
  if (digits.ends_with('%')) digits.pop_back();
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);  // checked before; 0 for what was refused
  return number;
}

std::vector<std::string> Reader::texts(std::string_view key) const {
  std::vector<std::string> all;
  if (const Node* found = value(key)) {
    for (const Node& item : found->items) {
      if (item.is_scalar()) all.push_back(item.scalar);
    }
  }
  return all;
}

std::vector<Reader> Reader::maps(std::string_view key) const {
  std::vector<Reader> all;
  if (const Node* found = value(key)) {
    for (const Node& item : found->items) {
      if (item.is_map()) all.emplace_back(&item, *known(key).shape);
    }
  }
  return all;
}

Reader Reader::map(std::string_view key) const {
  return {value(key), *known(key).shape};
}

Place Reader::place(std::string_view key) const {
  if (const Node* found = value(key)) return found->place;
  return node_ == nullptr ? Place{} : node_->place;
}

}  // namespace berth::config
