// What a person archived, and what of it the comparisons of ids see. Suspects that are seen again.
#include <vector>

#include "contract/storage/engines.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/hand_archives.hpp"
#include "host/storage/records.hpp"

using namespace berth;
using namespace berth::storage;
using namespace berth::test;

namespace {

Result<std::int64_t> capture(Connection& c, std::string_view id, std::int64_t pass = 1) {
  return BERTH_TRY(records::capture_row(c, {.integration = "i", .entity = "invoice", .remote_id = id, .version = "v", .content_hash = "h", .body = "{}", .fetched = kNow, .pass = pass})).record;
}

Status ask_for(Connection& c, const std::string& id) {
  BERTH_CHECK(records::mark_suspect(c, "i", "invoice", id));
  return detail_queue::put_confirming(c, "i", "invoice", id);
}

Result<std::vector<std::string>> to_confirm(Connection& c) {
  detail_queue::HandedOut handed_out;
  std::vector<std::string> ids;
  for (const QueuedDetail& entry : BERTH_TRY(detail_queue::take(c, "i", {"invoice"}, 10, handed_out, {.deletions = detail_queue::Filter::Deletions::kOnly}))) ids.push_back(entry.remote_id);
  return ids;
}

}  // namespace

TEST_CASE("P7: what a person archived is found with who, when and why, until it is taken back, and once only") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const std::int64_t record = BERTH_TRY(capture(c, "1"));
      CHECK_FALSE(BERTH_TRY(hand_archives::find(c, record)).has_value());
      CHECK_FALSE(BERTH_TRY(hand_archives::remove(c, record)));
      BERTH_CHECK(hand_archives::put(c, {.record = record, .actor = "cli", .why = "entered twice", .at = kNow, .captured = 7}));
      const auto found = BERTH_TRY(hand_archives::find(c, record));
      REQUIRE(found.has_value());
      CHECK(found->actor == "cli");
      CHECK(found->why == "entered twice");
      CHECK(found->at == kNow);
      CHECK(found->captured == 7);
      CHECK(BERTH_TRY(hand_archives::remove(c, record)));
      CHECK_FALSE(BERTH_TRY(hand_archives::find(c, record)).has_value());
      return success();
    });
  });
}

TEST_CASE("P7: the two sides of the deletion brake leave out what a person archived, which is missing all the same") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      BERTH_TRY(capture(c, "1"));
      const std::int64_t archived = BERTH_TRY(capture(c, "2"));
      BERTH_TRY(capture(c, "3", 2));
      BERTH_CHECK(hand_archives::put(c, {.record = archived, .actor = "cli", .why = "x", .at = kNow, .captured = 0}));
      const auto missing = BERTH_TRY(records::missing_since_pass(c, "i", "invoice", 2, 10));
      REQUIRE(missing.size() == 2);
      CHECK_FALSE(missing[0].is_archived_by_hand);
      CHECK(missing[1].is_archived_by_hand);
      CHECK(missing[1].remote_id == "2");
      CHECK(BERTH_TRY(records::alive_count(c, "i", "invoice")).alive == 2);
      return success();
    });
  });
}

TEST_CASE("P7: of documents that seem to be gone those are counted that no person has decided about, and given out apart from all others") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      std::int64_t archived = 0;
      for (const char* id : {"1", "3", "2"}) {
        archived = BERTH_TRY(capture(c, id));
        BERTH_CHECK(ask_for(c, id));
      }
      BERTH_CHECK(hand_archives::put(c, {.record = archived, .actor = "cli", .why = "x", .at = kNow, .captured = 0}));
      BERTH_TRY(detail_queue::put(c, {.integration = "i", .entity = "invoice", .remote_id = "9", .version = "v", .priority = 100}));
      auto count = BERTH_TRY(detail_queue::confirming(c, "i", "invoice"));
      CHECK(count.in_all == 3);
      CHECK(count.asked == 0);
      CHECK(count.found == 2);
      const auto taken = [&](detail_queue::Filter::Deletions deletions) -> Result<std::size_t> {
        detail_queue::HandedOut handed_out;
        return BERTH_TRY(detail_queue::take(c, "i", {"invoice"}, 10, handed_out, {.deletions = deletions})).size();
      };
      using Deletions = detail_queue::Filter::Deletions;
      CHECK(BERTH_TRY(taken(Deletions::kAlso)) == 4);
      CHECK(BERTH_TRY(taken(Deletions::kNot)) == 1);
      CHECK(BERTH_TRY(taken(Deletions::kOnly)) == 3);
      CHECK(BERTH_TRY(taken(Deletions::kOnlyAsked)) == 0);
      CHECK(BERTH_TRY(detail_queue::ask_confirming(c, "i", "invoice")) == 3);
      count = BERTH_TRY(detail_queue::confirming(c, "i", "invoice"));
      CHECK(count.asked == 3);
      CHECK(count.found == 0);
      CHECK(BERTH_TRY(taken(Deletions::kOnlyAsked)) == 3);
      CHECK(BERTH_TRY(taken(Deletions::kNot)) == 1);
      BERTH_CHECK(records::touch_seen(c, "i", "invoice", {"1"}, 5));
      CHECK(BERTH_TRY(detail_queue::confirming(c, "i", "invoice")).in_all == 2);
      return success();
    });
  });
}

TEST_CASE("P7: a suspect that is seen again is not asked for any more, and another one is") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (const char* id : {"1", "2", "3", "4"}) {
        BERTH_TRY(capture(c, id));
        BERTH_CHECK(ask_for(c, id));
      }
      REQUIRE(BERTH_TRY(to_confirm(c)).size() == 4);
      BERTH_CHECK(records::touch_seen(c, "i", "invoice", {"1", "2"}, 5));
      CHECK(BERTH_TRY(to_confirm(c)) == std::vector<std::string>{"3", "4"});
      CHECK(BERTH_TRY(records::find(c, "i", "invoice", "1"))->remote_state == "alive");
      BERTH_TRY(capture(c, "3", 6));   // a page that shows it with its row
      CHECK(BERTH_TRY(to_confirm(c)) == std::vector<std::string>{"4"});
      // What somebody else wants of it stays wanted.
      QueuedDetail entry{.integration = "i", .entity = "invoice", .remote_id = "4", .version = "w", .priority = 100};
      BERTH_TRY(detail_queue::put(c, entry));
      CHECK(BERTH_TRY(to_confirm(c)) == std::vector<std::string>{"4"});   // and it is confirmed all the same
      BERTH_CHECK(records::touch_seen(c, "i", "invoice", {"4"}, 7));
      CHECK(BERTH_TRY(to_confirm(c)).empty());
      const auto wanted = BERTH_TRY(detail_queue::find(c, "i", "invoice", "4", kWantDetail));
      REQUIRE(wanted.has_value());
      CHECK(wanted->version == "w");
      CHECK(wanted->cause == "forced");
      return success();
    });
  });
}
