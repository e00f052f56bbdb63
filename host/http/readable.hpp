#pragma once
// Bytes of a remote as one line for a person: what a body that is no JSON says. Pure; any thread.
#include <cstddef>
#include <string>
#include <string_view>

#include "host/core/one_line.hpp"

namespace berth::http {

using berth::one_line;

/// What came instead of JSON: "an HTML page: \"Maintenance\"", "an empty body", or why it is no JSON and how it begins.
[[nodiscard]] std::string instead_of_json(std::string_view body, std::string_view parse_error);

}  // namespace berth::http
