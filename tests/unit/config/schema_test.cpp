#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "host/config/config.hpp"
#include "host/config/keys.hpp"
#include "host/config/yaml.hpp"

namespace {
using namespace berth;
using namespace berth::config;

const std::filesystem::path kConfigs = std::filesystem::path(BERTH_SOURCE_DIR) / "configs";

std::string content(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The file holds what the code makes; BERTH_UPDATE_GENERATED=1 writes it instead.
void check_generated(const std::filesystem::path& path, const json::Value& made) {
  const std::string text = json::dump_pretty(made) + "\n";
  const char* update = std::getenv("BERTH_UPDATE_GENERATED");
  if (update != nullptr && std::string_view(update) == "1") std::ofstream(path, std::ios::binary) << text;
  CHECK_MESSAGE(content(path) == text, path.string(), " is not current; run this test with BERTH_UPDATE_GENERATED=1");
}

/// A key with a name, its words and its shape, down the tree.
void check_help(const Shape& shape) {
  for (const Key& key : shape.keys) {
    INFO(shape.name, " ", key.name);
    CHECK(key.help.ends_with('.'));
    CHECK(key.help.find(' ') != std::string_view::npos);
    CHECK((key.type == ValueType::kMap) == (key.shape != nullptr));
    CHECK((key.type == ValueType::kChoice || key.type == ValueType::kBackfill) == !key.choices.empty());
    CHECK_FALSE((key.is_required && !key.fallback.empty()));
    if (key.shape != nullptr) check_help(*key.shape);
  }
}

/// Whether a tree fits a schema made of the words that schema_of writes, beside patterns.
bool fits(const Node& node, const json::Value& schema) {
  if (const json::Value* any = schema.find("anyOf")) {
    for (const json::Value& each : any->items()) {
      if (fits(node, each)) return true;
    }
    return false;
  }
  const json::Value value = to_json(node);
  if (const json::Value* constant = schema.find("const")) return value == *constant;
  if (const json::Value* words = schema.find("enum")) {
    for (const json::Value& word : words->items()) {
      if (value == word) return true;
    }
    return false;
  }
  const std::string_view type = schema.text_of("type");
  if (type == "array") {
    if (!node.is_list()) return false;
    for (const Node& item : node.items) {
      if (!fits(item, *schema.find("items"))) return false;
    }
    return true;
  }
  if (type == "object") {
    if (!node.is_map()) return false;
    for (const Member& member : node.members) {
      const json::Value* properties = schema.find("properties");
      const json::Value* property = properties == nullptr ? nullptr : properties->find(member.key);
      const json::Value* rule = property != nullptr ? property : schema.find("additionalProperties");
      if (rule == nullptr || rule->is_boolean() || !fits(member.value, *rule)) return false;
    }
    if (const json::Value* required = schema.find("required")) {
      for (const json::Value& key : required->items()) {
        if (node.find(key.text()) == nullptr) return false;
      }
    }
    return true;
  }
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.integer().has_value();
  if (type == "string") return value.is_string();
  return value.is_string() || value.is_number();
}

}  // namespace

TEST_CASE("the schemas in configs/schema are those that the code makes") {
  check_generated(kConfigs / "schema" / "berth.schema.json", schema());
  check_generated(kConfigs / "schema" / "accounts.schema.json", accounts_schema());
}

TEST_CASE("every key has a help sentence, and its description fits together") {
  check_help(config_shape());
  check_help(chart_shape());
}

TEST_CASE("the example is a valid configuration without warnings") {
  Findings findings;
  const auto loaded = load(kConfigs / "berth.example.yaml", findings);
  REQUIRE_MESSAGE(loaded.ok(), findings.print());
  CHECK_MESSAGE(findings.empty(), findings.print());
  CHECK(loaded->companies.size() == 2);
  for (const Company& company : loaded->companies) {
    for (const Role& role : roles()) {
      INFO(company.id, " ", role.name);
      CHECK(company.chart.roles.contains(role.name));
    }
  }
  CHECK(loaded->find_integration("zoho_acme")->schedule.size() == 5);
}

TEST_CASE("the example fits the schema that editors use") {
  Findings findings;
  const auto root = load_yaml(kConfigs / "berth.example.yaml", findings);
  REQUIRE(root.ok());
  CHECK(fits(*root, schema()));
  const auto chart = load_yaml(kConfigs / "accounts" / "acme_us.yaml", findings);
  REQUIRE(chart.ok());
  CHECK(fits(*chart, accounts_schema()));
  const auto wrong = parse_yaml("berth: 1\ncompanies: []\nshedule: 1\n", "test.yaml", findings);
  CHECK_FALSE(fits(*wrong, schema()));
}
