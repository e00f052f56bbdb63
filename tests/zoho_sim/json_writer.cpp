#include "tests/zoho_sim/json_writer.hpp"

namespace zoho_sim {

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

void JsonWriter::quoted(std::string_view value) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out_ += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (c == '\n') {
      out_ += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out_ += "\\u00";
      out_ += kHex[static_cast<unsigned char>(c) >> 4U];
      out_ += kHex[static_cast<unsigned char>(c) & 15U];
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

void JsonWriter::key(std::string_view name) {
  separate();
  quoted(name);
  out_ += ':';
}

JsonWriter& JsonWriter::object() {
  separate();
  out_ += '{';
  closers_ += '}';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::array() {
  separate();
  out_ += '[';
  closers_ += ']';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::object(std::string_view name) {
  key(name);
  first_ = true;
  return object();
}

JsonWriter& JsonWriter::array(std::string_view name) {
  key(name);
  first_ = true;
  return array();
}

JsonWriter& JsonWriter::end() {
  out_ += closers_.back();
  closers_.pop_back();
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view name, std::string_view value) {
  key(name);
  quoted(value);
  return *this;
}

JsonWriter& JsonWriter::number(std::string_view name, Decimal value) {
  return raw(name, to_text(value));
}

JsonWriter& JsonWriter::integer(std::string_view name, std::int64_t value) {
  return raw(name, std::to_string(value));
}

JsonWriter& JsonWriter::flag(std::string_view name, bool value) {
  return raw(name, value ? "true" : "false");
}

JsonWriter& JsonWriter::id(std::string_view name, std::uint64_t value) {
  return text(name, value == 0 ? std::string() : std::to_string(value));
}

JsonWriter& JsonWriter::raw(std::string_view name, std::string_view json) {
  key(name);
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::element(std::string_view value) {
  separate();
  quoted(value);
  return *this;
}

JsonWriter& JsonWriter::raw_element(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

}  // namespace zoho_sim
