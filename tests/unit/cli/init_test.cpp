// What `berth init` leaves behind when it cannot do its work: nothing.
#include "host/cli/init.hpp"

#include "host/config/config.hpp"
#include "unit/cli/fixture.hpp"

using namespace berth;
using namespace berth::test;

namespace {

std::size_t entries(const fs::path& path) {
  return static_cast<std::size_t>(std::distance(fs::recursive_directory_iterator(path), fs::recursive_directory_iterator()));
}

}  // namespace

TEST_CASE("without the connector nothing is written, and the way out is named") {
  const Folder folder;
  const fs::path empty = folder / "empty";
  fs::create_directories(empty);
  {
    cli::WorkingSet set(folder.path() / "new");
    const std::vector<fs::path> folders{empty};
    const Status written = set.write(folders);
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().reason == "cli.plugin_missing");
    CHECK(written.error().message.find("--plugin-dir") != std::string::npos);
    CHECK_FALSE(fs::exists(folder.path() / "new"));
  }
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a failure on the way takes back what was written and touches nothing else") {
  const Folder folder;
  folder.add_connector();
  folder.write("new/zoho_books/mapping.yaml", "mine");
  const std::size_t before = entries(folder.path());
  {
    cli::WorkingSet set(folder.path() / "new");
    const std::vector<fs::path> folders{folder / "plugins"};
    const Status written = set.write(folders);
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().reason == "cli.file_exists");
    CHECK(fs::exists(folder.path() / "new/accounts/main.yaml"));  // so far had it come
    CHECK_FALSE(fs::exists(folder.path() / "new/berth.yaml"));    // which comes last
  }
  CHECK(entries(folder.path()) == before);
  CHECK(read_file(folder / "new/zoho_books/mapping.yaml") == "mine");
}

TEST_CASE("what an init that was killed has written is taken by the next one, key and all") {
  const Folder folder;
  folder.add_connector();
  const std::vector<fs::path> folders{folder / "plugins"};
  {
    cli::WorkingSet set(folder.path() / "new");
    REQUIRE(set.write(folders).ok());
    set.keep();
  }
  const std::string key = read_file(folder / "new/secrets/vault.key");
  fs::remove(folder / "new/berth.yaml");
  cli::WorkingSet again(folder.path() / "new");
  CHECK(again.write(folders).ok());
  CHECK(again.files().size() == 4);
  CHECK(fs::exists(folder / "new/berth.yaml"));
  CHECK(read_file(folder / "new/secrets/vault.key") == key);
}

TEST_CASE("a whole set stays when it is kept, and loads") {
  const Folder folder;
  folder.add_connector();
  {
    cli::WorkingSet set(folder.path() / "new");
    const std::vector<fs::path> folders{folder / "plugins"};
    const Status written = set.write(folders);
    REQUIRE_MESSAGE(written.ok(), (written.ok() ? "" : written.error().message));
    CHECK(set.files() == std::vector<std::string>{"berth.yaml", "accounts/main.yaml", "zoho_books/mapping.yaml", "secrets/vault.key"});
    set.keep();
  }
  config::Findings findings;
  const auto loaded = config::load(folder / "new/berth.yaml", findings);
  REQUIRE_MESSAGE(loaded.ok(), findings.print());
  cli::WorkingSet again(folder.path() / "new");
  const std::vector<fs::path> folders{folder / "plugins"};
  CHECK(again.write(folders).error().reason == "cli.file_exists");
}
