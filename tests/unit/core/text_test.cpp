#include "host/core/text.hpp"

#include <doctest/doctest.h>

#include "host/core/country.hpp"

using namespace berth;

TEST_CASE("the nearest word is found by edits, without case, and only if it is near") {
  const std::vector<std::string> keys{"schedule", "server", "storage", "companies"};
  CHECK(nearest("shedule", keys) == "schedule");
  CHECK(nearest("Storage", keys) == "storage");
  CHECK(nearest("sevrer", keys) == "server");
  CHECK(nearest("compnies", keys) == "companies");
  CHECK(nearest("webhook", keys).empty());
  CHECK(nearest("", keys).empty());
  CHECK(nearest(std::string(10'000, 'a'), keys).empty());
}

TEST_CASE("globs know the star alone") {
  CHECK(matches_glob("tds_*", "tds_total"));
  CHECK(matches_glob("*reverse_charge*", "is_reverse_charge_applied"));
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("a*b*c", "a_b_b_c"));
  CHECK_FALSE(matches_glob("tds_*", "tcs_total"));
  CHECK_FALSE(matches_glob("a*b", "a_b_c"));
  CHECK_FALSE(matches_glob("", "a"));
  CHECK_FALSE(matches_glob("a?", "ab"));
  CHECK_FALSE(matches_glob("*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST_CASE("text that is not UTF-8 is recognised") {
  CHECK(is_valid_utf8("Åland, 日本, 🚢"));
  for (const char* bad : {"\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "a\x80", "\xE0\x80\xAF",
                          "\xF0\x80\x80\xAF", "\xE2\x82"}) {
    CHECK_FALSE(is_valid_utf8(bad));
  }
}

TEST_CASE("shortening cuts at a character's edge") {
  CHECK(shortened("short", 10) == "short");
  CHECK(shortened("a longer text", 8) == "a lon...");
  CHECK(shortened("ååååååå", 8) == "åå...");
  CHECK(is_valid_utf8(shortened("🚢🚢🚢🚢", 10)));
  CHECK(shortened("abcdef", 2).size() == 2);
}

TEST_CASE("percent escapes go there and back, and broken ones stay") {
  CHECK(percent_encode("a b&c=å/~") == "a%20b%26c%3D%C3%A5%2F~");
  CHECK(percent_decode("a%20b%26c%3D%C3%A5%2F~") == "a b&c=å/~");
  CHECK(percent_decode("100%") == "100%");
  CHECK(percent_decode("%zz%4") == "%zz%4");
  CHECK(percent_decode("a+b") == "a+b");
  CHECK(percent_decode("a+b", true) == "a b");
}

TEST_CASE("reason ids are dotted and lower case") {
  CHECK(is_reason_id("zoho_books.rate_limit.daily"));
  for (const char* bad :
       {"", "zoho", "Zoho.rate", "zoho..rate", ".zoho", "zoho.", "zoho.rate limit", "zoho-books.rate"})
    CHECK_FALSE(is_reason_id(bad));
}

TEST_CASE("small things about text") {
  CHECK(trim(" \t a b \r\n") == "a b");
  CHECK(trim("  ").empty());
  CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(join(std::vector<std::string>{"a", "b"}, ", ") == "a, b");
  CHECK(replace_all("aXbX", "X", "XX") == "aXXbXX");
  CHECK(replace_all("abc", "", "x") == "abc");
  CHECK(lower_ascii("ÅBC") == "Åbc");
}

TEST_CASE("D15: countries are known by code and by name") {
  for (const char* text : {"US", "us", "USA", "United States", "united states of america", " U.S.A. "})
    CHECK(country_alpha2(text) == "US");
  for (const char* text : {"GB", "GBR", "UK", "United Kingdom", "Great Britain"}) CHECK(country_alpha2(text) == "GB");
  CHECK(country_alpha2("South Korea") == "KR");
  CHECK(country_alpha2("Sweden") == "SE");
  CHECK(country_alpha2("swe") == "SE");
  CHECK(country_alpha2("Vietnam") == "VN");
  CHECK(country_alpha2("Turkey") == "TR");
  CHECK(country_alpha2("Türkiye") == "TR");
  CHECK(country_alpha2("Czech Republic") == "CZ");
  CHECK(country_alpha2("Côte d'Ivoire") == "CI");
  CHECK_FALSE(country_alpha2("").has_value());
  CHECK_FALSE(country_alpha2("Atlantis").has_value());
  CHECK_FALSE(country_alpha2("XX").has_value());
}
