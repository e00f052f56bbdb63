#pragma once
// A byte for each record, by its id. A run over a hundred thousand records remembers something of each; a map's node for
// each would be most of its memory. Ids of records are given in order, so pages of neighbours are nearly full.
//
// Plain data; no threads.
#include <array>
#include <cstdint>
#include <map>

namespace berth::runs {

class PerRecord {
 public:
  /// The record's byte; 0 before anything was written.
  std::uint8_t& operator[](std::int64_t record) { return pages_[record / kPage][static_cast<std::size_t>(record % kPage)]; }
  /// visit(record, byte) of every byte that is not 0, by id.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [page, bytes] : pages_) {
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] != 0) visit(page * kPage + static_cast<std::int64_t>(i), bytes[i]);
      }
    }
  }

 private:
  static constexpr std::int64_t kPage = 1024;
  std::map<std::int64_t, std::array<std::uint8_t, kPage>> pages_;
};

}  // namespace berth::runs
