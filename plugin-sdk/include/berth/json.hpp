#pragma once
// Exact JSON: a small document tree that keeps every number as the text it was written with.
//
// Boost.JSON reads 123.45 as a double and prints it as 1.2345E2; money cannot go through that. This tree is built by
// Boost.JSON's SAX parser, keeps the digits, refuses what is not JSON (NaN, trailing commas, lone surrogates, invalid
// UTF-8), refuses duplicate keys, and prints numbers exactly as they came.
//
//   auto parsed = berth::json::parse(R"({"total":1558.10,"lines":[]})");
//   if (!parsed.ok()) return parsed.error.message;                  // "line 1, column 9: duplicate key \"total\""
//   parsed.value.find("total")->text();                             // "1558.10"
//
// Values are plain data: copyable, movable, no threads, no I/O. Nothing here throws except std::bad_alloc.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace berth::json {

class Value;
using Array = std::vector<Value>;
/// Members in the order in which they were written or set; keys are unique.
using Member = std::pair<std::string, Value>;
using Object = std::vector<Member>;

enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

/// The text of a number, exactly as written: "12.10", "1e2", "-0".
struct Number {
  std::string text;
};

class Value {
 public:
  Value() = default;                                   // null
  Value(std::nullptr_t) {}                             // NOLINT(google-explicit-constructor)
  Value(bool value) : data_(value) {}                  // NOLINT
  Value(std::string value) : data_(std::move(value)) {}            // NOLINT
  Value(std::string_view value) : data_(std::string(value)) {}     // NOLINT
  Value(const char* value) : data_(std::string(value)) {}          // NOLINT
  Value(Number value) : data_(std::move(value)) {}     // NOLINT
  Value(Array value) : data_(std::move(value)) {}      // NOLINT
  Value(Object value) : data_(std::move(value)) {}     // NOLINT
  Value(int value) : data_(Number{std::to_string(value)}) {}                     // NOLINT
  Value(unsigned value) : data_(Number{std::to_string(value)}) {}                // NOLINT
  Value(long value) : data_(Number{std::to_string(value)}) {}                    // NOLINT
  Value(unsigned long value) : data_(Number{std::to_string(value)}) {}           // NOLINT
  Value(long long value) : data_(Number{std::to_string(value)}) {}               // NOLINT
  Value(unsigned long long value) : data_(Number{std::to_string(value)}) {}      // NOLINT
  Value(double) = delete;                              // no amount is ever a double

  static Value array() { return Value(Array{}); }
  static Value object() { return Value(Object{}); }
  static Value object(std::initializer_list<Member> members) { return Value(Object(members)); }
  /// `text` must be a JSON number; it is printed as it is.
  static Value number(std::string text) { return Value(Number{std::move(text)}); }

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(data_.index()); }
  [[nodiscard]] bool is_null() const { return kind() == Kind::kNull; }
  [[nodiscard]] bool is_boolean() const { return kind() == Kind::kBoolean; }
  [[nodiscard]] bool is_number() const { return kind() == Kind::kNumber; }
  [[nodiscard]] bool is_string() const { return kind() == Kind::kString; }
  [[nodiscard]] bool is_array() const { return kind() == Kind::kArray; }
  [[nodiscard]] bool is_object() const { return kind() == Kind::kObject; }

  /// The value of a boolean; false for anything else.
  [[nodiscard]] bool boolean() const { return is_boolean() && std::get<bool>(data_); }
  /// The text of a string or the digits of a number; empty for anything else. Valid as long as this value.
  [[nodiscard]] std::string_view text() const;
  /// A whole number within int64; nothing for fractions, exponents and anything else.
  [[nodiscard]] std::optional<std::int64_t> integer() const;

  // Those of a temporary come by value, so that `for (auto& m : parse(text).value.members())` walks something alive.
  /// Elements; an empty array for anything that is not an array.
  [[nodiscard]] const Array& items() const&;
  [[nodiscard]] Array items() &&;
  /// Members; an empty object for anything that is not an object.
  [[nodiscard]] const Object& members() const&;
  [[nodiscard]] Object members() &&;
  /// Makes this an array (an object) if it is not one yet.
  Array& make_array();
  Object& make_object();

  /// The member of that name, or nullptr (also where this is not an object).
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] Value* find(std::string_view key);
  /// text() of a member; empty where there is none.
  [[nodiscard]] std::string_view text_of(std::string_view key) const;
  /// Follows "a.b.c" through objects; nullptr where a step is missing.
  [[nodiscard]] const Value* at_path(std::string_view dotted) const;
  /// RFC 6901 pointer ("/a/0/b", "" is the value itself); nullptr where a step is missing.
  [[nodiscard]] const Value* at_pointer(std::string_view pointer) const;
  /// Sets a member, replacing one of that name.
  Value& set(std::string key, Value value);
  void erase(std::string_view key);
  void push_back(Value value) { make_array().push_back(std::move(value)); }
  [[nodiscard]] std::size_t size() const;

  /// Same kind and same content; numbers by text, objects regardless of order.
  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::monostate, bool, Number, std::string, Array, Object> data_;
};

struct ParseError {
  std::size_t offset = 0;      // bytes from the start
  std::size_t line = 0;        // from 1
  std::size_t column = 0;      // from 1, in bytes
  std::string message;         // "line 3, column 7: duplicate key \"total\""; empty: no error
};

struct Parsed {
  Value value;
  ParseError error;
  [[nodiscard]] bool ok() const { return error.message.empty(); }
};

struct ParseOptions {
  std::size_t max_depth = 64;
  std::size_t max_bytes = 64u << 20u;
  /// Which members of the outermost object are kept, by key; everything else is checked as always, and costs no memory.
  /// Empty: all.
  std::function<bool(std::string_view)> keeps = {};
  /// The very text was parsed before and kept: that its keys are unique is not checked again.
  bool was_checked = false;
};

/// Reads one JSON text, whole. Refuses what RFC 8259 refuses, duplicate keys, and more than the options allow.
[[nodiscard]] Parsed parse(std::string_view text, const ParseOptions& options = {});

/// Prints without blanks, members in their order, numbers as they came. The output parses to an equal value.
[[nodiscard]] std::string dump(const Value& value);
/// Prints with two blanks of indentation, for people.
[[nodiscard]] std::string dump_pretty(const Value& value);
/// Prints with members sorted by key (bytes) at every level: equal values have equal text. For hashes.
[[nodiscard]] std::string canonical(const Value& value);
/// The same, without those members of the outermost object.
[[nodiscard]] std::string canonical(const Value& value, const std::vector<std::string_view>& without);
/// A JSON string literal, quotes included.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace berth::json
