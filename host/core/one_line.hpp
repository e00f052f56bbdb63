#pragma once
// Text that somebody else wrote (a remote, a plugin, whoever follows a link), made fit for a message, a log line and a
// terminal. Pure; any thread.
#include <cstddef>
#include <string>
#include <string_view>

namespace berth {

/// At most `limit` bytes of printable UTF-8: control characters and broken UTF-8 become "?", white space one blank. A
/// message that quotes such a text cannot begin a second log line with it, or move a terminal's cursor.
[[nodiscard]] std::string one_line(std::string_view bytes, std::size_t limit);

}  // namespace berth
