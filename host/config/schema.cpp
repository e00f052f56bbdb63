// JSON Schema (draft-07) from the tables of keys, for the completion and checks of editors. The host itself checks more
// (references between parts of the file, nearest names), so a file that an editor accepts may still be refused.
#include <fmt/format.h>

#include "host/config/config.hpp"
#include "host/config/keys.hpp"

namespace berth::config {
namespace {

using json::Value;

constexpr std::string_view kIdPattern = "^[a-z][a-z0-9_-]{0,62}$";
constexpr std::string_view kAccountIdPattern = "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}$";
constexpr std::string_view kDurationPattern = "^[0-9]+(ms|s|m|h|d|w)$";
constexpr std::string_view kTimingPattern = "^([0-9]+(ms|s|m|h|d|w)|@[a-z]+|\\S+\\s+\\S+\\s+\\S+\\s+\\S+\\s+\\S+)$";
constexpr std::string_view kSharePattern = "^[0-9]+%$";
constexpr std::string_view kSecretPattern = "^(env|file|vault|credential):.+$";
constexpr std::string_view kKeySecretPattern = "^(env|file|credential):.+$";
constexpr std::string_view kOriginPattern =
    "^https?://[A-Za-z0-9.-]+(:[0-9]+)?/?$|^https?://\\[[0-9A-Fa-f:]+\\](:[0-9]+)?/?$";
constexpr std::string_view kDatePattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

Value typed(std::string_view type) {
  return Value::object({{"type", Value(type)}});
}

Value zone_schema() {
  Value zone = typed("string");
  zone.set("description", "The time zone of cron expressions, such as Europe/Berlin; that of the organisation if it is missing, and UTC before there is one.");
  return zone;
}

Value matching(std::string_view pattern) {
  Value schema = typed("string");
  schema.set("pattern", pattern);
  return schema;
}

/// Text that YAML may read as a number: an account 4000, an organisation 927000001.
Value text_or_number() {
  return Value::object({{"type", Value(json::Array{"string", "number"})}});
}

Value choices_of(const Key& key) {
  json::Array words;
  for (const std::string_view word : key.choices) words.emplace_back(word);
  return Value::object({{"enum", Value(std::move(words))}});
}

Value map_of(Value item) {
  Value schema = typed("object");
  schema.set("additionalProperties", std::move(item));
  return schema;
}

Value account_rows() {
  Value properties = Value::object();
  for (const AccountKind& kind : account_kinds()) {
    Value row = kind.has_key ? map_of(text_or_number()) : text_or_number();
    row.set("description", kind.help);
    properties.set(std::string(kind.name), std::move(row));
  }
  Value schema = typed("object");
  schema.set("additionalProperties", false);
  schema.set("properties", std::move(properties));
  return schema;
}

Value storage_schema() {
  const Value address = matching("^(sqlite|postgresql://.+)$");
  Value map = typed("object");
  map.set("additionalProperties", false);
  map.set("required", json::Array{"url"});
  map.set("properties", Value::object({{"url", address}, {"password", matching(kSecretPattern)}}));
  return Value::object({{"anyOf", Value(json::Array{address, map})}});
}

Value shape_schema(const Shape& shape);

Value type_schema(const Key& key) {
  switch (key.type) {
    case ValueType::kVersion:
      return Value::object({{"const", Value(1)}});
    case ValueType::kText:
    case ValueType::kSetting:
      return text_or_number();
    case ValueType::kPath: {
      Value schema = typed("string");
      schema.set("minLength", 1);
      return schema;
    }
    case ValueType::kId:
      return matching(kIdPattern);
    case ValueType::kAccountId: {
      Value schema = text_or_number();
      schema.set("pattern", kAccountIdPattern);
      return schema;
    }
    case ValueType::kBoolean:
      return typed("boolean");
    case ValueType::kInteger: {
      Value schema = typed("integer");
      schema.set("minimum", Value::number(std::to_string(key.min)));
      schema.set("maximum", Value::number(std::to_string(key.max)));
      return schema;
    }
    case ValueType::kPercent:
      return matching(kSharePattern);
    case ValueType::kDuration:
      return matching(kDurationPattern);
    case ValueType::kTiming:
      return matching(kTimingPattern);
    case ValueType::kBudget: {
      Value count = typed("integer");
      count.set("minimum", 0);
      return Value::object({{"anyOf", Value(json::Array{count, matching(kSharePattern)})}});
    }
    case ValueType::kOrigin:
      return matching(kOriginPattern);
    case ValueType::kAddress:
      return matching("^.+:[0-9]+$");
    case ValueType::kCurrency:
      return matching("^[A-Z]{3}$");
    case ValueType::kChoice:
      return choices_of(key);
    case ValueType::kBackfill:
      return Value::object({{"anyOf", Value(json::Array{choices_of(key), matching(kDatePattern)})}});
    case ValueType::kApiVersion:
      return matching("^v[0-9]{1,7}$");
    case ValueType::kSecret:
      return matching(kSecretPattern);
    case ValueType::kKeySecret:
      return matching(kKeySecretPattern);
    case ValueType::kMap:
      return shape_schema(*key.shape);
    case ValueType::kStorage:
      return storage_schema();
    case ValueType::kAccounts:
      return account_rows();
  }
  return Value::object();
}

Value key_schema(const Key& key) {
  Value schema = type_schema(key);
  if (key.holds == Holds::kList) {
    Value list = typed("array");
    list.set("items", std::move(schema));
    schema = std::move(list);
  } else if (key.holds == Holds::kMapOf) {
    schema = map_of(std::move(schema));
    if (key.type == ValueType::kTiming) schema.set("properties", Value::object({{std::string(kScheduleZone), zone_schema()}}));
  }
  schema.set("description", key.help);
  if (!key.fallback.empty()) {
    const bool is_boolean = key.type == ValueType::kBoolean;
    schema.set("default", is_boolean ? Value(key.fallback == "true") : Value(key.fallback));
  }
  return schema;
}

Value shape_schema(const Shape& shape) {
  Value properties = Value::object();
  json::Array required;
  for (const Key& key : shape.keys) {
    properties.set(std::string(key.name), key_schema(key));
    if (key.is_required) required.emplace_back(key.name);
  }
  Value schema = typed("object");
  schema.set("additionalProperties", false);
  if (!required.empty()) schema.set("required", std::move(required));
  schema.set("properties", std::move(properties));
  return schema;
}

}  // namespace

json::Value schema_of(const Shape& shape, std::string_view title) {
  Value schema =
      Value::object({{"$schema", Value("http://json-schema.org/draft-07/schema#")}, {"title", Value(title)}});
  const Value body = shape_schema(shape);
  for (const json::Member& member : body.members()) schema.set(member.first, member.second);
  return schema;
}

json::Value schema() {
  return schema_of(config_shape(), "berth.yaml, the configuration of Berth");
}

json::Value accounts_schema() {
  Value schema = schema_of(chart_shape(), "A company's chart of accounts");
  Value properties = Value::object();
  for (const Role& role : roles()) {
    Value account = text_or_number();
    account.set("description", role.what);
    properties.set(std::string(role.name), std::move(account));
  }
  Value roles_schema = typed("object");
  roles_schema.set("additionalProperties", false);
  roles_schema.set("properties", std::move(properties));
  if (Value* all = schema.find("properties")) all->set("roles", std::move(roles_schema));
  return schema;
}

}  // namespace berth::config
