#include <array>

#include "contract/storage/engines.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/records.hpp"
#include "host/storage/waiting.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
using storage::CaptureEffect;
using storage::Connection;
using storage::KnownAs;
namespace records = storage::records;
namespace waiting = storage::waiting;

namespace {

storage::Capture invoice(std::string_view remote_id, std::string_view version, std::string_view hash,
                         std::string_view body = "{}", Instant fetched = kNow, std::int64_t pass = 1) {
  return {.integration = "i", .entity = "invoice", .remote_id = remote_id, .version = version, .content_hash = hash, .body = body, .fetched = fetched, .pass = pass};
}
Status post(Connection& c, std::int64_t record) {
  return records::set_state(c, record, {.state = "posted", .local_id = "inv_1"}, kNow);
}
std::string state_of(Connection& c, std::int64_t record) {
  return must(records::find(c, record))->state;
}

KnownAs known(Connection& c, std::string_view remote_id, std::string_view version, bool is_time = true) {
  std::optional<Instant> time;
  if (is_time) time = must(parse_instant(version));
  const std::array queries{storage::KnownQuery{remote_id, version, time}};
  return must(records::known(c, "i", "invoice", queries)).front();
}

}  // namespace

TEST_CASE("a body comes back as it was received, and an unchanged one makes no version") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const std::string body = R"({"total":123.450,"note":"ü € \u0000"})" + std::string(100'000, 'x');
      const auto first = BERTH_TRY(records::capture_detail(c, invoice("1", "v1", "h1", body)));
      CHECK(first.effect == CaptureEffect::kNew);
      CHECK(first.pending);
      BERTH_CHECK(post(c, first.record));
      const auto again = BERTH_TRY(records::capture_detail(c, invoice("1", "v2", "h1", body, kNow + 1h)));
      CHECK(again.record == first.record);
      CHECK(again.effect == CaptureEffect::kUnchanged);
      CHECK_FALSE(again.pending);
      CHECK(state_of(c, first.record) == "posted");
      const auto bodies = BERTH_TRY(records::load(c, first.record));
      REQUIRE(bodies.detail);
      CHECK(bodies.detail->body == body);
      CHECK(bodies.detail->version == "v2");
      CHECK_FALSE(bodies.row);
      CHECK(BERTH_TRY(records::versions(c, first.record)).size() == 1);
      const auto record = *BERTH_TRY(records::find(c, first.record));
      CHECK(record.detail_version == "v2");
      CHECK(record.detail_fetched == kNow + 1h);
      return success();
    });
  });
}

// The simulation's seed 64: one host, whose clock was three hours ahead, stored the row; another's detail seemed older than the
// row, so it was asked for again, said what it had said, and the credit note waited for it for ever.
TEST_CASE("a detail is newer than the row that is here, whatever the clocks of two hosts say, and whoever waits for it has it") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto row = BERTH_TRY(records::capture_row(c, invoice("1", "v1", "row", "{}", kNow + 3h)));
      BERTH_TRY(records::capture_detail(c, invoice("1", "v2", "detail", "{}", kNow)));
      const auto record = *BERTH_TRY(records::find(c, row.record));
      CHECK(record.detail_fetched >= record.row_fetched);
      BERTH_CHECK(records::set_state(c, row.record, {.state = "pending", .reason = "berth.detail_missing"}, kNow));
      const auto again = BERTH_TRY(records::capture_detail(c, invoice("1", "v2", "detail", "{}", kNow + 1h)));
      CHECK(again.effect == CaptureEffect::kUnchanged);
      CHECK(again.pending);
      CHECK(BERTH_TRY(records::find(c, row.record))->reason.empty());
      return success();
    });
  });
}

TEST_CASE("a document that goes from A to B and back to A has three versions and is pending each time") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      std::int64_t captured = 0;
      for (const char* hash : {"A", "B", "A"}) {
        const auto kept = BERTH_TRY(records::capture_detail(c, invoice("1", hash, hash, hash)));
        CHECK(kept.pending);
        const auto record = *BERTH_TRY(records::find(c, kept.record));
        CHECK(record.captured > captured);
        captured = record.captured;
        BERTH_CHECK(post(c, kept.record));
      }
      const auto record = BERTH_TRY(records::find(c, "i", "invoice", "1"));
      REQUIRE(record);
      const auto versions = BERTH_TRY(records::versions(c, record->id));
      REQUIRE(versions.size() == 3);
      CHECK(BERTH_TRY(records::version(c, versions[1].id)).body == "B");
      return success();
    });
  });
}

TEST_CASE("a list row is kept beside the detail, and makes nothing pending while the detail has its version") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto row = BERTH_TRY(records::capture_row(c, invoice("1", "v1", "r1", "row")));
      CHECK(row.pending);
      CHECK(BERTH_TRY(records::capture_detail(c, invoice("1", "v1", "d1", "detail"))).pending);
      BERTH_CHECK(post(c, row.record));
      const auto same = BERTH_TRY(records::capture_row(c, invoice("1", "v1", "r2", "row with a new balance")));
      CHECK(same.effect == CaptureEffect::kChanged);
      CHECK_FALSE(same.pending);
      CHECK(state_of(c, row.record) == "posted");
      CHECK(BERTH_TRY(records::capture_row(c, invoice("1", "v2", "r3", "newer row"))).pending);
      const auto bodies = BERTH_TRY(records::load(c, row.record));
      CHECK(bodies.row->body == "newer row");
      CHECK(bodies.detail->body == "detail");
      return success();
    });
  });
}

TEST_CASE("parts are kept by name and make their record pending when they change") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto part = BERTH_TRY(records::capture_part(c, invoice("1", "v1", "p1", "[1]"), "addresses"));
      BERTH_TRY(records::capture_part(c, invoice("1", "v1", "q1", "[2]"), "history"));
      BERTH_CHECK(post(c, part.record));
      CHECK_FALSE(BERTH_TRY(records::capture_part(c, invoice("1", "v1", "p1", "[1]"), "addresses")).pending);
      CHECK(BERTH_TRY(records::capture_part(c, invoice("1", "v1", "p2", "[3]"), "addresses")).pending);
      const auto bodies = BERTH_TRY(records::load(c, part.record));
      CHECK(bodies.parts.at("addresses").body == "[3]");
      CHECK(bodies.parts.at("history").body == "[2]");
      return success();
    });
  });
}

TEST_CASE("known says row or detail only for the very version") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto* old = "2026-01-05T10:00:00-0500";
      BERTH_TRY(records::capture_row(c, invoice("row", old, "r")));
      BERTH_TRY(records::capture_row(c, invoice("both", old, "r")));
      BERTH_TRY(records::capture_detail(c, invoice("both", old, "d")));
      CHECK(known(c, "none", old) == KnownAs::kNone);
      CHECK(known(c, "row", old) == KnownAs::kRow);
      CHECK(known(c, "both", old) == KnownAs::kDetail);
      CHECK(known(c, "both", "2026-01-05T10:00:01-0500") == KnownAs::kNone);
      // The same moment written with another offset is the same version, but only for versions that are times.
      CHECK(known(c, "both", "2026-01-05T15:00:00Z") == KnownAs::kDetail);
      CHECK(known(c, "both", "2026-01-05T15:00:00Z", false) == KnownAs::kNone);
      return success();
    });
  });
}

TEST_CASE("a version within two seconds of the remote's clock is not known, and is known once fetched again, whatever our clock says") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto version = to_string(kNow);
      for (const auto wrong_by : {0ms, 3'600'000ms, -3'600'000ms}) {
        const std::string id = "i" + std::to_string(wrong_by.count());
        const auto capture = [&](Instant as_of) -> Status {
          auto one = invoice(id, version, "d", "{}", as_of + wrong_by);
          one.version_time = kNow;
          one.as_of = as_of;
          for (const bool is_row : {false, true}) {
            one.remote_id = is_row ? "row" : std::string_view(id);
            BERTH_TRY(is_row ? records::capture_row(c, one) : records::capture_detail(c, one));
          }
          return success();
        };
        for (const auto distance : {-2000ms, 0ms, 2000ms}) {
          BERTH_CHECK(capture(kNow + distance));
          CHECK(known(c, id, version) == KnownAs::kNone);
          CHECK(known(c, "row", version) == KnownAs::kNone);
          CHECK(known(c, id, version, false) == KnownAs::kDetail);
        }
        BERTH_CHECK(capture(kNow + 2001ms));
        CHECK(known(c, id, version) == KnownAs::kDetail);
        CHECK(known(c, "row", version) == KnownAs::kRow);
      }
      return success();
    });
  });
}

TEST_CASE("where the remote's clock is not known, or its versions are ahead of it, a version is known once it came a second time, later") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto version = to_string(kNow);
      for (const Instant as_of : {Instant{}, kNow - 1h}) {
        const std::string id = "i" + std::to_string(as_of.unix_ms);
        const auto capture = [&](Instant asked, Instant fetched) -> Status {
          auto one = invoice(id, version, "d", "{}", fetched);
          one.version_time = kNow;
          one.as_of = as_of;
          one.asked = asked;
          BERTH_TRY(records::capture_detail(c, one));
          return success();
        };
        BERTH_CHECK(capture(kNow, kNow + 10s));
        CHECK(known(c, id, version) == KnownAs::kNone);
        // Asked for before the first one was stored, as for two places of a list: no second look.
        BERTH_CHECK(capture(kNow, kNow + 20s));
        CHECK(known(c, id, version) == KnownAs::kNone);
        BERTH_CHECK(capture(kNow + 22s, kNow + 23s));
        CHECK(known(c, id, version) == KnownAs::kNone);
        BERTH_CHECK(capture(kNow + 26s, kNow + 27s));
        CHECK(known(c, id, version) == KnownAs::kDetail);
      }
      return success();
    });
  });
}

TEST_CASE("a deleted record is not known, and what comes back is alive and pending although its content is the same") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto kept = BERTH_TRY(records::capture_detail(c, invoice("1", "2026-01-05T10:00:00Z", "d")));
      BERTH_CHECK(post(c, kept.record));
      CHECK(BERTH_TRY(records::mark_deleted(c, "i", "invoice", "1", kNow)));
      CHECK_FALSE(BERTH_TRY(records::mark_deleted(c, "i", "invoice", "1", kNow)));
      CHECK_FALSE(BERTH_TRY(records::mark_deleted(c, "i", "invoice", "other", kNow)));
      CHECK(state_of(c, kept.record) == "pending");
      BERTH_CHECK(post(c, kept.record));
      CHECK(known(c, "1", "2026-01-05T10:00:00Z") == KnownAs::kNone);
      const auto back = BERTH_TRY(records::capture_detail(c, invoice("1", "2026-01-05T10:00:00Z", "d")));
      CHECK(back.effect == CaptureEffect::kChanged);
      CHECK(back.pending);
      CHECK(BERTH_TRY(records::find(c, back.record))->remote_state == "alive");
      return success();
    });
  });
}

TEST_CASE(
    "missing after a pass is who was neither captured nor asked about since it began, a suspect who is seen is alive") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (const char* id : {"captured", "touched", "later", "missing", "suspect", "forgotten"}) {
        BERTH_TRY(records::capture_row(c, invoice(id, "v", "h", "{}", kNow, 1)));
      }
      BERTH_CHECK(records::mark_suspect(c, "i", "invoice", "suspect"));
      BERTH_CHECK(storage::detail_queue::put_confirming(c, "i", "invoice", "suspect"));
      BERTH_CHECK(records::mark_suspect(c, "i", "invoice", "forgotten"));   // nobody asks about it
      BERTH_TRY(records::capture_row(c, invoice("captured", "v", "h", "{}", kNow, 7)));
      BERTH_CHECK(records::touch_seen(c, "i", "invoice", {"touched", "unheard of"}, 7));
      BERTH_CHECK(records::touch_seen(c, "i", "invoice", {"later"}, 9));
      BERTH_CHECK(records::touch_seen(c, "i", "invoice", {"later"}, 7));
      const auto missing = BERTH_TRY(records::missing_since_pass(c, "i", "invoice", 7, 10));
      REQUIRE(missing.size() == 2);
      CHECK(missing[0].remote_id == "missing");
      CHECK(missing[1].remote_id == "forgotten");
      auto count = BERTH_TRY(records::alive_count(c, "i", "invoice"));
      CHECK(count.alive == 4);
      CHECK(count.suspect == 2);
      BERTH_CHECK(records::mark_alive(c, "i", "invoice", "forgotten"));
      BERTH_CHECK(records::touch_seen(c, "i", "invoice", {"suspect"}, 1));
      CHECK(BERTH_TRY(records::alive_count(c, "i", "invoice")).suspect == 0);
      return success();
    });
  });
}

TEST_CASE("pending records come by entity in the given order, then by order of capture") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      BERTH_TRY(records::capture_detail(c, invoice("B", "1", "1")));
      BERTH_TRY(records::capture_detail(c, invoice("A", "1", "1")));
      BERTH_TRY(records::capture_row(c, invoice("row only", "1", "1")));
      BERTH_TRY(records::capture_row(c, {"i", "item", "I", "1", "1", "{}", kNow, 1}));
      BERTH_TRY(records::capture_detail(c, {"other", "item", "I", "1", "1", "{}", kNow, 1}));
      BERTH_TRY(records::capture_detail(c, invoice("B", "2", "2")));  // captured anew: now behind A
      const auto ids = [&](const std::vector<storage::PendingEntity>& order, std::size_t limit) {
        std::string text;
        for (const auto& record : must(records::pending(c, "i", order, limit))) text += record.remote_id + " ";
        return text;
      };
      CHECK(ids({{"item"}, {"invoice", true}}, 10) == "I A B ");
      CHECK(ids({{"invoice", true}, {"item"}}, 2) == "A B ");
      CHECK(ids({{"invoice"}}, 10) == "A row only B ");
      return success();
    });
  });
}

TEST_CASE("an outcome keeps what it does not name, and the time of a state moves only with the state") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto id = BERTH_TRY(records::capture_detail(c, invoice("1", "1", "1"))).record;
      BERTH_CHECK(records::set_state(
          c, id, {.state = "posted", .local_id = "inv_1", .rules_revision = "r1", .document_hash = "h1"}, kNow));
      BERTH_CHECK(records::set_state(c, id, {.state = "parked", .reason = "mapping.missing", .message = "no customer"},
                                     kNow + 1h));
      BERTH_CHECK(
          records::set_state(c, id, {.state = "parked", .reason = "mapping.missing", .message = "no item"}, kNow + 2h));
      const auto record = *BERTH_TRY(records::find(c, id));
      CHECK(record.local_id == "inv_1");
      CHECK(record.rules_revision == "r1");
      CHECK(record.document_hash == "h1");
      CHECK(record.message == "no item");
      CHECK(record.state_since == kNow + 1h);
      return success();
    });
    CHECK(refusal(database, [](Connection& c) { return records::set_state(c, 4711, {.state = "posted"}, kNow); }) ==
          "storage.not_found");
  });
}

TEST_CASE("waking makes pending what waits for the key, and nothing else") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      std::vector<std::int64_t> ids;
      for (const char* id : {"waits", "waits for another", "posted in part", "skipped"}) {
        ids.push_back(BERTH_TRY(records::capture_detail(c, invoice(id, "1", "1"))).record);
      }
      const auto park = [&](std::size_t i, const char* state, const std::vector<std::string>& keys) -> Status {
        BERTH_CHECK(records::set_state(c, ids[i], {.state = state}, kNow));
        return waiting::set_waits(c, ids[i], "i", keys);
      };
      BERTH_CHECK(park(0, "parked", {"customer/46", "item/3", "customer/46"}));
      BERTH_CHECK(park(1, "parked", {"item/3"}));
      BERTH_CHECK(park(2, "posted", {"customer/46"}));
      BERTH_CHECK(park(3, "skipped", {"customer/46"}));
      const auto awaited = BERTH_TRY(waiting::awaited(c, "i"));
      REQUIRE(awaited.size() == 2);
      CHECK(awaited[0].key == "customer/46");
      CHECK(awaited[0].records == 3);
      CHECK(BERTH_TRY(waiting::awaited(c, "i", "item/")).size() == 1);

      CHECK(BERTH_TRY(waiting::wake(c, "other", "customer/46", kNow)) == 0);
      // A new answer alone concerns nobody who was skipped; a change in the books does.
      CHECK(BERTH_TRY(waiting::wake(c, "i", "customer/46", kNow, waiting::Sleepers::kNotSkipped)) == 2);
      CHECK(state_of(c, ids[0]) == "pending");
      CHECK(state_of(c, ids[1]) == "parked");
      CHECK(state_of(c, ids[2]) == "pending");
      CHECK(state_of(c, ids[3]) == "skipped");
      CHECK(BERTH_TRY(waiting::waits_of(c, ids[0])) == std::vector<std::string>{"item/3"});
      CHECK(BERTH_TRY(waiting::waits_of(c, ids[3])) == std::vector<std::string>{"customer/46"});
      CHECK(BERTH_TRY(waiting::wake(c, "i", "customer/46", kNow)) == 1);
      CHECK(state_of(c, ids[3]) == "pending");
      CHECK(BERTH_TRY(waiting::wake(c, "i", "customer/46", kNow)) == 0);
      return success();
    });
  });
}

TEST_CASE("requeueing leaves what a person skipped or archived, unless that is what is asked for") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (const char* state : {"parked", "failed", "skipped", "archived"}) {
        const auto id = BERTH_TRY(records::capture_detail(c, invoice(state, "1", "1"))).record;
        BERTH_CHECK(records::set_state(c, id, {.state = state}, kNow));
      }
      CHECK(BERTH_TRY(records::requeue(c, {.integration = "i"}, kNow)) == 2);
      CHECK(BERTH_TRY(records::requeue(c, {.integration = "i", .state = "skipped"}, kNow)) == 1);
      const auto counts = BERTH_TRY(records::counts(c, "i"));
      REQUIRE(counts.size() == 2);
      CHECK(counts[0].state == "archived");
      CHECK(counts[1].state == "pending");
      CHECK(counts[1].count == 3);
      return success();
    });
    CHECK(refusal(database, [](Connection& c) { return records::requeue(c, {}, kNow); }) == "storage.filter_too_wide");
  });
}

TEST_CASE("records are listed in pages that together hold each once") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (int i = 0; i < 7; ++i) BERTH_TRY(records::capture_row(c, invoice(std::to_string(i), "1", "1")));
      std::string seen;
      std::string after;
      do {
        const auto page =
            BERTH_TRY(records::list(c, {.integration = "i", .state = "pending"}, {.after = after, .limit = 3}));
        for (const auto& record : page.items) seen += record.remote_id;
        after = page.next;
      } while (!after.empty());
      CHECK(seen == "0123456");
      return success();
    });
    CHECK(refusal(database, [](Connection& c) { return records::list(c, {}, {.after = "1; DROP"}); }) ==
          "storage.page_invalid");
  });
}
