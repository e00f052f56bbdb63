// The table of allowed dependencies, held against every #include of host/. The same table stands in
// docs/architecture.md and, as link lines, in host/CMakeLists.txt.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<fs::path> sources(const fs::path& folder) {
  std::vector<fs::path> found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".cpp" || extension == ".hpp" || extension == ".h" || extension == ".c")) {
      found.push_back(entry.path());
    }
  }
  return found;
}

/// Names inside #include "..." and #include <...>, with their line numbers.
std::vector<std::pair<int, std::string>> includes(const fs::path& path) {
  std::vector<std::pair<int, std::string>> found;
  std::istringstream in(read(path));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.rfind("#include", 0) != 0) continue;
    const auto from = line.find_first_of("\"<");
    const auto to = line.find_first_of("\">", from + 1);
    if (from != std::string::npos && to != std::string::npos) found.emplace_back(number, line.substr(from + 1, to - from - 1));
  }
  return found;
}

/// `folder <- a b c` lines of docs/architecture.md.
std::map<std::string, std::set<std::string>> allowed_from_document(const fs::path& root) {
  std::map<std::string, std::set<std::string>> table;
  std::istringstream in(read(root / "docs/architecture.md"));
  std::string line;
  while (std::getline(in, line)) {
    const auto arrow = line.find(" <- ");
    if (arrow == std::string::npos) continue;
    std::istringstream name(line.substr(0, arrow));
    std::string folder;
    name >> folder;
    std::istringstream used(line.substr(arrow + 4));
    std::string word;
    while (used >> word) table[folder].insert(word);
    table[folder].insert(folder);
  }
  return table;
}

const fs::path kRoot = BERTH_SOURCE_DIR;

}  // namespace

TEST_CASE("a folder of host/ includes only the folders that the table allows") {
  const auto allowed = allowed_from_document(kRoot);
  REQUIRE(allowed.size() > 10);
  std::size_t checked = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "host")) {
    if (!entry.is_directory()) continue;
    const std::string folder = entry.path().filename();
    INFO("folder ", folder);
    REQUIRE(allowed.count(folder) == 1);
    for (const auto& file : sources(entry.path())) {
      for (const auto& [line, name] : includes(file)) {
        if (name.rfind("host/", 0) != 0) continue;
        const std::string used = name.substr(5, name.find('/', 5) - 5);
        INFO(fs::relative(file, kRoot).string(), ":", line, " includes ", name);
        CHECK(allowed.at(folder).count(used) == 1);
        ++checked;
      }
    }
  }
  CHECK(checked > 50);
}

TEST_CASE("third-party libraries stay in their corner") {
  // prefix of the include -> folders of the repository that may have it
  const std::vector<std::pair<std::string, std::vector<std::string>>> corners = {
      {"Poco/Net/", {"host/http", "host/server"}},
      {"Poco/Data/", {"host/storage"}},
      {"sqlite3.h", {"host/storage"}},
      {"zstd.h", {"host/storage"}},
      {"yaml-cpp/", {"host/config"}},
      {"boost/dll", {"host/plugins"}},
      {"seccomp.h", {"host/plugins"}},
      {"boost/json", {"plugin-sdk/json"}},
      {"CLI/", {"host/cli"}},
      {"spdlog/", {"host/telemetry"}},
      {"prometheus/", {"host/telemetry"}},
      {"date/", {"host/core"}},
      {"sodium.h", {"host/core", "host/vault"}},
  };
  for (const char* top : {"host", "plugin-sdk", "plugins"}) {
    for (const auto& file : sources(kRoot / top)) {
      const std::string relative = fs::relative(file, kRoot).string();
      for (const auto& [line, name] : includes(file)) {
        for (const auto& [prefix, folders] : corners) {
          if (name.rfind(prefix, 0) != 0) continue;
          bool is_allowed = false;
          for (const auto& folder : folders) is_allowed = is_allowed || relative.rfind(folder + "/", 0) == 0;
          INFO(relative, ":", line, " includes ", name);
          CHECK(is_allowed);
        }
      }
    }
  }
}

TEST_CASE("the plugin side never includes the host, and the plugin never includes the simulator") {
  for (const char* top : {"plugin-sdk", "plugins"}) {
    for (const auto& file : sources(kRoot / top)) {
      for (const auto& [line, name] : includes(file)) {
        INFO(fs::relative(file, kRoot).string(), ":", line, " includes ", name);
        CHECK(name.rfind("host/", 0) != 0);
        CHECK(name.find("zoho_sim") == std::string::npos);
      }
    }
  }
  for (const auto& file : sources(kRoot / "tests/zoho_sim")) {
    if (file.string().find("/tests/zoho_sim/tests/") != std::string::npos || file.string().find("adapter") != std::string::npos) continue;
    for (const auto& [line, name] : includes(file)) {
      INFO(fs::relative(file, kRoot).string(), ":", line, " includes ", name);
      CHECK(name.rfind("host/", 0) != 0);
      CHECK(name.rfind("berth/", 0) != 0);
    }
  }
}

TEST_CASE("no floating point holds an amount in mapping, documents or the ledger") {
  for (const char* folder : {"host/documents", "host/mapping", "host/ledger", "plugin-sdk/json"}) {
    for (const auto& file : sources(kRoot / folder)) {
      std::istringstream in(read(file));
      std::string line;
      for (int number = 1; std::getline(in, line); ++number) {
        const auto comment = line.find("//");
        const std::string code = line.substr(0, comment);
        INFO(fs::relative(file, kRoot).string(), ":", number, ": ", line);
        CHECK(code.find("double ") == std::string::npos);
        CHECK(code.find("float ") == std::string::npos);
        CHECK(code.find("stod(") == std::string::npos);
      }
    }
  }
}
