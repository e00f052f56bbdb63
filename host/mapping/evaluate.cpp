// The order of decisions over one record: state, ignore, detail, then every field, then the outcome.
#include <fmt/format.h>

#include <algorithm>

#include "host/core/text.hpp"
#include "host/mapping/convert.hpp"
#include "host/mapping/evaluator.hpp"

namespace berth::mapping {
namespace {

const std::string kKeyField = "key";
const std::string kStateField = "state";
const std::string kCurrencyField = "currency";

std::string_view found_in(const std::vector<std::pair<std::string, std::string>>& pairs, std::string_view key) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
  return found == pairs.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

Outcome Evaluator::run() {
  decide();
  outcome_.offers = offers();
  if (tracing_) tell_asked();
  return std::move(outcome_);
}

void Evaluator::decide() {
  outcome_.kind = OutcomeKind::kFailed;
  remote_id_ = record_.remote_id;
  if (base_ == nullptr && !record_.deleted) {
    outcome_.reason = "mapping.required_missing";
    outcome_.message = "the record has neither a list row nor a detail";
    return;
  }
  if (remote_id_.empty() && base_ != nullptr) {
    steps_.push_back({&kKeyField, 0});
    if (const auto text = text_of(value(entity_.key), "the key")) remote_id_ = *text;
    steps_.pop_back();
    notes_.clear();
    if (remote_id_.empty()) {
      outcome_.reason = "mapping.required_missing";
      outcome_.message = fmt::format("the record has no {}, which is its key", describe_sources(entity_.key));
      outcome_.at = {kKeyField};
      return;
    }
  }
  if (decide_state() || decide_ignored()) return;
  if (entity_.needs_detail && !record_.detail && record_.is_reduced) {
    if (!entity_.may_be_total) {
      park_now("mapping.reduced_unsupported",
               fmt::format("with `pull: reduced` the list row is all that is known of it, and the rules of `{}` need the whole document", entity_.name), {});
      return;
    }
    reach(entity_.is_total);
    is_total_only_ = true;
  } else if (entity_.needs_detail && !record_.detail && record_.detail_expected) {
    reach(entity_.waits_for_detail);
    std::string wait = fmt::format("detail/{}/{}", entity_.from, remote_id_);
    park_now("berth.detail_missing", "the detail is not here yet", {std::move(wait)});
    return;
  }
  read_currency();
  build();
  settle();
}

/// True when the state alone decides.
bool Evaluator::decide_state() {
  if (!entity_.state) {
    // Master data has no state; gone at the remote is all that can end it.
    if (!record_.deleted) return false;
    outcome_.kind = OutcomeKind::kIgnored;
    outcome_.reason = "berth.record_deleted";
    outcome_.message = "the record is gone at the remote";
    return true;
  }
  const StateRule& rule = *entity_.state;
  std::string remote_status;
  if (record_.deleted) {
    outcome_.state = "deleted";
    reach(rule.deleted);
    note("gone at the remote");
  } else {
    steps_.push_back({&kStateField, 0});
    remote_status = text_of(value(rule.value), "the status").value_or("");
    steps_.pop_back();
    const auto entry = std::find_if(rule.map.begin(), rule.map.end(), [&](const auto& pair) { return pair.first == remote_status; });
    const bool is_listed = entry != rule.map.end();
    reach(is_listed ? rule.entries[static_cast<std::size_t>(entry - rule.map.begin())] : rule.unlisted);
    outcome_.state = is_listed ? entry->second : rule.missing;
  }
  note(outcome_.state);
  end_trace("state", rule.value.place);
  if (!failures_.empty()) {
    settle();
    return true;
  }
  if (outcome_.state == "open") return false;
  const std::string reason(found_in(rule.reasons, outcome_.state));
  if (outcome_.state == "unknown") {
    park_now(reason, fmt::format("the status \"{}\" is not known", shortened(remote_status, 60)), {});
  } else if (record_.posted) {
    outcome_.kind = OutcomeKind::kMapped;
    outcome_.state_only = true;
    outcome_.reason = reason;
    outcome_.document = header();
  } else {
    outcome_.kind = OutcomeKind::kIgnored;
    outcome_.reason = reason;
    outcome_.message = fmt::format("the document is {}", outcome_.state);
  }
  return true;
}

bool Evaluator::decide_ignored() {
  for (const IgnoreRule& rule : entity_.ignore) {
    if (!holds(rule.when)) continue;
    reach(rule.holds);
    note(rule.reason);
    end_trace("ignore", rule.place);
    outcome_.kind = OutcomeKind::kIgnored;
    outcome_.reason = rule.reason;
    outcome_.message = "a rule of `ignore` holds";
    return true;
  }
  return false;
}

void Evaluator::read_currency() {
  if (!entity_.currency) return;
  steps_.push_back({&kCurrencyField, 0});
  const auto code = text_of(value(*entity_.currency), "the currency");
  if (!code) {
    lacks_currency_ = failures_.empty();
  } else if (auto currency = Currency::of(*code)) {
    currency_ = *currency;
  } else {
    Error error = std::move(currency).error();
    fail(std::move(error.reason), std::move(error.message));
  }
  steps_.pop_back();
  end_trace(kCurrencyField, entity_.currency->place);
}

json::Value Evaluator::header() const {
  json::Value document;
  json::Object& members = document.make_object();
  members.reserve(4 + entity_.fields.size());
  members.emplace_back("model", fmt::format("{}/{}", entity_.model->name, entity_.model->revision));
  members.emplace_back("source", json::Value::object({{"integration", context_.integration},
                                                      {"entity", entity_.from},
                                                      {"remote_id", remote_id_},
                                                      {"version", record_.version}}));
  if (entity_.state) members.emplace_back("state", outcome_.state);
  if (currency_) members.emplace_back("currency", currency_->code());
  return document;
}

void Evaluator::build() {
  // Room for all at once: values point into this vector.
  let_.reserve(entity_.let.size());
  for (const Let& one : entity_.let) {
    steps_.push_back({&one.name, 0});
    let_.push_back(value(one.value));
    steps_.pop_back();
    end_trace(one.name, one.value.place, &let_.back());
  }
  outcome_.document = header();
  if (is_total_only_) outcome_.document.set("total_only", true);
  fields(entity_.fields, outcome_.document.make_object());
  // Written only when the row is made: a row that is there keeps what a person set, and needs no account.
  if (!record_.posted && !entity_.on_create.empty()) fields(entity_.on_create, outcome_.on_create.make_object());
}

/// Every blocker is known now: failures win over waiting, waiting over posting.
void Evaluator::settle() {
  if (lacks_currency_ && failures_.empty()) {
    // Said only where nothing else failed: a list row without its detail often lacks the currency for the same cause.
    steps_.push_back({&kCurrencyField, 0});
    fail("mapping.required_missing", fmt::format("the record has no {}, which its amounts need", describe_sources(*entity_.currency)));
    steps_.pop_back();
  }
  if (!failures_.empty()) {
    outcome_.kind = OutcomeKind::kFailed;
    outcome_.reason = failures_.front().reason;
    outcome_.message = failures_.front().message;
    if (failures_.size() > 1) outcome_.message += fmt::format(" (and {} more)", failures_.size() - 1);
    for (Failure& failure : failures_) {
      if (std::find(outcome_.at.begin(), outcome_.at.end(), failure.at) == outcome_.at.end()) outcome_.at.push_back(std::move(failure.at));
    }
  } else if (!outcome_.waits_for.empty()) {
    std::vector<std::string> waits_for = std::move(outcome_.waits_for);
    std::string message = fmt::format("waits for {}", join(waits_for, ", "));
    for (std::size_t i = 0; i < outcome_.warnings.size(); ++i) {
      const bool is_awaited = std::find(waits_for.begin(), waits_for.end(), outcome_.warnings[i]) != waits_for.end();
      if (is_awaited && !outcome_.warning_hints[i].empty()) message += fmt::format(" ({}: {})", outcome_.warnings[i], outcome_.warning_hints[i]);
    }
    park_now("mapping.waits", std::move(message), std::move(waits_for));
  } else {
    outcome_.kind = OutcomeKind::kMapped;
    return;
  }
  if (outcome_.kind == OutcomeKind::kFailed) outcome_.waits_for = std::move(could_lift_);
  outcome_.document = json::Value();
  outcome_.on_create = json::Value();
  outcome_.ensured.clear();
}

void Evaluator::park_now(std::string reason, std::string message, std::vector<std::string> waits_for) {
  outcome_.kind = OutcomeKind::kParked;
  outcome_.reason = std::move(reason);
  outcome_.message = std::move(message);
  outcome_.waits_for = std::move(waits_for);
}

std::vector<Outcome::Offer> Evaluator::offers() {
  std::vector<Outcome::Offer> all;
  if (base_ == nullptr) return all;
  is_quiet_ = true;
  const std::size_t failures = failures_.size();
  for (const OfferRule& rule : entity_.offers) {
    const auto key = text_of(value(rule.key), "the key of an offer");
    if (!key || key->empty()) continue;
    for (const auto& [name, offered] : rule.values) {
      const auto text = text_of(value(offered), "an offered value");
      if (text && !text->empty()) all.push_back({rule.to, *key, name, *text});
    }
  }
  // An offer that cannot be read is no offer; it never stops the record.
  failures_.resize(failures);
  is_quiet_ = false;
  return all;
}

Outcome evaluate(const Rules& rules, std::string_view entity, const Record& record, Lookups& lookups, const Context& context, bool with_trace,
                 Coverage* coverage) {
  const Entity* found = rules.data().find(entity);
  if (found == nullptr) {
    Outcome outcome;
    outcome.reason = "mapping.entity_unknown";
    outcome.message = fmt::format("the rules have no entity \"{}\"", entity);
    return outcome;
  }
  return Evaluator(*found, record, &lookups, context, with_trace, coverage).run();
}

std::vector<Outcome::Offer> offers_of(const Rules& rules, std::string_view entity, const Record& record) {
  const Entity* found = rules.data().find(entity);
  if (found == nullptr || found->offers.empty()) return {};
  const Context context;
  return Evaluator(*found, record, nullptr, context, false).offers();
}

std::string_view to_string(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kMapped: return "mapped";
    case OutcomeKind::kIgnored: return "ignored";
    case OutcomeKind::kParked: return "parked";
    case OutcomeKind::kFailed: return "failed";
  }
  return "";
}

}  // namespace berth::mapping
