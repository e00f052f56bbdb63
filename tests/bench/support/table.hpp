#pragma once
// The table that a bench prints: one figure a line, "name  value unit", which tests/bench/run compares by name.
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// Put before every name from now on.
void set_prefix(std::string_view prefix);
/// Heading of a table: what was measured.
void print_title(std::string_view title);
void print(std::string_view name, std::int64_t value, std::string_view unit = "");
/// With three decimals at most.
void print(std::string_view name, double value, std::string_view unit);
/// Processor, memory, kernel and compiler: figures of two machines are not compared.
void print_machine();

}  // namespace bench
