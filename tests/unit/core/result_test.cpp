#include "host/core/result.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace berth;

namespace {
Result<int> half(int value) {
  if (value % 2 != 0) return make_error(Code::kInvalidArgument, "test.odd", "3 is odd");
  return value / 2;
}
Result<int> quarter(int value) {
  return BERTH_TRY_CONTEXT("while halving", half(BERTH_TRY(half(value))));
}
Status check(int value) {
  BERTH_CHECK(half(value));
  return success();
}
}  // namespace

TEST_CASE("an error passes through with code, reason and context") {
  CHECK(*quarter(12) == 3);
  const auto failed = quarter(6);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == Code::kInvalidArgument);
  CHECK(failed.error().reason == "test.odd");
  CHECK(failed.error().message == "while halving: 3 is odd");
  CHECK(quarter(5).error().message == "3 is odd");
  CHECK(check(2).ok());
  CHECK_FALSE(check(3).ok());
  CHECK(half(3).value_or(-1) == -1);
}

TEST_CASE("every code has a name of its own") {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::kEnvironment); ++code)
    names.insert(to_string(static_cast<Code>(code)));
  CHECK(names.size() == static_cast<std::size_t>(Code::kEnvironment) + 1);
  CHECK(names.contains("quota_exhausted"));
}
