#include "tests/zoho_sim/gzip.hpp"

#include <zlib.h>

#include <array>
#include <stdexcept>

namespace zoho_sim {
namespace {

constexpr std::size_t kBlockBytes = 1U << 20U;

// A gzip stream that is written in parts.
class Packer {
 public:
  Packer() {
    constexpr int kGzipWindow = 15 + 16;
    if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::runtime_error("zlib does not start");
  }
  ~Packer() { deflateEnd(&stream_); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  void add(std::string_view text, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    std::array<char, 65536> piece{};
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = static_cast<uInt>(piece.size());
      deflate(&stream_, flush);
      packed_.append(piece.data(), piece.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }
  std::string take() { return std::move(packed_); }

 private:
  z_stream stream_{};
  std::string packed_;
};

}  // namespace

std::string gzip(std::string_view text) {
  Packer packer;
  packer.add(text, Z_FINISH);
  return packer.take();
}

std::string gzip_bomb(std::size_t bytes) {
  Packer packer;
  packer.add(R"({"code":0,"message":"success","invoices":[],"padding":)", Z_NO_FLUSH);
  const std::string blanks(kBlockBytes, ' ');
  for (std::size_t made = 0; made < bytes; made += kBlockBytes) packer.add(blanks, Z_NO_FLUSH);
  packer.add("0}", Z_FINISH);
  return packer.take();
}

}  // namespace zoho_sim
