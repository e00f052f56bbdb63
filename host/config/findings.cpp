#include "host/config/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "host/core/text.hpp"

namespace berth::config {
namespace {

constexpr std::size_t kExcerptMax = 160;  // a longer line is cut, and has no caret if its column is beyond

std::string_view name_of(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// Blanks as wide as the first `bytes` bytes of `line`: one for each character, tabs kept.
std::string blanks_for(std::string_view line, std::size_t bytes) {
  std::string blanks;
  for (const char c : line.substr(0, bytes)) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
    if (!continues) blanks += c == '\t' ? '\t' : ' ';
  }
  return blanks;
}

constexpr std::string_view kMask = "***";

/// The line with the values of `secret:` and `password:` left out, unless they are references. A file that cannot be
/// read as YAML still has its lines shown, and somebody may have written a secret into it.
std::string without_secrets(std::string_view line) {
  constexpr std::array<std::string_view, 2> kKeys{"secret:", "password:"};
  constexpr std::array<std::string_view, 4> kPrefixes{"env:", "file:", "vault:", "credential:"};
  std::string shown(line);
  for (const std::string_view key : kKeys) {
    for (std::size_t at = shown.find(key); at != std::string::npos; at = shown.find(key, at)) {
      at += key.size();
      const std::size_t value = std::min(shown.find_first_not_of(" \t{\"'", at), shown.size());
      const bool is_reference = std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
        return shown.compare(value, prefix.size(), prefix) == 0;
      });
      const std::size_t end = std::min(shown.find_first_of(",}", value), shown.size());
      if (!is_reference && end > value) shown.replace(value, end - value, kMask);
    }
  }
  return shown;
}

/// The line as it may be shown: what is no text becomes a question mark, byte for byte, so that columns stay.
std::string printable(std::string line) {
  for (std::size_t at = 0; at < line.size();) {
    std::size_t length = 1;
    while (length <= 4 && !is_valid_utf8(std::string_view(line).substr(at, length))) ++length;
    const bool is_control = static_cast<unsigned char>(line[at]) < 0x20 && line[at] != '\t';
    if (length > 4 || is_control || line[at] == '\x7f') {
      line[at] = '?';
      length = 1;
    }
    at += length;
  }
  return line;
}

std::string print_one(const Finding& finding) {
  std::string text;
  if (!finding.file.empty()) text += finding.file + ":";
  if (finding.line > 0) text += fmt::format("{}:{}:", finding.line, finding.column);
  if (!text.empty()) text += ' ';
  text += fmt::format("{}[{}] {}\n", name_of(finding.severity), finding.id, finding.message);
  if (finding.excerpt.empty()) return finding.hint.empty() ? text : text + fmt::format("      {}\n", finding.hint);
  text += fmt::format("{:>5} | {}\n", finding.line, shortened(finding.excerpt, kExcerptMax));
  const bool has_caret = finding.column >= 1 && finding.column <= std::min(finding.excerpt.size() + 1, kExcerptMax);
  if (has_caret) {
    text += fmt::format("      | {}^", blanks_for(finding.excerpt, finding.column - 1));
    text += finding.hint.empty() ? "\n" : " " + finding.hint + "\n";
  } else if (!finding.hint.empty()) {
    text += fmt::format("      | {}\n", finding.hint);
  }
  return text;
}

}  // namespace

std::string_view Source::line(std::size_t number) const {
  std::string_view rest = text;
  for (std::size_t i = 1; i < number; ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  if (number == 0) return {};
  std::string_view found = rest.substr(0, rest.find('\n'));
  if (!found.empty() && found.back() == '\r') found.remove_suffix(1);
  return found;
}

std::string Place::to_string() const {
  if (!source) return "";
  return line == 0 ? source->file : fmt::format("{}:{}:{}", source->file, line, column);
}

void Findings::error(const Place& place, std::string id, std::string message, std::string hint) {
  add_at(Severity::kError, place, std::move(id), std::move(message), std::move(hint));
}

void Findings::warning(const Place& place, std::string id, std::string message, std::string hint) {
  add_at(Severity::kWarning, place, std::move(id), std::move(message), std::move(hint));
}

void Findings::add_at(Severity severity, const Place& place, std::string id, std::string message, std::string hint) {
  Finding finding{severity, std::move(id), "", place.line, place.column, std::move(message), "", std::move(hint)};
  if (place.source) finding.file = place.source->file;
  // Finding the line walks the file; not for findings that are only counted.
  if (place.source && findings_.size() < kFindingsMax)
    finding.excerpt = printable(without_secrets(place.source->line(place.line)));
  add(std::move(finding));
}

void Findings::add(Finding finding) {
  ++(finding.severity == Severity::kError ? errors_ : warnings_);
  if (findings_.size() < kFindingsMax) findings_.push_back(std::move(finding));
}

void Findings::mask(std::string_view secret) {
  constexpr std::size_t kSecretMin = 4;  // a shorter one would blot out half of every message
  if (secret.size() < kSecretMin) return;
  for (Finding& finding : findings_) {
    finding.message = replace_all(std::move(finding.message), secret, kMask);
    finding.excerpt = replace_all(std::move(finding.excerpt), secret, kMask);
    finding.hint = replace_all(std::move(finding.hint), secret, kMask);
  }
}

std::vector<const Finding*> Findings::sorted() const {
  std::vector<const Finding*> order;
  order.reserve(findings_.size());
  for (const Finding& finding : findings_) order.push_back(&finding);
  // The address last: findings of one place stay in the order in which they were found.
  std::sort(order.begin(), order.end(), [](const Finding* a, const Finding* b) {
    return std::tie(a->severity, a->file, a->line, a->column, a) <
           std::tie(b->severity, b->file, b->line, b->column, b);
  });
  return order;
}

std::string Findings::print() const {
  if (empty()) return "";
  std::string text;
  for (const Finding* finding : sorted()) text += print_one(*finding);
  const std::size_t left_out = errors_ + warnings_ - findings_.size();
  if (left_out > 0) text += fmt::format("... and {} more\n", left_out);
  return text + fmt::format("{}, {}\n", counted(errors_, "error"), counted(warnings_, "warning"));
}

json::Value Findings::to_json() const {
  json::Value list = json::Value::array();
  for (const Finding* finding : sorted()) {
    json::Value item = json::Value::object();
    item.set("severity", name_of(finding->severity));
    item.set("id", finding->id);
    item.set("file", finding->file);
    item.set("line", finding->line);
    item.set("column", finding->column);
    item.set("message", finding->message);
    item.set("hint", finding->hint);
    list.push_back(std::move(item));
  }
  return list;
}

std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates) {
  const std::string near = nearest(text, candidates);
  return near.empty() ? "" : fmt::format("did you mean `{}`?", near);
}

}  // namespace berth::config
