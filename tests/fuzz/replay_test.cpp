// Runs every input that is kept through its fuzz target, in every build: the targets go on compiling, and a bug that a
// fuzzer once found is found again by the ordinary tests. A check that fails aborts; the input is named before it runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace berth::fuzz {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(BERTH_SOURCE_DIR) / "tests" / "fuzz";

std::vector<fs::path> inputs_of(std::string_view folder, std::string_view target) {
  std::vector<fs::path> files;
  const fs::path inputs = kFolder / folder / target;
  if (!fs::is_directory(inputs)) return files;
  for (const auto& entry : fs::directory_iterator(inputs)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void replay(const Target& target, const std::vector<fs::path>& files) {
  for (const auto& file : files) {
    INFO("input: ", file.string());
    std::ifstream in(file, std::ios::binary);
    REQUIRE(in.good());
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    target.run(bytes);
  }
}

std::set<std::string> names_in(const fs::path& folder, bool without_extension) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.insert((without_extension ? entry.path().stem() : entry.path().filename()).string());
  return names;
}

TEST_CASE("every input that a fuzzer once failed on passes now") {
  for (const Target& target : kTargets) replay(target, inputs_of("regressions", target.name));
}

TEST_CASE("every target takes its seeds, and an empty input") {
  for (const Target& target : kTargets) {
    CAPTURE(std::string(target.name));
    const auto seeds = inputs_of("corpus", target.name);
    CHECK(seeds.size() >= 3);
    replay(target, seeds);
    target.run("");
  }
}

TEST_CASE("every target takes its seeds cut short and with a byte changed") {
  // A fuzzer in small, for builds without one: every eighth of the input as its end, and a bit turned there.
  for (const Target& target : kTargets) {
    for (const auto& file : inputs_of("corpus", target.name)) {
      INFO("input: ", file.string());
      std::ifstream in(file, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      for (std::size_t part = 1; part < 8; ++part) {
        const std::size_t at = bytes.size() * part / 8;
        if (at >= bytes.size()) continue;
        target.run(std::string_view(bytes).substr(0, at));
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ (1 << part));
        target.run(changed);
      }
    }
  }
}

TEST_CASE("the list of targets, their files, seeds and dictionaries agree") {
  std::set<std::string> listed;
  for (const Target& target : kTargets) listed.emplace(target.name);
  CHECK(listed == names_in(kFolder / "targets", true));
  CHECK(listed == names_in(kFolder / "corpus", false));
  for (const auto& name : names_in(kFolder / "dictionaries", true)) CHECK(listed.contains(name));
  for (const auto& name : names_in(kFolder / "regressions", false)) CHECK(listed.contains(name));
}

}  // namespace
}  // namespace berth::fuzz
