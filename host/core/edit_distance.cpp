#include "host/core/edit_distance.hpp"

#include <algorithm>
#include <vector>

#include "host/core/text.hpp"

namespace berth {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string near_miss(std::string_view name, std::span<const std::string> candidates) {
  const std::string near = nearest(name, candidates);
  if (near.empty()) return near;
  const std::size_t allowed = name.size() < 8 ? 1 : 2;
  return edit_distance(lower_ascii(name), lower_ascii(near)) <= allowed ? near : std::string();
}

std::string near_miss_hint(std::string_view name, std::string_view near) {
  if (near.empty()) return {};
  std::string hint = "nearest: \"";
  hint += near;
  hint += lower_ascii(near) == lower_ascii(name) ? "\" (differs in case)" : "\"";
  return hint;
}

}  // namespace berth
