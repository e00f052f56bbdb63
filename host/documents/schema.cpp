// JSON Schema (draft 2020-12) from the table of models.
#include <fmt/format.h>

#include "host/documents/documents.hpp"

namespace berth::documents {
namespace {

// Decimal strings as parse() takes them: no exponent, no leading zeros, no plus.
constexpr std::string_view kDecimalPattern = "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$";

json::Value typed(std::string_view type) { return json::Value::object({{"type", type}}); }
json::Value pattern(std::string_view expression) { return json::Value::object({{"type", "string"}, {"pattern", expression}}); }

json::Value object_of(const std::vector<Field>& fields, json::Value properties, json::Value required);

json::Value schema_of_field(const Field& field) {
  json::Value schema;
  switch (field.type) {
    case FieldType::kMoney:
    case FieldType::kDecimal:
    case FieldType::kRate:
    case FieldType::kQuantity: schema = pattern(kDecimalPattern); break;
    case FieldType::kDate: schema = json::Value::object({{"type", "string"}, {"format", "date"}}); break;
    case FieldType::kTime: schema = json::Value::object({{"type", "string"}, {"format", "date-time"}}); break;
    case FieldType::kCurrency: schema = pattern("^[A-Z]{3}$"); break;
    case FieldType::kInteger: schema = typed("integer"); break;
    case FieldType::kBoolean: schema = typed("boolean"); break;
    case FieldType::kTextList: schema = json::Value::object({{"type", "array"}, {"items", typed("string")}}); break;
    case FieldType::kList:
      schema = json::Value::object({{"type", "array"}, {"items", object_of(field.row, json::Value::object(), json::Value::array())}});
      break;
    case FieldType::kText:
    case FieldType::kCountry:
    case FieldType::kAccount:
    case FieldType::kReference: schema = json::Value::object({{"type", "string"}, {"minLength", 1}}); break;
  }
  std::string help = field.help;
  if (field.type == FieldType::kReference) help += fmt::format(" Local id of a {}.", field.reference_kind);
  if (field.type == FieldType::kMoney) help += " With the full scale of the document's currency.";
  schema.set("description", help);
  return schema;
}

json::Value object_of(const std::vector<Field>& fields, json::Value properties, json::Value required) {
  json::Value alternatives;
  for (const Field& field : fields) {
    properties.set(field.name, schema_of_field(field));
    if (field.may_be_pending) {
      properties.set("pending", pattern(fmt::format("^{}/.+$", field.reference_kind)));
      alternatives.push_back(json::Value::object({{"required", json::Value(json::Array{field.name})}}));
      alternatives.push_back(json::Value::object({{"required", json::Value(json::Array{"pending"})}}));
    } else if (field.required && !field.splits_total) {
      required.push_back(field.name);
    }
  }
  json::Value schema = json::Value::object({{"type", "object"}, {"properties", std::move(properties)}});
  if (required.size() > 0) schema.set("required", std::move(required));
  if (alternatives.is_array()) schema.set("oneOf", std::move(alternatives));
  schema.set("additionalProperties", false);
  return schema;
}

}  // namespace

json::Value schema_of(const Model& model) {
  json::Value source = json::Value::object({{"type", "object"},
                                            {"properties", json::Value::object({{"integration", typed("string")},
                                                                                {"entity", typed("string")},
                                                                                {"remote_id", typed("string")},
                                                                                {"version", typed("string")}})},
                                            {"required", json::Value(json::Array{"integration", "entity", "remote_id", "version"})},
                                            {"additionalProperties", false}});
  json::Value properties = json::Value::object(
      {{"model", json::Value::object({{"const", fmt::format("{}/{}", model.name, model.revision)}})}, {"source", std::move(source)}});
  const json::Value always(json::Array{"model", "source"});

  json::Value schema;
  if (model.has_state) {
    properties.set("state", json::Value::object({{"enum", json::Value(json::Array{"draft", "open", "void", "deleted"})}}));
    properties.set("currency", pattern("^[A-Z]{3}$"));
    // Only an open document must be whole: for the other states the ledger needs the source and the state alone.
    json::Value whole = object_of(model.fields, properties, json::Value(json::Array{"model", "source", "state", "currency"}));
    json::Value required = *whole.find("required");
    whole.set("required", json::Value(json::Array{"model", "source", "state"}));
    whole.set("if", json::Value::object({{"properties", json::Value::object({{"state", json::Value::object({{"const", "open"}})}})}}));
    json::Value then = json::Value::object({{"required", std::move(required)}});
    json::Value split;
    for (const Field& field : model.fields) {
      if (field.splits_total && field.required) split.push_back(field.name);
    }
    if (split.is_array()) {
      then.set("anyOf", json::Value(json::Array{json::Value::object({{"properties", json::Value::object({{"total_only", json::Value::object({{"const", true}})}})},
                                                                     {"required", json::Value(json::Array{"total_only"})}}),
                                                json::Value::object({{"required", std::move(split)}})}));
    }
    whole.set("then", std::move(then));
    schema = std::move(whole);
  } else {
    schema = object_of(model.fields, std::move(properties), always);
  }
  json::Value named = json::Value::object(
      {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", fmt::format("{}/{}", model.name, model.revision)}});
  for (json::Member& member : schema.make_object()) named.set(std::move(member.first), std::move(member.second));
  return named;
}

}  // namespace berth::documents
