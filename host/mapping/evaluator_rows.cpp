// Operators that concern rows: other documents (lookup, ensure, account) and the rows of a list (each).
#include <fmt/format.h>

#include <algorithm>

#include "host/core/assert.hpp"
#include "host/core/edit_distance.hpp"
#include "host/core/text.hpp"
#include "host/mapping/convert.hpp"
#include "host/mapping/evaluator.hpp"

namespace berth::mapping {
namespace {

void add_once(std::vector<std::string>& all, const std::string& one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

std::string_view known_text(Known known) {
  switch (known) {
    case Known::kPosted: return "posted";
    case Known::kStored: return "stored, not posted yet";
    case Known::kNotImportable: return "not importable";
    case Known::kUnseen: return "not seen yet";
    case Known::kUnknown: return "not known";
  }
  return "";
}

/// Whether the row may still come by itself: it is here, or one fetch may bring it.
bool may_come(Known known) { return known == Known::kStored || known == Known::kUnseen; }

}  // namespace

std::string row_key(std::string_view kind, std::string_view scope, std::string_view value) {
  return scope.empty() ? fmt::format("{}/{}", kind, value) : fmt::format("{}/{}/{}", kind, scope, value);
}

LookupAnswer Evaluator::ask(const std::string& kind, const std::string& scope, const std::string& by, const std::string& value) {
  BERTH_ASSERT(lookups_ != nullptr, "the loader keeps lookups out of offers");
  std::string key;
  key.reserve(kind.size() + scope.size() + by.size() + value.size() + 3);
  for (const std::string* part : {&kind, &scope, &by, &value}) {
    key += *part;
    key += '\0';
  }
  const auto [answer, is_new] = answers_.try_emplace(std::move(key));
  if (is_new) answer->second = lookups_->find(kind, scope, by, value);
  return answer->second;
}

Found Evaluator::lookup(const LookupOp& op) {
  const Found input = value(*op.value);
  if (!input.is_present()) return input.is_blocked() ? Found::blocked() : Found::absent();
  const auto text = text_of(input, "the value that is looked up");
  if (!text) return Found::blocked();
  const LookupAnswer answer = ask(op.kind, op.scope, op.by, *text);
  if (tracing_) note(fmt::format("lookup {} by {}", op.scope.empty() ? op.kind : "in " + op.scope, op.by));
  if (op.missing == Missing::kDefer && row_state_ != nullptr) {
    row_state_->has_deferrable = true;
    row_state_->known = answer.known;
  }
  if (answer.known != Known::kPosted) return lookup_missing(op, *text, answer);
  note(answer.id);
  return Found::own(answer.id);
}

/// What a name that nobody has was meant to be; ids have no neighbours.
std::string Evaluator::hint_for(const LookupOp& op, const std::string& text) {
  if (op.by != "name") return {};
  const bool is_line = op.kind == "classification_line";
  if (is_line && ask("classification", "", "name", op.scope).known != Known::kPosted) {
    const std::string near = lookups_->nearest("classification", "", op.scope);
    return fmt::format("there is no classification \"{}\"{}{}", op.scope, near.empty() ? "" : "; ", near_miss_hint(op.scope, near));
  }
  return near_miss_hint(text, lookups_->nearest(op.kind, op.scope, text));
}

Found Evaluator::lookup_missing(const LookupOp& op, const std::string& text, const LookupAnswer& answer) {
  std::string key = row_key(op.kind, op.scope, text);
  reach(op.not_known);
  if (tracing_) note(std::string(known_text(answer.known)));
  if (answer.known == Known::kUnseen) add_once(outcome_.unseen, key);
  switch (op.missing) {
    case Missing::kPark:
      if (tracing_) note("park " + key);
      if (std::string hint = hint_for(op, text); !hint.empty()) warn(key, std::move(hint));
      add_once(outcome_.waits_for, key);
      return Found::blocked();
    case Missing::kOmit: note("left out"); return Found::absent();
    case Missing::kWarn: {
      if (std::find(outcome_.warnings.begin(), outcome_.warnings.end(), key) != outcome_.warnings.end()) return Found::absent();
      std::string hint = hint_for(op, text);
      if (tracing_ && !hint.empty()) note(hint);
      warn(std::move(key), std::move(hint));
      return Found::absent();
    }
    case Missing::kFail: {
      const std::string hint = hint_for(op, text);
      return fail("mapping.lookup_failed", fmt::format("`{}`: {} is {}{}{}", at(), key, known_text(answer.known), hint.empty() ? "" : "; ", hint));
    }
    case Missing::kDefer:
      if (tracing_) note("pending " + key);
      if (row_state_ != nullptr) row_state_->pending = std::move(key);
      return Found::blocked();
    case Missing::kDropRow:
      note("the row is dropped");
      if (row_state_ != nullptr) row_state_->is_dropped = true;
      return Found::blocked();
  }
  return Found::absent();
}

Found Evaluator::ensure(const EnsureOp& op) {
  const Found input = value(*op.name);
  if (!input.is_present()) return input.is_blocked() ? Found::blocked() : Found::absent();
  const auto name = text_of(input, "the name of a row");
  if (!name) return Found::blocked();
  const LookupAnswer answer = ask(op.kind, op.scope, "name", *name);
  if (answer.known == Known::kPosted) {
    reach(op.is_there);
    note(answer.id);
    return Found::own(answer.id);
  }
  reach(op.is_new);
  Ensure one{op.kind, op.scope, *name};
  std::string placeholder = one.placeholder();
  const bool is_new = std::none_of(outcome_.ensured.begin(), outcome_.ensured.end(), [&](const Ensure& other) { return other.placeholder() == placeholder; });
  if (is_new) outcome_.ensured.push_back(std::move(one));
  note(placeholder);
  return Found::own(std::move(placeholder));
}

Found Evaluator::account(const AccountOp& op) {
  BERTH_ASSERT(lookups_ != nullptr, "the loader keeps accounts out of offers");
  const auto [known, is_new] = accounts_.try_emplace(op.kind);
  if (is_new) known->second = lookups_->account(op.kind, "-", context_.company);
  const std::optional<std::string>& account = known->second;
  if (account) {
    if (tracing_) note(fmt::format("account {} → {}", op.kind, *account));
    return Found::own(*account);
  }
  const std::string key = fmt::format("account/{}/-/{}", op.kind, context_.company);
  reach(op.not_mapped);
  if (tracing_) note("not mapped → park " + key);
  add_once(outcome_.waits_for, key);
  return Found::blocked();
}

Found Evaluator::each(const EachOp& op, const config::Place& place) {
  const json::Value* list = resolve(op.path);
  json::Value out = json::Value::array();
  if (list == nullptr) {
    if (tracing_) note(fmt::format("{} → no rows", op.path.text));
    return Found::own(std::move(out));
  }
  if (!list->is_array()) return fail("mapping.type", fmt::format("`{}`: {} is not a list", at(), op.path.text));
  if (tracing_) {
    note(fmt::format("{} → {} rows", op.path.text, list->size()));
    end_trace(at(), place);
  }

  const json::Value* const outer_row = row_;
  Row* const outer_state = row_state_;
  std::vector<Row> kept;
  json::Array& rows = out.make_array();
  rows.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    row_ = &list->items()[i];
    Row state;
    row_state_ = &state;
    if (op.where && !holds(*op.where)) {
      reach(op.left_out);
      continue;
    }
    steps_.push_back({nullptr, i});
    // What a row says counts only if the row does.
    const std::size_t failures = failures_.size();
    const std::size_t waits = outcome_.waits_for.size();
    const std::size_t warnings = outcome_.warnings.size();
    const std::size_t ensured = outcome_.ensured.size();
    json::Value row = json::Value::object();
    if (row_->is_object()) {
      row.make_object().reserve(op.fields.size());
      fields(op.fields, row.make_object());
    } else {
      fail("mapping.type", fmt::format("`{}` is not a group of values", at()));
    }
    steps_.pop_back();
    if (state.is_dropped) {
      failures_.resize(failures);
      outcome_.waits_for.resize(waits);
      outcome_.warnings.resize(warnings);
      outcome_.warning_hints.resize(warnings);
      outcome_.ensured.erase(outcome_.ensured.begin() + static_cast<std::ptrdiff_t>(ensured), outcome_.ensured.end());
      continue;
    }
    rows.push_back(std::move(row));
    if (state.has_deferrable) kept.push_back(std::move(state));
  }
  row_ = outer_row;
  row_state_ = outer_state;
  judge_deferred(op, kept);
  return Found::own(std::move(out));
}

/// No row posted but one on its way: none_posted. Rows, and none that can ever come: none_importable. A list without
/// rows is neither: an advance.
void Evaluator::judge_deferred(const EachOp& op, const std::vector<Row>& rows) {
  const auto any_row = [&](auto test) { return std::any_of(rows.begin(), rows.end(), test); };
  if (rows.empty() || any_row([](const Row& row) { return row.known == Known::kPosted; })) return;
  if (any_row([](const Row& row) { return may_come(row.known); })) {
    reach(op.none_posted);
    if (!op.park_when_none_posted) return;
    for (const Row& row : rows) {
      if (may_come(row.known)) add_once(outcome_.waits_for, row.pending);
    }
    return;
  }
  reach(op.none_importable);
  if (!op.fail_when_none_importable.empty()) {
    // A row that appears all the same (an older document is pulled later, a draft is sent) is worth another look.
    for (const Row& row : rows) {
      if (!row.pending.empty()) add_once(could_lift_, row.pending);
    }
    fail(op.fail_when_none_importable, fmt::format("`{}`: none of its {} rows can ever be posted here", at(), rows.size()));
  }
}

}  // namespace berth::mapping
