// docs/reference/commands.md, made from what `berth ... --help` prints, and the commands that other pages tell to type.
#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "docs/documents.hpp"

namespace {

struct Command {
  std::string path;                                          // "ledger period close"
  std::string what;                                          // one sentence
  std::string positionals;                                   // " ID ROW ACCOUNT"
  std::vector<std::pair<std::string, std::string>> options;  // of the command alone: "--full", "list everything"
  bool is_group = false;
};

/// "  --wait INT     seconds to wait" → the two columns; options are separated from help by two blanks or more.
std::pair<std::string, std::string> columns(const std::string& line) {
  const auto begin = line.find_first_not_of(' ');
  const auto gap = line.find("  ", begin);
  if (gap == std::string::npos) return {line.substr(begin), ""};
  return {line.substr(begin, gap - begin), line.substr(line.find_first_not_of(' ', gap))};
}

/// Reads the help of one command and, below it, of all its own.
void collect(const std::string& path, std::vector<Command>& all) {
  std::istringstream lines(docs::run_berth(path + " --help"));
  Command command{path, "", "", {}, false};
  std::vector<std::string> below;
  std::string line, section;
  std::getline(lines, command.what);
  while (std::getline(lines, line)) {
    if (line.empty()) continue;
    if (line.starts_with("Usage:")) continue;
    if (line[0] != ' ') {
      section = line;
      continue;
    }
    auto [name, help] = columns(line);
    if (section == "Subcommands:") below.push_back(name);
    if (section == "Positionals:") {
      const bool is_required = name.find("REQUIRED") != std::string::npos;
      const std::string word = name.substr(0, name.find(' '));
      command.positionals += is_required ? " " + word : " [" + word + "]";
      command.options.emplace_back(word, help);
    }
    if (section == "Options:" && !name.starts_with("-h")) command.options.emplace_back(name, help);
  }
  command.is_group = !below.empty();
  REQUIRE_MESSAGE(!command.what.empty(), "berth ", path, " --help prints nothing");
  all.push_back(command);
  for (const std::string& each : below) collect(path.empty() ? each : path + " " + each, all);
}

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> found;
    collect("", found);
    return found;
  }();
  return all;
}

std::string without_type(std::string option) {
  for (const char* type : {" TEXT ...", " TEXT", " INT", " UINT", " REQUIRED"}) {
    const auto at = option.find(type);
    if (at == std::string::npos) continue;
    const std::string value = std::string_view(type) == " REQUIRED" ? "" : std::string_view(type).ends_with("INT") ? " N" : " …";
    option.replace(at, std::string(type).size(), value);
  }
  return option;
}

std::string table() {
  std::string text;
  for (const Command& command : commands()) {
    if (command.path.empty() || command.is_group) continue;
    text += "### `berth " + command.path + command.positionals + "`\n\n" + command.what + ".\n\n";
    if (command.options.empty()) continue;
    text += "| | |\n|---|---|\n";
    for (const auto& [name, help] : command.options) text += "| `" + docs::cell(without_type(name)) + "` | " + docs::cell(help) + " |\n";
    text += "\n";
  }
  return text;
}

std::string global_options() {
  std::string text = "| | |\n|---|---|\n";
  for (const auto& [name, help] : commands().front().options) {
    text += "| `" + docs::cell(without_type(name)) + "` | " + docs::cell(help) + " |\n";
  }
  return text;
}

}  // namespace

TEST_CASE("docs/reference/commands.md is what the program says of its commands and options") {
  const docs::fs::path page = docs::root() / "docs/reference/commands.md";
  docs::check_part(page, "global options", global_options());
  docs::check_part(page, "commands", table());
}

TEST_CASE("every berth command that a document tells to type exists") {
  std::set<std::string> known;
  for (const Command& command : commands()) known.insert(command.path);
  for (const docs::fs::path& page : docs::pages()) {
    for (const docs::Block& block : docs::blocks(page)) {
      if (block.language != "sh" && block.language != "console") continue;
      std::istringstream lines(block.text);
      // In a console a line that is typed begins with "$ ", the others are what comes back.
      const std::string begin = block.language == "console" ? "$ berth " : "berth ";
      for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(begin)) continue;
        std::istringstream words(line.substr(begin.size()));
        std::string path, word;
        while (words >> word) {
          if (word.starts_with('-')) {
            if (word == "-c" || word == "--config" || word == "--plugin-dir") words >> word;  // its value
            continue;
          }
          const std::string longer = path.empty() ? word : path + " " + word;
          if (!known.contains(longer)) break;
          path = longer;
        }
        CHECK_MESSAGE(!path.empty(), block.place, ": `", line, "` is no command");
      }
    }
  }
}
