#pragma once
// The description of a file's keys: one table from which the checks, the defaults, the JSON Schema and the reference
// page are made. Private to host/config.
//
// A Shape is a map with known keys; a Key says what its value is. Tables are constants (keys.cpp).
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "berth/json.hpp"
#include "host/config/findings.hpp"
#include "host/config/yaml.hpp"

namespace berth::config {

enum class ValueType {
  kVersion,  // the number of the file's format
  kText,
  kId,         // small letters, digits, _ and -; begins with a letter
  kAccountId,  // letters, digits and _ . : -
  kBoolean,
  kInteger,    // within `min` and `max`
  kPercent,    // "20%", within `min` and `max`
  kDuration,   // "30s", "5m", "1h", "5d"
  kTiming,     // a duration or a cron expression; under the key `zone` a time zone
  kBudget,     // "2000" or "40%"
  kPath,       // relative to the file
  kOrigin,     // "https://host:port", nothing behind
  kAddress,    // "127.0.0.1:8484"
  kCurrency,   // ISO 4217
  kChoice,     // one of `choices`
  kBackfill,   // one of `choices`, or a date
  kApiVersion,  // "v3"
  kSecret,     // a reference: env:, file:, vault:, credential:
  kKeySecret,  // a reference other than vault:
  kSetting,    // text, or a reference
  kMap,        // a map of `shape`
  kStorage,    // sqlite, postgresql://…, or {url, password}
  kAccounts,   // rows of the account table: {default_income: …, payment_mode: {Cash: …}}
};

/// Beside the phases of a schedule: the time zone of its cron expressions.
inline constexpr std::string_view kScheduleZone = "zone";

enum class Holds { kOne, kList, kMapOf };  // one value, a list of them, or a map with free keys

struct Shape;

struct Key {
  std::string_view name;
  ValueType type = ValueType::kText;
  std::string_view help;           // one sentence; required
  std::string_view fallback = {};  // the default as YAML text; "" for none
  bool is_required = false;
  Holds holds = Holds::kOne;
  std::span<const std::string_view> choices = {};
  const Shape* shape = nullptr;
  std::int64_t min = 0;
  std::int64_t max = 0;
};

struct Shape {
  std::string_view name;  // "an integration", for messages
  std::span<const Key> keys;
  [[nodiscard]] const Key* find(std::string_view key) const;
};

/// Checks a map against its shape, down to the last scalar. Every mistake is an error in `findings`.
void check(const Node& node, const Shape& shape, Findings& findings);

/// The JSON Schema (draft-07) of a shape.
[[nodiscard]] json::Value schema_of(const Shape& shape, std::string_view title);

/// Reads the values of a map that was checked. A value that is missing reads as the key's default; a wrong one, which
/// `check` has reported, too.
class Reader {
 public:
  Reader(const Node* node, const Shape& shape) : node_(node), shape_(&shape) {}
  /// Whether the key stands there with a value.
  [[nodiscard]] bool has(std::string_view key) const { return value(key) != nullptr; }
  /// nullptr where it is missing or null.
  [[nodiscard]] const Node* value(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] bool boolean(std::string_view key) const { return text(key) == "true"; }
  [[nodiscard]] std::int64_t integer(std::string_view key) const;  // of kPercent: without the sign
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
  /// The maps of a list; empty where it is missing. Items that are not maps are left out.
  [[nodiscard]] std::vector<Reader> maps(std::string_view key) const;
  [[nodiscard]] Reader map(std::string_view key) const;
  [[nodiscard]] const Node* node() const { return node_; }
  /// Where a value stands, or this map if it is missing.
  [[nodiscard]] Place place(std::string_view key) const;

 private:
  [[nodiscard]] const Key& known(std::string_view key) const;
  const Node* node_;
  const Shape* shape_;
};

/// "http" and "127.0.0.1" of "http://127.0.0.1:9100". Nothing for what is not an origin.
struct Origin {
  std::string scheme;
  std::string host;
  std::string text;  // without a slash at the end
};
[[nodiscard]] std::optional<Origin> parse_origin(std::string_view text);
[[nodiscard]] bool is_loopback(std::string_view host);

struct Address {
  std::string host;
  std::uint16_t port = 0;
};
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

/// The kinds of rows of the account table, and whether rows of that kind have a key.
struct AccountKind {
  std::string_view name;
  bool has_key;
  std::string_view help;
};
[[nodiscard]] std::span<const AccountKind> account_kinds();

}  // namespace berth::config
