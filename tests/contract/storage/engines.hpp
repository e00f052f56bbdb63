#pragma once
// The engines that the storage suite runs over, and short ways to use a database in a test.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"
#include "support/postgresql_server.hpp"

namespace berth::test {

/// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "berth-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline const Instant kNow{1'780'000'000'000};

/// The value, or the end of the test.
template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().reason << ": " << result.error().message);
  return std::move(result).value();
}

/// Runs `work(connection) -> Result<T>` in one write (read) transaction and returns its T.
template <class Work>
auto write(storage::Database& database, const Work& work) {
  using Value = typename std::invoke_result_t<Work, storage::Connection&>::value_type;
  std::optional<Value> value;
  must(database.write("test.write", [&](storage::Connection& connection) -> Status {
    value = BERTH_TRY(work(connection));
    return success();
  }));
  return std::move(*value);
}
template <class Work>
auto read(storage::Database& database, const Work& work) {
  using Value = typename std::invoke_result_t<Work, storage::Connection&>::value_type;
  std::optional<Value> value;
  must(database.read([&](storage::Connection& connection) -> Status {
    value = BERTH_TRY(work(connection));
    return success();
  }));
  return std::move(*value);
}
/// The reason with which a write fails, or "" if it does not.
template <class Work>
std::string refusal(storage::Database& database, const Work& work) {
  const auto status = database.write("test.write", [&](storage::Connection& connection) -> Status {
    auto result = work(connection);
    if (!result.ok()) return std::move(result).error();
    return success();
  });
  return status.ok() ? "" : status.error().reason;
}

/// Opens an empty database of every engine in turn and runs the test on it.
inline void on_every_engine(const std::function<void(storage::Database&)>& test) {
  struct Engine {
    const char* name;
    std::function<Result<std::unique_ptr<storage::Database>>(const TemporaryFolder&, const Clock&)> open;
  };
  const std::vector<Engine> engines{
      {"sqlite", [](const TemporaryFolder& folder, const Clock& clock) {
         return storage::open_sqlite({.path = folder.file("berth.db"), .busy_limit = std::chrono::milliseconds(200)},
                                     clock);
       }},
      {"postgresql", [](const TemporaryFolder&, const Clock& clock) {
         return storage::open_postgresql({.url = PostgresqlServer::shared().create_database(), .is_time_of_server = false, .busy_limit = std::chrono::milliseconds(200)},
                                         clock);
       }}};
  for (const auto& engine : engines) {
    if (std::string_view(engine.name) == "postgresql") {
      if (const auto why = PostgresqlServer::unavailable()) {
        MESSAGE("skipped: " << *why);
        continue;
      }
    }
    INFO("engine ", engine.name);
    const TemporaryFolder folder;
    const ManualClock clock(kNow);
    const auto database = must(engine.open(folder, clock));
    CHECK(database->engine() == engine.name);
    test(*database);
    CHECK(must(database->check()).empty());
  }
}

}  // namespace berth::test
