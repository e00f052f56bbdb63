#pragma once
// What Zoho Books says of an organisation, in the form the host expects. Zoho writes the first month of the fiscal year
// as a number (its specification), as "1" (recorded answers) or as "april" (a live organisation), so it is normalised
// here.
#include <optional>
#include <string_view>

#include "berth/connector.hpp"
#include "berth/json.hpp"

namespace zoho_books {

/// 1 to 12, from a number, a number as text, or an English month name or its first three letters; nothing else.
std::optional<int> month_of(const berth::json::Value& value);

/// One element of `organizations`. Throws berth::Failure when it has no id.
berth::Organization organization_of(const berth::json::Value& value);

/// All of an answer to GET /organizations, in Zoho's order. Throws berth::Failure when it is not such an answer.
std::vector<berth::Organization> organizations_of(std::string_view body);

}  // namespace zoho_books
