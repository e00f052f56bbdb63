// Writes JSON text front to back, with numbers printed from integers so that no amount ever passes through a double.
//
//   JsonWriter json;
//   json.object().integer("code", 0).text("message", "success").number("total", money(29950)).end();
//   json.take();   // {"code":0,"message":"success","total":299.5}
//
// One thread. Not balancing object()/end() is a bug of the caller and gives broken text.
#pragma once

#include "tests/zoho_sim/decimal.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zoho_sim {

class JsonWriter {
 public:
  JsonWriter& object();
  JsonWriter& array();
  JsonWriter& object(std::string_view key);
  JsonWriter& array(std::string_view key);
  JsonWriter& end();

  JsonWriter& text(std::string_view key, std::string_view value);
  JsonWriter& number(std::string_view key, Decimal value);
  JsonWriter& money(std::string_view key, Minor amount) { return number(key, zoho_sim::money(amount)); }
  JsonWriter& integer(std::string_view key, std::int64_t value);
  JsonWriter& flag(std::string_view key, bool value);
  JsonWriter& id(std::string_view key, std::uint64_t value);  // text; "" for 0, as Zoho writes null
  JsonWriter& empty(std::string_view key) { return text(key, ""); }
  JsonWriter& empty_array(std::string_view key) { return array(key).end(); }
  JsonWriter& empty_object(std::string_view key) { return object(key).end(); }
  JsonWriter& raw(std::string_view key, std::string_view json);
  JsonWriter& element(std::string_view value);  // a text inside an array
  JsonWriter& raw_element(std::string_view json);

  std::string take() { return std::move(out_); }

 private:
  void separate();
  void key(std::string_view name);
  void quoted(std::string_view value);

  std::string out_;
  std::string closers_;
  bool first_ = true;
};

}  // namespace zoho_sim
