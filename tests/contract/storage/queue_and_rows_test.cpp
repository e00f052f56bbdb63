#include "contract/storage/engines.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/attachments.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/offers.hpp"
#include "host/storage/records.hpp"
#include "host/storage/references.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/waiting.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
using storage::Connection;
namespace account_rows = storage::account_rows;
namespace queue = storage::detail_queue;
namespace rows = storage::rows;

namespace {

storage::QueuedDetail wanted(std::string remote_id, std::string version, std::int64_t priority = 0,
                             bool forced = false) {
  storage::QueuedDetail entry;
  entry.integration = "i";
  entry.entity = "invoice";
  entry.remote_id = std::move(remote_id);
  entry.version = std::move(version);
  entry.priority = priority;
  entry.forced = forced;
  return entry;
}
std::string take(Connection& c, std::size_t n, queue::HandedOut& handed_out) {
  std::string ids;
  for (const auto& entry : must(queue::take(c, "i", {"invoice", "item"}, n, handed_out))) ids += entry.remote_id;
  return ids;
}
storage::LocalRow customer(std::string id, std::string name, std::string remote_id) {
  storage::LocalRow row;
  row.id = std::move(id);
  row.kind = "customer";
  row.name = std::move(name);
  row.integration = "i";
  row.remote_id = std::move(remote_id);
  row.created = kNow;
  return row;
}

}  // namespace

TEST_CASE("the queue hands out larger priorities first, each entry once in a run of a phase") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (const auto& [id, priority] : {std::pair{"a", 0}, {"b", 0}, {"c", 600}, {"d", -1'000'000}, {"e", 100}}) {
        CHECK(BERTH_TRY(queue::put(c, wanted(id, "1", priority))));
      }
      queue::HandedOut handed_out;
      CHECK(take(c, 2, handed_out) == "ce");
      CHECK(BERTH_TRY(queue::put(c, wanted("f", "1", 700))));
      CHECK(BERTH_TRY(queue::put(c, wanted("c", "2", 900))));  // again, while it is out
      CHECK(take(c, 10, handed_out) == "fabd");
      CHECK(take(c, 10, handed_out).empty());
      CHECK(BERTH_TRY(queue::done(c, "i", "invoice", "c", storage::kWantDetail)));
      CHECK_FALSE(BERTH_TRY(queue::done(c, "i", "invoice", "c", storage::kWantDetail)));
      queue::HandedOut next_run;
      CHECK(take(c, 10, next_run) == "feabd");
      CHECK(BERTH_TRY(queue::counts(c, "i")).front().count == 5);
      return success();
    });
  });
}

TEST_CASE("a detail that is known is not queued unless it is forced") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const std::string version = to_string(kNow);
      BERTH_TRY(storage::records::capture_detail(c, {"i", "invoice", "1", version, "h", "{}", kNow + 1h, 1}));
      CHECK_FALSE(BERTH_TRY(queue::put(c, wanted("1", version))));
      CHECK_FALSE(BERTH_TRY(queue::put(c, wanted("1", ""))));
      CHECK(BERTH_TRY(queue::put(c, wanted("1", "other"))));
      CHECK(BERTH_TRY(queue::put(c, wanted("2", ""))));
      CHECK(BERTH_TRY(queue::put(c, wanted("1", version, 600, true))));
      const auto entry = *BERTH_TRY(queue::find(c, "i", "invoice", "1", storage::kWantDetail));
      CHECK(entry.forced);
      CHECK(entry.priority == 600);
      CHECK(entry.version == version);

      // Fetched in the second of its version: it may have changed since.
      storage::Capture capture{"i", "invoice", "3", version, "h", "{}", kNow + 1h, 1};
      capture.version_time = kNow;
      capture.as_of = kNow + 1s;
      BERTH_TRY(storage::records::capture_detail(c, capture));
      auto fresh = wanted("3", version);
      CHECK_FALSE(BERTH_TRY(queue::put(c, fresh)));
      fresh.version_time = kNow;
      CHECK(BERTH_TRY(queue::put(c, fresh)));
      return success();
    });
  });
}

TEST_CASE("an entry is given up after five attempts, and a new version starts them anew") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto fail = [&] {
        return must(queue::fail(c, "i", "invoice", "1", storage::kWantDetail, R"({"status":500})"));
      };
      BERTH_TRY(queue::put(c, wanted("1", "v1")));
      for (int i = 0; i < 4; ++i) CHECK(fail() == queue::FailEffect::kKept);
      BERTH_TRY(queue::put(c, wanted("1", "v2")));
      for (int i = 0; i < 4; ++i) CHECK(fail() == queue::FailEffect::kKept);
      CHECK(BERTH_TRY(queue::find(c, "i", "invoice", "1", storage::kWantDetail))->last_error_json ==
            R"({"status":500})");
      CHECK(fail() == queue::FailEffect::kGaveUp);
      CHECK_FALSE(BERTH_TRY(queue::find(c, "i", "invoice", "1", storage::kWantDetail)));
      return success();
    });
  });
}

TEST_CASE("a reference is asked for once until it is forgotten, and the newest offer wins") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      CHECK(BERTH_TRY(storage::references::ask_once(c, "i", "contact", "1", kNow)));
      CHECK_FALSE(BERTH_TRY(storage::references::ask_once(c, "i", "contact", "1", kNow)));
      BERTH_CHECK(storage::references::forget(c, "i", "contact", "1"));
      CHECK_FALSE(BERTH_TRY(storage::references::was_asked(c, "i", "contact", "1")));

      CHECK(BERTH_TRY(storage::offers::put(c, "i", "contact", "1", "tax_number", "A", kNow)));
      CHECK_FALSE(BERTH_TRY(storage::offers::put(c, "i", "contact", "1", "tax_number", "A", kNow)));
      CHECK(BERTH_TRY(storage::offers::put(c, "i", "contact", "1", "tax_number", "B", kNow)));
      CHECK(*BERTH_TRY(storage::offers::find(c, "i", "contact", "1", "tax_number")) == "B");
      CHECK(BERTH_TRY(storage::offers::list(c, "i", "contact", "1")).size() == 1);
      return success();
    });
  });
}

TEST_CASE("one remote document makes one row, however often it is inserted") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      CHECK(BERTH_TRY(rows::insert(c, customer("cus_1", "Bowman", "46"))).inserted);
      const auto again = BERTH_TRY(rows::insert(c, customer("cus_2", "Bowman and Co", "46")));
      CHECK_FALSE(again.inserted);
      CHECK(again.row.id == "cus_1");
      CHECK(again.row.name == "Bowman");
      CHECK(BERTH_TRY(rows::insert(c, customer("cus_3", "Made here", ""))).inserted);
      CHECK(BERTH_TRY(rows::insert(c, customer("cus_4", "Made here", ""))).inserted);
      CHECK(BERTH_TRY(rows::find_by_remote(c, "customer", "i", "46"))->id == "cus_1");
      CHECK_FALSE(BERTH_TRY(rows::find_by_remote(c, "customer", "i", "")));
      CHECK_FALSE(BERTH_TRY(rows::find_by_remote(c, "vendor", "i", "46")));
      return success();
    });
    auto stolen = customer("cus_3", "Made here", "46");
    CHECK(refusal(database, [&](Connection& c) { return rows::update(c, stolen); }) == "storage.unique");
    CHECK(refusal(database, [](Connection& c) { return rows::update(c, customer("cus_9", "", "")); }) ==
          "storage.not_found");
  });
}

TEST_CASE("a name is found exactly, and its nearest active one is named") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      auto gone = customer("cus_0", "Bowman Furniture", "1");
      gone.active = false;
      BERTH_TRY(rows::insert(c, gone));
      BERTH_TRY(rows::insert(c, customer("cus_1", "Bowman Furniture", "2")));
      CHECK(BERTH_TRY(rows::find_by_name(c, "customer", "", "Bowman Furniture"))->id == "cus_1");
      CHECK_FALSE(BERTH_TRY(rows::find_by_name(c, "customer", "", "bowman furniture")));
      CHECK(BERTH_TRY(rows::find_nearest_name(c, "customer", "", "Bowmann Furniture"))->id == "cus_1");
      CHECK_FALSE(BERTH_TRY(rows::find_nearest_name(c, "customer", "", "Zylker")));
      auto renamed = *BERTH_TRY(rows::find(c, "cus_1"));
      renamed.name = "Bowman";
      renamed.state = "void";
      BERTH_CHECK(rows::update(c, renamed));
      CHECK(BERTH_TRY(rows::find(c, "cus_1"))->state == "void");
      CHECK(BERTH_TRY(rows::list(c, {.kind = "customer"}, {.limit = 1})).next == "cus_0");
      return success();
    });
  });
}

TEST_CASE("the first sight of an account key makes one placeholder, whatever its case and blanks") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto row = BERTH_TRY(account_rows::ensure(c, "i", "payment_mode", "Bank Transfer", "acme_us", kNow));
      CHECK_FALSE(row.is_mapped());
      CHECK(row.awaited() == "account/payment_mode/Bank Transfer/acme_us");
      CHECK(BERTH_TRY(account_rows::ensure(c, "i", "payment_mode", "banktransfer", "acme_us", kNow)).awaited() ==
            row.awaited());
      CHECK(BERTH_TRY(account_rows::ensure(c, "i", "default_income", "", "acme_us", kNow)).awaited() ==
            "account/default_income/-/acme_us");
      CHECK(BERTH_TRY(account_rows::ensure(c, "i", "tax", "A", "acme_us", kNow)).row_key == "A");

      const auto id =
          BERTH_TRY(storage::records::capture_detail(c, {"i", "customer_payment", "1", "1", "1", "{}", kNow, 1}))
              .record;
      BERTH_CHECK(storage::waiting::set_waits(c, id, "i", {row.awaited()}));
      CHECK(BERTH_TRY(account_rows::map(c, "i", "tax", "A", "acme_us", "vat", kNow)).account == "vat");
      const auto all = BERTH_TRY(account_rows::list(c, "i"));
      REQUIRE(all.size() == 3);
      CHECK(all[1].label == "Bank Transfer");
      CHECK(all[1].waiting == 1);
      CHECK(all[2].is_mapped());
      return success();
    });
  });
}

TEST_CASE("an account row is named KIND/KEY/COMPANY, and a key may have slashes of its own") {
  const auto name = account_rows::parse_name("payment_mode/ACH/WIRE/acme_us");
  REQUIRE(name);
  CHECK(name->kind == "payment_mode");
  CHECK(name->label == "ACH/WIRE");
  CHECK(name->company == "acme_us");
  CHECK(account_rows::parse_name("account/default_income/-/acme_us")->label == "-");
  for (const char* wrong : {"", "/", "payment_mode", "payment_mode/acme_us", "/Check/acme_us", "payment_mode/Check/", "account/payment_mode/acme_us"}) {
    CAPTURE(wrong);
    CHECK(!account_rows::parse_name(wrong));
  }
  // Whatever a row is awaited as is its name.
  const berth::storage::AccountRow row{.integration = "zoho_acme", .kind = "tax", .row_key = "a/b", .company = "acme_us", .label = "a/b"};
  CHECK(account_rows::parse_name(row.awaited())->label == "a/b");
}

TEST_CASE("the file fills account rows but does not undo what a person mapped") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      BERTH_TRY(account_rows::ensure(c, "i", "payment_mode", "Stripe", "acme_us", kNow));
      const std::vector<storage::AccountPrefill> file{{"payment_mode", "stripe", "acme_us", "bank"},
                                                      {"default_income", "", "acme_us", "sales"}};
      const auto changed = BERTH_TRY(account_rows::prefill(c, "i", file, kNow));
      REQUIRE(changed.size() == 2);
      CHECK(changed[0].awaited() == "account/payment_mode/Stripe/acme_us");
      CHECK(BERTH_TRY(account_rows::prefill(c, "i", file, kNow)).empty());
      BERTH_TRY(account_rows::map(c, "i", "payment_mode", "STRIPE", "acme_us", "stripe_clearing", kNow));
      CHECK(BERTH_TRY(account_rows::prefill(c, "i", {{"payment_mode", "Stripe", "acme_us", "bank"}}, kNow)).empty());
      CHECK(BERTH_TRY(account_rows::find(c, "i", "payment_mode", "Stripe", "acme_us"))->account == "stripe_clearing");
      CHECK(BERTH_TRY(account_rows::prefill(c, "i", {{"default_income", "", "acme_us", "other_sales"}}, kNow)).size() ==
            1);
      return success();
    });
  });
}

TEST_CASE("a file is stored once and pruned only while nothing links it") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto id =
          BERTH_TRY(storage::records::capture_row(c, {"i", "invoice", "1", "v1", "1", "{}", kNow, 1})).record;
      const std::string bytes("%PDF\0\xff", 6);
      const auto hash = BERTH_TRY(storage::attachments::store(c, bytes));
      CHECK(BERTH_TRY(storage::attachments::store(c, bytes)) == hash);
      const auto other = BERTH_TRY(storage::attachments::store(c, "orphan"));
      BERTH_CHECK(storage::attachments::link(c, {id, "invoice.pdf", "application/pdf", hash, "v1", 0}));
      CHECK(BERTH_TRY(storage::attachments::prune(c)) == 1);
      CHECK(storage::attachments::bytes(c, other).error().reason == "storage.not_found");
      CHECK(BERTH_TRY(storage::attachments::bytes(c, hash)) == bytes);
      CHECK(BERTH_TRY(storage::attachments::list(c, id)).front().size == 6);
      auto attachments = wanted("1", "v1");
      attachments.want = storage::kWantAttachments;
      CHECK_FALSE(BERTH_TRY(queue::put(c, attachments)));
      attachments.version = "v2";
      CHECK(BERTH_TRY(queue::put(c, attachments)));
      return success();
    });
    CHECK(refusal(database, [](Connection& c) {
            return storage::attachments::link(c, {1, "x", "y", "no such hash", "v", 0});
          }) == "storage.refused");
  });
}
