#include "bench/support/table.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace bench {

namespace {

std::string prefix;

void line(std::string_view name, const char* value, std::string_view unit) {
  std::printf("  %-52s  %14s %s\n", (prefix + std::string(name)).c_str(), value, std::string(unit).c_str());
  std::fflush(stdout);
}

}  // namespace

void set_prefix(std::string_view text) { prefix = text; }

void print_title(std::string_view title) { std::printf("%.*s\n", static_cast<int>(title.size()), title.data()); }

void print(std::string_view name, std::int64_t value, std::string_view unit) { line(name, std::to_string(value).c_str(), unit); }

void print(std::string_view name, double value, std::string_view unit) {
  char text[40];
  std::snprintf(text, sizeof text, value < 100 ? "%.3f" : "%.1f", value);
  line(name, text, unit);
}

void print_machine() {
  std::string model = "unknown processor";
  std::ifstream info("/proc/cpuinfo");
  for (std::string text; std::getline(info, text);) {
    if (text.starts_with("model name")) {
      model = text.substr(text.find(':') + 2);
      break;
    }
  }
  utsname system = {};
  uname(&system);
  std::printf("machine: %s, %ld processors, %ld MiB, Linux %s, gcc %s\n", model.c_str(), sysconf(_SC_NPROCESSORS_ONLN),
              sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024), system.release, __VERSION__);
}

}  // namespace bench
