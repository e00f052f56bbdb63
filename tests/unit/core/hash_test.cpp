#include "host/core/hash.hpp"

#include <doctest/doctest.h>

#include <set>

#include "host/core/random.hpp"
#include "host/core/secret.hpp"

using namespace berth;

TEST_CASE("hashes agree with the published test vectors") {
  // FIPS 180-2, appendix B.1, and the BLAKE2 reference implementation (b2sum -l 256).
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(blake2b_hex("abc") == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST_CASE("encodings go there and back, and refuse what they did not write") {
  const std::string bytes("\x00\xFF\x10 any", 7);
  CHECK(to_hex(bytes) == "00ff1020616e79");
  CHECK(from_hex("00ff1020616e79") == bytes);
  CHECK(from_hex("") == "");
  for (const char* bad : {"0", "0g", "00 f", "zz"}) CHECK_FALSE(from_hex(bad).has_value());
  CHECK(to_base64url("\xFB\xFF") == "-_8");
  CHECK(from_base64url("-_8") == "\xFB\xFF");
  CHECK(from_base64url("") == "");
  for (const char* bad : {"-_8=", "+/8", "a", "-_8 ", "@@@@"}) CHECK_FALSE(from_base64url(bad).has_value());
  for (std::size_t size = 0; size < 20; ++size) {
    const std::string text(size, 'x');
    CHECK(from_base64url(to_base64url(text)) == text);
  }
}

TEST_CASE("comparison in constant time compares") {
  CHECK(equal_constant_time("abc", "abc"));
  CHECK(equal_constant_time("", ""));
  CHECK_FALSE(equal_constant_time("abc", "abd"));
  CHECK_FALSE(equal_constant_time("abc", "ab"));
}

TEST_CASE("seeded randomness repeats itself and system randomness does not") {
  SeededRandom a(1);
  SeededRandom b(1);
  CHECK(a.token(16) == b.token(16));
  SystemRandom system;
  CHECK(system.token(16) != system.token(16));
  CHECK(system.token(32).size() == 43);
}

TEST_CASE("random numbers stay in their range and reach all of it") {
  SeededRandom random(2);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 500; ++i) {
    const std::uint64_t value = random.below(7);
    CHECK(value < 7);
    seen.insert(value);
    const double share = random.share();
    CHECK(share >= 0.0);
    CHECK(share < 1.0);
  }
  CHECK(seen.size() == 7);
}

TEST_CASE("ids carry their prefix and sort by the time of making") {
  SeededRandom random(3);
  ManualClock clock({1'700'000'000'000});
  const std::string first = new_id("run", clock, random);
  const std::string second = new_id("run", clock, random);
  clock.advance(std::chrono::milliseconds(1));
  const std::string later = new_id("run", clock, random);
  CHECK(first.size() == 30);
  CHECK(first.substr(0, 16) == "run_018bcfe56800");
  CHECK(first != second);
  CHECK(later > first);
  CHECK(later > second);
}

TEST_CASE("a secret is empty after it was moved away") {
  Secret secret("hunter2");
  const Secret copy = secret;
  const Secret moved = std::move(secret);
  CHECK(secret.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  CHECK(copy.reveal() == "hunter2");
  CHECK(moved.reveal() == "hunter2");
}
