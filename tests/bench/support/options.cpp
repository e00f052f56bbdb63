#include "bench/support/options.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

bool is_option(int argc, char** argv, int& i, const char* name) {
  if (std::strcmp(argv[i], name) != 0 || i + 1 >= argc) return false;
  ++i;
  return true;
}

void read_options(int argc, char** argv, const std::vector<std::pair<const char*, int*>>& numbers) {
  for (int i = 1; i < argc; ++i) {
    const bool is_read = std::any_of(numbers.begin(), numbers.end(), [&](const auto& one) {
      if (!is_option(argc, argv, i, one.first)) return false;
      *one.second = std::atoi(argv[i]);
      return *one.second > 0;
    });
    if (is_read) continue;
    std::string usage;
    for (const auto& [name, value] : numbers) usage += " [" + std::string(name) + " N]";
    std::fprintf(stderr, "usage: %s%s\n", argv[0], usage.c_str());
    std::exit(2);
  }
}

}  // namespace bench
