#include "host/storage/migrations.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::storage;

namespace {
const Migration kKnown[] = {{1, "0001_core", "CREATE TABLE a (b TEXT)"}, {2, "0002_more", "CREATE TABLE c (d TEXT)"}};
AppliedMigration applied(const Migration& migration) {
  return {migration.version, std::string(migration.name), checksum(migration)};
}
}  // namespace

TEST_CASE("an applied migration that changed, or that nobody knows, is refused") {
  auto changed = applied(kKnown[0]);
  changed.checksum = "other";
  CHECK(next_migration(kKnown, std::vector{changed}).error().reason == "storage.migration_changed");
  CHECK(next_migration(kKnown, std::vector<AppliedMigration>{{3, "0003_later", ""}}).error().reason == "storage.newer");
}

TEST_CASE("migrations are applied in order, and then there is none") {
  CHECK((*next_migration(kKnown, {}))->version == 1);
  CHECK((*next_migration(kKnown, std::vector{applied(kKnown[0])}))->version == 2);
  CHECK(*next_migration(kKnown, std::vector{applied(kKnown[0]), applied(kKnown[1])}) == nullptr);
}

TEST_CASE("the embedded migrations begin with 1, grow by one and name no engine") {
  std::int64_t version = 0;
  for (const auto& migration : embedded_migrations()) {
    CHECK(migration.version == ++version);
    CHECK(migration.sql.find("AUTOINCREMENT") == std::string_view::npos);
  }
  CHECK(version >= 1);
}
