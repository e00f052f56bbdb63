// What happens to a list while its pages are read: rows are removed, added and edited between two calls. No living row is
// lost, and what that costs in calls.
#include <doctest/doctest.h>

#include <random>

#include "../plugin-sdk/pull/edges.hpp"
#include "remote.hpp"

using namespace pull_test;

namespace {

const std::string kNoDetail = R"("detail":"never")";

/// Pages of `size` rows, as Zoho's are of 200.
berth::PullConfig with_size(berth::PullConfig config, std::int64_t size) {
  config.file.phases.front().page.size = size;
  return config;
}

/// The lists of the Zoho Books connector: how they are ordered, filtered and counted.
struct List {
  const char* name;
  std::string query;
  bool is_counted, is_by_name, has_floor;
};
const List kLists[] = {
    {"invoices", R"("query":{"changed":"{since}","sort_column":"created","sort_order":"D"})", true, false, true},
    {"payments", R"("probe":{"sort_column":"changed","sort_order":"D"})", false, true, true},
    {"contacts", R"("query":{"sort_column":"changed","sort_order":"D"})", false, false, true},
    {"items", R"("probe":{"sort_column":"changed","sort_order":"D"})", false, true, false},
    {"credit notes", R"("query":{"changed":"{since}","sort_column":"changed","sort_order":"D"})", false, false, true}};

berth::PullConfig config_for(const List& list, std::int64_t size) {
  berth::PullConfig config = with_size(config_of(list.query, kNoDetail), size);
  if (!list.is_counted) config.file.phases.front().page.total.clear();
  if (!list.has_floor) config.file.phases.front().until.reset();
  return config;
}

/// A list that lives: at every call of it a few rows are removed, added or edited.
struct Living : Fixture {
  static constexpr std::size_t kPage = 10;
  Living(const List& list, unsigned seed) : Fixture(config_for(list, kPage)), random(seed) {
    remote.page_size = kPage;
    remote.says_total = list.is_counted;
    remote.is_by_name = list.is_by_name;
    host.ms_per_request = 1'300;
    host.serve = [this](const Request& request) {
      if (is_living && request.path == "/things") live();
      return remote.serve(request);
    };
    for (std::size_t i = 0; i < 40 + pick(110); ++i) add(host.now_ms - 20 * kDay + static_cast<std::int64_t>(i) * kMinute);
  }

  std::size_t pick(std::size_t below) { return random() % below; }
  std::int64_t second() const { return host.now_ms / 1000 * 1000; }
  void add(std::int64_t changed_ms) {
    remote.docs.push_back({"T" + std::to_string(++made), changed_ms, "open", std::to_string(pick(1000)), "1"});
  }
  void edit(Doc& doc) {
    doc.changed_ms = second();
    doc.name = std::to_string(pick(1000));
  }
  void live() {
    // Mostly nothing to three things; now and then many at once.
    const std::size_t things = pick(12) == 0 ? 4 + pick(12) : pick(4);
    for (std::size_t i = 0; i < things && !remote.docs.empty(); ++i) {
      const std::size_t which = pick(remote.docs.size());
      switch (pick(4)) {
        case 0: add(second()); break;
        case 1: edit(remote.docs[which]); break;
        default: remote.docs.erase(remote.docs.begin() + static_cast<std::ptrdiff_t>(which));
      }
    }
    ++host.now_ms;
  }
  /// Rows that are there and not stored as they are.
  std::size_t lost() const {
    std::size_t count = 0;
    for (const Doc& doc : remote.docs) {
      const auto* stored = host.find("thing", doc.id);
      const auto version = stored == nullptr ? std::nullopt : berth::times::parse(stored->row_version);
      count += version && version->unix_ms == doc.changed_ms ? 0 : 1;
    }
    return count;
  }
  /// A run while the list lives, in one piece or cut again and again.
  Outcome disturbed(std::string_view mode, bool is_cut) {
    is_living = true;
    Outcome outcome;
    for (int slice = 0; slice < 40; ++slice) {
      host.stop_after_requests = is_cut ? static_cast<int>(host.requests.size() + 1 + pick(3)) : -1;
      outcome = run(mode);
      if (outcome.status != BERTH_CANCELLED) break;
      host.now_ms += pick(2) == 0 ? kMinute : 20 * kMinute;
    }
    is_living = false;
    host.stop_after_requests = -1;
    host.now_ms += 60 * kMinute;
    return outcome;
  }

  std::mt19937 random;
  bool is_living = false;
  int made = 0;
};

struct Tally {
  int schedules = 0, lost = 0, unsteady = 0, repeated = 0;
  std::size_t mended = 0, calls = 0, pages = 0;
};

/// What one schedule leaves lost after the run and one ordinary run after it.
void check_schedule(const List& list, const std::string& kind, unsigned seed, Tally& tally) {
  CAPTURE(std::string(list.name));
  CAPTURE(kind);
  CAPTURE(seed);
  Living f(list, seed);
  const bool is_cut = f.pick(3) == 0;
  if (kind != "first") {
    REQUIRE(f.run().status == BERTH_OK);
    REQUIRE(f.lost() == 0);
    f.host.now_ms += 15 * kDay;
    // More than a page of news, old and new documents.
    for (std::size_t i = 0; i < 5 + f.pick(40); ++i) {
      f.host.now_ms += kMinute;
      if (f.pick(2) == 0) {
        f.add(f.second());
      } else {
        f.edit(f.remote.docs[f.pick(f.remote.docs.size())]);
      }
    }
    f.host.now_ms += kMinute;
  }
  if (kind == "full") {
    // Documents that were never stored, long before every watermark: only a whole pass brings them.
    for (std::size_t i = 0; i < f.remote.docs.size(); i += 7) f.host.records.erase({"thing", f.remote.docs[i].id});
  }
  f.host.forget_calls();
  tally.pages += (f.remote.docs.size() + Living::kPage - 1) / Living::kPage;
  const Outcome outcome = f.disturbed(kind == "full" ? "full" : "changes", is_cut);
  tally.calls += f.lists();
  tally.mended += f.host.logged("shop.list.shifted");
  const bool is_unsteady = outcome.reason == "berth.list_unsteady";
  const bool is_repeated = outcome.reason == "shop.list.repeated";
  if (outcome.status != BERTH_OK) CHECK_MESSAGE((is_unsteady || is_repeated), outcome.reason);
  if (outcome.status != BERTH_OK) CHECK(f.host.passes_completed == 0);
  if (kind == "full" && outcome.status != BERTH_OK) REQUIRE(f.run("full").status == BERTH_OK);  // whoever asked asks again
  REQUIRE(f.run().status == BERTH_OK);
  const std::size_t lost = f.lost();
  CHECK(lost == 0);
  ++tally.schedules;
  tally.lost += static_cast<int>(lost);
  tally.unsteady += is_unsteady ? 1 : 0;
  tally.repeated += is_repeated ? 1 : 0;
}

/// Calls of the list that a quiet pass over so many rows makes, 200 a page.
std::size_t calls_for(std::size_t rows, bool is_counted) {
  Fixture f(with_size(config_of(kSortedQuery, kNoDetail), 200));
  f.remote.page_size = 200;
  f.remote.says_total = is_counted;
  f.remote.fill(rows);
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.host.records.size() == rows);
  CHECK(f.host.logs.empty());
  return f.lists();
}

}  // namespace

TEST_CASE("rows that are removed, added and edited while a list is read are not lost: 3,000 schedules over five kinds of lists") {
  for (const List& list : kLists) {
    Tally tally;
    for (const char* kind : {"first", "changes", "full"}) {
      for (unsigned seed = 1; seed <= 200; ++seed) check_schedule(list, kind, seed, tally);
    }
    CHECK(tally.schedules == 600);
    CHECK(tally.lost == 0);
    CHECK(tally.mended > 100);         // else nothing was lost that could have been
    CHECK(tally.unsteady < 60);        // the others end well in spite of it
    MESSAGE(std::string(list.name) << ": " << tally.schedules << " schedules, " << tally.lost << " rows lost, " << tally.mended << " shifts mended, "
                      << tally.unsteady << " runs incomplete, " << tally.repeated << " taken for a remote that repeats a page, " << tally.calls
                      << " calls where pages side by side are " << tally.pages);
  }
}

TEST_CASE("what proving the edges costs: no call for a page or a count, one for a few pages, every tenth for many") {
  for (const std::size_t rows : {1u, 199u, 200u, 398u}) {
    CAPTURE(rows);
    CHECK(calls_for(rows, false) == (rows + 199) / 200);
  }
  CHECK(calls_for(400, false) == 3);
  CHECK(calls_for(1'000, false) == 6);
  CHECK(calls_for(2'000, false) == 11);
  CHECK(calls_for(5'000, false) == 27);
  CHECK(calls_for(10'000, false) == 55);
  for (const std::size_t rows : {1u, 200u, 400u, 2'000u, 10'000u}) {
    CAPTURE(rows);
    CHECK(calls_for(rows, true) == (rows + 199) / 200);
  }
}

TEST_CASE("a pass that finds nothing new costs its pages and no more, however many lie in the overlap") {
  for (const std::string& query : {kSortedProbe, kSortedQuery, kFiltered}) {
    for (const std::size_t rows : {200u, 400u, 600u, 2'000u}) {
      CAPTURE(query);
      CAPTURE(rows);
      berth::PullConfig config = with_size(config_of(query, kNoDetail), 200);
      config.file.phases.front().overlap_ms = 5 * kDay;
      Fixture f(config);
      f.remote.page_size = 200;
      f.remote.fill(rows);
      REQUIRE(f.run().status == BERTH_OK);
      f.host.forget_calls();
      REQUIRE(f.run().status == BERTH_OK);
      CHECK(f.lists() == rows / 200);
      CHECK(f.host.passes_completed == 1);
      CHECK(f.host.logs.empty());
    }
  }
}

TEST_CASE("something new behind an edge that was not proven: the pass goes back to that edge, and the watermark moves") {
  berth::PullConfig config = with_size(config_of(R"("query":{"changed":"{since}","sort_column":"created","sort_order":"D"})", kNoDetail), 20);
  config.file.phases.front().overlap_ms = 5 * kDay;
  Fixture f(config);
  f.remote.page_size = 20;
  f.remote.fill(60);
  REQUIRE(f.run().status == BERTH_OK);
  f.host.forget_calls();
  f.remote.doc("T105").changed_ms = kMay1 + kDay;   // created early: on the last page
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.lists() == 3 + 3);   // three pages, and from the end of page 1 on again, overlapping
  CHECK(f.host.find("thing", "T105")->row_version.starts_with("2026-05-01T17"));
  CHECK(berth::times::parse(f.cursor().text_of("watermark"))->unix_ms == kMay1 + kDay);
  f.host.forget_calls();
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.lists() == 3);
}

TEST_CASE("a list that loses more than a page between any two calls ends as unsteady, keeps its watermark and is read again") {
  Fixture f(config_of(kSortedQuery));
  f.remote.fill(10, kMay1 - kDay);
  REQUIRE(f.run().status == BERTH_OK);
  const std::string before(f.cursor().text_of("watermark"));
  f.remote.fill(200);
  bool is_draining = true;
  std::string survivor;
  f.host.serve = [&](const Request& request) {
    if (is_draining && request.path == "/things" && f.remote.docs.size() > 40) f.remote.docs.resize(f.remote.docs.size() - 6);
    return f.remote.serve(request);
  };
  f.host.forget_calls();
  const Outcome outcome = f.run();
  CHECK(outcome.status == BERTH_BAD_RESPONSE);
  CHECK(outcome.reason == "berth.list_unsteady");
  CHECK(outcome.message.find("the phase things") != std::string::npos);
  CHECK(f.host.logged("shop.list.shifted") > 0);
  CHECK(f.host.passes_completed == 0);
  CHECK(f.lists() < 20);
  CHECK(f.details() > 0);   // what was listed is fetched
  CHECK(f.cursor().text_of("watermark") == before);
  CHECK(f.cursor().find("pass") == nullptr);
  is_draining = false;
  REQUIRE(f.run().status == BERTH_OK);
  for (const Doc& doc : f.remote.docs) CHECK(f.host.records.contains({"thing", doc.id}));
  CHECK(f.cursor().text_of("watermark") != before);
}

TEST_CASE("a remote that has its own size of pages is read page by page, by count where it counts") {
  for (const bool says_total : {false, true}) {
    CAPTURE(says_total);
    Fixture f(with_size(config_of(kSortedQuery, kNoDetail), 20));
    f.remote.page_size = 7;
    f.remote.obeys_size = false;
    f.remote.says_total = says_total;
    f.remote.fill(40);
    f.remote.before_page[3] = [&] { f.remote.docs.erase(f.remote.docs.end() - 2); };
    REQUIRE(f.run().status == BERTH_OK);
    CHECK(f.lists() == (says_total ? 2 + 1 + 6 : 6));
    CHECK(f.host.logged("shop.list.shifted") == (says_total ? 1u : 0u));
    if (says_total) {
      for (const Doc& doc : f.remote.docs) CHECK(f.host.records.contains({"thing", doc.id}));
    }
  }
}

TEST_CASE("a page without the count that others have is no proof: no row is lost there") {
  // A row that is removed pulls one of page 2 onto page 1, and the page that could have shown it says no count.
  for (const std::string& silent : {std::string("2"), std::string("all but 1")}) {
    CAPTURE(silent);
    Fixture f(with_size(config_of(R"("query":{"changed":"{since}","sort_column":"created","sort_order":"D"})", kNoDetail), 20));
    f.remote.page_size = 20;
    f.remote.fill(100);
    f.host.serve = [&](const Request& request) {
      const std::string page = Remote::query(request, "page");
      f.remote.says_total = silent == "2" ? page != "2" : page == "1";
      if (page == "2" && f.remote.docs.size() == 100) f.remote.docs.pop_back();
      return f.remote.serve(request);
    };
    REQUIRE(f.run().status == BERTH_OK);
    for (const Doc& doc : f.remote.docs) CHECK_MESSAGE(f.host.records.contains({"thing", doc.id}), doc.id);
    CHECK(f.lists() <= 12);
  }
}

TEST_CASE("a remote with its own size of pages that says nothing about it, with a short last page, is read to its end") {
  for (const std::size_t rows : {21u, 30u, 35u, 39u, 40u, 41u, 50u, 55u, 59u}) {
    for (const Context context : {Context::kAbsent, Context::kObject}) {
      for (const std::size_t own : {20u, 7u}) {
        if (own == 7 && context == Context::kAbsent) continue;   // it says nowhere that there is more
        CAPTURE(rows);
        CAPTURE(own);
        CAPTURE((context == Context::kAbsent));
        Fixture f(with_size(config_of(kSortedQuery, kNoDetail), 20));
        f.config.file.phases.front().page.echo.clear();
        f.remote.page_size = own;
        f.remote.obeys_size = false;
        f.remote.context = context;
        f.remote.fill(rows);
        for (int run = 0; run < 2; ++run) {
          f.host.forget_calls();
          CHECK(f.run().status == BERTH_OK);
          CHECK(f.host.records.size() == rows);
          CHECK(f.host.logged("shop.list.shifted") == 0);
          CHECK(f.lists() <= (rows + own - 1) / own + 3);
          f.host.now_ms += kDay;
        }
      }
    }
  }
}

TEST_CASE("a remote that says it obeys the size of pages, and does not, is read to its end") {
  for (const std::size_t rows : {21u, 30u, 39u, 55u}) {
    CAPTURE(rows);
    Fixture f(with_size(config_of(kSortedQuery, kNoDetail), 20));
    f.remote.page_size = 20;
    f.remote.obeys_size = false;
    f.remote.lies_about_size = true;
    f.remote.fill(rows);
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.host.records.size() == rows);
    CHECK(f.lists() <= 10);
  }
}

TEST_CASE("a remote that obeys the size of pages without saying so loses no row either") {
  for (const std::size_t rows : {30u, 39u, 45u, 100u}) {
    CAPTURE(rows);
    Fixture f(with_size(config_of(kSortedQuery, kNoDetail), 20));
    f.config.file.phases.front().page.echo.clear();
    f.remote.page_size = 20;
    f.remote.fill(rows);
    f.remote.before_page[2] = [&] { f.remote.docs.resize(f.remote.docs.size() - 2); };
    REQUIRE(f.run().status == BERTH_OK);
    for (const Doc& doc : f.remote.docs) CHECK_MESSAGE(f.host.records.contains({"thing", doc.id}), doc.id);
    CHECK(f.host.logged("shop.list.shifted") > 0);
  }
}

namespace {

/// Slices of one run, of five minutes each where a page takes one, until the phase ends. Returns its end.
Outcome run_in_slices(Fixture& f, int most) {
  f.host.ms_per_request = kMinute;
  Outcome outcome;
  for (int slice = 0; slice < most; ++slice) {
    outcome = f.run("changes", json::Value::object({{"goes_on", slice > 0}}), f.host.now_ms + 5 * kMinute);
    if (outcome.status != BERTH_CANCELLED) break;
  }
  return outcome;
}

}  // namespace

TEST_CASE("a list that never joins, or never turns its page, ends the run however slow it is: slices do not begin to count again") {
  Fixture f(with_size(config_of(kSortedQuery, kNoDetail), 20));
  f.remote.page_size = 20;
  f.remote.fill(400);
  int version = 0;
  SUBCASE("every row of every page but the first is another one each time") {
    f.host.serve = [&](const Request& request) {
      if (Remote::query(request, "page") != "1") {
        ++version;
        for (Doc& doc : f.remote.docs) doc.id = "X" + std::to_string(version) + doc.id.substr(doc.id.size() - 3);
      }
      return f.remote.serve(request);
    };
    const Outcome outcome = run_in_slices(f, 60);
    CHECK(outcome.reason == "berth.list_unsteady");
    CHECK(f.lists() < 30);
  }
  SUBCASE("page 1 comes for every page") {
    f.remote.is_stuck = true;
    const Outcome outcome = run_in_slices(f, 60);
    CHECK(outcome.reason == "shop.list.repeated");
    CHECK(f.lists() < 10);
  }
  SUBCASE("pages are empty and promise more") {
    f.host.serve = [&](const Request&) {
      ++version;
      f.host.now_ms += 5 * kMinute;   // one page a slice
      return Answer::json(R"({"code":0,"things":[],"page_context":{"has_more_page":true}})");
    };
    const Outcome outcome = run_in_slices(f, 60);
    CHECK(outcome.reason == "shop.list.endless");
    CHECK(f.lists() < 10);
  }
  CHECK(f.cursor().find("pass") == nullptr);
  // The next run counts from zero.
  f.remote.is_stuck = false;
  f.host.serve = [&](const Request& request) { return f.remote.serve(request); };
  f.host.ms_per_request = 0;
  CHECK(f.run().status == BERTH_OK);
  for (const Doc& doc : f.remote.docs) CHECK(f.host.records.contains({"thing", doc.id}));
}

TEST_CASE("the watermark does not pass what the remote has by its own clock, and clocks that disagree are told") {
  for (const std::int64_t ahead : {std::int64_t{0}, 40 * kMinute, -40 * kMinute}) {
    CAPTURE(ahead);
    Fixture f(with_size(config_of(R"("query":{"changed":"{since}","sort_column":"created","sort_order":"D"})", kNoDetail), 20));
    f.remote.page_size = 20;
    f.remote.fill(60);
    f.host.now_ms += 12 * 60 * kMinute;   // noon of May 31
    const std::int64_t theirs = f.host.now_ms - ahead;
    f.host.serve = [&](const Request& request) {
      if (Remote::query(request, "page") == "2") {
        f.remote.doc("T158").changed_ms = theirs + 1'000;   // on page 1, which was read
        f.remote.doc("T101").changed_ms = theirs + 15 * kMinute;   // on page 3
      }
      Answer answer = f.remote.serve(request);
      answer.response.headers.emplace_back("date", "Sun, 31 May 2026 " + berth::times::format_utc(theirs).substr(11, 8) + " GMT");
      return answer;
    };
    REQUIRE(f.run().status == BERTH_OK);
    CHECK(f.host.logged("shop.list.clock") == (ahead == 0 ? 0u : 1u));
    f.host.serve = [&](const Request& request) { return f.remote.serve(request); };
    REQUIRE(f.run().status == BERTH_OK);
    const auto version = berth::times::parse(f.host.find("thing", "T158")->row_version);
    CHECK(version->unix_ms == f.remote.doc("T158").changed_ms);
  }
}

TEST_CASE("the page that reaches furthest begins at the row or before it, and never skips one") {
  using berth::pulling::page_reaching;
  CHECK(page_reaching(0, 200).end() == 200);
  CHECK(page_reaching(199, 200).size == 199);
  for (std::int64_t size : {1, 2, 5, 200}) {
    for (std::int64_t from = 0; from < 3'000; ++from) {
      const auto ask = page_reaching(from, size);
      if (ask.begin() > from || ask.end() <= from || ask.size > size) FAIL(from << " of " << size);
    }
  }
}

TEST_CASE("a pass that was cut goes on where it was, although three pages of rows came before it meanwhile") {
  Fixture f(with_size(config_of(kSortedQuery, kNoDetail), 20));
  f.remote.page_size = 20;
  f.remote.fill(200);
  f.host.stop_after_requests = 6;
  REQUIRE(f.run().status == BERTH_CANCELLED);
  f.remote.fill(70, kMay1 + kDay);
  f.host.stop_after_requests = -1;
  f.host.forget_calls();
  f.host.now_ms += kDay;
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.host.logged("shop.list.shifted") == 0);
  CHECK(f.lists() <= 12);   // what came before pushed the rest down; the beginning, six pages, is not read again
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.host.records.size() == 270);
}

TEST_CASE("a pass that was cut goes on from the cursor of an engine that kept only the number of a page") {
  Fixture f(config_of(kSortedQuery, kNoDetail));
  f.remote.fill(12);
  f.host.cursors[{"things", "changes"}] = R"({"v":1,"pass":{"page":3,"started":"2026-05-30T00:00:00+0000","asking":"plain"}})";
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.host.records.size() == 12);
  for (const char* cursor : {R"("covered":-1)", R"("unproven":"x")", R"("seen":{"older":"","newest":"12","middle":"0123456789abcdef"})",
                             R"("seen":{"older":"","newest":"","middle":""})", R"("seen":{"newer":""})", R"("sizes":"large")", R"("trouble":{"dropped":-1})",
                             R"("trouble":{"lost":1})", R"("came":"0123456789abcdef")", R"("came":"ffffffffffffffff0123456789abcdef")"}) {
    CAPTURE(cursor);
    f.host.cursors[{"things", "changes"}] =
        R"({"v":1,"pass":{"page":3,"started":"2026-05-30T00:00:00+0000","asking":"plain",)" + std::string(cursor) + "}}";
    CHECK(f.run().reason == "sdk.cursor_unknown");
  }
}
