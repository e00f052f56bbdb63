// Calls that are under way while the run does other things.
#include <algorithm>
#include <functional>
#include <map>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include "berth/json.hpp"
#include "unit/http/api_client_rig.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// A remote whose answers wait until they are let go.
struct Held {
  FakeTransport::Answer answer() {
    return [this](const http::Request&, std::stop_token stop) -> Result<http::Response> {
      std::unique_lock lock(mutex);
      ++begun;
      changed.notify_all();
      if (!changed.wait(lock, stop, [this] { return let_go > 0; })) return make_error(Code::kCancelled, "http.cancelled", "The call was stopped.");
      --let_go;
      return kGood;
    };
  }
  void go(int count) {
    const std::scoped_lock lock(mutex);
    let_go += count;
    changed.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 20s, [&] { return begun >= count; }));
  }
  std::mutex mutex;
  std::condition_variable_any changed;
  int let_go = 0;
  int begun = 0;
};

}  // namespace

TEST_CASE("A5: calls that are added begin at once, while others are under way, and each has one reply") {
  Held held;
  Rig rig(held.answer());
  const auto stream = rig.client->open_stream({});
  REQUIRE(stream->add(details(3)).ok());
  held.wait_for(3);
  REQUIRE(stream->add(details(2)).ok());
  held.wait_for(5);   // before any of the first three has ended
  REQUIRE(stream->add(details(4)).ok());
  std::set<std::size_t> seen;
  for (int left = 9; left > 0; --left) {
    held.go(1);
    for (const http::ApiReply& reply : stream->take(16)) {
      CHECK(reply.result.ok());
      CHECK(seen.insert(reply.index).second);
    }
  }
  while (seen.size() < 9) {
    for (const http::ApiReply& reply : stream->take(16)) CHECK(seen.insert(reply.index).second);
  }
  CHECK(*seen.rbegin() == 8);
  CHECK(stream->take(16).empty());
  CHECK(rig.client->report().total() == 9);
}

TEST_CASE("no more calls at once than the limit, however many are added, and no more begun than may wait to be taken") {
  Held held;
  Rig rig(held.answer(), http::Mode::kPullOnly, 3);
  const auto stream = rig.client->open_stream({});
  REQUIRE(stream->add(details(60)).ok());
  held.wait_for(3);
  CHECK(rig.gate.snapshot().in_flight == 3);
  held.go(60);
  held.wait_for(static_cast<int>(http::kFinishedMax));
  std::size_t taken = 0;
  // Nothing is begun for those that nobody has taken yet.
  while (taken < 60) {
    {
      const std::scoped_lock lock(held.mutex);
      CHECK(held.begun <= static_cast<int>(taken + http::kFinishedMax));
    }
    const auto replies = stream->take(4);
    CHECK(!replies.empty());
    CHECK(replies.size() <= 4);
    taken += replies.size();
  }
  CHECK(taken == 60);
}

TEST_CASE("a stream that is stopped begins nothing more, and says so to what waited") {
  Held held;
  Rig rig(held.answer(), http::Mode::kPullOnly, 2);
  std::stop_source host;
  const auto stream = rig.client->open_stream(host.get_token());
  REQUIRE(stream->add(details(10)).ok());
  held.wait_for(2);
  SUBCASE("by the run") { stream->stop(); }
  SUBCASE("by the host") { host.request_stop(); }
  held.go(10);
  std::map<std::string, int> reasons;
  for (auto replies = stream->take(16); !replies.empty(); replies = stream->take(16)) {
    for (const http::ApiReply& reply : replies) ++reasons[reason_of(reply.result)];
  }
  CHECK(reasons["ok"] == 2);
  CHECK(reasons["berth.cancelled"] == 8);
  CHECK(held.begun == 2);
}

TEST_CASE("a stream that nobody takes from any more ends what is under way, and waits for nothing") {
  Held held;
  Rig rig(held.answer());
  {
    const auto stream = rig.client->open_stream({});
    REQUIRE(stream->add(details(20)).ok());
    held.wait_for(5);
  }
  CHECK(rig.gate.snapshot().in_flight == 0);
  CHECK(held.begun == 5);
}

TEST_CASE("more calls than a batch may have are refused, and the stream goes on") {
  Rig rig(script({kGood}));
  const auto stream = rig.client->open_stream({});
  REQUIRE(stream->add(details(http::kBatchCallsMax)).ok());
  const Status refused = stream->add(details(1));
  REQUIRE(!refused.ok());
  CHECK(refused.error().reason == "http.batch_too_large");
  std::size_t taken = 0;
  for (auto replies = stream->take(16); !replies.empty(); replies = stream->take(16)) taken += replies.size();
  CHECK(taken == http::kBatchCallsMax);
}

TEST_CASE("an exception on a thread of the crew is an error of that call: the host goes on, and its permits and budgets are back") {
  struct Case {
    std::function<void()> throws;
    std::string reason;
    Code code;
  };
  const Case cases[] = {{[] { throw std::bad_alloc(); }, "http.out_of_memory", Code::kUnavailable},
                        {[] { throw std::runtime_error("boom\n"); }, "http.internal", Code::kInternal},
                        {[] { throw 42; }, "http.internal", Code::kInternal}};
  for (const Case& one : cases) {
    CAPTURE(one.reason);
    std::atomic<int> calls = 0;
    Rig rig([&](const http::Request&, std::stop_token) -> Result<http::Response> {
      if (++calls <= 7) one.throws();
      return kGood;
    });
    const auto stream = rig.client->open_stream({});
    REQUIRE(stream->add(details(20)).ok());
    int failed = 0;
    std::size_t taken = 0;
    for (auto replies = stream->take(16); !replies.empty(); replies = stream->take(16)) {
      taken += replies.size();
      for (const http::ApiReply& reply : replies) {
        if (reply.result.ok()) continue;
        ++failed;
        CHECK(reply.result.error().reason == one.reason);
        CHECK(reply.result.error().code == one.code);
        CHECK(reply.result.error().message.find("/invoices/") != std::string::npos);
        CHECK(reply.result.error().message.find('\n') == std::string::npos);
      }
    }
    CHECK(taken == 20);
    CHECK(failed == 7);
    CHECK(rig.gate.snapshot().in_flight == 0);
    CHECK(rig.client->send(get(), {}).ok());
  }
}

TEST_CASE("what is thrown before a call is sent gives its place in the budget back") {
  struct ThrowingTokens final : http::TokenSource {
    Result<http::AccessToken> token(std::stop_token) override { throw std::bad_alloc(); }
    Result<http::AccessToken> refresh(std::uint64_t, std::stop_token) override { throw std::bad_alloc(); }
    Result<std::string> api_base() override { return std::string("https://www.zohoapis.com/books/v3"); }
  };
  Rig rig(script({kGood}));
  ThrowingTokens tokens;
  REQUIRE(rig.budgets.add(json::parse(R"({"run":3})").value, "budgets").ok());
  rig.budgets.begin_run(100);
  auto made = http::ApiClient::create({rig.transport, tokens, rig.gate, rig.budgets, rig.clock, rig.random}, zoho_rules(),
                                      {.base_url = "https://www.zohoapis.com/books/v3"});
  REQUIRE(made.ok());
  for (int i = 0; i < 5; ++i) CHECK(reason_of((*made)->send(get(), {})) == "http.out_of_memory");
  for (const http::BudgetUse& use : rig.budgets.use()) CHECK(use.spent == 0);
}

TEST_CASE("bodies that nobody has taken bound what is begun: 16 MiB and one for each call at once") {
  constexpr std::size_t kBody = 5u << 20u;
  std::atomic<int> begun = 0;
  Rig rig([&](const http::Request&, std::stop_token) -> Result<http::Response> {
    ++begun;
    http::Response response = kGood;
    response.body = R"({"code":0,"x":")" + std::string(kBody, 'x') + "\"}";
    return response;
  }, http::Mode::kPullOnly, 3);
  const auto stream = rig.client->open_stream({});
  REQUIRE(stream->add(details(30)).ok());
  // Four fill the 16 MiB; the two others at that moment are under way already.
  const int most = 4 + 2;
  std::size_t taken = 0;
  while (taken < 30) {
    for (int i = 0; i < 200; ++i) std::this_thread::yield();   // gives the threads every chance to run ahead
    CHECK(begun <= static_cast<int>(taken) + most);
    const auto replies = stream->take(16);
    CHECK(replies.size() == 1);   // larger than what is taken together
    taken += replies.size();
  }
  CHECK(begun == 30);
}
