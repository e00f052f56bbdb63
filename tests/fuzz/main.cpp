// One target as a libFuzzer program; BERTH_FUZZ_RUN is the target's function.
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  berth::fuzz::BERTH_FUZZ_RUN(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
