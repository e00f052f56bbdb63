#pragma once
// A folder with a configuration, a plugin that is only files, and the command line run inside this process.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "host/cli/main.hpp"

namespace berth::test {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    auto pattern = (fs::temp_directory_path() / "berth-cli-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  /// plugins/zoho_books: manifest, phases and mapping of the connector, and no library.
  void add_connector() const {
    const fs::path source = fs::path(BERTH_SOURCE_DIR) / "plugins/zoho_books";
    for (const char* name : {"plugin.yaml", "phases.yaml", "mapping.yaml", "reasons.yaml"}) write(std::string("plugins/zoho_books/") + name, read_file(source / name));
  }
  /// berth.yaml of one company and one integration, with `more` below the integration.
  [[nodiscard]] std::string add_configuration(const std::string& more = "", const std::string& plugin = "zoho_books") const {
    write("accounts.yaml", "accounts:\n  - {id: sales, name: Sales, type: income}\n");
    const std::string text =
        "berth: 1\n"
        "vault: {key: file:./vault.key}\n"
        "plugins: {paths: [./plugins]}\n"
        "companies:\n"
        "  - {id: main, base_currency: USD, accounts: ./accounts.yaml}\n"
        "integrations:\n"
        "  - id: zoho\n"
        "    plugin: " + plugin + "\n"
        "    company: main\n" + more;
    write("berth.yaml", text);
    return *this / "berth.yaml";
  }

 private:
  fs::path path_;
};

struct Outcome {
  int exit = -1;
  std::string out, err;
};

/// Runs `berth` with these arguments; what it prints is caught.
inline Outcome berth(std::vector<std::string> arguments) {
  const Folder folder;
  Outcome outcome;
  arguments.insert(arguments.begin(), "berth");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  std::fflush(nullptr);
  const int kept_out = ::dup(STDOUT_FILENO);
  const int kept_err = ::dup(STDERR_FILENO);
  std::FILE* out = std::fopen((folder / "out").c_str(), "wb");
  std::FILE* err = std::fopen((folder / "err").c_str(), "wb");
  REQUIRE((out != nullptr && err != nullptr && kept_out >= 0 && kept_err >= 0));
  ::dup2(::fileno(out), STDOUT_FILENO);
  ::dup2(::fileno(err), STDERR_FILENO);
  outcome.exit = cli::run(static_cast<int>(argv.size()), argv.data());
  std::fflush(nullptr);
  ::dup2(kept_out, STDOUT_FILENO);
  ::dup2(kept_err, STDERR_FILENO);
  for (std::FILE* file : {out, err}) std::fclose(file);
  for (const int descriptor : {kept_out, kept_err}) ::close(descriptor);
  outcome.out = read_file(folder / "out");
  outcome.err = read_file(folder / "err");
  return outcome;
}

}  // namespace berth::test
