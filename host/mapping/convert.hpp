#pragma once
// From what the remote sent to the types of canonical documents, exactly.
#include <optional>
#include <string>

#include "berth/json.hpp"
#include "host/core/decimal.hpp"
#include "host/core/result.hpp"
#include "host/documents/documents.hpp"

namespace berth::mapping {

/// Null and empty text count as absent.
[[nodiscard]] bool is_absent(const json::Value& value);
/// The text of a text, the digits of a number, "true" or "false"; nothing for lists and objects.
[[nodiscard]] std::optional<std::string> scalar_text(const json::Value& value);
/// Equal as people read them: numbers by value ("5" of the file and 5.0 of the record), the rest by text.
[[nodiscard]] bool equals(const json::Value& value, const json::Value& literal);

/// The value in the form of canonical documents: amounts with the full scale of `currency`, decimals without exponent
/// and without trailing zeros, dates and times normalised. A country that no table knows stays as it is.
/// Errors: mapping.type, mapping.amount_invalid, mapping.amount_scale, ledger.currency_unknown.
Result<json::Value> convert(const json::Value& value, documents::FieldType type, const std::optional<Currency>& currency);

}  // namespace berth::mapping
