#pragma once
// The documents as the tests of this folder see them: files, fenced blocks, and parts that the code generates.
//
// A generated part stands between two comments and is written by the test when BERTH_UPDATE_GENERATED=1:
//
//   <!-- generated: keys -->
//   ...
//   <!-- end -->
//
// A fenced block of YAML is a whole file and has to load, unless the word behind `yaml` says otherwise: `fragment` (a
// part of a file, which has to be YAML all the same) or `wrong` (a file with a mistake, which has to be refused).
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace docs {

namespace fs = std::filesystem;

/// The root of the repository.
[[nodiscard]] fs::path root();
[[nodiscard]] std::string read(const fs::path& file);
/// README.md and every page under docs/, sorted; readers of other folders link to them.
[[nodiscard]] std::vector<fs::path> pages();
/// "docs/operator/mapping.md".
[[nodiscard]] std::string shown(const fs::path& file);

struct Block {
  std::string place;     // "docs/operator/mapping.md:12"
  std::string language;  // "yaml"
  std::string note;      // "fragment"; mostly empty
  std::string text;
};
[[nodiscard]] std::vector<Block> blocks(const fs::path& page);

/// Fails when the part `name` of the page is not `made`; with BERTH_UPDATE_GENERATED=1 writes it instead.
void check_part(const fs::path& page, std::string_view name, std::string_view made);

/// "a | b" → "a \| b": text for a cell of a table.
[[nodiscard]] std::string cell(std::string_view text);

/// What the program prints on standard output with these arguments. Fails the test when it cannot be started.
[[nodiscard]] std::string run_berth(const std::string& arguments);

/// A folder that goes away with this object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  void write(const std::string& name, std::string_view text) const;

 private:
  fs::path path_;
};

}  // namespace docs
