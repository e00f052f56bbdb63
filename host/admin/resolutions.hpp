#pragma once
// Cause and resolution of every reason id: the table of docs/reference/reasons.md, which is built into the program, so
// that an error says the same on a terminal, in the REST API and in the pages. Plain data, any thread.
#include <string>
#include <string_view>

namespace berth::admin {

struct Resolution {
  std::string cause;       // "The disk is full."
  std::string what_to_do;  // "Make room on that disk; nothing was lost."
};

/// nullptr for a reason that the page does not have, such as one of a plugin that does not come with Berth.
[[nodiscard]] const Resolution* find_resolution(std::string_view reason);

/// The page as it was when this program was built.
[[nodiscard]] std::string_view reasons_page();

}  // namespace berth::admin
