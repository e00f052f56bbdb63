#pragma once
// The compiled form of a rules file: a tree that the evaluator walks without parsing, searching or checking anything
// again. Made by load_text(), immutable afterwards, private to this folder. The shape follows the file: an entity has
// fields, a field has a value, a value has one operator.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "berth/json.hpp"
#include "host/documents/documents.hpp"
#include "host/mapping/mapping.hpp"
#include "host/mapping/points.hpp"

namespace berth::mapping {

using documents::FieldType;

struct Value;
struct Condition;
struct FieldRule;
using ValueBox = std::unique_ptr<Value>;

/// Where a path starts and the keys it goes through.
struct Path {
  enum class From { kBase, kList, kPart, kRow };  // kBase: the detail, or the list row where there is no detail
  From from = From::kBase;
  std::string part;               // kPart
  std::vector<std::string> keys;
  std::string text;               // as written
};

struct PathOp {
  Path path;
};
struct CustomFieldOp {
  std::string name;
  bool by_api_name = false;
};
struct ConstOp {
  json::Value value;
};
struct SettingOp {
  std::string name;
  FieldType type = FieldType::kText;
  std::optional<json::Value> otherwise;
};
struct IntegrationOp {
  enum class What { kId, kCompany, kBaseCurrency };
  What what = What::kId;
};
struct VarOp {
  std::size_t index = 0;  // in Entity::let
  std::string name;
};
struct OfferedOp {
  std::string name;
};
struct FirstOfOp {
  std::vector<Value> values;
};
struct Branch;
struct CaseOp {
  std::vector<Branch> branches;
};
struct TableOp {
  ValueBox value;
  std::vector<std::pair<std::string, json::Value>> map;
  std::optional<json::Value> missing;  // nothing: fail
  std::vector<PointId> entries;        // parallel to map
  PointId unlisted = 0;
};
struct NonzeroOp {
  std::vector<std::string> patterns;
};
enum class Missing { kPark, kOmit, kWarn, kFail, kDefer, kDropRow };
struct LookupOp {
  std::string kind, scope, by;
  ValueBox value;
  Missing missing = Missing::kPark;
  PointId not_known = 0;
};
struct EnsureOp {
  std::string kind, scope;
  ValueBox name;
  PointId is_there = 0, is_new = 0;
};
struct AccountOp {
  std::string kind;
  PointId not_mapped = 0;
};
struct EachOp {
  Path path;
  std::unique_ptr<Condition> where;
  std::vector<FieldRule> fields;
  bool park_when_none_posted = false;
  std::string fail_when_none_importable;  // reason, or "": post
  PointId left_out = 0, none_posted = 0, none_importable = 0;
};

struct Value {
  std::variant<PathOp, CustomFieldOp, ConstOp, SettingOp, IntegrationOp, VarOp, OfferedOp, FirstOfOp, CaseOp, TableOp, NonzeroOp, LookupOp,
               EnsureOp, AccountOp, EachOp>
      op;
  std::optional<FieldType> as;
  bool required = false;
  std::optional<json::Value> otherwise;  // modifier `default`
  config::Place place;
  PointId given = 0, defaulted = 0, lacking = 0;
};

struct Condition {
  enum class Op { kIs, kIsNot, kIn, kPresent, kMatches, kAll, kAny, kNot };
  Op op = Op::kPresent;
  ValueBox value;                     // of all but all, any, not
  std::vector<json::Value> literals;  // kIs, kIsNot: one; kIn
  bool present = true;                // kPresent
  std::string pattern;                // kMatches: * stands for any text
  std::vector<Condition> children;
  PointId holds = 0;                  // of one with a test
};

struct Branch {
  std::optional<Condition> when;  // nothing: else
  Value value;
};

struct FieldRule {
  std::string name;
  Value value;
  const documents::Field* target = nullptr;  // in the table of models
  std::optional<FieldType> convert;          // to the target's type, where the value does not come in it already
};

struct StateRule {
  Value value;
  std::vector<std::pair<std::string, std::string>> map;  // remote status → draft, open, void, unknown
  std::string missing;
  std::vector<std::pair<std::string, std::string>> reasons;  // by state
  std::vector<PointId> entries;                              // parallel to map
  PointId unlisted = 0, deleted = 0;
};

struct IgnoreRule {
  Condition when;
  std::string reason;
  PointId holds = 0;
  config::Place place;
};

struct Let {
  std::string name;
  Value value;
};

struct OfferRule {
  std::string to;
  Value key;
  std::vector<std::pair<std::string, Value>> values;
};

struct Entity {
  std::string name, from;
  const documents::Model* model = nullptr;
  bool needs_detail = false;
  PointId waits_for_detail = 0;
  bool may_be_total = false;   // `reduced: total`: with the list row alone, the total stands for the document
  PointId is_total = 0;
  Value key;
  std::optional<Value> currency;
  std::optional<StateRule> state;
  std::vector<IgnoreRule> ignore;
  std::vector<Let> let;
  std::vector<FieldRule> fields;
  std::vector<FieldRule> on_create;
  std::vector<OfferRule> offers;
};

struct Rules::Data {
  std::string revision, plugin, file;
  Points points;
  std::vector<Setting> settings;
  std::vector<Derived> derived;
  std::vector<Entity> entities;
  std::map<std::string, Rules::Reads, std::less<>> reads;  // by remote entity
  [[nodiscard]] const Entity* find(std::string_view entity) const;
};

/// What the entities made from each remote entity read (reads.cpp).
[[nodiscard]] std::map<std::string, Rules::Reads, std::less<>> reads_of(const std::vector<Entity>& entities);

/// Follows the keys through objects; nullptr where a step is missing.
[[nodiscard]] const json::Value* follow(const json::Value& from, const std::vector<std::string>& keys);

}  // namespace berth::mapping
