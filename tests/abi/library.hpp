#pragma once
// A built plugin, opened for a test and never closed (a plugin is loaded for the life of the process).
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "berth/abi/abi.h"
#include "berth/failure.hpp"

namespace abi_test {

using Entry = const berth_plugin* (*)(const berth_identity*, berth_error*);

inline std::filesystem::path folder_of(const std::string& root, const std::string& plugin) {
  return std::filesystem::path(BERTH_BINARY_DIR) / root / plugin;
}

inline void* open_plugin(const std::string& root, const std::string& plugin) {
  const auto file = folder_of(root, plugin) / ("lib" + plugin + ".so");
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE_MESSAGE(library != nullptr, dlerror());
  return library;
}

inline Entry entry_of(const std::string& root, const std::string& plugin) {
  return reinterpret_cast<Entry>(dlsym(open_plugin(root, plugin), BERTH_ENTRY_SYMBOL));
}

inline berth_identity host_identity() {
  return {sizeof(berth_identity), BERTH_ABI_MAJOR, BERTH_ABI_MINOR, 0, {"test", 4}, {"1.0.0", 5}};
}

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), file.string());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace abi_test
