#include "host/telemetry/log.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <type_traits>

#include "berth/json.hpp"

using namespace berth;
using namespace berth::telemetry;

static_assert(!std::is_constructible_v<Field, std::string, Secret>, "a secret never reaches a log");
static_assert(!std::is_constructible_v<Field, std::string, double>, "no amount is ever a double");

namespace {

struct Fixture {
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>();
  ManualClock clock{{1'780'000'000'250}};
  Log log{sink, clock};
};

}  // namespace

TEST_CASE("what is logged cannot forge a line or a field, in JSON or for people") {
  Fixture f;
  f.log.info("evil\nmessage\", \"level\":\"error",
             {{"name\n", "a\r\n{\"level\":\"error\"}\x1b[31m"}, {"bytes", std::string("\xff\0", 2)}});
  const auto line = f.sink->text();
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  const auto parsed = json::parse(line.substr(0, line.size() - 1));
  REQUIRE(parsed.ok());
  CHECK(parsed.value.text_of("level") == "info");
  CHECK(parsed.value.text_of("message") == "evil\nmessage\", \"level\":\"error");
  const auto human = to_human_line(f.sink->entries().front());
  for (const char character : human) CHECK((static_cast<unsigned char>(character) >= 0x20));
}

TEST_CASE(
    "a line has time, level, message and its fields in order, bound fields come first and the last of a key stays") {
  Fixture f;
  const auto run_log = f.log.with({{"run", "run_1"}, {"phase", "items"}});
  run_log.warning("phase ended", {{"phase", "invoices"}, {"listed", 200}, {"whole", true}, {"time", "reserved"}});
  CHECK(
      f.sink->text() ==
      R"({"time":"2026-05-28T20:26:40.250Z","level":"warning","message":"phase ended","run":"run_1","phase":"invoices","listed":200,)"
      R"("whole":true,"time_":"reserved"})"
      "\n");
  CHECK(to_human_line(f.sink->entries().front()) ==
        "20:26:40 warning phase ended  run=run_1  phase=items  phase=invoices  listed=200  whole=true  time=reserved");
}

TEST_CASE("an error brings its code, reason and message") {
  Fixture f;
  f.log.error("run failed", make_error(Code::kUnavailable, "http.timeout", "no answer"), {{"run", "run_1"}});
  const auto text = f.sink->text();
  CHECK(text.find(R"("run":"run_1","code":"unavailable","reason":"http.timeout","error":"no answer"})") !=
        std::string::npos);
}

TEST_CASE("levels below the least are not written, and a default log writes nothing") {
  Fixture f;
  f.log.debug("unseen");
  CHECK(f.sink->entries().empty());
  Log(f.sink, f.clock, Level::kDebug).debug("seen");
  CHECK(f.sink->entries().size() == 1);
  const Log nothing;
  nothing.error("unseen");
  CHECK_FALSE(nothing.enabled(Level::kError));
}

TEST_CASE("fields are cut at their limit") {
  Fixture f;
  f.log.info("long", {{"text", std::string(kFieldBytesMax * 2, 'x')}});
  CHECK(f.sink->text().size() < kFieldBytesMax + 200);
}

TEST_CASE("a log file is readable by its owner only, rotates, and holds whole lines of many threads") {
  auto pattern = (std::filesystem::temp_directory_path() / "berth-test-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const std::filesystem::path folder(pattern);
  const auto path = folder / "berth.log";
  {
    const ManualClock clock{{1'780'000'000'000}};
    const auto sink =
        make_file_sink({.path = path.string(), .format = Format::kJson, .file_bytes_max = 20'000, .files_max = 20});
    REQUIRE(sink.ok());
    const Log log(*sink, clock);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log, i] {
        for (int n = 0; n < 200; ++n) log.info("line", {{"thread", i}, {"n", n}});
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK((*sink)->lost() == 0);
  }
  std::size_t lines = 0;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++files;
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777u) == 0600);
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      CHECK(json::parse(line).ok());
      ++lines;
    }
  }
  CHECK(lines == 800);
  CHECK(files > 1);
  std::filesystem::remove_all(folder);
  CHECK(make_file_sink({.path = "/proc/no/such/folder/log", .format = Format::kJson}).error().reason ==
        "telemetry.log_file");
}
