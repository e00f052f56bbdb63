#include "host/core/edit_distance.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace berth;

TEST_CASE("D8: a name that is one slip of the pen away is a near miss, another name is none") {
  const std::vector<std::string> labels{"Location", "Service Line", "Company", "PO"};
  CHECK(near_miss("Service Lime", labels) == "Service Line");
  CHECK(near_miss("Service Lien", labels) == "Service Line");    // two neighbours swapped
  CHECK(near_miss("service line", labels) == "Service Line");
  CHECK(near_miss("ServiceLine", labels) == "Service Line");
  CHECK(near_miss("Location ", labels) == "Location");
  CHECK(near_miss("Comany", labels) == "Company");
  CHECK(near_miss("Service Type", labels).empty());              // three letters: another field, on purpose
  CHECK(near_miss("Cumpony", labels).empty());
  CHECK(near_miss("", labels).empty());
  CHECK(near_miss("Location", {}).empty());
  CHECK(near_miss_hint("location", "Location") == "nearest: \"Location\" (differs in case)");
  CHECK(near_miss_hint("Locaton", "Location") == "nearest: \"Location\"");
  CHECK(near_miss_hint("Locaton", "").empty());
}

TEST_CASE("edits are insertions, deletions, replacements and swaps of neighbours") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ab", "ba") == 1);
}
