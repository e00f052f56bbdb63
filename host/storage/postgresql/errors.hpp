#pragma once
// PostgreSQL's error codes (SQLSTATE) as the reasons of database.hpp.
#include <string>
#include <string_view>

#include "host/core/result.hpp"

namespace berth::storage {

struct PostgresqlFailure {
  std::string state;    // SQLSTATE; "" where the server did not answer
  std::string message;  // the primary one
  bool is_connected = true;
};
Error postgresql_error(const PostgresqlFailure& failure, std::string_view doing);

}  // namespace berth::storage
