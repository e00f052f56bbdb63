#pragma once
// Reading a configuration object that came as JSON, with the place in every complaint. Internal to this folder and to
// host/oauth.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/core/text.hpp"

namespace berth::http {

/// One object of a block: its place ("/errors/rules/3") and the reason id of its errors.
class Fields {
 public:
  Fields(const json::Value& object, std::string place, std::string reason)
      : object_(object), place_(std::move(place)), reason_(std::move(reason)) {}

  [[nodiscard]] Error error(std::string_view key, std::string_view what) const {
    return make_error(Code::kInvalidConfig, reason_,
                      place_ + (key.empty() ? "" : "/" + std::string(key)) + ": " + std::string(what) + ".");
  }
  [[nodiscard]] Status must_be_object() const {
    if (!object_.is_object()) return error("", "an object is expected");
    return success();
  }
  /// Every member must be one of these.
  [[nodiscard]] Status only(std::span<const std::string> keys) const;
  [[nodiscard]] const json::Value* find(std::string_view key) const { return object_.find(key); }
  /// A text, or `otherwise` where there is none.
  [[nodiscard]] Result<std::string> text(std::string_view key, std::string otherwise = {}) const;
  [[nodiscard]] Result<bool> boolean(std::string_view key) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                             std::int64_t most) const;
  /// One value or a list of values, as texts (numbers by their digits).
  [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view key) const;
  [[nodiscard]] const std::string& place() const { return place_; }

 private:
  const json::Value& object_;
  std::string place_;
  std::string reason_;
};

/// "unknown action \"retri\"; did you mean \"retry\"?"
[[nodiscard]] std::string unknown_word(std::string_view what, std::string_view word,
                                       std::span<const std::string> known);

}  // namespace berth::http
