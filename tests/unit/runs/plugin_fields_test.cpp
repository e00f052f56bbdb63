#include <doctest/doctest.h>

#include "host/core/time.hpp"
#include "host/runs/plugin_fields.hpp"

using namespace berth;

TEST_CASE("what a plugin says beside a line becomes fields of that line, not JSON within JSON") {
  telemetry::Entry entry{Instant{0}, telemetry::Level::kInfo, "a list was repeated", runs::plugin_fields(R"({"reason":"shop.list.repeated","page":3,"ids":["a"],"last":true})")};
  CHECK(telemetry::to_json_line(entry).find(R"("plugin.reason":"shop.list.repeated","plugin.page":3,"plugin.ids":"[\"a\"]","plugin.last":true)") != std::string::npos);
  CHECK(telemetry::to_human_line(entry).find("plugin.reason=shop.list.repeated  plugin.page=3") != std::string::npos);
}

TEST_CASE("what is no object stays one field, nothing is nothing, and there is a limit") {
  CHECK(runs::plugin_fields("").empty());
  CHECK(runs::plugin_fields("{}").empty());
  CHECK(runs::plugin_fields("[1]").front().key == "plugin_fields");
  CHECK(runs::plugin_fields("{\"half").front().key == "plugin_fields");
  std::string many = "{\"x\":1";
  for (int i = 0; i < 100; ++i) many += ",\"m" + std::to_string(i) + "\":1";
  CHECK(runs::plugin_fields(many + "}").size() == runs::kPluginFieldsMax);
}
