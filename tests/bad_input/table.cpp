#include "bad_input/table.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace bad_input {

namespace fs = std::filesystem;

namespace {

const fs::path kReference = fs::path(BERTH_SOURCE_DIR) / "docs/reference";
const fs::path kPage = kReference / "bad-input.md";

constexpr std::string_view kHead =
    "# Bad input, and what Berth says to it\n"
    "\n"
    "Each row was made by a test: it makes the bad input, runs the command with the real program, and enters here what was printed. Folders, ports,\n"
    "times and ids are replaced by fixed ones. In every case the program ends by itself, no stored record is lost, and the same command works again when\n"
    "the input is mended. Cause and resolution are those of [Reasons](reasons.md). The table of phases, with which `berth sync` begins, and lines of the log are left out.\n";

struct Title {
  Section section;
  const char* text;
};
constexpr Title kTitles[] = {
    {Section::kFiles, "Configuration and rules files"},   {Section::kSecrets, "Secrets and the vault"},
    {Section::kPlugins, "Plugins"},                       {Section::kDatabase, "Data folder and database"},
    {Section::kMachine, "Machine and other processes"},   {Section::kAnswers, "Answers of the remote system"},
    {Section::kBodies, "Bodies and headers of answers"}, {Section::kTokens, "Tokens and the clock"},
};

std::vector<const Row*>& registry() {
  static std::vector<const Row*> rows;
  return rows;
}

bool is_updating() {
  const char* update = std::getenv("BERTH_UPDATE_GENERATED");
  return update != nullptr && std::string_view(update) == "1";
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; !from.empty() && (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

/// Cells of a table's line, escapes undone.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::string cell;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
      cell += '|';
      ++i;
    } else if (line[i] == '|') {
      const auto from = cell.find_first_not_of(' ');
      cells.push_back(from == std::string::npos ? "" : cell.substr(from, cell.find_last_not_of(' ') + 1 - from));
      cell.clear();
    } else {
      cell += line[i];
    }
  }
  return cells;
}

/// One line of output as a code span: blanks that carry alignment stay, and quotes of code inside are kept.
std::string code_span(const std::string& line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool is_aligning = line[i] == ' ' && (i == 0 || line[i - 1] == ' ' || (i + 1 < line.size() && line[i + 1] == ' '));
    if (is_aligning) {
      text += "\u00a0";
    } else {
      if (line[i] == '|') text += '\\';
      text += line[i];
    }
  }
  std::string fence = "`";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fence.size() == 1 ? fence + text + fence : fence + " " + text + " " + fence;
}

/// Without what a run says of its calls, which differ from run to run and are the same kind of lines everywhere.
std::string without_calls(const std::string& text) {
  static const std::regex calls(R"re(calls: \d+ of lists[^\n]*\n|[^\n]*still to come: [^\n]*\n)re");
  return std::regex_replace(text, calls, "");
}

std::string escaped(const std::string& text) { return replaced(replaced(text, "|", "\\|"), "\n", " "); }

std::string id_of(const std::string& line) {
  static const std::string begin = "| <a id=\"";
  if (!line.starts_with(begin)) return {};
  return line.substr(begin.size(), line.find('"', begin.size()) - begin.size());
}

/// Takes a lock that ends with the object; other processes of the same test program write to the page as well.
class PageLock {
 public:
  PageLock() : file_(open((fs::path(BERTH_BINARY_DIR) / "bad-input.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {
    REQUIRE(file_ >= 0);
    REQUIRE(flock(file_, LOCK_EX) == 0);
  }
  PageLock(const PageLock&) = delete;
  PageLock& operator=(const PageLock&) = delete;
  ~PageLock() { close(file_); }

 private:
  int file_;
};

void write_row(const Row& row, const std::string& line) {
  const PageLock lock;
  std::map<std::string, std::string> lines;
  for (auto& [id, old] : rows_of_page()) lines[id] = old;
  lines[row.id()] = line;
  std::vector<std::pair<const Row*, std::string>> kept;
  for (const Row* each : all_rows()) {
    if (const auto found = lines.find(each->id()); found != lines.end()) kept.emplace_back(each, found->second);
  }
  const fs::path next = kPage.string() + ".next";
  std::ofstream(next, std::ios::binary) << page_of(kept);
  fs::rename(next, kPage);
}

std::map<std::string, Explanation, std::less<>> explanations() {
  std::map<std::string, Explanation, std::less<>> found;
  for (const char* page : {"reasons.md", "mapping-findings.md"}) {
    std::istringstream lines(read(kReference / page));
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("| `")) continue;
      const auto cells = cells_of(line);
      if (cells.size() != 4 || cells[0].size() < 3) continue;
      const std::string id = cells[0].substr(1, cells[0].size() - 2);
      const bool is_finding = std::string_view(page) == "mapping-findings.md";
      found.emplace(id, is_finding ? Explanation{cells[2], "operator", cells[3]} : Explanation{cells[1], cells[2], cells[3]});
    }
  }
  return found;
}

/// The reasons of the reference that a text gives, each as a whole word.
std::set<std::string> reasons_in(const std::string& text) {
  std::set<std::string> found;
  static const std::regex id("[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+");
  for (auto match = std::sregex_iterator(text.begin(), text.end(), id); match != std::sregex_iterator(); ++match) {
    if (explanation_of(match->str()) != nullptr) found.insert(match->str());
  }
  return found;
}

}  // namespace

Row::Row(Section section, std::string id, std::string what, std::string command, std::string reason, std::source_location place)
    : section_(section), id_(std::move(id)), what_(std::move(what)), command_(std::move(command)), reason_(std::move(reason)),
      file_(fs::path(place.file_name()).filename().string()), line_(place.line()) {
  registry().push_back(this);
}

std::string Row::line_of(const std::string& shown) const {
  const Explanation* explanation = explanation_of(reason_);
  // Without a reason it is no bad input for Berth, which says nothing about it.
  static const Explanation none{"nothing is wrong: it is taken as it was meant", "nobody", "nothing to do"};
  if (reason_.empty()) explanation = &none;
  REQUIRE_MESSAGE(explanation != nullptr, reason_, " is not explained in docs/reference/reasons.md");
  std::string cell;
  std::istringstream lines(shown);
  for (std::string line; std::getline(lines, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (!line.empty()) cell += (cell.empty() ? "" : "<br>") + code_span(line);
  }
  return "| <a id=\"" + id_ + "\"></a>" + escaped(what_) + "<br>" + code_span(command_) + " | " + cell + " | " + (reason_.empty() ? "" : "`" + reason_ + "`: ") + escaped(explanation->cause) + " | **" +
         escaped(explanation->who) + "**: " + escaped(explanation->what_to_do) + " |";
}

e2e::Outcome Row::refused(const e2e::Workspace& berth, int exit, const Replacements& more) const {
  e2e::Outcome outcome = berth.run(arguments_of(command_));
  answered(berth, outcome, exit, more);
  return outcome;
}

void Row::answered(const e2e::Workspace& berth, const e2e::Outcome& outcome, int exit, const Replacements& more) const {
  const std::string text = outcome.out + outcome.err;
  CAPTURE(id_);
  CAPTURE(text);
  CHECK_FALSE(outcome.timed_out);
  CHECK(outcome.signal == 0);
  CHECK(outcome.exit == exit);
  if (reason_.empty()) {
    CHECK(exit == 0);
    const std::string shown = normalised(berth, text, more);
    CHECK_MESSAGE((shown.find(": succeeded") != std::string::npos || shown.find(": nothing_changed") != std::string::npos), "it did not end well: ", shown);
    for (const std::string& reason : reasons_in(shown)) FAIL_CHECK("it is said to be understood, and gives the reason ", reason);
  } else {
    CHECK_MESSAGE(reasons_in(text).contains(reason_), "the reason ", reason_, " is not shown");
  }
  // Made-up secrets of these tests, and what looks like one of Zoho's tokens.
  static const std::regex token("1000\\.[0-9a-f]{32}");
  CHECK_FALSE(std::regex_search(text, token));
  CHECK(text.find(e2e::kClientSecret) == std::string::npos);
  for (const char* inside : {"terminate called", "std::", "what()", "Assertion", "Sanitizer", "core dumped", "Segmentation", "basic_string", "bad_alloc",
                             "Poco", "yaml-cpp", "cli.unexpected", "(null)"}) {
    CHECK_MESSAGE(text.find(inside) == std::string::npos, "what is shown has \"", inside, "\" in it");
  }
  const std::string of_the_matter = without_calls(text);
  CHECK(of_the_matter.size() < 4096);
  CHECK(std::count(of_the_matter.begin(), of_the_matter.end(), '\n') <= 30);
  const bool is_printable = std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
  CHECK(is_printable);
  shows(berth, text, more);
}

void Row::shows(const e2e::Workspace& berth, const std::string& text, const Replacements& more) const {
  const std::string line = line_of(normalised(berth, text, more));
  if (is_updating()) {
    write_row(*this, line);
    return;
  }
  std::string old = "(there is no such row)";
  for (auto& [id, each] : rows_of_page()) {
    if (id == id_) old = each;
  }
  CHECK_MESSAGE(old == line, "the row ", id_, " of docs/reference/bad-input.md is not current; run this case with BERTH_UPDATE_GENERATED=1\n  page: ", old, "\n  now:  ", line);
}

std::vector<const Row*> all_rows() {
  std::vector<const Row*> rows = registry();
  std::sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) {
    return std::tie(a->section_, a->file_, a->line_, a->id_) < std::tie(b->section_, b->file_, b->line_, b->id_);
  });
  return rows;
}

std::string page_of(const std::vector<std::pair<const Row*, std::string>>& lines) {
  std::string page(kHead);
  for (const Title& title : kTitles) {
    std::string rows;
    for (const auto& [row, line] : lines) {
      if (row->section_ == title.section) rows += line + "\n";
    }
    if (rows.empty()) continue;
    page += "\n## " + std::string(title.text) + "\n\n| bad input, command | what is shown | reason, cause | who acts, what to do |\n|---|---|---|---|\n" + rows;
  }
  return page;
}

std::string page_text() { return read(kPage); }

std::vector<std::pair<std::string, std::string>> rows_of_page() {
  std::vector<std::pair<std::string, std::string>> rows;
  std::istringstream lines(page_text());
  for (std::string line; std::getline(lines, line);) {
    if (std::string id = id_of(line); !id.empty()) rows.emplace_back(std::move(id), line);
  }
  return rows;
}

const Explanation* explanation_of(std::string_view reason) {
  static const auto all = explanations();
  const auto found = all.find(reason);
  return found == all.end() ? nullptr : &found->second;
}

std::string normalised(const e2e::Workspace& berth, std::string text, const Replacements& more) {
  const std::string binary = BERTH_BINARY_DIR;
  text = replaced(std::move(text), berth.folder().string(), "/srv/berth");
  text = replaced(std::move(text), binary + "/plugins", "/usr/lib/berth/plugins");
  text = replaced(std::move(text), binary + "/bin", "/usr/bin");
  text = replaced(std::move(text), BERTH_SOURCE_DIR, "/usr/src/berth");
  text = replaced(std::move(text), berth.origin().substr(7), "127.0.0.1:8484");
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') text = replaced(std::move(text), std::string(host) + ":", "books-1:");
  for (const auto& [pattern, with] : more) text = std::regex_replace(text, std::regex(pattern), with);
  static const Replacements always{
      {R"re(127\.0\.0\.1:(?!8484\b)\d+)re", "127.0.0.1:9100"},
      {R"re(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))re", "2026-05-21T08:41:30Z"},
      {R"re(\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d+)?)?)re", "2026-05-21 08:41:30"},
      {R"re(\b\d\d:\d\d:\d\d (?=debug|info|warning|error))re", "08:41:30 "},
      {R"re(\b(pid|process) \d+)re", "$1 4711"},
      {R"re(\b[0-9a-f]{64}\b)re", "0f3a…"},
  };
  for (const auto& [pattern, with] : always) text = std::regex_replace(text, std::regex(pattern), with);
  return without_calls(text);
}

std::vector<std::string> arguments_of(std::string_view command) {
  std::istringstream words{std::string(command)};
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  REQUIRE(arguments.size() >= 2);
  REQUIRE(arguments.front() == "berth");
  arguments.erase(arguments.begin());
  return arguments;
}

}  // namespace bad_input
