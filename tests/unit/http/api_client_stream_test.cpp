// Calls that are under way while the run does other things.
#include <algorithm>
#include <map>
#include <set>

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
