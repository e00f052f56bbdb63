#include "host/core/durable_write.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "host/core/new_file.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> g_heard;
void hear(std::string_view name, WriteMoment moment) { g_heard.push_back(std::string(name) + " " + std::string(to_string(moment))); }

/// Somebody listens for as long as this lives.
struct Listening {
  Listening() {
    g_heard.clear();
    set_write_hook(hear);
  }
  ~Listening() { set_write_hook(nullptr); }
};

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "berth-core.XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

TEST_CASE("B6: a file that is refused has been before, and neither between nor after") {
  const Folder folder;
  const std::string file = folder.path / "key";
  std::ofstream(file) << "mine";
  const Listening listening;
  CHECK(make_new_file("test.file", file, "other", 0600) == std::errc::file_exists);
  CHECK(g_heard == std::vector<std::string>{"test.file before"});
  std::ifstream in(file);
  CHECK(std::string{std::istreambuf_iterator<char>(in), {}} == "mine");
}

TEST_CASE("B6: a new file is whole when it has its name, has its mode, and leaves nothing beside it") {
  const Folder folder;
  const std::string file = folder.path / "key";
  {
    const Listening listening;
    CHECK_FALSE(make_new_file("test.file", file, std::string(100'000, 'x'), 0640));
    CHECK(g_heard == std::vector<std::string>{"test.file before", "test.file between", "test.file after"});
  }
  CHECK(fs::file_size(file) == 100'000);
  CHECK((fs::status(file).permissions() & fs::perms::mask) == (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read));
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
  CHECK(make_new_file("test.file", folder.path / "no/such/key", "x", 0600) == std::errc::no_such_file_or_directory);
}

TEST_CASE("nobody listens unless he was asked to") {
  g_heard.clear();
  const DurableWrite write("test.write");
  write.is_written();
  write.is_durable();
  CHECK(g_heard.empty());
}
