// The floor: the same documents only parsed and inserted. Each answer is parsed once with exact JSON, and every row and every
// document goes into one table of one SQLite file with the durability of the host (WAL, synchronous FULL), 200 documents a
// transaction. No network, no second process, no hash, no compression, no version, no mapping, no entry.
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "bench/support/documents.hpp"
#include "bench/support/first_sync.hpp"
#include "bench/support/table.hpp"

namespace {

using namespace bench;

constexpr int kDocumentsInTransaction = 200;

class Table {
 public:
  explicit Table(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &database_) != SQLITE_OK) throw std::runtime_error("no database");
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    run("CREATE TABLE document (id INTEGER PRIMARY KEY, phase TEXT NOT NULL, remote_id TEXT NOT NULL, body TEXT NOT NULL)");
    if (sqlite3_prepare_v2(database_, "INSERT INTO document (phase, remote_id, body) VALUES (?, ?, ?)", -1, &insert_, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(database_));
    }
  }
  ~Table() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  void add(const std::string& phase, std::string_view id, const std::string& body) {
    if (in_transaction_ == 0) run("BEGIN IMMEDIATE");
    const auto bind = [&](int place, std::string_view text) {
      sqlite3_bind_text(insert_, place, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    };
    bind(1, phase);
    bind(2, id);
    bind(3, body);
    if (sqlite3_step(insert_) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(database_));
    sqlite3_reset(insert_);
    if (++in_transaction_ == kDocumentsInTransaction) commit();
  }
  void commit() {
    if (in_transaction_ > 0) run("COMMIT");
    in_transaction_ = 0;
  }

 private:
  void run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database_));
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  int in_transaction_ = 0;
};

/// {"code":0,"invoice":{"invoice_id":"46…"}} → "46…".
std::string_view id_within(const e2e::Value& answer, const std::string& name) {
  for (const auto& [key, value] : answer.members()) {
    if (const std::string_view id = value.text_of(name); !id.empty()) return id;
  }
  throw std::runtime_error("a document has no " + name);
}

int measure(const Options& options) {
  std::vector<Answer> answers;
  {
    const auto simulator = start_simulator(options);
    answers = fetch_documents(*simulator);
  }
  std::string folder = (std::filesystem::temp_directory_path() / "berth-bench.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  std::int64_t documents = 0, inserted = 0, bytes = 0;
  const Seconds before = cpu_of_this_process();
  {
    Table table(std::filesystem::path(folder) / "floor.db");
    for (const Answer& answer : answers) {
      bytes += static_cast<std::int64_t>(answer.body.size());
      const auto parsed = berth::json::parse(answer.body);
      if (!parsed.ok()) throw std::runtime_error(parsed.error.message);
      if (!answer.is_list) {
        table.add(answer.phase, id_within(parsed.value, id_of(answer.phase)), answer.body);
        ++inserted;
        continue;
      }
      for (const e2e::Value& row : parsed.value.find(rows_of(answer.phase))->items()) {
        table.add(answer.phase, row.text_of(id_of(answer.phase)), berth::json::dump(row));
        ++inserted;
        ++documents;
      }
    }
    table.commit();
  }
  const Seconds spent = cpu_of_this_process() - before;
  std::filesystem::remove_all(folder);
  print_title("floor: the same documents only parsed and inserted");
  print("floor, documents", documents);
  print("floor, rows and details inserted", inserted);
  print("floor, parsed", static_cast<double>(bytes) / 1048576.0, "MiB");
  print("floor, CPU", spent.count(), "s");
  print("floor, CPU a document", spent.count() * 1000.0 / static_cast<double>(documents), "ms");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = options_of(argc, argv);
    print_machine();
    return measure(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "parse_insert_bench: %s\n", error.what());
    return 1;
  }
}
