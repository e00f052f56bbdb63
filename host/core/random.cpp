#include "host/core/random.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <cstring>

#include "host/core/assert.hpp"
#include "host/core/hash.hpp"
#include "host/core/sodium.hpp"

namespace berth {

void ensure_sodium() {
  static const int ready = sodium_init();
  BERTH_ASSERT(ready >= 0, "libsodium finds a source of randomness");
}

std::uint64_t Random::next() {
  std::uint64_t value = 0;
  fill(&value, sizeof value);
  return value;
}

std::uint64_t Random::below(std::uint64_t limit) {
  BERTH_ASSERT(limit > 0, "a random number needs a range");
  // Values below 2^64 mod limit are refused, so that every remainder is equally likely; on average fewer than two
  // draws.
  const std::uint64_t refused = (0 - limit) % limit;
  while (true) {
    const std::uint64_t value = next();
    if (value >= refused) return value % limit;
  }
}

double Random::share() {
  constexpr double kStep = 1.0 / 9007199254740992.0;  // 2^-53, the spacing of doubles below 1
  return static_cast<double>(next() >> 11U) * kStep;
}

std::string Random::token(std::size_t bytes) {
  std::string raw(bytes, '\0');
  fill(raw.data(), raw.size());
  std::string text = to_base64url(raw);
  sodium_memzero(raw.data(), raw.size());  // tokens are often secrets
  return text;
}

SystemRandom::SystemRandom() {
  ensure_sodium();
}

void SystemRandom::fill(void* bytes, std::size_t size) {
  randombytes_buf(bytes, size);
}

void SeededRandom::fill(void* bytes, std::size_t size) {
  const std::lock_guard lock(mutex_);
  auto* out = static_cast<unsigned char*>(bytes);
  while (size > 0) {
    const std::uint64_t word = engine_();
    const std::size_t taken = size < sizeof word ? size : sizeof word;
    std::memcpy(out, &word, taken);
    out += taken;
    size -= taken;
  }
}

std::string new_id(std::string_view prefix, const Clock& clock, Random& random) {
  constexpr std::uint64_t kTimeMask = (1ULL << 48U) - 1;
  constexpr std::uint64_t kRandomMask = (1ULL << 56U) - 1;
  const auto time = static_cast<std::uint64_t>(clock.now().unix_ms) & kTimeMask;
  return fmt::format("{}_{:012x}{:014x}", prefix, time, random.next() & kRandomMask);
}

}  // namespace berth
