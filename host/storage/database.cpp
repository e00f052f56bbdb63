#include "host/storage/database.hpp"

namespace berth::storage {
namespace {
const std::string kNoText;
}

Parameter::Parameter(const Parameter& other) = default;
Parameter::Parameter(Parameter&& other) noexcept = default;
Parameter& Parameter::operator=(const Parameter& other) = default;
Parameter& Parameter::operator=(Parameter&& other) noexcept = default;
Parameter::~Parameter() = default;

std::int64_t Row::integer(std::size_t column) const {
  const auto* value = std::get_if<std::int64_t>(&columns_.at(column));
  return value != nullptr ? *value : 0;
}

const std::string& Row::text(std::size_t column) const {
  const auto* value = std::get_if<std::string>(&columns_.at(column));
  return value != nullptr ? *value : kNoText;
}

const std::string& Row::bytes(std::size_t column) const {
  const auto* value = std::get_if<Blob>(&columns_.at(column));
  return value != nullptr ? value->bytes : kNoText;
}

Result<std::optional<Row>> Connection::first_row(std::string_view sql, std::span<const Parameter> parameters) {
  std::optional<Row> found;
  BERTH_CHECK(each(sql, parameters, [&](const Row& row) {
    found = row;
    return false;
  }));
  return found;
}

}  // namespace berth::storage
