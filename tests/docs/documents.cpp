#include "docs/documents.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

namespace docs {

fs::path root() {
  return BERTH_SOURCE_DIR;
}

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE_MESSAGE(stream.good(), file.string(), " cannot be read");
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<fs::path> pages() {
  std::vector<fs::path> found{root() / "README.md"};
  for (const fs::directory_entry& each : fs::recursive_directory_iterator(root() / "docs")) {
    if (each.path().extension() == ".md") found.push_back(each.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string shown(const fs::path& file) {
  return fs::relative(file, root()).string();
}

std::vector<Block> blocks(const fs::path& page) {
  std::vector<Block> found;
  std::istringstream lines(read(page));
  std::string line;
  bool is_inside = false;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (line.starts_with("```")) {
      is_inside = !is_inside;
      if (!is_inside) continue;
      std::istringstream words(line.substr(3));
      Block block{shown(page) + ":" + std::to_string(number), "", "", ""};
      words >> block.language >> block.note;
      found.push_back(std::move(block));
    } else if (is_inside) {
      found.back().text += line + "\n";
    }
  }
  CHECK_MESSAGE(!is_inside, shown(page), ": a fenced block is never closed");
  return found;
}

void check_part(const fs::path& page, std::string_view name, std::string_view made) {
  const std::string begin = "<!-- generated: " + std::string(name) + " -->\n";
  const std::string end = "<!-- end -->";
  std::string text = read(page);
  const auto from = text.find(begin);
  REQUIRE_MESSAGE(from != std::string::npos, shown(page), " has no part ", name);
  const auto inside = from + begin.size();
  const auto to = text.find(end, inside);
  REQUIRE_MESSAGE(to != std::string::npos, shown(page), ": the part ", name, " has no end");
  const char* update = std::getenv("BERTH_UPDATE_GENERATED");
  if (update != nullptr && std::string_view(update) == "1") {
    text.replace(inside, to - inside, made);
    std::ofstream(page, std::ios::binary) << text;
    return;
  }
  CHECK_MESSAGE(text.substr(inside, to - inside) == made, shown(page), ": the part ", name,
                " is not current; run this test with BERTH_UPDATE_GENERATED=1");
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string run_berth(const std::string& arguments) {
  const std::string command = std::string(BERTH_BINARY_DIR) + "/bin/berth " + arguments + " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE_MESSAGE(pipe != nullptr, command, " cannot be started");
  std::string out;
  std::array<char, 4096> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) out.append(buffer.data(), size);
  return out;
}

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "berth_docs.XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TempFolder::write(const std::string& name, std::string_view text) const {
  const fs::path file = path_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

}  // namespace docs
