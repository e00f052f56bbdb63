#pragma once
// Reads one object of a phase file: asks for keys by kind, notes what is missing or of the wrong kind with its place,
// and at the end every key that nobody asked for. Problems go to one list, so a file is reported whole.
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "berth/phases.hpp"

namespace berth::phases {

class Reader {
 public:
  Reader(const json::Value& value, std::string path, std::vector<Problem>& problems);

  /// The member, marked as known; nullptr where there is none or it is null.
  const json::Value* get(std::string_view key);
  [[nodiscard]] bool has(std::string_view key) const;

  std::string text(std::string_view key, bool required);
  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t smallest, std::int64_t largest);
  bool boolean(std::string_view key, bool otherwise);
  std::int64_t duration_ms(std::string_view key, std::int64_t otherwise);
  /// A text or a list of texts.
  std::vector<std::string> texts(std::string_view key, bool required);
  /// An object of texts, numbers and booleans, as query parameters.
  std::vector<Param> params(std::string_view key);
  /// Another object below this one, when it is there.
  std::optional<Reader> object(std::string_view key);

  /// One of `words`; the first where it is absent.
  std::string one_of(std::string_view key, std::initializer_list<std::string_view> words);

  void problem(std::string_view key, std::string message);
  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[nodiscard]] const json::Value& value() const { return value_; }
  [[nodiscard]] std::vector<Problem>& problems() { return problems_; }

  /// Reports the keys that nobody has asked for.
  void finish();

 private:
  const json::Value& value_;
  std::string path_;
  std::vector<Problem>& problems_;
  std::set<std::string, std::less<>> known_;
};

/// How a value is named in a message: its kind and, where short, its text.
std::string described(const json::Value& value);

/// Checks the `errors` and `limits` blocks, which the host carries out.
void check_errors(Reader& file);
void check_limits(Reader& file);

}  // namespace berth::phases
