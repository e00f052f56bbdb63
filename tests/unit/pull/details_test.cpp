#include <doctest/doctest.h>

#include <fstream>

#include "remote.hpp"

using namespace pull_test;

TEST_CASE("conditions on the row decide about its detail") {
  Fixture f(config_of(
      "",
      R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"c","unless":{"field":"status","in":["draft","rejected"]},"when":{"field":"name","present":true}})"));
  f.remote.fill(4);
  f.remote.docs[0].status = "draft";
  f.remote.docs[1].name = "";
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.details() == 2);
  CHECK(f.host.records.size() == 4);
  CHECK(f.host.find("thing", "T100")->detail.empty());
}

TEST_CASE("a phase without details reads its list only") {
  Fixture f(config_of("", R"("detail":"never","until":"none")", "2026-05-20T00:00:00Z"));
  f.remote.fill(6);
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.requests.size() == 2);
  CHECK(f.host.records.size() == 6);
}

TEST_CASE("a detail that is fetched once per record is not fetched for a new version") {
  Fixture f(config_of("", R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"c","once_per_record":true})"));
  f.host.once_per_record.insert("thing");
  f.remote.fill(3);
  REQUIRE(f.run().status == BERTH_OK);
  f.host.forget_calls();
  f.remote.doc("T101").changed_ms += 5 * kMinute;
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.details() == 0);
}

TEST_CASE("the version of a detail may stand in another field than the row's") {
  Fixture f(config_of("", R"("detail":{"path":"/things/{id}","row":["thing"],"version":"updated","cost":"c"})"));
  f.remote.fill(1);
  f.remote.special["/things/T100"] =
      Answer::json(R"({"thing":{"thing_id":"T100","changed":"x","updated":"2026-05-02T00:00:00Z"}})");
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.find("thing", "T100")->detail_version == "2026-05-02T00:00:00Z");
}

namespace {
const std::string kWithParts =
    R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"c"},
       "parts":[{"name":"applications","path":"/things/{id}/parts","rows":["applied"],"cost":"c","when":{"field":"balance","differs_from":"total"}}])";
}

namespace {
bool cursor_keeps(Fixture& f, std::string_view id) {
  const json::Value cursor = f.cursor();
  const json::Value* kept = cursor.find("unfinished");
  return kept != nullptr && std::any_of(kept->items().begin(), kept->items().end(), [&](const json::Value& one) { return one.text_of("id") == id; });
}
}  // namespace

TEST_CASE("parts are asked for where the document needs them, and come with the detail") {
  Fixture f(config_of("", kWithParts));
  f.remote.fill(3);
  f.remote.docs[1].balance = "2.50";
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.details() == 4);  // 10 and 10.00 are the same amount
  CHECK(f.host.find("thing", "T101")->parts.at("applications") == R"([{"amount":1.50}])");
  CHECK(f.host.find("thing", "T100")->parts.empty());
}

TEST_CASE("a detail whose part is missing waits, the others are kept") {
  Fixture f(config_of("", kWithParts));
  f.remote.fill(3);
  f.remote.docs[1].balance = "2.50";
  f.remote.docs[2].balance = "2.50";
  f.remote.special["/things/T101/parts"] = Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.budget");
  CHECK(f.run().reason == "berth.budget");
  CHECK(f.with_detail() == 2);
  f.remote.special["/things/T101/parts"] = Answer::refused("7");
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 2);
  f.remote.special.clear();
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 3);
}

namespace {
/// How often each path was asked for.
std::map<std::string, int> times_asked(const FakeHost& host) {
  std::map<std::string, int> times;
  for (const Request& request : host.requests) ++times[request.path];
  return times;
}
}  // namespace

TEST_CASE("D5: a budget that ends before the parts of a document keeps the document, and only the parts are asked for later") {
  Fixture f(config_of("", kWithParts));
  f.remote.fill(3);
  for (auto& doc : f.remote.docs) doc.balance = "2.50";
  const Answer spent = Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.budget");
  f.remote.special["/things/T101/parts"] = spent;
  CHECK(f.run().reason == "berth.budget");
  CHECK(f.with_detail() == 2);
  REQUIRE(cursor_keeps(f, "T101"));

  SUBCASE("in the next run") {
    f.remote.special.clear();
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.with_detail() == 3);
    CHECK(f.host.find("thing", "T101")->parts.at("applications") == R"([{"amount":1.50}])");
    CHECK(times_asked(f.host)["/things/T101"] == 1);
    CHECK_FALSE(cursor_keeps(f, "T101"));
  }
  SUBCASE("also when it is spent again") {
    CHECK(f.run().reason == "berth.budget");
    CHECK(times_asked(f.host)["/things/T101"] == 1);
    CHECK(cursor_keeps(f, "T101"));
  }
  SUBCASE("but not when the document has changed since") {
    f.remote.special.clear();
    f.remote.doc("T101").changed_ms += 5 * kMinute;
    f.remote.doc("T101").name = "newer";
    CHECK(f.run().status == BERTH_OK);
    CHECK(times_asked(f.host)["/things/T101"] == 2);
    CHECK(f.host.find("thing", "T101")->detail.find("newer") != std::string::npos);
    CHECK_FALSE(cursor_keeps(f, "T101"));
  }
}

TEST_CASE("A5: documents with parts are fetched a few at a time: their details together, then their parts") {
  Fixture f(config_of("", kWithParts));
  f.remote.fill(12);
  for (auto& doc : f.remote.docs) doc.balance = "2.50";
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 12);
  std::string order;
  for (const Request& request : f.host.requests) {
    if (request.path == "/things") continue;
    const char kind = request.path.ends_with("/parts") ? 'p' : 'd';
    if (order.empty() || order.back() != kind) order += kind;
  }
  CHECK(order == "dpdpdp");
}

TEST_CASE("D5: a quota that ends among the parts of several documents keeps all that came of each of them") {
  Fixture f(config_of("", kWithParts));
  f.remote.fill(9);
  for (auto& doc : f.remote.docs) doc.balance = "2.50";
  int left = 0;
  std::map<std::string, int> answered;
  f.host.serve = [&](const Request& request) {
    if (request.path != "/things" && --left < 0) return Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.quota");
    ++answered[request.path];
    return f.remote.serve(request);
  };
  // Any number of calls a run, also fewer than one document needs: each run gets further.
  for (const int calls : {7, 1, 2, 3, 1, 1, 2, 100}) {
    left = calls;
    CHECK(f.run().reason == (calls == 100 ? "" : "berth.quota"));
  }
  CHECK(f.with_detail() == 9);
  answered.erase("/things");
  CHECK(answered.size() == 18);
  for (const auto& [path, times] : answered) CHECK_MESSAGE(times == 1, path);
}

TEST_CASE("D5: documents that are too large to be kept together are fetched again, and the phase gets to its end") {
  Fixture f(config_of("", kWithParts));
  f.remote.fill(6);
  for (auto& doc : f.remote.docs) {
    doc.balance = "2.50";
    doc.name = std::string(25'000, 'x');
  }
  int left = 0;
  f.host.serve = [&](const Request& request) {
    if (request.path != "/things" && --left < 0) return Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.quota");
    return f.remote.serve(request);
  };
  int runs = 0;
  do {
    left = 1;
    REQUIRE(++runs < 40);
  } while (f.run().reason == "berth.quota");
  CHECK(f.with_detail() == 6);
  CHECK(runs == 12);   // one call a run: a detail and its part for each, and none of them twice
}

TEST_CASE("D5: a document so deep that no cursor can hold it is fetched again, and the phase goes on") {
  // What is read may be nested as deep as the reader takes it; within the cursor it would lie deeper.
  Fixture f(config_of("", kWithParts));
  f.remote.fill(2);
  for (auto& doc : f.remote.docs) doc.balance = "2.50";
  std::string deep = "1";
  for (int i = 0; i < 62; ++i) deep = "[" + deep + "]";
  f.remote.special["/things/T101"] = Answer::json(R"({"thing":{"thing_id":"T101","balance":"2.50","total":"10.00","deep":)" + deep + "}}");
  f.remote.special["/things/T101/parts"] = Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.budget");
  CHECK(f.run().reason == "berth.budget");
  REQUIRE(times_asked(f.host)["/things/T101"] == 1);
  f.remote.special.erase("/things/T101/parts");
  const auto again = f.run();
  CHECK_MESSAGE(again.status == BERTH_OK, again.reason);
  CHECK(f.with_detail() == 2);
  CHECK(f.host.find("thing", "T101")->parts.contains("applications"));
}

TEST_CASE("B6: what a crash costs is one batch of documents, wherever it comes") {
  constexpr int kBatch = 20;
  bool has_stream = true;
  bool is_reversed = false;
  int least = 10;   // what is committed together
  SUBCASE("calls side by side") {}
  SUBCASE("answered last one first") { is_reversed = true; }
  SUBCASE("a host that has batches only") {
    has_stream = false;
    least = kBatch;
  }
  int checkpoints = 0;
  {
    Fixture f(config_of(""));
    f.host.has_stream = has_stream;
    f.remote.fill(45);
    REQUIRE(f.run().status == BERTH_OK);
    checkpoints = f.host.checkpoints;
    REQUIRE(f.with_detail() == 45);
  }
  REQUIRE(checkpoints > 5);
  int most = 0;
  for (int cut = 1; cut <= checkpoints; ++cut) {
    CAPTURE(cut);
    Fixture f(config_of(""));
    f.host.has_stream = has_stream;
    f.host.reverse_replies = is_reversed;
    f.remote.fill(45);
    f.host.cut_at_checkpoint = cut;
    CHECK(f.run().status != BERTH_OK);
    f.host.cut_at_checkpoint = 0;
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.with_detail() == 45);
    int twice = 0;
    for (const auto& [path, times] : times_asked(f.host)) {
      if (path == "/things") continue;
      CHECK(times <= 2);
      twice += times - 1;
    }
    CHECK(twice <= kBatch);
    most = std::max(most, twice);
  }
  CHECK(most >= least);
}

namespace {
const std::string kWithFile =
    R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"c"},
       "attachments":[{"name":"pdf","path":"/things/{id}/file","query":{"accept":"pdf"},"accept":"application/pdf","cost":"f",
                       "unless":{"field":"status","in":["draft"]},"must_start":"%PDF-","must_contain_end":"%%EOF"}])";
}

TEST_CASE("A5: the next documents are asked for while the first of them still come, and no more than a batch is uncommitted") {
  Fixture f(config_of("", kWithFile));
  f.remote.fill(60);
  std::size_t most = 0;
  std::size_t uncommitted = 0;
  std::map<std::string, bool> begun;
  f.host.reverse_replies = true;   // the first one is the slowest
  f.host.serve = [&](const Request& request) {
    if (request.kind == berth::CallKind::kFile) return Answer::json("%PDF-1.7 ... %%EOF\n");
    if (request.kind == berth::CallKind::kDetail) begun[request.path] = true;
    uncommitted = begun.size() - f.with_detail();
    most = std::max(most, uncommitted);
    return f.remote.serve(request);
  };
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 60);
  CHECK(most <= 20);
  // In batches of 20 the slowest one of the first batch would be answered before any of the second is asked for.
  std::map<std::string, std::size_t> place;
  for (const Request& request : f.host.requests) {
    if (request.kind == berth::CallKind::kDetail) place.emplace(request.path, place.size());
  }
  REQUIRE(place.size() == 60);
  CHECK(place["/things/T100"] > place["/things/T125"]);
}

TEST_CASE("D9: a file is taken only when it begins and ends as it must, the record is not touched either way") {
  Fixture f(config_of("", kWithFile));
  f.remote.fill(1);
  const auto try_file = [&](std::string body) {
    f.remote.special["/things/T100/file"] = Answer::json(std::move(body));
    f.host.want({"thing", "T100", "x"}, false, true, -1);
    f.host.forget_calls();
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.host.count(berth::CallKind::kFile) == 1);
    return f.host.find("thing", "T100")->files.contains("pdf");
  };
  REQUIRE(f.run().status == BERTH_OK);
  CHECK_FALSE(try_file("<html>%%EOF"));
  CHECK_FALSE(try_file("%PDF-1.7 cut off"));
  CHECK_FALSE(try_file("%PDF-1.7 %%EOF" + std::string(1100, ' ')));
  CHECK_FALSE(try_file(""));
  CHECK(f.host.logged("shop.attachment.failed") == 1);
  CHECK(try_file("%PDF-1.7 ... %%EOF\n"));
  const auto& request = f.host.requests.back();
  CHECK(request.cost == "f");
  CHECK(Remote::query(request, "accept") == "pdf");
  CHECK(request.headers.at(0) == std::pair<std::string, std::string>("Accept", "application/pdf"));
  CHECK(f.host.queued() == 0);
}

TEST_CASE("a spent budget of files does not stop details, and is reported at the end") {
  Fixture f(config_of("", kWithFile));
  f.remote.fill(3);
  for (const auto& doc : f.remote.docs) {
    f.remote.special["/things/" + doc.id + "/file"] = Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.budget");
    f.host.want({"thing", doc.id, ""}, true, true, 200);
  }
  CHECK(f.run().reason == "berth.budget");
  CHECK(f.with_detail() == 3);
}

TEST_CASE("what ends the details is told by its weight, as of a batch: a refused connection goes before a spent budget, and that before nothing") {
  struct Case {
    std::int32_t first;
    std::string first_reason;
    std::int32_t then;
    std::string then_reason;
    std::string told;
  };
  const Case cases[] = {{BERTH_QUOTA_EXHAUSTED, "berth.budget", BERTH_UNAUTHENTICATED, "shop.auth.rejected", "shop.auth.rejected"},
                        {BERTH_QUOTA_EXHAUSTED, "berth.run_cap", BERTH_UNAUTHENTICATED, "shop.auth.rejected", "shop.auth.rejected"},
                        {BERTH_QUOTA_EXHAUSTED, "berth.budget", BERTH_QUOTA_EXHAUSTED, "berth.quota", "berth.quota"},
                        {BERTH_QUOTA_EXHAUSTED, "berth.quota", BERTH_QUOTA_EXHAUSTED, "berth.budget", "berth.quota"},
                        {BERTH_UNAUTHENTICATED, "shop.auth.rejected", BERTH_QUOTA_EXHAUSTED, "berth.budget", "shop.auth.rejected"},
                        // Cancelled because of what came first: nobody has asked to stop.
                        {BERTH_QUOTA_EXHAUSTED, "berth.quota", BERTH_CANCELLED, "berth.cancelled", "berth.quota"}};
  for (const bool has_stream : {true, false}) {
    for (const Case& one : cases) {
      CAPTURE(has_stream);
      CAPTURE(one.first_reason);
      CAPTURE(one.then_reason);
      Fixture f(config_of(""));
      f.host.has_stream = has_stream;
      f.remote.fill(4);
      for (int i = 0; i < 4; ++i) {
        f.remote.special["/things/T10" + std::to_string(i)] =
            i == 0 ? Answer::failure(one.first, one.first_reason) : Answer::failure(one.then, one.then_reason);
      }
      CHECK(f.run().reason == one.told);
    }
  }
}

TEST_CASE("A5: a cap of the run ends nothing that was granted before it: what waits for its minute is asked for") {
  Fixture f(config_of(""));
  f.remote.fill(9);
  f.remote.special["/things/T103"] = Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.run_cap");
  CHECK(f.run().reason == "berth.run_cap");
  CHECK(f.with_detail() == 8);   // those behind it in the queue had their turn
}

TEST_CASE("a document that has more values than can be read fails alone, and is told by its own reason") {
  Fixture f(config_of(""));
  f.remote.fill(5);
  std::string zeros = "[0";
  zeros.reserve(10'000'000);
  while (zeros.size() < 10'000'000) zeros += ",0";
  f.remote.special["/things/T102"] = Answer::json(R"({"thing":{"thing_id":"T102","status":"open","lines":)" + zeros + "]}}");
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 4);
  CHECK(f.host.logged("shop.detail.too_dense") == 1);
  // Commas within texts are none.
  f.remote.special["/things/T102"] = Answer::json(R"({"thing":{"thing_id":"T102","status":"open","note":"\"[)" + std::string(2'000'000, ',') + "\"\"}}");
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.logged("shop.detail.unreadable") == 1);   // not JSON, after all
  f.remote.special["/things/T102"] = Answer::json(R"({"thing":{"thing_id":"T102","status":"open","note":"\"[)" + std::string(2'000'000, ',') + "\"}}");
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 5);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {
/// The most memory of this process since the last reset(), in MiB.
std::size_t most_memory() {
  std::ifstream in("/proc/self/status");
  std::size_t kilobytes = 0;
  for (std::string word; in >> word;) {
    if (word == "VmHWM:") in >> kilobytes;
  }
  return kilobytes / 1024;
}
void reset_most_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }
}  // namespace

TEST_CASE("documents that wait for their files are not held as trees: twenty of 1.2 MB take little more than their text") {
  Fixture f(config_of("", kWithFile));
  f.remote.fill(20);
  std::string zeros = "[0";
  while (zeros.size() < 600'000) zeros += ",0";
  for (const auto& doc : f.remote.docs) {
    f.remote.special["/things/" + doc.id] = Answer::json(R"({"thing":{"thing_id":")" + doc.id + R"(","status":"open","lines":)" + zeros + "]}}");
    f.remote.special["/things/" + doc.id + "/file"] = Answer::json("%PDF-1.7 ... %%EOF\n");
    f.host.want({"thing", doc.id, ""}, true, true, 200);
  }
  reset_most_memory();
  const std::size_t before = most_memory();
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 20);
  // A tree of it has 12 MB.
  CHECK(most_memory() - before < 120);
}
#endif

TEST_CASE("what the host puts into the queue is fetched as well") {
  Fixture f(config_of(""));
  f.remote.fill(2);
  REQUIRE(f.run().status == BERTH_OK);
  f.remote.doc("T101").name = "told by a webhook";
  f.host.want({"thing", "T101", ""}, true, false, 600);
  f.host.forget_calls();
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.details() == 1);
  CHECK(f.host.find("thing", "T101")->detail.find("webhook") != std::string::npos);
}
