// The fields of a document and of its rows (`each`), held against those of the model.
#include <fmt/format.h>

#include <algorithm>

#include "host/mapping/value_compiler.hpp"

namespace berth::mapping {
namespace {

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
    op.left_out = file_.points.add(where->place, "no case has a row that this leaves out");
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
    op.none_posted = file_.points.add(none_posted->place, "no case in which no row is posted and one may come");
    if (how != "park" && how != "post") report_.add(none_posted->place, "mapping.defer_outcomes", fmt::format("`none_posted: {}` is neither park nor post", how));
    const documents::Field* pending = nullptr;
    for (const documents::Field& field : target->row) pending = field.may_be_pending ? &field : pending;
    if (op.park_when_none_posted && pending != nullptr) entity_.parks.emplace_back(pending->reference_kind, whole.place);
  }
  if (none_importable != nullptr) {
    op.none_importable = file_.points.add(none_importable->place, "no case in which no row can ever come");
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
  if (!has_operator(node)) return;
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

}  // namespace berth::mapping
