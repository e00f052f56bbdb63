#pragma once
// Everything that Berth makes durable has a name: each transaction of the database and each file that has to outlive the
// process. The name is a literal where the write is made, so that whoever reads it knows what it is for, and tests find
// all of them: each is cut by kill -9 at its three moments (tests/crash; docs/reference/durable-writes.md).
//
//   database.write("capture.checkpoint", [&](storage::Connection& c) -> Status { ... });
//
//   const DurableWrite write("vault.key");     // nothing is there yet
//   ... the bytes ...
//   write.is_written();                        // they are written, and not known to be durable
//   ... fsync, the name of the file ...
//   write.is_durable();                        // they are, and whoever asked for it has not been told
//
// In a program that is shipped nobody listens: a moment is one look at a pointer. Any thread. Nothing here fails.
#include <cstddef>
#include <string_view>

namespace berth {

/// "what.does": small letters, digits, '_' and one or more '.'. Only a literal converts to it.
class WriteName {
 public:
  template <std::size_t N>
  consteval WriteName(const char (&literal)[N]) : text_(literal, N - 1) {  // NOLINT
    bool has_point = false;
    for (const char c : text_) {
      if (c == '.') has_point = true;
      if (c != '.' && c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) throw "a letter that is not in names of writes";
    }
    if (!has_point) throw "a name of a write says what is written, and for what: two words with a point between";
  }
  [[nodiscard]] constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

enum class WriteMoment {
  kBefore,   // nothing is written
  kBetween,  // everything is written, and its being durable not acknowledged
  kAfter,    // it is durable, and whoever asked for it has not been told
};
std::string_view to_string(WriteMoment moment);

/// A durable write on its way.
class DurableWrite {
 public:
  explicit DurableWrite(WriteName name);
  void is_written() const;
  void is_durable() const;

 private:
  WriteName name_;
};

/// Who is told of each moment, on the thread that writes; nullptr, as it is at first: nobody. For programs of tests.
using WriteHook = void (*)(std::string_view name, WriteMoment moment);
void set_write_hook(WriteHook hook) noexcept;

}  // namespace berth
