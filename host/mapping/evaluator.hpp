#pragma once
// Walks the compiled rules of one entity over one record. One object per record; private to this folder.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/decimal.hpp"
#include "host/mapping/mapping.hpp"
#include "host/mapping/rules.hpp"

namespace berth::mapping {

/// What a value came to. Borrowed values live in the record, in the rules or in the evaluator's variables.
class Found {
 public:
  static Found absent() { return {}; }
  /// Left out for a reason that is already noted: a failure, a row that is waited for.
  static Found blocked() {
    Found found;
    found.state_ = State::kBlocked;
    return found;
  }
  static Found borrow(const json::Value& value) {
    Found found;
    found.state_ = State::kPresent;
    found.borrowed_ = &value;
    return found;
  }
  static Found own(json::Value value) {
    Found found;
    found.state_ = State::kPresent;
    found.owned_ = std::move(value);
    return found;
  }
  [[nodiscard]] bool is_absent() const { return state_ == State::kAbsent; }
  [[nodiscard]] bool is_present() const { return state_ == State::kPresent; }
  [[nodiscard]] bool is_blocked() const { return state_ == State::kBlocked; }
  [[nodiscard]] const json::Value& get() const { return borrowed_ != nullptr ? *borrowed_ : owned_; }
  [[nodiscard]] json::Value take() {
    if (borrowed_ != nullptr) return *borrowed_;
    return std::move(owned_);
  }

 private:
  enum class State { kAbsent, kPresent, kBlocked };
  State state_ = State::kAbsent;
  const json::Value* borrowed_ = nullptr;
  json::Value owned_;
};

class Evaluator {
 public:
  /// `lookups` may be nullptr where the rules that are evaluated hold no lookups (offers).
  Evaluator(const Entity& entity, const Record& record, Lookups* lookups, const Context& context, bool with_trace, Coverage* coverage = nullptr)
      : entity_(entity), record_(record), lookups_(lookups), context_(context), tracing_(with_trace), coverage_(coverage) {
    list_ = record.list ? &*record.list : nullptr;
    base_ = record.detail ? &*record.detail : list_;
  }

  Outcome run();
  std::vector<Outcome::Offer> offers();

 private:
  struct Failure {
    std::string at, reason, message;
  };
  struct Step {
    const std::string* name = nullptr;  // of a field, or nullptr
    std::size_t index = 0;              // of a row, where there is no name
  };
  /// What the fields of one row of an `each` say about the row.
  struct Row {
    bool is_dropped = false;
    bool has_deferrable = false;  // a lookup with `defer` was asked
    Known known = Known::kPosted;
    std::string pending;
  };

  void decide();
  bool decide_state();
  bool decide_ignored();
  void read_currency();
  void build();
  void settle();
  void park_now(std::string reason, std::string message, std::vector<std::string> waits_for);
  [[nodiscard]] json::Value header() const;

  void fields(const std::vector<FieldRule>& rules, json::Object& out);
  Found field(const FieldRule& rule);
  Found value(const Value& rule);
  Found operation(const Value& rule);
  Found path(const PathOp& op);
  Found custom_field(const CustomFieldOp& op);
  void warn_of_near_label(const json::Value& all, const CustomFieldOp& op);
  const json::Value* custom_field_of_row(const CustomFieldOp& op);
  Found setting(const SettingOp& op);
  Found integration(const IntegrationOp& op);
  Found offered(const OfferedOp& op);
  Found first_of(const FirstOfOp& op);
  Found cases(const CaseOp& op);
  Found table(const TableOp& op);
  Found nonzero(const NonzeroOp& op);
  Found lookup(const LookupOp& op);
  std::string hint_for(const LookupOp& op, const std::string& text);
  Found lookup_missing(const LookupOp& op, const std::string& text, const LookupAnswer& answer);
  Found ensure(const EnsureOp& op);
  Found account(const AccountOp& op);
  Found each(const EachOp& op, const config::Place& place);
  void judge_deferred(const EachOp& op, const std::vector<Row>& rows);
  Found converted(const Found& found, FieldType type);
  bool holds(const Condition& condition);

  [[nodiscard]] const json::Value* resolve(const Path& path) const;
  LookupAnswer ask(const std::string& kind, const std::string& scope, const std::string& by, const std::string& value);
  std::optional<std::string> text_of(const Found& found, std::string_view what);
  Found fail(std::string reason, std::string message);
  void warn(std::string key, std::string hint);
  void flag(std::string_view id);
  [[nodiscard]] std::string at() const;
  void reach(PointId point) {
    if (coverage_ != nullptr) coverage_->reach(point);
  }
  void note(std::string piece);
  void end_trace(std::string field, const config::Place& place, const Found* found = nullptr);
  void tell_asked();

  const Entity& entity_;
  const Record& record_;
  Lookups* lookups_;
  const Context& context_;
  const bool tracing_;
  Coverage* const coverage_;  // may be nullptr

  const json::Value* list_ = nullptr;
  const json::Value* base_ = nullptr;
  const json::Value* row_ = nullptr;  // of the innermost `each`
  Row* row_state_ = nullptr;

  Outcome outcome_;
  std::string remote_id_;
  std::vector<Failure> failures_;
  std::optional<Currency> currency_;
  bool lacks_currency_ = false;
  std::vector<Found> let_;
  std::vector<Step> steps_;
  std::map<std::string, LookupAnswer> answers_;
  std::map<std::string, std::optional<std::string>> accounts_;  // by kind
  std::vector<std::string> notes_;  // of the field that is traced
  bool is_quiet_ = false;           // inside a condition
  std::vector<std::string> could_lift_;   // references whose posting would lift the failure
  bool is_total_only_ = false;      // the list row is all that is known of the document, and its total is what posts
};

/// "customer/C1", "classification_line/Service Type/consulting": how outcomes name a row.
[[nodiscard]] std::string row_key(std::string_view kind, std::string_view scope, std::string_view value);
/// Where a value is taken from, for messages: "list.payment_mode or payment_mode".
[[nodiscard]] std::string describe_sources(const Value& value);

}  // namespace berth::mapping
