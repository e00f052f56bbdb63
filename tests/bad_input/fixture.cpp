#include "bad_input/fixture.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bad_input {

namespace fs = std::filesystem;

namespace {
constexpr unsigned kNobody = 65534;
}

Books::Books(const e2e::Sizes& sizes) : simulator(sizes), berth(simulator) {
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  journal = berth.sorted_journal();
  REQUIRE(journal.size() > 1000);
}

void Books::check_recovered() const {
  const e2e::Outcome outcome = berth.run({"sync", "zoho", "--full"});
  CHECK_MESSAGE(outcome.exit == 0, outcome.out << outcome.err);
  CHECK(berth.sorted_journal() == journal);
  CHECK(berth.run({"ledger", "check"}).exit == 0);
}

Broken::Broken(const e2e::Workspace& berth, std::string file, const std::string& content) : file_(berth.folder() / std::move(file)), kept_(file_.string() + ".kept") {
  fs::rename(file_, kept_);
  write_bytes(file_, content);
}

Broken::~Broken() {
  std::error_code failure;
  fs::remove_all(file_, failure);
  fs::rename(kept_, file_, failure);
}

std::string with_mistake(std::string text, const std::string& right, const std::string& wrong) {
  const auto at = text.find(right);
  if (at == std::string::npos) throw std::runtime_error("the file has no " + right);
  return text.replace(at, right.size(), wrong);
}

OtherUser::OtherUser() {
  if (geteuid() != 0) return;
  starter = {"setpriv", "--reuid=" + std::to_string(kNobody), "--regid=" + std::to_string(kNobody), "--clear-groups"};
  std::vector<std::string> version = starter;
  version.insert(version.end(), {std::string(BERTH_BINARY_DIR) + "/bin/berth", "--version"});
  is_possible = e2e::run(version, {}).exit == 0 && access((std::string(BERTH_BINARY_DIR) + "/plugins").c_str(), R_OK) == 0;
}

void give_to_other_user(const fs::path& folder) {
  if (geteuid() != 0) return;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (lchown(entry.path().c_str(), kNobody, kNobody) != 0) throw std::runtime_error("chown failed");
  }
  if (lchown(folder.c_str(), kNobody, kNobody) != 0) throw std::runtime_error("chown failed");
}

std::string sql(const fs::path& database, const std::string& text) {
  sqlite3* handle = nullptr;
  std::string found;
  const auto first = [](void* into, int columns, char** values, char**) {
    auto& value = *static_cast<std::string*>(into);
    if (value.empty() && columns > 0 && values[0] != nullptr) value = values[0];
    return 0;
  };
  const bool fine = sqlite3_open(database.c_str(), &handle) == SQLITE_OK && sqlite3_exec(handle, text.c_str(), first, &found, nullptr) == SQLITE_OK;
  const std::string why = fine ? "" : sqlite3_errmsg(handle);
  sqlite3_close(handle);
  if (!fine) throw std::runtime_error(text + ": " + why);
  return found;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_bytes(const fs::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << bytes;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

void scribble(const fs::path& file, std::size_t offset, std::size_t size) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(offset));
  unsigned state = 12345;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525u + 1013904223u;
    out.put(static_cast<char>((state >> 24u) | 1u));
  }
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace bad_input
