#include <thread>

#include "contract/storage/engines.hpp"
#include "host/storage/pins.hpp"
#include "host/storage/quota.hpp"

using namespace berth;
using namespace berth::test;
using storage::Connection;

TEST_CASE("a write that fails leaves nothing behind") {
  on_every_engine([](storage::Database& database) {
    const auto status = database.write("test.write", [](Connection& c) -> Status {
      BERTH_CHECK(storage::quota::save(c, "zoho_books/1", "{}", kNow));
      return make_error(Code::kInternal, "test.stop", "stopped on purpose");
    });
    CHECK(status.error().reason == "test.stop");
    CHECK_FALSE(read(database, [](Connection& c) { return storage::quota::load(c, "zoho_books/1"); }));
  });
}

TEST_CASE("a write whose work throws is rolled back and the database goes on") {
  on_every_engine([](storage::Database& database) {
    CHECK_THROWS_AS(static_cast<void>(database.write("test.write", [](Connection& c) -> Status {
                      BERTH_CHECK(storage::quota::save(c, "zoho_books/1", "{}", kNow));
                      throw std::bad_alloc();
                    })),
                    std::bad_alloc);
    CHECK_FALSE(read(database, [](Connection& c) { return storage::quota::load(c, "zoho_books/1"); }));
    write(database, [](Connection& c) { return storage::quota::save(c, "zoho_books/1", "{}", kNow); });
  });
}

TEST_CASE("a read cannot write") {
  on_every_engine([](storage::Database& database) {
    const auto status =
        database.read([](Connection& c) { return storage::quota::save(c, "zoho_books/1", "{}", kNow); });
    CHECK(status.error().reason == "storage.read_only");
  });
}

TEST_CASE("a read sees one snapshot, whatever is committed meanwhile") {
  on_every_engine([](storage::Database& database) {
    const auto load = [](Connection& c) { return storage::quota::load(c, "x"); };
    read(database, [&](Connection& c) -> Result<Unit> {
      CHECK_FALSE(must(load(c)));
      std::thread([&] {
        write(database, [](Connection& w) { return storage::quota::save(w, "x", "{}", kNow); });
      }).join();
      CHECK_FALSE(must(load(c)));
      return success();
    });
    CHECK(read(database, load));
  });
}

TEST_CASE("a second writer waits for its turn and gives up at the busy limit with storage.busy") {
  on_every_engine([](storage::Database& database) {
    std::string reason;
    write(database, [&](Connection&) -> Result<Unit> {
      std::thread([&] {
        reason = refusal(database, [](Connection& c) { return storage::quota::save(c, "x", "{}", kNow); });
      }).join();
      return success();
    });
    CHECK(reason == "storage.busy");
  });
}

TEST_CASE("writers of many threads all get their turn") {
  on_every_engine([](storage::Database& database) {
    constexpr int kThreads = 4;
    constexpr int kEach = 25;
    write(database, [](Connection& c) { return storage::quota::save(c, "sum", "0", kNow); });
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < kEach; ++n) {
          const auto add = [](Connection& c) -> Status {
            const auto sum = BERTH_TRY(storage::quota::load(c, "sum"));
            return storage::quota::save(c, "sum", std::to_string(std::stoi(*sum) + 1), kNow);
          };
          while (!database.write("test.write", add).ok()) {
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(*read(database, [](Connection& c) { return storage::quota::load(c, "sum"); }) ==
          std::to_string(kThreads * kEach));
  });
}

TEST_CASE("a violated unique key is storage.unique, another constraint storage.refused") {
  on_every_engine([](storage::Database& database) {
    const auto pin = [](Connection& c) {
      return c.execute("INSERT INTO plugin_pin (plugin, sha256, pinned_ms, pinned_by) VALUES (?, ?, ?, ?)",
                       {"zoho_books", "00", kNow, "cli"});
    };
    CHECK(refusal(database, pin).empty());
    CHECK(refusal(database, pin) == "storage.unique");
    CHECK(refusal(database, [](Connection& c) {
            return c.execute("INSERT INTO plugin_pin (plugin, sha256, pinned_ms, pinned_by) VALUES (?, ?, ?, ?)",
                             {"other", nullptr, kNow, "cli"});
          }) == "storage.refused");
    CHECK(refusal(database, [](Connection& c) {
            return c.execute("INSERT INTO waiting (record, integration, awaited) VALUES (?, ?, ?)",
                             {4711, "zoho_acme", "customer/1"});
          }) == "storage.refused");
  });
}

TEST_CASE("values come back as they went in: extremes, empty text, no value, all bytes") {
  on_every_engine([](storage::Database& database) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
    write(database, [&](Connection& c) -> Result<Unit> {
      BERTH_CHECK(
          c.execute("INSERT INTO blob (hash, size, body) VALUES (?, ?, ?)", {"", INT64_MIN, storage::Blob{bytes}}));
      BERTH_CHECK(
          c.execute("INSERT INTO blob (hash, size, body) VALUES (?, ?, ?)", {"ü€", INT64_MAX, storage::Blob{}}));
      return success();
    });
    const auto rows =
        read(database, [](Connection& c) { return c.query("SELECT hash, size, body, NULL FROM blob ORDER BY hash"); });
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].text(0).empty());
    CHECK_FALSE(rows[0].is_null(0));
    CHECK(rows[0].integer(1) == INT64_MIN);
    CHECK(rows[0].bytes(2) == bytes);
    CHECK(rows[0].is_null(3));
    CHECK(rows[1].text(0) == "ü€");
    CHECK(rows[1].integer(1) == INT64_MAX);
    CHECK_FALSE(rows[1].is_null(2));
    CHECK(rows[1].bytes(2).empty());
  });
}

TEST_CASE("text with a NUL byte, a wrong number of parameters and two statements at once are refused") {
  on_every_engine([](storage::Database& database) {
    CHECK(refusal(database, [](Connection& c) {
            return storage::quota::save(c, std::string_view("a\0b", 3), "{}", kNow);
          }) == "storage.text_with_nul");
    CHECK(refusal(database, [](Connection& c) { return c.query("SELECT ?", {1, 2}); }) == "storage.failed");
    CHECK(refusal(database, [](Connection& c) { return c.query("SELECT 1; SELECT 2"); }) == "storage.failed");
    CHECK(refusal(database, [](Connection& c) { return c.query("SELEKT 1"); }) == "storage.failed");
  });
}

TEST_CASE("a statement that is being read may be used again inside") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (int i = 0; i < 3; ++i) BERTH_CHECK(storage::quota::save(c, "q" + std::to_string(i), "{}", kNow));
      int pairs = 0;
      const auto sql = "SELECT shared_by FROM quota";
      BERTH_CHECK(c.each(sql, {}, [&](const storage::Row&) {
        must(c.each(sql, {}, [&](const storage::Row&) {
          ++pairs;
          return true;
        }));
        return true;
      }));
      CHECK(pairs == 9);
      return success();
    });
  });
}

TEST_CASE("execute says how many rows changed, none where nothing did") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (int i = 0; i < 3; ++i) BERTH_CHECK(storage::quota::save(c, "q" + std::to_string(i), "{}", kNow));
      CHECK(must(c.execute("UPDATE quota SET state_json = '[]'")) == 3);
      CHECK(must(c.execute("UPDATE quota SET state_json = '' WHERE shared_by = ?", {"other"})) == 0);
      CHECK(must(c.execute("SELECT 1")) == 0);
      return success();
    });
  });
}

TEST_CASE("B3: exact_sum adds up what 64 bits do not hold, and nothing to 0") {
  on_every_engine([](storage::Database& database) {
    const auto sum = [&](const std::string& rows, const std::string& compared) {
      return read(database, [&](Connection& c) -> Result<std::string> {
        const std::string sql = "SELECT CAST(exact_sum(x) AS TEXT) FROM (" + rows + ") AS r HAVING exact_sum(x) " + compared;
        const auto row = BERTH_TRY(c.first(sql));
        return row ? row->text(0) : "no row";
      });
    };
    const std::string most = "SELECT 9223372036854775807 AS x";
    CHECK(sum("SELECT 1 AS x WHERE 1 = 0", "= 0") == "0");
    CHECK(sum("SELECT NULL AS x UNION ALL SELECT -7", "= -7") == "-7");
    CHECK(sum(most + " UNION ALL SELECT 1", "<> 0") == "9223372036854775808");
    CHECK(sum(most + " UNION ALL SELECT 1", "= 0") == "no row");
    CHECK(sum(most + " UNION ALL SELECT 9223372036854775806 UNION ALL SELECT 5", "<> 1") == "18446744073709551618");
    // Beyond 64 bits on the way, and back.
    CHECK(sum(most + " UNION ALL SELECT 2 UNION ALL SELECT -9223372036854775807", "= 2") == "2");
    CHECK(sum("SELECT -9223372036854775807 AS x UNION ALL SELECT -9223372036854775806", "<> 0") == "-18446744073709551613");
  });
}
