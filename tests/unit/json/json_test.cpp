#include "berth/json.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace json = berth::json;

namespace {

std::string error_of(std::string_view text, const json::ParseOptions& options = {}) {
  const json::Parsed parsed = json::parse(text, options);
  CHECK_FALSE(parsed.ok());
  return parsed.error.message;
}

std::string round_trip(std::string_view text) {
  const json::Parsed parsed = json::parse(text);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  return json::dump(parsed.value);
}

/// A random number as a remote might write it: any length of digits, fraction, exponent.
std::string random_number(std::mt19937_64& random) {
  const auto digits = [&](std::size_t longest) {
    std::string text;
    const std::size_t count = 1 + random() % longest;
    for (std::size_t i = 0; i < count; ++i) text.push_back(static_cast<char>('0' + random() % 10));
    return text;
  };
  std::string text = random() % 2 == 0 ? "-" : "";
  std::string whole = digits(30);
  if (whole.size() > 1 && whole.front() == '0') whole.front() = '7';
  text += whole;
  if (random() % 2 == 0) text += "." + digits(20);
  if (random() % 3 == 0)
    text +=
        std::string(random() % 2 == 0 ? "e" : "E") + (random() % 2 == 0 ? "-" : "+") + std::to_string(random() % 300);
  return text;
}

json::Value random_value(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 4 ? 4u : 6u)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return json::Value::number(random_number(random));
    case 3: {
      std::string text;
      for (std::size_t i = random() % 12; i > 0; --i) text.push_back(static_cast<char>(random() % 0x7F));
      return text + (random() % 2 == 0 ? "Malmö 東京 \U0001F4B6" : "");
    }
    case 4: {
      json::Value array = json::Value::array();
      for (std::size_t i = random() % 5; i > 0; --i) array.push_back(random_value(random, depth + 1));
      return array;
    }
    default: {
      json::Value object = json::Value::object();
      for (std::size_t i = random() % 25; i > 0; --i)
        object.set("k" + std::to_string(i), random_value(random, depth + 1));
      return object;
    }
  }
}

}  // namespace

TEST_CASE("a duplicate key is refused with the line and column of its second appearance") {
  CHECK(error_of("{\"total\":1,\n  \"total\":2}") == "line 2, column 3: duplicate key \"total\"");
  CHECK(error_of(R"({"a":{"b":1,"b":2}})") == "line 1, column 13: duplicate key \"b\"");
  CHECK(error_of(R"({"x\"y":1,"x\"y":2})") == "line 1, column 11: duplicate key \"x\\\"y\"");
  CHECK(error_of(R"({"a":1,"\u0061":2})").find("duplicate key \"a\"") != std::string::npos);
}

TEST_CASE("a duplicate key is found in an object of hundreds of members as well") {
  std::string text = "{";
  for (int i = 0; i < 400; ++i) text += "\"k" + std::to_string(i) + "\":1,";
  CHECK(json::parse(text + "\"last\":1}").ok());
  CHECK(error_of(text + "\"k17\":1}").find("duplicate key \"k17\"") != std::string::npos);
  CHECK(error_of(text + "\"k399\":1}").find("duplicate key \"k399\"") != std::string::npos);
}

TEST_CASE("what is not JSON is refused") {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "NaN",
                           "[NaN]",
                           "Infinity",
                           "-",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "'a'",
                           "{a:1}",
                           "\"\\ud800\"",
                           "\"\\udc00x\"",
                           "\"\\ud800\\u0041\"",
                           "\"\xC3\x28\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xFF\"",
                           "\"a\nb\"",
                           "// c\n1",
                           "/* c */ 1",
                           "1 2",
                           "{} x",
                           "tru",
                           "\xEF\xBB\xBF{}"}) {
    CAPTURE(text);
    const json::Parsed parsed = json::parse(text);
    CHECK_FALSE(parsed.ok());
    CHECK(parsed.error.line >= 1);
  }
}

TEST_CASE("an error says where it is") {
  const json::Parsed parsed = json::parse("{\n  \"a\": 1,\n  \"b\": tru\n}");
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error.line == 3);
  CHECK(parsed.error.column >= 8);
}

TEST_CASE("depth and size have limits") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(json::parse(nested(64)).ok());
  CHECK(error_of(nested(65)).find("nested deeper than 64 levels") != std::string::npos);
  CHECK(error_of(nested(100000)).find("nested deeper") != std::string::npos);
  CHECK(error_of("[1,2,3]", {.max_depth = 64, .max_bytes = 6}).find("7 bytes, more than the 6") != std::string::npos);
}

TEST_CASE("numbers keep the text they were written with") {
  for (const char* text :
       {"12.10", "100.00", "0.00", "1e2", "1E+2", "-0", "-0.0", "18446744073709551615", "9223372036854775808",
        "123456789012345678901234567890", "12345678901234567.89", "1.0E400", "4815162342000201001", "1.2345E2"}) {
    CAPTURE(text);
    CHECK(round_trip(text) == text);
    CHECK(round_trip(std::string("{\"a\":[") + text + "]}") == std::string("{\"a\":[") + text + "]}");
  }
}

TEST_CASE("dump and parse are inverse for random documents") {
  std::mt19937_64 random(20260501);
  for (int i = 0; i < 3000; ++i) {
    const json::Value value = random_value(random, 0);
    const std::string text = json::dump(value);
    CAPTURE(text);
    const json::Parsed parsed = json::parse(text);
    REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
    CHECK(parsed.value == value);
    CHECK(json::dump(parsed.value) == text);
    CHECK(json::parse(json::dump_pretty(value)).value == value);
    CHECK(json::parse(json::canonical(value)).value == value);
  }
}

TEST_CASE("a document cut or changed at any byte is parsed or refused, never misread as a crash") {
  const std::string text = R"({"a":[1.50,"x\u00e9",{"b":null}],"c":true,"d":-12e-3})";
  std::mt19937_64 random(7);
  for (std::size_t cut = 0; cut < text.size(); ++cut) CHECK_FALSE(json::parse(text.substr(0, cut)).ok());
  for (int i = 0; i < 20000; ++i) {
    std::string changed = text;
    changed[random() % changed.size()] = static_cast<char>(random() % 256);
    const json::Parsed parsed = json::parse(changed);
    if (parsed.ok()) CHECK(json::parse(json::dump(parsed.value)).value == parsed.value);
  }
}

TEST_CASE("strings that are not UTF-8 are printed with replacement characters, so that what is printed is JSON") {
  CHECK(json::dump(json::Value("a\xFF"
                               "b")) ==
        "\"a\xEF\xBF\xBD"
        "b\"");
  CHECK(json::parse(json::quote(std::string("\0\x01\x1f\x7f", 4))).ok());
  CHECK(json::quote("a\"\\\n\t\x01") == R"("a\"\\\n\t\u0001")");
}

TEST_CASE("members are found, set, replaced and erased") {
  json::Value value = json::Value::object({{"a", 1}, {"b", json::Value::object({{"c", "x"}})}});
  CHECK(value.text_of("a") == "1");
  CHECK(value.text_of("none").empty());
  CHECK(value.at_path("b.c")->text() == "x");
  CHECK(value.at_path("b.d") == nullptr);
  CHECK(value.at_path("a.c") == nullptr);
  value.set("a", "new");
  value.set("z", nullptr);
  CHECK(json::dump(value) == R"({"a":"new","b":{"c":"x"},"z":null})");
  value.erase("b");
  CHECK(value.size() == 2);
  CHECK(value.find("b") == nullptr);
}

TEST_CASE("a pointer follows objects and arrays as RFC 6901 says") {
  const json::Value value = json::parse(R"({"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"01":{"0":2}})").value;
  CHECK(value.at_pointer("") == &value);
  CHECK(value.at_pointer("/foo/1")->text() == "baz");
  CHECK(value.at_pointer("/")->text() == "0");
  CHECK(value.at_pointer("/a~1b")->text() == "1");
  CHECK(value.at_pointer("/m~0n")->text() == "8");
  CHECK(value.at_pointer("/01/0")->text() == "2");
  CHECK(value.at_pointer("/foo/01") == nullptr);
  CHECK(value.at_pointer("/foo/2") == nullptr);
  CHECK(value.at_pointer("/foo/-") == nullptr);
  CHECK(value.at_pointer("foo") == nullptr);
}

TEST_CASE("a whole number is read only where it is one") {
  CHECK(json::parse("9223372036854775807").value.integer() == 9223372036854775807);
  CHECK(json::parse("-9223372036854775808").value.integer().has_value());
  CHECK_FALSE(json::parse("9223372036854775808").value.integer().has_value());
  CHECK_FALSE(json::parse("1.0").value.integer().has_value());
  CHECK_FALSE(json::parse("1e2").value.integer().has_value());
  CHECK_FALSE(json::Value("5").integer().has_value());
}

TEST_CASE("equality ignores the order of members, canonical text is the same for equal values") {
  const json::Value a = json::parse(R"({"b":1,"a":{"y":[1,2],"x":null}})").value;
  const json::Value b = json::parse(R"({"a":{"x":null,"y":[1,2]},"b":1})").value;
  CHECK(a == b);
  CHECK(json::canonical(a) == json::canonical(b));
  CHECK(json::canonical(a) == R"({"a":{"x":null,"y":[1,2]},"b":1})");
  CHECK_FALSE(a == json::parse(R"({"a":{"x":null,"y":[2,1]},"b":1})").value);
  CHECK_FALSE(json::parse("1.0").value == json::parse("1").value);
}

TEST_CASE("a key twice in a large object is found behind other large objects, whether it is escaped or not") {
  const auto keys = [](const std::string& prefix, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + prefix + std::to_string(i) + "\":" + std::to_string(i);
    return text;
  };
  for (const int count : {7, 8, 9, 20, 40, 500}) {
    CAPTURE(count);
    const std::string inner = "\"inner\":[{" + keys("x", 300) + "},{" + keys("x", 300) + "}]";
    const std::string fine = "{" + keys("k", count) + "," + inner + "," + keys("m", count) + "}";
    REQUIRE(json::parse(fine).ok());
    CHECK(json::dump(json::parse(fine).value) == fine);
    const std::string twice = "{" + keys("k", count) + "," + inner + "," + keys("m", count) + R"(,"k3":0})";
    CHECK(json::parse(twice).error.message.find("duplicate key \"k3\"") != std::string::npos);
    CHECK(json::parse("{" + keys("k", count) + R"(,"\u006b3":0})").error.message.find("duplicate key \"k3\"") != std::string::npos);
    CHECK(json::parse(R"({"\u006b3":0,)" + keys("k", count) + "}").error.message.find("duplicate key \"k3\"") != std::string::npos);
  }
}

TEST_CASE("a text that was checked before is read the same, and its keys are not compared again") {
  const std::string text = R"({"b":[{"x":1.50},{}],"a":{"y":"z","\u0062":null},"c":[]})";
  REQUIRE(json::parse(text).ok());
  CHECK(json::dump(json::parse(text, {.was_checked = true}).value) == json::dump(json::parse(text).value));
  CHECK_FALSE(json::parse("{\"a\":01}", {.was_checked = true}).ok());
  CHECK(json::parse(R"({"a":1,"a":2})", {.was_checked = true}).ok());
}

TEST_CASE("what is not wanted of the outermost object is checked and not kept") {
  const auto kept = [&](const char* text) { return json::parse(text, {.keeps = [](std::string_view key) { return key == "code" || key == "message"; }}); };
  CHECK(json::dump(kept(R"({"a":[1,{"code":2}],"code":0,"b":{"code":"x"},"message":{"x":[1,"y"]},"c":null})").value) ==
        R"({"code":0,"message":{"x":[1,"y"]}})");
  CHECK(json::dump(kept(R"({"a":1})").value) == "{}");
  CHECK(json::dump(kept(R"([{"code":1},2])").value) == "[]");
  CHECK(kept("7").value.text() == "7");
  for (const char* wrong : {R"({"a":{"b":1,"b":2}})", R"({"a":01})", R"({"a":1,"a":2})", R"({"a":1)", R"([{"x":1,"x":2}])"}) {
    CAPTURE(wrong);
    CHECK_FALSE(kept(wrong).ok());
    CHECK(kept(wrong).error.message == json::parse(wrong).error.message);
  }
}
