#include "host/config/yaml.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "unit/config/temp_folder.hpp"

namespace {
using namespace berth;
using namespace berth::config;

Node read(const std::string& text) {
  Findings findings;
  auto root = parse_yaml(text, "test.yaml", findings);
  REQUIRE_MESSAGE(root.ok(), text);
  REQUIRE_MESSAGE(findings.empty(), findings.print());
  return *root;
}

struct Refused {
  const char* text;
  const char* id;
  std::size_t line;
  std::size_t column;
};
}  // namespace

TEST_CASE("what stops the reading is named with its place") {
  const Refused cases[] = {
      {"a: 'x\nb: 1\n", "config.yaml_quote_open", 1, 4},
      {"a: 1\nb: \"x\n", "config.yaml_quote_open", 2, 4},
      {"a: &q 'x\nb: 1\n", "config.yaml_quote_open", 1, 4},
      {"- 'it''s\n", "config.yaml_quote_open", 1, 3},
      {"- \"a\\\"\n", "config.yaml_quote_open", 1, 3},
      {"a: \"x", "config.yaml_quote_open", 1, 6},
      {"a:\n\tb: 1\n", "config.yaml_tab", 2, 1},
      {"a: 1\n \tb: 2\n", "config.yaml_tab", 2, 2},
      {"a: 1\n  b: 2\n", "config.yaml_syntax", 2, 4},
      {"a: {b: 1\n", "config.yaml_syntax", 2, 1},
      {"a: {b: 1} c\n", "config.yaml_syntax", 1, 11},
      {"a: @x\n", "config.yaml_syntax", 1, 4},
      {"a: *nope\n", "config.yaml_alias", 1, 4},
      {"a: &x\n  b: *x\n", "config.yaml_alias", 2, 6},
      {"a: !!str 5\n", "config.yaml_tag", 1, 4},
      {"? [1, 2]\n: 3\n", "config.yaml_key", 1, 3},
      {"~: 1\n", "config.yaml_key", 1, 1},
      {"a: 1\n---\nb: 2\n", "config.yaml_documents", 2, 1},
      {"a: \"\x01\"\n", "config.yaml_encoding", 1, 5},
  };
  for (const Refused& each : cases) {
    INFO(std::string(each.text));
    Findings findings;
    const auto root = parse_yaml(each.text, "test.yaml", findings);
    REQUIRE_FALSE(root.ok());
    CHECK(root.error().reason == each.id);
    CHECK(root.error().code == Code::kInvalidConfig);
    REQUIRE(findings.errors() == 1);
    const Finding& finding = findings.all().front();
    CHECK(finding.id == each.id);
    CHECK(finding.line == each.line);
    CHECK(finding.column == each.column);
  }
}

TEST_CASE("duplicate keys, merge keys and ambiguous words are all found in one reading") {
  Findings findings;
  const auto root =
      parse_yaml("a: 1\nb: yes\na: 2\non: {c: No, d: \"no\", e: 'on'}\nf: &x {g: 1}\nh:\n  <<: *x\n  i: OFF\nj: True\n",
                 "test.yaml", findings);
  REQUIRE(root.ok());
  const std::vector<std::tuple<std::string, std::size_t, std::size_t>> expected{
      {"config.yaml_ambiguous", 2, 4}, {"config.duplicate_key", 3, 1}, {"config.yaml_ambiguous", 4, 1},
      {"config.yaml_ambiguous", 4, 9}, {"config.yaml_merge", 7, 3},    {"config.yaml_ambiguous", 8, 6},
      {"config.yaml_ambiguous", 9, 4}};
  std::vector<std::tuple<std::string, std::size_t, std::size_t>> found;
  for (const Finding& finding : findings.all()) found.emplace_back(finding.id, finding.line, finding.column);
  CHECK(found == expected);
  CHECK(root->find("a")->scalar == "1");  // the first of two is kept
  CHECK(findings.all()[1].hint == "the first is at line 1");
  CHECK(root->find("h")->find("g") == nullptr);
}

TEST_CASE("a file that would eat the machine is refused by a named limit") {
  Findings findings;
  const auto reason = [&](const std::string& text, const YamlLimits& limits = {}) {
    const auto root = parse_yaml(text, "test.yaml", findings, limits);
    return root.ok() ? std::string("read") : root.error().reason;
  };
  CHECK(reason(std::string(100'000, '[')) !=
        "read");  // yaml-cpp takes an open bracket for a key, and gives up at some depth
  CHECK(reason(std::string(200, '[') + std::string(200, ']')) == "config.yaml_limit");
  CHECK(reason(std::string(100'000, '[') + std::string(100'000, ']')) == "config.yaml_limit");
  CHECK(reason("[[[1]]]", {.depth_max = 2}) == "config.yaml_limit");
  CHECK(reason("[[1]]", {.depth_max = 2}) == "read");
  CHECK(reason("[1,2,3]", {.nodes_max = 3}) == "config.yaml_limit");
  CHECK(reason("a: 1", {.bytes_max = 3}) == "config.yaml_limit");
  CHECK(reason("a: \xFF") == "config.yaml_encoding");
  // Each line names the one before ten times: ten levels would be ten thousand million values.
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int n = 0; n < 10; ++n) bomb += (n > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  CHECK(reason(bomb) == "config.yaml_limit");
  // An anchor in an anchor, sixty deep, around many values.
  std::string nested;
  for (int i = 0; i < 60; ++i) nested += "&n" + std::to_string(i) + " [";
  for (int i = 0; i < 10'000; ++i) nested += "x, ";
  CHECK(reason(nested + std::string(60, ']')) == "config.yaml_limit");
  // Depth counts where an alias stands, too.
  CHECK(reason("a: &a [[1]]\nb: [*a]\n", {.depth_max = 3}) == "config.yaml_limit");
}

TEST_CASE("keys and values know where they stand, from 1, with quotes or without") {
  const Node root = read("a: 1\nüb:\n  - {c: 'x', \"d\": y}\n  - |\n    block\nempty:\nlast: ~\n");
  CHECK(root.is_map());
  const Member* list = root.member("üb");
  REQUIRE(list != nullptr);
  CHECK(list->key_place.line == 2);
  CHECK(list->key_place.column == 1);
  const Node& map = list->value.items.at(0);
  CHECK(map.find("c")->is_quoted);
  CHECK(map.find("c")->place.to_string() == "test.yaml:3:9");
  CHECK(map.member("d")->key_is_quoted);
  CHECK_FALSE(map.find("d")->is_quoted);
  CHECK(list->value.items.at(1).is_quoted);
  CHECK(list->value.items.at(1).scalar == "block\n");
  CHECK(root.find("empty")->is_null());
  CHECK(root.find("empty")->place.line == 6);
  CHECK(root.find("last")->is_null());
  CHECK(root.find("none") == nullptr);
  CHECK(root.keys() == std::vector<std::string>{"a", "üb", "empty", "last"});
}

TEST_CASE("aliases are expanded and stand where they are used") {
  const Node root = read("a: &x {q: [1, 2]}\nb: *x\nc: [*x, *x]\n");
  CHECK(root.find("b")->find("q")->items.size() == 2);
  CHECK(root.find("b")->place.to_string() == "test.yaml:2:4");
  CHECK(root.find("c")->items.size() == 2);
}

TEST_CASE("an empty file is nothing, and a byte order mark is not text") {
  CHECK(read("").is_null());
  CHECK(read("# only a comment\n").is_null());
  CHECK(read("\xEF\xBB\xBF"
             "a: 1\r\nb: 'x'\r\n")
            .find("b")
            ->scalar == "x");
}

TEST_CASE("typed readings name the place, the key and what was found") {
  const Node root =
      read("port: many\nlist: [1]\nyes_in_quotes: \"true\"\nseven: 007\nbig: 99999999999999999999\nok: 8\nwait: 5m\n");
  CHECK(root.integer_of("port").error().message == "test.yaml:1:7: `port`: expected a whole number, found \"many\"");
  CHECK(root.integer_of("port").error().reason == "config.type");
  CHECK(root.text_of("list").error().message == "test.yaml:2:7: `list`: expected text, found a list");
  CHECK(root.boolean_of("yes_in_quotes").error().message ==
        "test.yaml:3:16: `yes_in_quotes`: expected true or false, found \"true\" in quotes");
  CHECK_FALSE(root.integer_of("seven").ok());
  CHECK_FALSE(root.integer_of("big").ok());
  CHECK(root.integer_of("none").error().reason == "config.missing_key");
  CHECK(root.integer_of("none").error().message == "test.yaml:1:1: the key `none` is missing");
  CHECK(*root.integer_of("ok") == 8);
  CHECK(*root.duration_of("wait") == std::chrono::minutes(5));
  CHECK(root.duration_of("port").error().reason == "config.type");
  CHECK(*root.text_list_of("list") == std::vector<std::string>{"1"});
}

TEST_CASE("plain scalars become JSON by their look and quoted ones stay text") {
  const Node root = read(
      "n: 12.10\ne: 1e2\nz: 007\nt: true\nf: false\nnull_: null\ntilde: ~\nq: \"12\"\ns: text\nl: [1, a, {b: "
      "-0.5}]\nv: 1.2.3\nb: |\n  5\n");
  CHECK(
      json::dump(to_json(root)) ==
      R"({"n":12.10,"e":1e2,"z":"007","t":true,"f":false,"null_":null,"tilde":null,"q":"12","s":"text","l":[1,"a",{"b":-0.5}],"v":"1.2.3","b":"5\n"})");
}

TEST_CASE("a file that cannot be read says why") {
  const berth::testing::TempFolder folder;
  Findings findings;
  CHECK(load_yaml(folder.path() / "none.yaml", findings).error().reason == "config.file_unreadable");
  CHECK(load_yaml(folder.path(), findings).error().reason == "config.file_unreadable");
  CHECK(findings.errors() == 2);
  folder.write("good.yaml", "a: 1\n");
  CHECK(load_yaml(folder.path() / "good.yaml", findings)->find("a")->scalar == "1");
}

TEST_CASE("findings print as a compiler prints them, worst first, with a caret and a count") {
  Findings findings;
  const auto root = parse_yaml("a: ü\nkey: {x: 1, y: 2}\n", "dir/test.yaml", findings);
  findings.warning(root->find("a")->place, "test.warning", "this is odd");
  findings.error(root->find("key")->member("y")->key_place, "test.error", "`y` is wrong", "did you mean `z`?");
  CHECK(findings.print() ==
        "dir/test.yaml:2:13: error[test.error] `y` is wrong\n"
        "    2 | key: {x: 1, y: 2}\n"
        "      |             ^ did you mean `z`?\n"
        "dir/test.yaml:1:4: warning[test.warning] this is odd\n"
        "    1 | a: ü\n"
        "      |    ^\n"
        "1 error, 1 warning\n");
  CHECK(findings.to_json().items().at(0).text_of("id") == "test.error");
  CHECK(findings.to_json().items().at(0).text_of("column") == "13");
}

TEST_CASE("findings beyond the limit are counted and not kept") {
  Findings findings;
  for (int i = 0; i < 600; ++i) findings.error({}, "test.error", "again");
  CHECK(findings.errors() == 600);
  CHECK(findings.all().size() == Findings::kFindingsMax);
  CHECK(findings.print().find("... and 100 more\n600 errors, 0 warnings\n") != std::string::npos);
}

TEST_CASE("a line that holds a secret is shown without it, even where the file is not YAML") {
  Findings findings;
  CHECK_FALSE(parse_yaml("client: {id: x, secret: hunter22, home: us\n", "test.yaml", findings).ok());
  CHECK_FALSE(parse_yaml("client: {id: x, secret: \"hunter22\", secret: y} z\n", "test.yaml", findings).ok());
  CHECK_FALSE(parse_yaml("password: hunter22\n x: 1\n", "test.yaml", findings).ok());
  CHECK(findings.print().find("hunter22") == std::string::npos);
  CHECK_FALSE(parse_yaml("secret: env:NAME: x\n", "test.yaml", findings).ok());
  CHECK(findings.print().find("env:NAME") != std::string::npos);
}
