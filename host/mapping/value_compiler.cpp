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
const std::vector<std::string> kKinds{"company", "customer", "vendor", "item", "invoice", "customer_payment", "credit_note", "classification_line"};
const std::vector<std::string> kMissing{"park", "omit", "warn", "fail", "defer", "drop_row"};

std::vector<std::string> with(std::vector<std::string> all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

StaticType typed(FieldType type, bool may_be_absent) { return {type, "", may_be_absent}; }
StaticType reference_to(std::string kind, bool may_be_absent) { return {FieldType::kReference, std::move(kind), may_be_absent}; }

/// Whether the rule may give nothing although the record has everything.
bool may_leave_out(const Value& value) {
  if (value.otherwise) return false;
  if (const auto* lookup = std::get_if<LookupOp>(&value.op)) return lookup->missing == Missing::kOmit || lookup->missing == Missing::kWarn;
  if (const auto* first = std::get_if<FirstOfOp>(&value.op)) return std::all_of(first->values.begin(), first->values.end(), may_leave_out);
  if (const auto* cases = std::get_if<CaseOp>(&value.op)) {
    return std::any_of(cases->branches.begin(), cases->branches.end(), [](const Branch& branch) { return may_leave_out(branch.value); });
  }
  return false;
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
  return modifiers(node, out, std::move(type));
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
    }
  }
  if (const Node* missing = need(report_, node, "table", "missing")) {
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

std::string ValueCompiler::kind(const Node& node) {
  std::string name = text_of(report_, node, "`kind`");
  if (!name.empty() && !is_one_of(name, kKinds)) {
    report_.add(node.place, "mapping.kind_unknown", fmt::format("`{}` is not a kind of row", name), config::did_you_mean(name, kKinds));
  }
  return name;
}

void ValueCompiler::scalar_value(const Node& node, Value& out, std::string_view what) {
  const StaticType type = value(node, out, nullptr);
  if (!is_scalar(type)) report_.add(node.place, "mapping.type", fmt::format("{} cannot be {}", what, describe(type)));
}

void ValueCompiler::check_rows_allowed(const Place& place, std::string_view op) {
  if (entity_.allows_rows) return;
  report_.add(place, "mapping.condition", fmt::format("`{}` cannot stand here: this is decided from the record alone", op), "use values of the record");
}

StaticType ValueCompiler::lookup(const Node& whole, const Node& node, Value& out, const documents::Field* target) {
  LookupOp op;
  op.value = std::make_unique<Value>();
  check_rows_allowed(whole.place, "lookup");
  if (!check_map(report_, node, "lookup", {"kind", "in", "by", "value", "missing"})) return {};
  if (const Node* name = need(report_, node, "lookup", "kind")) op.kind = kind(*name);
  if (const Node* scope = node.find("in")) op.scope = text_of(report_, *scope, "`in`");
  if (op.kind == "classification_line" && op.scope.empty()) {
    report_.add(node.place, "mapping.scope_required", "a lookup of a classification_line needs `in:`");
  }
  if (const Node* by = need(report_, node, "lookup", "by")) {
    op.by = text_of(report_, *by, "`by`");
    if (op.by != "remote_id" && op.by != "name") report_.add(by->place, "mapping.lookup_by", fmt::format("`{}` is not a way to look up", op.by));
  }
  if (const Node* input = need(report_, node, "lookup", "value")) scalar_value(*input, *op.value, "the value that is looked up");
  const Node* missing = node.find("missing");
  if (missing == nullptr) {
    report_.add(whole.place, "mapping.lookup_missing_required", "`lookup` needs `missing:`");
  } else {
    const std::string how = text_of(report_, *missing, "`missing`");
    const auto found = std::find(kMissing.begin(), kMissing.end(), how);
    if (found == kMissing.end()) {
      report_.add(missing->place, "mapping.lookup_missing_unknown", fmt::format("`missing: {}` is not a way to go on", how), config::did_you_mean(how, kMissing));
    } else {
      op.missing = static_cast<Missing>(found - kMissing.begin());
    }
    if (op.missing == Missing::kDefer) {
      if (target == nullptr || !target->may_be_pending || row_ == nullptr || op.by != "remote_id") {
        report_.add(missing->place, "mapping.defer_misplaced", "`defer` cannot stand here");
      }
      if (row_ != nullptr) row_->has_defer = true;
    }
    if (op.missing == Missing::kDropRow && row_ == nullptr) report_.add(missing->place, "mapping.drop_row_misplaced", "`drop_row` stands in no row");
    if (op.missing == Missing::kPark) entity_.parks.emplace_back(op.kind, whole.place);
  }
  StaticType type = reference_to(op.kind, true);  // without a value there is no search
  out.op = std::move(op);
  return type;
}

StaticType ValueCompiler::ensure(const Node& whole, const Node& node, Value& out) {
  EnsureOp op;
  op.name = std::make_unique<Value>();
  check_rows_allowed(whole.place, "ensure");
  if (!check_map(report_, node, "ensure", {"kind", "in", "name"})) return {};
  if (const Node* name = need(report_, node, "ensure", "kind")) {
    op.kind = kind(*name);
    if (is_one_of(op.kind, kKinds) && op.kind != "classification_line" && op.kind != "item") {
      report_.add(name->place, "mapping.ensure_kind", fmt::format("a {} cannot be made from a name", op.kind));
    }
  }
  if (const Node* scope = node.find("in")) {
    op.scope = text_of(report_, *scope, "`in`");
  } else {
    report_.add(node.place, "mapping.scope_required", "`ensure` needs `in:`");
  }
  bool may_be_absent = true;
  if (const Node* name = need(report_, node, "ensure", "name")) {
    const StaticType type = value(*name, *op.name, nullptr);
    may_be_absent = type.may_be_absent;
    if (!is_scalar(type)) report_.add(name->place, "mapping.type", fmt::format("the name of a row cannot be {}", describe(type)));
  }
  StaticType type = reference_to(op.kind, may_be_absent);
  out.op = std::move(op);
  return type;
}

StaticType ValueCompiler::account(const Node& whole, const Node& node, Value& out) {
  AccountOp op;
  check_rows_allowed(whole.place, "account");
  if (check_map(report_, node, "account", {"kind"})) {
    if (const Node* name = need(report_, node, "account", "kind")) op.kind = text_of(report_, *name, "`kind` of an account");
  }
  out.op = std::move(op);
  return typed(FieldType::kAccount, false);
}

StaticType ValueCompiler::each(const Node& whole, const Node& node, Value& out, const documents::Field* target) {
  EachOp op;
  op.path = parse_path(node);
  if (target == nullptr || target->type != FieldType::kList) {
    report_.add(whole.place, "mapping.list_fields", target == nullptr ? std::string("`each` can only be the value of a list of the model")
                                                                      : fmt::format("`{}` is a {}, not a list", target->name, documents::to_string(target->type)));
    return typed(FieldType::kList, false);
  }
  Row row;
  Row* const outer = row_;
  row_ = &row;
  if (const Node* where = whole.find("where")) {
    op.where = std::make_unique<Condition>();
    condition(*where, *op.where);
  }
  if (const Node* rows = need(report_, whole, "each", "fields")) {
    fields(*rows, target->row, fmt::format("`{}`", target->name), op.fields);
    check_required(rows->place, target->row, fmt::format("`{}`", target->name), {&op.fields});
  }
  row_ = outer;

  const Node* none_posted = whole.find("none_posted");
  const Node* none_importable = whole.find("none_importable");
  if (row.has_defer != (none_posted != nullptr) || row.has_defer != (none_importable != nullptr)) {
    report_.add(whole.place, "mapping.defer_outcomes",
                row.has_defer ? "`defer` needs `none_posted:` and `none_importable:` beside `each`" : "`none_posted:` and `none_importable:` belong to `defer`");
  }
  if (none_posted != nullptr) {
    const std::string how = text_of(report_, *none_posted, "`none_posted`");
    op.park_when_none_posted = how == "park";
    if (how != "park" && how != "post") report_.add(none_posted->place, "mapping.defer_outcomes", fmt::format("`none_posted: {}` is neither park nor post", how));
    const documents::Field* pending = nullptr;
    for (const documents::Field& field : target->row) pending = field.may_be_pending ? &field : pending;
    if (op.park_when_none_posted && pending != nullptr) entity_.parks.emplace_back(pending->reference_kind, whole.place);
  }
  if (none_importable != nullptr) {
    if (none_importable->is_map()) {
      check_map(report_, *none_importable, "none_importable", {"fail"});
      if (const Node* why = need(report_, *none_importable, "none_importable", "fail")) op.fail_when_none_importable = reason(*why, "`fail`");
    } else if (text_of(report_, *none_importable, "`none_importable`") != "post") {
      report_.add(none_importable->place, "mapping.defer_outcomes", "`none_importable` is neither post nor {fail: reason}");
    }
  }
  out.op = std::move(op);
  return typed(FieldType::kList, false);
}

void ValueCompiler::fields(const Node& node, const std::vector<documents::Field>& targets, std::string_view what, std::vector<FieldRule>& out) {
  if (!node.is_map()) {
    report_.add(node.place, "mapping.node_kind", fmt::format("the fields of {} must be a map, not {}", what, node.describe()));
    return;
  }
  std::vector<std::string> names;
  for (const documents::Field& target : targets) names.push_back(target.name);
  for (const config::Member& member : node.members) {
    const documents::Field* target = documents::find_field(targets, member.key);
    if (target == nullptr) {
      report_.add(member.key_place, "mapping.target_unknown", fmt::format("{} has no field `{}`", what, member.key), config::did_you_mean(member.key, names));
      continue;
    }
    field(member, *target, out.emplace_back());
  }
}

void ValueCompiler::field(const config::Member& member, const documents::Field& target, FieldRule& out) {
  out.name = member.key;
  out.target = &target;
  const Node& node = member.value;
  const StaticType type = value(node, out.value, &target);
  const bool is_each = std::holds_alternative<EachOp>(out.value.op);
  if (node.find("each") != nullptr && !is_each) return;  // reported by each()
  const bool is_known = node.is_map() && std::any_of(node.members.begin(), node.members.end(), [](const auto& one) { return is_one_of(one.key, kOperators); });
  if (!is_known) return;
  if (target.type == FieldType::kList && !is_each) {
    report_.add(node.place, "mapping.list_fields", fmt::format("`{}` is a list and needs `each` and `fields`", target.name));
  } else if (target.type == FieldType::kMoney && is_scalar(type) && type.type != FieldType::kMoney) {
    report_.add(node.place, "mapping.money_as", fmt::format("`{}` is an amount and needs `as: money`", target.name));
  } else if (!converts(type, target.type, target.reference_kind)) {
    StaticType wanted = typed(target.type, false);
    wanted.reference_kind = target.reference_kind;
    const bool is_text_for_row = target.type == FieldType::kReference && is_scalar(type);
    report_.add(node.place, "mapping.type", fmt::format("`{}` is {}, and this is {}", target.name, describe(wanted), describe(type)),
                is_text_for_row ? fmt::format("find the row: {{lookup: {{kind: {}, by: remote_id, value: ..., missing: ...}}}}", target.reference_kind) : "");
  }
  if (type.type != target.type && is_scalar(type)) out.convert = target.type;

  if (!target.required) return;
  const auto* branches = std::get_if<CaseOp>(&out.value.op);
  if (branches != nullptr && !out.value.otherwise && !branches->branches.empty() && branches->branches.back().when) {
    report_.add(node.place, "mapping.else_required", fmt::format("`{}` must be set, so its `case` needs an `else`", target.name));
  } else if (!out.value.required && may_leave_out(out.value)) {
    report_.add(node.place, "mapping.target_required", fmt::format("`{}` must be set, and this rule may leave it out", target.name));
  }
  // The model's word holds whether the rule repeats it or not.
  out.value.required = true;
}

void ValueCompiler::check_required(const Place& place, const std::vector<documents::Field>& targets, std::string_view what,
                                   const std::vector<const std::vector<FieldRule>*>& set) {
  for (const documents::Field& target : targets) {
    if (!target.required) continue;
    const bool is_set = std::any_of(set.begin(), set.end(), [&](const auto* rules) {
      return std::any_of(rules->begin(), rules->end(), [&](const FieldRule& rule) { return rule.name == target.name; });
    });
    if (!is_set) report_.add(place, "mapping.target_required", fmt::format("{} needs `{}`: {}", what, target.name, target.help));
  }
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
