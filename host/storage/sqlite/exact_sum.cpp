#include "host/storage/sqlite/exact_sum.hpp"

#include <sqlite3.h>

#include <cstring>
#include <limits>
#include <string>

#include "host/core/decimal.hpp"

namespace berth::storage {
namespace {

/// One sum under way, in memory that SQLite gives zeroed and aligned for 64 bits only.
struct Sum {
  char bytes[sizeof(Int128)];
  [[nodiscard]] Int128 value() const {
    Int128 held = 0;
    std::memcpy(&held, bytes, sizeof(held));
    return held;
  }
  void add(sqlite3_int64 more) {
    const Int128 held = value() + more;
    std::memcpy(bytes, &held, sizeof(held));
  }
};

void step(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  switch (sqlite3_value_type(values[0])) {
    case SQLITE_NULL: return;
    case SQLITE_INTEGER: break;
    default: return sqlite3_result_error(context, "exact_sum adds integers only", -1);
  }
  auto* sum = static_cast<Sum*>(sqlite3_aggregate_context(context, sizeof(Sum)));
  if (sum == nullptr) return sqlite3_result_error_nomem(context);
  sum->add(sqlite3_value_int64(values[0]));
}

void finish(sqlite3_context* context) {
  const auto* sum = static_cast<const Sum*>(sqlite3_aggregate_context(context, 0));
  const Int128 value = sum == nullptr ? Int128{0} : sum->value();
  if (value >= std::numeric_limits<sqlite3_int64>::min() && value <= std::numeric_limits<sqlite3_int64>::max())
    return sqlite3_result_int64(context, static_cast<sqlite3_int64>(value));
  const std::string text = Decimal::from_coefficient(value, 0).to_string();
  sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

}  // namespace

Status add_exact_sum(sqlite3* handle) {
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  if (sqlite3_create_function_v2(handle, "exact_sum", 1, flags, nullptr, nullptr, &step, &finish, nullptr) == SQLITE_OK) return success();
  return make_error(Code::kEnvironment, "storage.failed", "SQLite took no function exact_sum");
}

}  // namespace berth::storage
