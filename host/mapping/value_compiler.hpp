#pragma once
// Compiles values, conditions and fields of the mapping language, and works out their types on the way.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/mapping/report.hpp"
#include "host/mapping/rules.hpp"
#include "host/mapping/types.hpp"

namespace berth::mapping {

/// Where the whole file's rules leave what can be judged only when all of them are read.
struct FileScope {
  std::string plugin;
  std::vector<Rules::Setting> settings;
  std::set<std::string> settings_used;
  std::vector<std::pair<std::string, Place>> labels;  // of custom fields, in the order of the file
  std::vector<std::string> entities;
  Points points;
};

/// What a value may refer to, and what it referred to.
struct EntityScope {
  std::string name;
  bool has_currency = false;
  bool allows_rows = true;  // false where no lookup may stand: keys, states, conditions to ignore, offers
  std::vector<std::string> let;
  std::vector<StaticType> let_types;
  std::set<std::string> let_used;
  std::vector<std::pair<std::string, Place>> offered;
  std::vector<std::pair<std::string, Place>> parks;  // kinds that it waits for
};

class ValueCompiler {
 public:
  ValueCompiler(Report& report, FileScope& file, EntityScope& entity) : report_(report), file_(file), entity_(entity) {}

  /// A value in no field: a key, a variable, an alternative.
  StaticType value(const Node& node, Value& out) { return value(node, out, nullptr); }
  void condition(const Node& node, Condition& out);
  /// The fields of `node` into `out`, checked against those of the model. `what` names the model or list.
  void fields(const Node& node, const std::vector<documents::Field>& targets, std::string_view what, std::vector<FieldRule>& out);
  /// Reports every required target that `out` does not set.
  void check_required(const Place& place, const std::vector<documents::Field>& targets, std::string_view what,
                      const std::vector<const std::vector<FieldRule>*>& set);
  std::string reason(const Node& node, std::string_view what);

 private:
  struct Row {
    bool has_defer = false;
  };

  StaticType value(const Node& node, Value& out, const documents::Field* target);
  StaticType operation(const config::Member& op, const Node& node, Value& out, const documents::Field* target);
  StaticType modifiers(const Node& node, Value& out, StaticType type);
  StaticType path(const Node& node, Value& out);
  StaticType custom_field(const Node& node, Value& out);
  StaticType constant(const Node& node, Value& out);
  StaticType setting(const Node& node, Value& out);
  StaticType integration(const Node& node, Value& out);
  StaticType var(const Node& node, Value& out);
  StaticType offered(const Node& node, Value& out);
  StaticType first_of(const Node& node, Value& out);
  StaticType cases(const Node& node, Value& out);
  StaticType table(const Node& node, Value& out);
  StaticType nonzero(const Node& node, Value& out);
  StaticType lookup(const Node& whole, const Node& node, Value& out, const documents::Field* target);
  StaticType ensure(const Node& whole, const Node& node, Value& out);
  StaticType account(const Node& whole, const Node& node, Value& out);
  StaticType each(const Node& whole, const Node& node, Value& out, const documents::Field* target);
  void field(const config::Member& member, const documents::Field& target, FieldRule& out);

  Path parse_path(const Node& node);
  /// Whether it says what it is at all; what is wrong else was reported where the operator is read.
  static bool has_operator(const Node& node);
  std::string kind(const Node& node);
  void scalar_value(const Node& node, Value& out, std::string_view what);
  void check_rows_allowed(const Place& place, std::string_view op);

  Report& report_;
  FileScope& file_;
  EntityScope& entity_;
  Row* row_ = nullptr;  // of the innermost `each`
  int depth_ = 0;
};

}  // namespace berth::mapping
