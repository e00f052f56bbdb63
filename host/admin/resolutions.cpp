#include "host/admin/resolutions.hpp"

#include <array>
#include <map>

namespace berth::admin {

namespace {

using Table = std::map<std::string, Resolution, std::less<>>;

/// "make room" -> "Make room."; a text that begins with code or the name of a file stays as it is.
std::string sentence(std::string_view cell) {
  std::string text(cell);
  const bool is_file = text.substr(0, text.find(' ')).find('.') != std::string::npos;
  if (!text.empty() && !is_file && text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 'a' + 'A');
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

/// The cells of "| a | b | c | d |"; the page has no bars inside cells.
std::array<std::string_view, 4> cells_of(std::string_view line) {
  std::array<std::string_view, 4> cells;
  for (std::string_view& cell : cells) {
    const auto begin = line.find("| ");
    if (begin == std::string_view::npos) return {};
    line.remove_prefix(begin + 2);
    const auto end = line.find(" |");
    if (end == std::string_view::npos) return {};
    cell = line.substr(0, end);
    line.remove_prefix(end + 1);
  }
  return cells;
}

Table read_page() {
  Table table;
  std::string_view rest = reasons_page();
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.starts_with("| `")) continue;
    const auto cells = cells_of(line);
    if (cells[0].size() < 3) continue;
    table.emplace(cells[0].substr(1, cells[0].size() - 2), Resolution{sentence(cells[1]), sentence(cells[3])});
  }
  return table;
}

}  // namespace

const Resolution* find_resolution(std::string_view reason) {
  static const Table table = read_page();
  const auto found = table.find(reason);
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace berth::admin
