// The history of an integration: its lists, its part of the detail queue, and forecasts.
#include "contract/storage/engines.hpp"
#include "host/storage/backfills.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/offers.hpp"

using namespace berth;
using namespace berth::test;
using storage::Connection;
namespace backfills = storage::backfills;
namespace queue = storage::detail_queue;

namespace {

storage::QueuedDetail wanted(std::string remote_id, std::int64_t priority, std::string cause, std::uint32_t want = storage::kWantDetail) {
  storage::QueuedDetail entry;
  entry.integration = "i";
  entry.entity = "contact";
  entry.remote_id = std::move(remote_id);
  entry.version = "1";
  entry.want = want;
  entry.priority = priority;
  entry.cause = std::move(cause);
  return entry;
}

std::string take(Connection& c, const queue::Filter& filter) {
  std::string ids;
  queue::HandedOut handed_out;
  for (const auto& entry : must(queue::take(c, "i", {"contact"}, 100, handed_out, filter))) ids += entry.remote_id;
  return ids;
}

}  // namespace

TEST_CASE("P2: an integration has a history once it is wished for, and its lists are kept as they were saved") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      CHECK_FALSE(BERTH_TRY(backfills::find(c, "i")).has_value());
      CHECK_FALSE(backfills::set_done(c, "i", kNow).ok());
      BERTH_CHECK(backfills::wish(c, "i"));
      BERTH_CHECK(backfills::set_began(c, "i", kNow));
      BERTH_CHECK(backfills::wish(c, "i"));   // again: nothing is forgotten
      CHECK(BERTH_TRY(backfills::find(c, "i"))->began == kNow);
      CHECK(BERTH_TRY(backfills::find(c, "i"))->done.unix_ms == 0);
      storage::BackfillList list{.integration = "i", .phase = "invoices", .from = Instant{1000}, .to = Instant{2000}, .expected = 7, .listed = 3, .in_window = 2};
      BERTH_CHECK(backfills::save(c, list));
      list.listed = 5;
      list.done = kNow;
      BERTH_CHECK(backfills::save(c, list));
      const auto stored = BERTH_TRY(backfills::lists(c, "i"));
      REQUIRE(stored.size() == 1);
      CHECK(stored.front().from.unix_ms == 1000);
      CHECK(stored.front().to.unix_ms == 2000);
      CHECK(stored.front().expected == 7);
      CHECK(stored.front().listed == 5);
      CHECK(stored.front().in_window == 2);
      CHECK(stored.front().done == kNow);
      CHECK_FALSE(BERTH_TRY(backfills::find_list(c, "i", "contacts")).has_value());
      CHECK(BERTH_TRY(backfills::lists(c, "other")).empty());
      return success();
    });
  });
}

TEST_CASE("P2: what the history asked for is given out apart from the rest, by its priority, and is like the rest in the end") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (const auto& entry : {wanted("a", 150, "backfill"), wanted("b", 20, "backfill"), wanted("c", 300, "list"), wanted("d", 600, "reference"),
                                wanted("e", -1, "backfill", storage::kWantAttachments)}) {
        BERTH_TRY(queue::put(c, entry));
      }
      CHECK(take(c, {}) == "dcabe");
      CHECK(take(c, {.with_history = false}) == "dc");
      CHECK(take(c, {.at_least = 100}) == "dca");
      CHECK(take(c, {.wants = storage::kWantAttachments}) == "e");
      constexpr std::int64_t kAny = 1'000'000;
      CHECK(BERTH_TRY(queue::history_priority(c, "i", {"invoice", "contact"}, kAny)) == 150);
      CHECK(BERTH_TRY(queue::history_priority(c, "i", {"contact"}, 150)) == 20);
      CHECK_FALSE(BERTH_TRY(queue::history_priority(c, "i", {"contact"}, 20)).has_value());
      CHECK_FALSE(BERTH_TRY(queue::history_priority(c, "i", {}, kAny)).has_value());
      BERTH_TRY(queue::put(c, wanted("b", 250, "list")));   // it has changed: no history any more
      CHECK(take(c, {.with_history = false}) == "dcb");
      BERTH_CHECK(queue::end_history(c, "i"));
      CHECK(take(c, {.with_history = false}) == "dcbae");
      return success();
    });
  });
}

TEST_CASE("B2: a detail that was wanted for a value which another document offered meanwhile leaves the queue") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      storage::QueuedDetail forced = wanted("f", 100, "list");
      forced.forced = true;
      for (const auto& entry : {wanted("a", 100, "list"), wanted("b", 0, "backfill"), wanted("c", 100, "list"), wanted("d", 100, "reference"), forced}) BERTH_TRY(queue::put(c, entry));
      for (const char* id : {"a", "b", "d", "f"}) BERTH_TRY(storage::offers::put(c, "i", "contact", id, "country", "US", kNow));
      BERTH_TRY(storage::offers::put(c, "i", "contact", "c", "language", "en", kNow));
      BERTH_CHECK(queue::drop_offered(c, "i", "contact", "country"));
      CHECK(take(c, {}) == "cdf");   // nobody offered its country; another document named it; somebody forced it
      return success();
    });
  });
}

TEST_CASE("B7: the last forecast of an integration is kept") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      CHECK_FALSE(BERTH_TRY(storage::forecasts::find(c, "i")).has_value());
      BERTH_CHECK(storage::forecasts::save(c, "i", R"({"calls_left":7})", Instant{5}));
      BERTH_CHECK(storage::forecasts::save(c, "i", R"({"calls_left":6})", kNow));
      CHECK(BERTH_TRY(storage::forecasts::find(c, "i"))->json == R"({"calls_left":6})");
      CHECK(BERTH_TRY(storage::forecasts::find(c, "i"))->at == kNow);
      return success();
    });
  });
}
