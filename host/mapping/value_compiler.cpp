// Values: one operator and what may stand beside it. Values that ask for rows and accounts are compiled in
// lookup_compiler.cpp, fields and `each` in field_compiler.cpp, conditions in condition_compiler.cpp.
#include "host/mapping/value_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/text.hpp"

namespace berth::mapping {
namespace {

constexpr int kDepthMax = 16;

const std::vector<std::string> kOperators{"path",     "custom_field", "const", "setting", "integration", "var",    "offered", "first_of",
                                          "case",     "table",        "nonzero", "lookup", "ensure",     "account", "each"};
const std::vector<std::string> kModifiers{"as", "required", "default"};
const std::vector<std::string> kEachKeys{"where", "fields", "none_posted", "none_importable"};

std::vector<std::string> with(std::vector<std::string> all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

StaticType ValueCompiler::value(const Node& node, Value& out, const documents::Field* target) {
  if (depth_ >= kDepthMax) {
    report_.add(node.place, "mapping.depth", fmt::format("values are nested deeper than {}", kDepthMax));
    return {};
  }
  if (!node.is_map()) {
    report_.add(node.place, "mapping.operator_none", fmt::format("a value must be a map with one operator, not {}", node.describe()),
                node.is_scalar() ? fmt::format("write {{path: {0}}} for a value of the record, {{const: {0}}} for this text", node.scalar) : "");
    return {};
  }
  const config::Member* op = nullptr;
  const bool is_each = node.find("each") != nullptr;
  for (const config::Member& member : node.members) {
    if (is_one_of(member.key, kOperators)) {
      if (op == nullptr) {
        op = &member;
      } else {
        report_.add(member.key_place, "mapping.operator_several", fmt::format("`{}` and `{}` are both operators", op->key, member.key));
      }
    } else if (!is_one_of(member.key, kModifiers) && !(is_each && is_one_of(member.key, kEachKeys))) {
      report_.add(member.key_place, "mapping.key_unknown", fmt::format("`{}` is neither an operator nor one of as, required, default", member.key),
                  config::did_you_mean(member.key, with(with(kOperators, kModifiers), kEachKeys)));
    }
  }
  if (op == nullptr) {
    report_.add(node.place, "mapping.operator_none", "a value needs one operator");
    return {};
  }
  ++depth_;
  StaticType type = operation(*op, node, out, target);
  --depth_;
  out.place = node.place;
  out.given = file_.points.add(node.place, is_each ? "no case has a row of this list" : "no case has this value");
  return modifiers(node, out, std::move(type));
}

bool ValueCompiler::has_operator(const Node& node) {
  return node.is_map() && std::any_of(node.members.begin(), node.members.end(), [](const auto& one) { return is_one_of(one.key, kOperators); });
}

StaticType ValueCompiler::operation(const config::Member& op, const Node& node, Value& out, const documents::Field* target) {
  const std::string& key = op.key;
  if (key == "path") return path(op.value, out);
  if (key == "custom_field") return custom_field(op.value, out);
  if (key == "const") return constant(op.value, out);
  if (key == "setting") return setting(op.value, out);
  if (key == "integration") return integration(op.value, out);
  if (key == "var") return var(op.value, out);
  if (key == "offered") return offered(op.value, out);
  if (key == "first_of") return first_of(op.value, out);
  if (key == "case") return cases(op.value, out);
  if (key == "table") return table(op.value, out);
  if (key == "nonzero") return nonzero(op.value, out);
  if (key == "lookup") return lookup(node, op.value, out, target);
  if (key == "ensure") return ensure(node, op.value, out);
  if (key == "account") return account(node, op.value, out);
  return each(node, op.value, out, target);
}

StaticType ValueCompiler::modifiers(const Node& node, Value& out, StaticType type) {
  if (const Node* as = node.find("as")) {
    const std::string name = text_of(report_, *as, "`as`");
    out.as = type_named(name);
    if (!out.as) {
      if (!name.empty()) {
        report_.add(as->place, "mapping.type_unknown", fmt::format("`{}` is not a type", name), config::did_you_mean(name, type_names()));
      }
    } else if (!converts(type, *out.as, "")) {
      report_.add(as->place, "mapping.type", fmt::format("{} cannot be read as {}", describe(type), name));
    } else if (*out.as == FieldType::kMoney && !entity_.has_currency) {
      report_.add(as->place, "mapping.money_currency", fmt::format("`{}` has amounts and no `currency:`", entity_.name));
    }
    if (out.as) type.type = out.as;
  }
  if (const Node* otherwise = node.find("default")) {
    out.otherwise = literal_of(report_, *otherwise, "`default`");
    out.defaulted = file_.points.add(otherwise->place, "no case needs this default");
    if (out.otherwise && !is_scalar(type)) {
      report_.add(otherwise->place, "mapping.type", fmt::format("{} has no default", describe(type)));
    } else if (out.otherwise && type.type && !converts({type_of_literal(*out.otherwise), "", false}, *type.type, "")) {
      report_.add(otherwise->place, "mapping.type", fmt::format("the default {} is not {}", otherwise->describe(), describe(type)));
    }
    type.may_be_absent = false;
  }
  if (const Node* required = node.find("required")) {
    out.required = boolean_of(report_, *required, "`required`");
    if (out.required) {
      out.lacking = file_.points.add(required->place, "no case lacks this required value");
      type.may_be_absent = false;
      const auto* branches = std::get_if<CaseOp>(&out.op);
      if (branches != nullptr && !out.otherwise && !branches->branches.empty() && branches->branches.back().when) {
        report_.add(node.place, "mapping.else_required", "a required `case` needs an `else`");
      }
    }
  }
  return type;
}

Path ValueCompiler::parse_path(const Node& node) {
  Path path;
  path.text = text_of(report_, node, "a path");
  if (path.text.empty()) return path;
  path.keys = split(path.text, '.');
  const bool has_hole = std::any_of(path.keys.begin(), path.keys.end(), [](const std::string& key) { return key.empty() || trim(key) != key; });
  if (has_hole) {
    report_.add(node.place, "mapping.path", fmt::format("`{}` has an empty step or blanks", path.text));
    return path;
  }
  const std::string first = path.keys.front();
  const bool is_prefix = first == "list" || first == "parts" || (first == "record" && row_ != nullptr);
  if (!is_prefix) {
    path.from = row_ == nullptr ? Path::From::kBase : Path::From::kRow;
    if (first == "record") report_.add(node.place, "mapping.path", fmt::format("`{}`: `record.` is for rows of `each`", path.text), "leave `record.` out");
    return path;
  }
  path.keys.erase(path.keys.begin());
  path.from = first == "list" ? Path::From::kList : first == "parts" ? Path::From::kPart : Path::From::kBase;
  if (path.keys.empty()) {
    report_.add(node.place, "mapping.path", fmt::format("`{}` names no value", path.text));
  } else if (path.from == Path::From::kPart) {
    path.part = path.keys.front();
    path.keys.erase(path.keys.begin());
  }
  return path;
}

StaticType ValueCompiler::path(const Node& node, Value& out) {
  out.op = PathOp{parse_path(node)};
  return {};
}

StaticType ValueCompiler::custom_field(const Node& node, Value& out) {
  CustomFieldOp op;
  const Node* name = &node;
  if (node.is_map()) {
    check_map(report_, node, "custom_field", {"label", "api_name"});
    const Node* api_name = node.find("api_name");
    const Node* label = node.find("label");
    if ((api_name == nullptr) == (label == nullptr)) {
      report_.add(node.place, "mapping.key_missing", "custom_field needs either `label:` or `api_name:`", "give one of the two");
      return typed(FieldType::kText, true);
    }
    op.by_api_name = api_name != nullptr;
    name = op.by_api_name ? api_name : label;
  }
  op.name = text_of(report_, *name, "the name of a custom field");
  if (!op.by_api_name && !op.name.empty()) {
    if (trim(op.name) != op.name) report_.add(name->place, "mapping.label_spaces", fmt::format("the label \"{}\" has blanks at its ends", op.name));
    file_.labels.emplace_back(op.name, name->place);
  }
  out.op = std::move(op);
  return typed(FieldType::kText, true);
}

StaticType ValueCompiler::constant(const Node& node, Value& out) {
  const auto literal = literal_of(report_, node, "a constant");
  out.op = ConstOp{literal.value_or(json::Value(""))};
  return {literal ? type_of_literal(*literal) : std::nullopt, "", false};
}

StaticType ValueCompiler::setting(const Node& node, Value& out) {
  SettingOp op;
  op.name = text_of(report_, node, "`setting`");
  const auto found = std::find_if(file_.settings.begin(), file_.settings.end(), [&](const auto& setting) { return setting.name == op.name; });
  if (found == file_.settings.end()) {
    std::vector<std::string> names;
    for (const auto& declared : file_.settings) names.push_back(declared.name);
    report_.add(node.place, "mapping.setting_unknown", fmt::format("`{}` is not declared under `settings:`", op.name), config::did_you_mean(op.name, names));
    return {};
  }
  file_.settings_used.insert(op.name);
  op.type = found->kind;
  op.otherwise = found->otherwise;
  const StaticType type = typed(op.type, !op.otherwise);
  out.op = std::move(op);
  return type;
}

StaticType ValueCompiler::integration(const Node& node, Value& out) {
  const std::string name = text_of(report_, node, "`integration`");
  if (name == "company") {
    out.op = IntegrationOp{IntegrationOp::What::kCompany};
    return reference_to("company", false);
  }
  if (name == "base_currency") {
    out.op = IntegrationOp{IntegrationOp::What::kBaseCurrency};
  } else {
    out.op = IntegrationOp{IntegrationOp::What::kId};
    if (name != "id") {
      report_.add(node.place, "mapping.key_unknown", fmt::format("an integration has no `{}`", name), "id, company and base_currency can be read");
    }
  }
  return typed(FieldType::kText, false);
}

StaticType ValueCompiler::var(const Node& node, Value& out) {
  const std::string name = text_of(report_, node, "`var`");
  const auto found = std::find(entity_.let.begin(), entity_.let.end(), name);
  if (found == entity_.let.end()) {
    report_.add(node.place, "mapping.var_unknown", fmt::format("`{}` is not set by `let:` of `{}` before this place", name, entity_.name),
                config::did_you_mean(name, entity_.let));
    return {};
  }
  const auto index = static_cast<std::size_t>(found - entity_.let.begin());
  entity_.let_used.insert(name);
  out.op = VarOp{index, name};
  return entity_.let_types[index];
}

StaticType ValueCompiler::offered(const Node& node, Value& out) {
  OfferedOp op{text_of(report_, node, "`offered`")};
  if (!op.name.empty()) entity_.offered.emplace_back(op.name, node.place);
  out.op = std::move(op);
  return {};
}

StaticType ValueCompiler::first_of(const Node& node, Value& out) {
  FirstOfOp op;
  std::optional<StaticType> type;
  if (!node.is_list() || node.items.empty()) {
    report_.add(node.place, "mapping.node_kind", fmt::format("first_of must be a list of values, not {}", node.is_list() ? "an empty one" : node.describe()));
    return {};
  }
  bool is_over = false;
  for (const Node& item : node.items) {
    if (is_over) report_.add(item.place, "mapping.unreachable", "the value before this one is always there");
    const StaticType one = value(item, op.values.emplace_back(), nullptr);
    is_over = is_over || !one.may_be_absent;
    if (!type) {
      type = one;
      continue;
    }
    const auto both = common(*type, one);
    if (!both) {
      report_.add(item.place, "mapping.types_differ", fmt::format("{} stands beside {}", describe(one), describe(*type)));
      continue;
    }
    type = both;
  }
  type->may_be_absent = !is_over;
  out.op = std::move(op);
  return *type;
}

StaticType ValueCompiler::cases(const Node& node, Value& out) {
  CaseOp op;
  if (!node.is_list() || node.items.empty()) {
    report_.add(node.place, "mapping.node_kind", fmt::format("case must be a list of branches, not {}", node.is_list() ? "an empty one" : node.describe()));
    return {};
  }
  std::optional<StaticType> type;
  bool may_be_absent = false;
  std::vector<std::string> conditions;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Node& item = node.items[i];
    if (!check_map(report_, item, "a branch of case", {"when", "value", "else"})) continue;
    const Node* otherwise = item.find("else");
    Branch& branch = op.branches.emplace_back();
    const Node* result = otherwise;
    if (otherwise != nullptr) {
      if (i + 1 < node.items.size()) report_.add(item.place, "mapping.else_last", "`else` is not the last branch; those after it can never be reached");
      if (item.members.size() > 1) report_.add(item.place, "mapping.condition", "a branch has either `else` or `when` and `value`", "split it in two");
    } else {
      branch.when.emplace();
      if (const Node* when = need(report_, item, "a branch of case", "when")) {
        condition(*when, *branch.when);
        std::string written = json::canonical(config::to_json(*when));
        if (is_one_of(written, conditions)) report_.add(when->place, "mapping.unreachable", "an earlier branch has the same condition");
        conditions.push_back(std::move(written));
      }
      result = need(report_, item, "a branch of case", "value");
    }
    if (result == nullptr) continue;
    const StaticType one = value(*result, branch.value, nullptr);
    may_be_absent = may_be_absent || one.may_be_absent;
    const auto both = type ? common(*type, one) : one;
    if (!both) report_.add(result->place, "mapping.types_differ", fmt::format("{} stands beside {}", describe(one), describe(*type)));
    if (both) type = both;
  }
  const bool has_else = !op.branches.empty() && !op.branches.back().when;
  StaticType result = type.value_or(StaticType{});
  result.may_be_absent = may_be_absent || !has_else;
  out.op = std::move(op);
  return result;
}

StaticType ValueCompiler::table(const Node& node, Value& out) {
  TableOp op;
  op.value = std::make_unique<Value>();
  if (!check_map(report_, node, "table", {"value", "map", "missing"})) return {};
  if (const Node* input = need(report_, node, "table", "value")) scalar_value(*input, *op.value, "the value of a table");
  std::optional<StaticType> type;
  const auto add_type = [&](const Node& at, const json::Value& literal) {
    const StaticType one{type_of_literal(literal), "", false};
    const auto both = type ? common(*type, one) : one;
    if (!both) report_.add(at.place, "mapping.types_differ", fmt::format("{} stands beside {}", describe(one), describe(*type)));
    if (both) type = both;
  };
  if (const Node* map = need(report_, node, "table", "map")) {
    if (!map->is_map() || map->members.empty()) {
      report_.add(map->place, "mapping.node_kind", "`map` of a table must be a map with at least one entry");
    }
    for (const config::Member& member : map->members) {
      const auto literal = literal_of(report_, member.value, fmt::format("what `{}` becomes", member.key));
      if (!literal) continue;
      add_type(member.value, *literal);
      op.map.emplace_back(member.key, *literal);
      op.entries.push_back(file_.points.add(member.key_place, fmt::format("no case has the value \"{}\"", member.key)));
    }
  }
  if (const Node* missing = need(report_, node, "table", "missing")) {
    op.unlisted = file_.points.add(missing->place, "no case has a value that this table does not have");
    const bool is_fail = missing->is_scalar() && !missing->is_quoted && missing->scalar == "fail";
    if (!is_fail) op.missing = literal_of(report_, *missing, "`missing` of a table");
    if (op.missing) add_type(*missing, *op.missing);
  }
  out.op = std::move(op);
  StaticType result = type.value_or(StaticType{});
  result.may_be_absent = false;
  return result;
}

StaticType ValueCompiler::nonzero(const Node& node, Value& out) {
  NonzeroOp op;
  if (!node.is_list() || node.items.empty()) {
    report_.add(node.place, "mapping.node_kind", fmt::format("nonzero must be a list of names, not {}", node.describe()));
  }
  for (const Node& item : node.items) op.patterns.push_back(text_of(report_, item, "a name in nonzero"));
  out.op = std::move(op);
  return typed(FieldType::kTextList, false);
}

void ValueCompiler::scalar_value(const Node& node, Value& out, std::string_view what) {
  const StaticType type = value(node, out, nullptr);
  if (!is_scalar(type)) report_.add(node.place, "mapping.type", fmt::format("{} cannot be {}", what, describe(type)));
}

std::string ValueCompiler::reason(const Node& node, std::string_view what) {
  std::string id = text_of(report_, node, what);
  if (id.empty()) return id;
  const bool is_own = id.starts_with(file_.plugin + ".");
  if (!is_reason_id(id) || !is_own) {
    report_.add(node.place, "mapping.reason", fmt::format("the reason `{}` is not dotted, lower case and prefixed with `{}.`", id, file_.plugin));
  }
  return id;
}

}  // namespace berth::mapping
