#include "host/http/readable.hpp"

#include "host/core/text.hpp"

namespace berth::http {
namespace {

/// A body is looked at no further than this.
constexpr std::size_t kBeginBytes = 4'096;
constexpr std::size_t kQuotedBytes = 120;

/// The words of an HTML page, without its tags, scripts and styles.
std::string words_of_html(std::string_view html) {
  std::string words;
  const auto lower = lower_ascii(html);
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] != '<') {
      words += html[at++];
      continue;
    }
    std::size_t from = at;
    for (const std::string_view name : {std::string_view("script"), std::string_view("style")}) {
      if (lower.compare(at + 1, name.size(), name) == 0) from = std::min(lower.find("</", at), html.size());
    }
    at = std::min(html.find('>', from), html.size() - 1) + 1;
    words += ' ';
  }
  return words;
}

/// What a body is that is no text; empty for text. Its bytes help nobody and would spoil a terminal.
std::string_view kind_of_bytes(std::string_view begin) {
  if (begin.starts_with("\x1f\x8b")) return "not text but gzip data (packed twice?)";
  if (begin.starts_with("PK\x03\x04")) return "not text but a ZIP archive";
  if (begin.starts_with("%PDF-")) return "not JSON but a PDF";
  if (begin.find('\0') != std::string_view::npos) return "not text but binary data";
  return {};
}

}  // namespace

std::string instead_of_json(std::string_view body, std::string_view parse_error) {
  if (trim(body).empty()) return "an empty body";
  const auto begin = body.substr(0, kBeginBytes);
  if (trim(begin).starts_with('<')) {
    const auto words = one_line(words_of_html(begin), kQuotedBytes);
    return words.empty() ? "an HTML page" : "an HTML page: \"" + words + "\"";
  }
  if (const auto kind = kind_of_bytes(begin); !kind.empty()) return std::string(kind);
  return one_line(parse_error, kQuotedBytes) + "; it begins with \"" + one_line(begin.substr(0, 400), 40) + "\"";
}

}  // namespace berth::http
