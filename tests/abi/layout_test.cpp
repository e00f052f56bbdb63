// The same table as layout.c, as a C++ compiler sees it.
#include <doctest/doctest.h>

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "berth/abi/abi.h"
#include "berth/abi/ext/connect.h"
#include "berth/abi/ext/push.h"
#include "berth/abi/ext/stream.h"
#include "berth/abi/ext/webhook.h"

#define SIZE(type, size)                 \
  static_assert(sizeof(type) == (size)); \
  static_assert(std::is_standard_layout_v<type> && std::is_trivially_copyable_v<type>);
#define FIELD(type, field, offset, size)            \
  static_assert(offsetof(type, field) == (offset)); \
  static_assert(sizeof(type::field) == (size));
#define VALUE(name, value) static_assert(static_cast<int>(name) == (value));
#include "layout.inc"

extern "C" int berth_layout_in_c();

TEST_CASE("sizes, offsets and values of the boundary are the same in C and C++") {
  CHECK(berth_layout_in_c() == 1);
}

TEST_CASE("ids of the interfaces are what plugins already built ask for") {
  CHECK(std::string_view(BERTH_ENTRY_SYMBOL) == "berth_plugin_entry");
  CHECK(std::string_view(BERTH_HOST_LOG) == "berth.log/1");
  CHECK(std::string_view(BERTH_HOST_HTTP) == "berth.http/1");
  CHECK(std::string_view(BERTH_HOST_RECORDS) == "berth.records/1");
  CHECK(std::string_view(BERTH_HOST_CONTROL) == "berth.control/1");
  CHECK(std::string_view(BERTH_HOST_STREAM) == "berth.stream/1");
  CHECK(std::string_view(BERTH_PLUGIN_CONNECT) == "berth.connect/1");
  CHECK(std::string_view(BERTH_PLUGIN_WEBHOOK) == "berth.webhook/1");
  CHECK(std::string_view(BERTH_PLUGIN_PUSH) == "berth.push/1");
}
