// Values, fields and conditions over a record.
#include "host/mapping/evaluator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/country.hpp"
#include "host/core/edit_distance.hpp"
#include "host/core/text.hpp"
#include "host/mapping/convert.hpp"

namespace berth::mapping {
namespace {

std::string quoted(const json::Value& value) {
  const auto text = scalar_text(value);
  return text ? fmt::format("\"{}\"", shortened(*text, 60)) : std::string(value.is_array() ? "a list" : "a group of values");
}

std::string shown(const Found& found) { return found.is_present() ? quoted(found.get()) : "none"; }

}  // namespace

const json::Value* follow(const json::Value& from, const std::vector<std::string>& keys) {
  const json::Value* at = &from;
  for (const std::string& key : keys) {
    at = at->find(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string describe_sources(const Value& value) {
  struct Visitor {
    std::string operator()(const PathOp& op) const { return op.path.text; }
    std::string operator()(const CustomFieldOp& op) const { return fmt::format("custom field \"{}\"", op.name); }
    std::string operator()(const SettingOp& op) const { return fmt::format("setting {}", op.name); }
    std::string operator()(const VarOp& op) const { return op.name; }
    std::string operator()(const OfferedOp& op) const { return fmt::format("offered {}", op.name); }
    std::string operator()(const TableOp& op) const { return describe_sources(*op.value); }
    std::string operator()(const LookupOp& op) const { return describe_sources(*op.value); }
    std::string operator()(const EnsureOp& op) const { return describe_sources(*op.name); }
    std::string operator()(const FirstOfOp& op) const {
      std::vector<std::string> all;
      for (const Value& one : op.values) all.push_back(describe_sources(one));
      return join(all, " or ");
    }
    std::string operator()(const CaseOp&) const { return "branch that holds"; }
    std::string operator()(const ConstOp&) const { return "constant"; }
    std::string operator()(const IntegrationOp&) const { return "integration"; }
    std::string operator()(const NonzeroOp&) const { return "amounts"; }
    std::string operator()(const AccountOp&) const { return "account"; }
    std::string operator()(const EachOp& op) const { return op.path.text; }
  };
  return std::visit(Visitor{}, value.op);
}

void Evaluator::fields(const std::vector<FieldRule>& rules, json::Object& out) {
  for (const FieldRule& rule : rules) {
    if (is_total_only_ && rule.target != nullptr && rule.target->splits_total) continue;
    steps_.push_back({&rule.name, 0});
    Found found = field(rule);
    if (found.is_present()) {
      out.emplace_back(rule.name, tracing_ ? found.get() : found.take());
    } else if (found.is_blocked() && rule.target->may_be_pending && row_state_ != nullptr && !row_state_->pending.empty()) {
      out.emplace_back("pending", row_state_->pending);
    }
    if (tracing_) end_trace(at(), rule.value.place, &found);
    steps_.pop_back();
  }
}

Found Evaluator::field(const FieldRule& rule) {
  Found found = value(rule.value);
  if (found.is_present() && rule.convert) return converted(found, *rule.convert);
  return found;
}

Found Evaluator::value(const Value& rule) {
  Found found = operation(rule);
  if (coverage_ != nullptr && found.is_present() && (!found.get().is_array() || found.get().size() > 0)) reach(rule.given);
  if (found.is_absent() && rule.otherwise) {
    found = Found::borrow(*rule.otherwise);
    reach(rule.defaulted);
    note(fmt::format("default {}", quoted(*rule.otherwise)));
  }
  if (found.is_present() && rule.as) found = converted(found, *rule.as);
  if (found.is_absent() && rule.required) {
    reach(rule.lacking);
    return fail("mapping.required_missing", fmt::format("`{}` is required, and the {} has no {}", at(),
                                                        record_.is_reduced && !record_.detail ? "list row, which is all that `pull: reduced` keeps," : "record",
                                                        describe_sources(rule)));
  }
  return found;
}

Found Evaluator::operation(const Value& rule) {
  struct Visitor {
    Evaluator& self;
    const config::Place& place;
    Found operator()(const PathOp& op) const { return self.path(op); }
    Found operator()(const CustomFieldOp& op) const { return self.custom_field(op); }
    Found operator()(const ConstOp& op) const {
      if (self.tracing_) self.note(quoted(op.value));
      return Found::borrow(op.value);
    }
    Found operator()(const SettingOp& op) const { return self.setting(op); }
    Found operator()(const IntegrationOp& op) const { return self.integration(op); }
    Found operator()(const VarOp& op) const {
      const Found& found = self.let_[op.index];
      if (self.tracing_) self.note(fmt::format("{} {}", op.name, shown(found)));
      if (found.is_present()) return Found::borrow(found.get());
      return found.is_blocked() ? Found::blocked() : Found::absent();
    }
    Found operator()(const OfferedOp& op) const { return self.offered(op); }
    Found operator()(const FirstOfOp& op) const { return self.first_of(op); }
    Found operator()(const CaseOp& op) const { return self.cases(op); }
    Found operator()(const TableOp& op) const { return self.table(op); }
    Found operator()(const NonzeroOp& op) const { return self.nonzero(op); }
    Found operator()(const LookupOp& op) const { return self.lookup(op); }
    Found operator()(const EnsureOp& op) const { return self.ensure(op); }
    Found operator()(const AccountOp& op) const { return self.account(op); }
    Found operator()(const EachOp& op) const { return self.each(op, place); }
  };
  return std::visit(Visitor{*this, rule.place}, rule.op);
}

const json::Value* Evaluator::resolve(const Path& path) const {
  const json::Value* from = nullptr;
  switch (path.from) {
    case Path::From::kBase: from = base_; break;
    case Path::From::kList: from = list_; break;
    case Path::From::kRow: from = row_; break;
    case Path::From::kPart: {
      const auto part = record_.parts.find(path.part);
      from = part == record_.parts.end() ? nullptr : &part->second;
      break;
    }
  }
  const json::Value* found = from == nullptr ? nullptr : follow(*from, path.keys);
  return found == nullptr || berth::mapping::is_absent(*found) ? nullptr : found;
}

Found Evaluator::path(const PathOp& op) {
  const json::Value* found = resolve(op.path);
  if (tracing_) note(found == nullptr ? fmt::format("{} → none", op.path.text) : fmt::format("{} {}", op.path.text, quoted(*found)));
  return found == nullptr ? Found::absent() : Found::borrow(*found);
}

Found Evaluator::custom_field(const CustomFieldOp& op) {
  const json::Value* all = base_ == nullptr ? nullptr : base_->find("custom_fields");
  const json::Value* first = nullptr;
  if (all != nullptr) {
    for (const json::Value& element : all->items()) {
      if (element.text_of(op.by_api_name ? "api_name" : "label") != op.name) continue;
      if (first == nullptr) {
        first = &element;
        continue;
      }
      flag("mapping.label_duplicate");
      warn(fmt::format("custom_field/{}", op.name), "several custom fields have this name; the first one is used");
      break;
    }
  }
  if (first == nullptr && all != nullptr) warn_of_near_label(*all, op);
  const json::Value* value = first == nullptr ? nullptr : first->find("value");
  if (value == nullptr && !record_.detail) value = custom_field_of_row(op);
  if (value != nullptr && berth::mapping::is_absent(*value)) value = nullptr;
  if (tracing_) note(fmt::format("custom_field \"{}\" → {}", op.name, value == nullptr ? "none" : quoted(*value)));
  if (value == nullptr) return Found::absent();
  if (value->is_string()) return Found::borrow(*value);
  return converted(Found::borrow(*value), FieldType::kText);
}

/// List rows have their custom fields flat, by API names alone: "cf_service_line", and the same with "_unformatted", as the
/// detail would say it. Which label that is, nobody can tell: a label may have been renamed.
const json::Value* Evaluator::custom_field_of_row(const CustomFieldOp& op) {
  if (base_ == nullptr) return nullptr;
  if (op.by_api_name) {
    const json::Value* raw = base_->find(op.name + "_unformatted");
    return raw != nullptr ? raw : base_->find(op.name);
  }
  if (!record_.is_reduced) return nullptr;
  for (const auto& [key, value] : base_->members()) {
    if (!key.starts_with("cf_") || berth::mapping::is_absent(value)) continue;
    warn(fmt::format("custom_field/{}", op.name), "the list row, which is all that is known, has custom fields by API names, not by labels; go by `api_name`");
    break;
  }
  return nullptr;
}

/// A field that has a value and nearly this name was meant by somebody. It is no match all the same.
void Evaluator::warn_of_near_label(const json::Value& all, const CustomFieldOp& op) {
  std::vector<std::string> names;
  for (const json::Value& element : all.items()) {
    const json::Value* value = element.find("value");
    if (value != nullptr && !berth::mapping::is_absent(*value)) names.emplace_back(element.text_of(op.by_api_name ? "api_name" : "label"));
  }
  const std::string near = near_miss(op.name, names);
  if (near.empty()) return;
  const std::string hint = near_miss_hint(op.name, near);
  if (tracing_) note(hint);
  warn(fmt::format("custom_field/{}", op.name), hint);
}

Found Evaluator::setting(const SettingOp& op) {
  const auto set = context_.settings.find(op.name);
  const json::Value* value = set != context_.settings.end() && !set->second.is_null() ? &set->second : op.otherwise ? &*op.otherwise : nullptr;
  if (tracing_) note(fmt::format("setting {} {}", op.name, value == nullptr ? "none" : quoted(*value)));
  return value == nullptr ? Found::absent() : converted(Found::borrow(*value), op.type);
}

Found Evaluator::integration(const IntegrationOp& op) {
  const bool is_company = op.what == IntegrationOp::What::kCompany;
  const std::string& text = is_company ? context_.company : op.what == IntegrationOp::What::kId ? context_.integration : context_.base_currency;
  if (tracing_) note(fmt::format("integration {} → {}", is_company ? "company" : op.what == IntegrationOp::What::kId ? "id" : "base_currency", text));
  return text.empty() ? Found::absent() : Found::own(text);
}

Found Evaluator::offered(const OfferedOp& op) {
  const auto found = record_.offered.find(op.name);
  const bool is_here = found != record_.offered.end() && !found->second.empty();
  if (tracing_) note(fmt::format("offered {} → {}", op.name, is_here ? fmt::format("\"{}\"", found->second) : "none"));
  return is_here ? Found::own(found->second) : Found::absent();
}

Found Evaluator::first_of(const FirstOfOp& op) {
  for (const Value& one : op.values) {
    Found found = value(one);
    if (!found.is_absent()) return found;
  }
  return Found::absent();
}

Found Evaluator::cases(const CaseOp& op) {
  for (std::size_t i = 0; i < op.branches.size(); ++i) {
    const Branch& branch = op.branches[i];
    if (branch.when && !holds(*branch.when)) continue;
    if (tracing_) note(fmt::format("{} (line {})", branch.when ? fmt::format("branch {}", i + 1) : "else", branch.value.place.line));
    return value(branch.value);
  }
  note("no branch holds");
  return Found::absent();
}

Found Evaluator::table(const TableOp& op) {
  const Found input = value(*op.value);
  if (input.is_blocked()) return Found::blocked();
  std::string text;
  if (input.is_present()) {
    const auto read = text_of(input, "the value of a table");
    if (!read) return Found::blocked();
    text = *read;
    for (std::size_t i = 0; i < op.map.size(); ++i) {
      const auto& [from, to] = op.map[i];
      if (from != text) continue;
      reach(op.entries[i]);
      if (tracing_) note(quoted(to));
      return Found::borrow(to);
    }
  }
  reach(op.unlisted);
  if (op.missing) {
    if (tracing_) note(fmt::format("not in the table → {}", quoted(*op.missing)));
    return Found::borrow(*op.missing);
  }
  return fail("mapping.table_missing", input.is_present() ? fmt::format("`{}`: the table has no entry for \"{}\"", at(), shortened(text, 60))
                                                          : fmt::format("`{}`: the record has no {}, which the table needs", at(), describe_sources(*op.value)));
}

Found Evaluator::nonzero(const NonzeroOp& op) {
  json::Value names = json::Value::array();
  if (base_ != nullptr) {
    for (const auto& [key, value] : base_->members()) {
      if (std::string_view(key).ends_with("_id")) continue;
      const bool is_wanted = std::any_of(op.patterns.begin(), op.patterns.end(), [&](const std::string& pattern) { return matches_glob(pattern, key); });
      if (!is_wanted) continue;
      bool counts = value.boolean() || value.text() == "true";
      if (!counts && (value.is_number() || value.is_string())) {
        const auto amount = Decimal::parse(value.text());
        // A number that is too long to be read is certainly not zero; a text that is no number is no amount.
        counts = amount ? !amount->is_zero() : value.is_number();
      }
      if (counts) names.push_back(key);
    }
  }
  if (tracing_) note(fmt::format("{} amounts that are not zero", names.size()));
  return Found::own(std::move(names));
}

Found Evaluator::converted(const Found& found, FieldType type) {
  if (type == FieldType::kMoney && !currency_) return Found::blocked();  // said once, at the currency
  auto result = convert(found.get(), type, currency_);
  if (!result) {
    Error error = std::move(result).error();
    return fail(std::move(error.reason), fmt::format("`{}`: {}", at(), error.message));
  }
  if (type == FieldType::kCountry && !country_alpha2(result->text())) flag("mapping.country_unknown");
  if (tracing_) {
    const auto before = scalar_text(found.get());
    const auto after = scalar_text(*result);
    if (after && before != after) note(*after);
  }
  return Found::own(std::move(*result));
}

bool Evaluator::holds(const Condition& condition) {
  switch (condition.op) {
    case Condition::Op::kAll:
      return std::all_of(condition.children.begin(), condition.children.end(), [&](const Condition& child) { return holds(child); });
    case Condition::Op::kAny:
      return std::any_of(condition.children.begin(), condition.children.end(), [&](const Condition& child) { return holds(child); });
    case Condition::Op::kNot: return !holds(condition.children.front());
    default: break;
  }
  const bool was_quiet = is_quiet_;
  is_quiet_ = true;
  const Found found = value(*condition.value);
  is_quiet_ = was_quiet;
  const auto is_equal = [&](const json::Value& literal) { return found.is_present() && equals(found.get(), literal); };
  const auto test = [&] {
    switch (condition.op) {
      case Condition::Op::kPresent: return !found.is_absent() == condition.present;
      case Condition::Op::kIs: return is_equal(condition.literals.front());
      case Condition::Op::kIsNot: return !is_equal(condition.literals.front());
      case Condition::Op::kIn: return std::any_of(condition.literals.begin(), condition.literals.end(), is_equal);
      case Condition::Op::kMatches: {
        const auto text = found.is_present() ? scalar_text(found.get()) : std::nullopt;
        return text && matches_glob(condition.pattern, *text);
      }
      default: return false;
    }
  };
  const bool does_hold = test();
  if (does_hold) reach(condition.holds);
  return does_hold;
}

std::optional<std::string> Evaluator::text_of(const Found& found, std::string_view what) {
  if (!found.is_present()) return std::nullopt;
  auto text = scalar_text(found.get());
  if (!text) fail("mapping.type", fmt::format("`{}`: {} is not a single value", at(), what));
  return text;
}

Found Evaluator::fail(std::string reason, std::string message) {
  note(reason);
  failures_.push_back({at(), std::move(reason), std::move(message)});
  return Found::blocked();
}

void Evaluator::warn(std::string key, std::string hint) {
  if (std::find(outcome_.warnings.begin(), outcome_.warnings.end(), key) != outcome_.warnings.end()) return;
  outcome_.warnings.push_back(std::move(key));
  outcome_.warning_hints.push_back(std::move(hint));
}

void Evaluator::flag(std::string_view id) {
  if (std::find(outcome_.flags.begin(), outcome_.flags.end(), id) == outcome_.flags.end()) outcome_.flags.emplace_back(id);
}

std::string Evaluator::at() const {
  std::string text;
  for (const Step& step : steps_) {
    if (step.name == nullptr) {
      text += fmt::format("[{}]", step.index);
      continue;
    }
    if (!text.empty()) text += '.';
    text += *step.name;
  }
  return text;
}

void Evaluator::note(std::string piece) {
  if (tracing_ && !is_quiet_) notes_.push_back(std::move(piece));
}

void Evaluator::end_trace(std::string field, const config::Place& place, const Found* found) {
  if (!tracing_ || notes_.empty()) return;
  TraceLine& line = outcome_.trace.emplace_back(TraceLine{std::move(field), join(notes_, " → "), place.to_string(), {}});
  if (found != nullptr && found->is_present() && !found->get().is_array()) line.value = found->get();
  notes_.clear();
}

void Evaluator::tell_asked() {
  for (const auto& [key, answer] : answers_) {
    const std::vector<std::string> parts = split(key, '\0');
    outcome_.asked.push_back({parts[0], parts[1], parts[2], parts[3], answer});
  }
}

}  // namespace berth::mapping
