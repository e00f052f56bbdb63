#pragma once
// The WHERE clause of a list with optional filters, for whoever asks the database: the repositories of this folder and the
// queries of the ledger.
//
//   Conditions where;
//   where.equals("entity", filter.entity);                       // nothing when it is ""
//   if (filter.from) where.add("date >= ?", to_string(*filter.from));
//   connection.query("SELECT * FROM record" + where.sql(), where.parameters());
//
// Plain values, one thread. Conditions are text of the program; what a user chose goes into parameters. Nothing can fail.
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

/// Keeps texts of its own: what a filter is made of may be gone when it is asked.
class Conditions {
 public:
  void equals(std::string_view column, std::string_view value) {
    if (!value.empty()) add(std::string(column) + " = ?", std::string(value));
  }
  void add(std::string_view condition, Parameter parameter) {
    sql_ += sql_.empty() ? " WHERE " : " AND ";
    sql_ += condition;
    then(std::move(parameter));
  }
  void add(std::string_view condition) {
    sql_ += sql_.empty() ? " WHERE " : " AND ";
    sql_ += condition;
  }
  /// A parameter of what follows the conditions, such as LIMIT.
  void then(Parameter parameter) {
    const auto* seen = std::get_if<std::string_view>(&parameter.value());
    parameters_.push_back(seen == nullptr ? std::move(parameter) : Parameter(std::string(*seen)));
  }
  [[nodiscard]] const std::string& sql() const { return sql_; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  std::string sql_;
  std::vector<Parameter> parameters_;
};

}  // namespace berth::storage
