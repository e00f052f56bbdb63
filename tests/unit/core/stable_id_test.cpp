#include "host/core/stable_id.hpp"

#include <doctest/doctest.h>

using berth::stable_id;

TEST_CASE("a stable id comes from its parts alone, and parts do not run into each other") {
  const std::string id = stable_id("cus", {"customer", "zoho_acme", "46"});
  CHECK(id == stable_id("cus", {"customer", "zoho_acme", "46"}));
  CHECK(id.size() == 4 + 26);
  CHECK(id.starts_with("cus_"));
  CHECK(id.find_first_not_of("0123456789abcdef", 4) == std::string::npos);
  CHECK(stable_id("x", {"ab", "c"}) != stable_id("x", {"a", "bc"}));
  CHECK(stable_id("x", {"ab", ""}) != stable_id("x", {"ab"}));
  CHECK(stable_id("x", {"1:a;1:b"}) != stable_id("x", {"1:a", "1:b"}));
  // Ids lie in databases: another hash would make every document of an existing host a stranger to those of a new one.
  CHECK(id == "cus_4fcd855b7e5ddc1286bbf6f27a");
}
