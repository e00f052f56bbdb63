#include "crash/writes_in_source.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

namespace crash {

namespace fs = std::filesystem;

std::map<std::string, std::string> writes_in_source() {
  // database.write("name", …), const DurableWrite durable("name"), make_new_file("name", …)
  static const std::regex kName(R"((?:write\(|DurableWrite \w+\(|make_new_file\()\s*"([a-z0-9_.]+)\")");
  const fs::path source = BERTH_SOURCE_DIR;
  std::map<std::string, std::string> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source / "host")) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".cpp" && extension != ".hpp") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string code;
    for (std::string line; std::getline(in, line);) {
      const auto first = line.find_first_not_of(' ');
      if (first == std::string::npos || line.compare(first, 2, "//") != 0) code += line + "\n";
    }
    const std::string file = fs::relative(entry.path(), source).string();
    for (std::sregex_iterator match(code.begin(), code.end(), kName), end; match != end; ++match) {
      const auto [known, is_new] = found.emplace((*match)[1], file);
      if (!is_new) throw std::runtime_error("the name " + known->first + " stands in " + known->second + " and in " + file);
    }
  }
  return found;
}

}  // namespace crash
