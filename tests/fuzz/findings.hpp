#pragma once
// What holds for the findings of any file. Fuzz targets only.
#include <algorithm>
#include <string_view>

#include "fuzz/fuzz.hpp"
#include "host/config/findings.hpp"
#include "host/core/text.hpp"

namespace berth::fuzz {

/// Whether a line and a column, from 1, lie in a text; the column behind the last character and the line behind the
/// last line count, because something may be missing there. A byte order mark is not part of a text.
inline bool is_inside(std::string_view text, std::size_t line, std::size_t column) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (line == 0 || column == 0) return false;
  for (std::size_t i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return i + 1 == line && column == 1;
    text.remove_prefix(end + 1);
  }
  return column <= std::min(text.find('\n'), text.size()) + 1;
}

/// Findings of a text, those of the file alone.
inline void check_findings(const config::Findings& findings, std::string_view text, std::string_view file) {
  for (const auto& finding : findings.all()) {
    const std::string shown = findings.print();
    FUZZ_CHECK(is_reason_id(finding.id), shown);
    FUZZ_CHECK(!finding.message.empty() && finding.file == file, shown);
    // Nothing but the whole file: too large, not UTF-8.
    const bool is_of_file = finding.line == 0 && finding.column == 0;
    FUZZ_CHECK(is_of_file || is_inside(text, finding.line, finding.column), shown);
    if (!is_of_file) FUZZ_CHECK(is_valid_utf8(finding.message) && is_valid_utf8(finding.hint), shown);
  }
  FUZZ_CHECK(findings.empty() == findings.print().empty(), findings.print());
  FUZZ_CHECK(findings.to_json().size() == findings.all().size(), findings.print());
}

}  // namespace berth::fuzz
