#pragma once
// SQLite's result codes as errors of this folder (the list is in database.hpp).
#include <string_view>

#include "host/core/result.hpp"

namespace berth::storage {

/// `extended`: sqlite3_extended_errcode; `message`: sqlite3_errmsg, which names tables and columns, never values.
Error sqlite_error(int extended, std::string_view message, std::string_view doing);

}  // namespace berth::storage
