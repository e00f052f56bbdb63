// Values that ask for something stored: rows that other records became, and accounts.
#include <fmt/format.h>

#include <algorithm>

#include "host/mapping/value_compiler.hpp"

namespace berth::mapping {
namespace {

const std::vector<std::string> kKinds{"company", "customer", "vendor", "item", "invoice", "customer_payment", "credit_note", "classification_line"};
const std::vector<std::string> kMissing{"park", "omit", "warn", "fail", "defer", "drop_row"};

}  // namespace

std::string ValueCompiler::kind(const Node& node) {
  std::string name = text_of(report_, node, "`kind`");
  if (!name.empty() && !is_one_of(name, kKinds)) {
    report_.add(node.place, "mapping.kind_unknown", fmt::format("`{}` is not a kind of row", name), config::did_you_mean(name, kKinds));
  }
  return name;
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
    op.not_known = file_.points.add(missing->place, "no case names a row that is not known");
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
  op.is_there = file_.points.add(whole.place, "no case names a row that is there already");
  op.is_new = file_.points.add(whole.place, "no case names a row that has to be made");
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
  op.not_mapped = file_.points.add(whole.place, "no case in which this account is not mapped");
  out.op = std::move(op);
  return typed(FieldType::kAccount, false);
}

}  // namespace berth::mapping
