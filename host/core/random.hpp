#pragma once
// Randomness and ids. Secrets and ids come from SystemRandom (the kernel, through libsodium); tests use SeededRandom.
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

#include "host/core/time.hpp"

namespace berth {

/// [any thread]
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* bytes, std::size_t size) = 0;
  [[nodiscard]] std::uint64_t next();
  /// Evenly from 0 to below `limit`; limit > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit);
  /// A share in [0, 1), for jitter only.
  [[nodiscard]] double share();
  /// `bytes` random bytes as base64url without padding.
  [[nodiscard]] std::string token(std::size_t bytes);
};

class SystemRandom final : public Random {
 public:
  SystemRandom();
  void fill(void* bytes, std::size_t size) override;
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(void* bytes, std::size_t size) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

/// "run_0199c3e2b7a1f3d4c5a6978812": prefix, 48 bits of milliseconds, 56 random bits; sorts by time of making.
std::string new_id(std::string_view prefix, const Clock& clock, Random& random);

}  // namespace berth
