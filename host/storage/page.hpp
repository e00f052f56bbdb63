#pragma once
// Lists are read in pages: a limit and the place after which to go on. Every list of this folder uses these two.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace berth::storage {

constexpr std::size_t kPageRowsMax = 1000;

struct PageRequest {
  std::string after{};      // `next` of the page before; "" = from the start
  std::size_t limit = 100;  // cut to kPageRowsMax
  [[nodiscard]] std::size_t rows() const { return std::clamp<std::size_t>(limit, 1, kPageRowsMax); }
};

template <class T>
struct Page {
  std::vector<T> items{};
  std::string next{};  // "" = this was the last page
};

}  // namespace berth::storage
