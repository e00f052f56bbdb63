#include "host/mapping/convert.hpp"

#include <fmt/format.h>

#include "host/core/assert.hpp"
#include "host/core/country.hpp"
#include "host/core/text.hpp"
#include "host/core/time.hpp"

namespace berth::mapping {
namespace {

using documents::FieldType;

constexpr std::size_t kShownMax = 60;  // bytes of a value in messages

Error wrong_type(std::string_view text, std::string_view wanted) {
  return make_error(Code::kBadResponse, "mapping.type", fmt::format("\"{}\" is not {}", shortened(text, kShownMax), wanted));
}

Result<json::Value> to_boolean(const json::Value& value, std::string_view text) {
  if (value.is_boolean()) return json::Value(value.boolean());
  if (text == "true" || text == "false") return json::Value(text == "true");
  return wrong_type(text, "true or false");
}

Result<json::Value> to_integer(std::string_view text) {
  const auto number = Decimal::parse(text);
  const auto whole = number ? number->rescaled(0) : number;
  if (!whole) return wrong_type(text, "a whole number");
  return json::Value::number(whole->to_string());
}

}  // namespace

bool is_absent(const json::Value& value) { return value.is_null() || (value.is_string() && value.text().empty()); }

std::optional<std::string> scalar_text(const json::Value& value) {
  if (value.is_string() || value.is_number()) return std::string(value.text());
  if (value.is_boolean()) return std::string(value.boolean() ? "true" : "false");
  return std::nullopt;
}

bool equals(const json::Value& value, const json::Value& literal) {
  if (value.is_boolean() && literal.is_boolean()) return value.boolean() == literal.boolean();
  if (value.is_number() && literal.is_number()) {
    const auto left = Decimal::parse(value.text());
    const auto right = Decimal::parse(literal.text());
    if (left && right) return *left == *right;
  }
  const auto left = scalar_text(value);
  return left && left == scalar_text(literal);
}

Result<json::Value> convert(const json::Value& value, FieldType type, const std::optional<Currency>& currency) {
  // The common case, without a copy of the text on the way.
  if (type == FieldType::kText && value.is_string()) return value;
  const auto read = scalar_text(value);
  if (!read) return make_error(Code::kBadResponse, "mapping.type", fmt::format("a {} cannot be read as {}", value.is_array() ? "list" : "group of values", documents::to_string(type)));
  const std::string& text = *read;
  switch (type) {
    case FieldType::kText: return json::Value(text);
    case FieldType::kMoney:
      BERTH_ASSERT(currency.has_value(), "amounts are read only where their currency is known");
      return json::Value(BERTH_TRY(Money::parse(text, *currency)).to_string());
    case FieldType::kDecimal:
    case FieldType::kRate:
    case FieldType::kQuantity: return json::Value(BERTH_TRY(Decimal::parse(text)).to_plain());
    case FieldType::kDate: {
      const auto date = parse_date(text);
      if (!date) return wrong_type(text, "a date like 2026-05-21");
      return json::Value(to_string(*date));
    }
    case FieldType::kTime: {
      auto time = normalise_time(text);
      if (!time) return wrong_type(text, "a time like 2026-05-21T08:41:30-0400");
      return json::Value(std::move(*time));
    }
    case FieldType::kInteger: return to_integer(text);
    case FieldType::kBoolean: return to_boolean(value, text);
    case FieldType::kCountry: return json::Value(country_alpha2(text).value_or(text));
    case FieldType::kCurrency: return json::Value(std::string(BERTH_TRY(Currency::of(text)).code()));
    case FieldType::kReference:
    case FieldType::kAccount:
    case FieldType::kTextList:
    case FieldType::kList: break;
  }
  return value;  // the loader lets only values of the same type come here
}

}  // namespace berth::mapping
