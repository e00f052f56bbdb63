// Many calls at once: order, limits, budgets, and how a stop ends them.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "unit/http/api_client_rig.hpp"

using namespace berth;
using namespace berth::test;
using http::ApiReply;
using http::CallKind;
using http::Request;
using http::Response;
using namespace std::chrono_literals;

TEST_CASE("a spent budget stops only its own cost class") {
  Rig rig(script({kGood}));
  REQUIRE(rig.budgets.add(json::parse(R"({"invoices.detail":3})").value, "/budget").ok());
  rig.budgets.begin_run(std::nullopt);
  auto calls = details(10);
  for (std::size_t i = 0; i < 5; ++i) calls[i].cost = "invoices.detail";
  std::vector<std::string> reasons(10);
  const auto status = rig.client->send_batch(calls, {}, [&](ApiReply&& reply) {
    reasons[reply.index] = reason_of(reply.result);
    return true;
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "berth.budget");
  CHECK(status.error().code == Code::kQuotaExhausted);
  CHECK(std::count(reasons.begin(), reasons.begin() + 5, "berth.budget") == 2);
  CHECK(std::count(reasons.begin() + 5, reasons.end(), "ok") == 5);
  CHECK(rig.transport.count() == 8);
}

TEST_CASE("each call has one reply, on the caller's thread, in the order in which calls finish") {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  Rig rig(
      [&](const Request& request, std::stop_token) -> Result<Response> {
        // The first two calls wait for each other, and the first one also for the second one's end.
        std::unique_lock lock(mutex);
        ++waiting;
        changed.notify_all();
        if (request.url.ends_with("/0")) changed.wait_for(lock, 5s, [&] { return waiting >= 3; });
        return kGood;
      },
      http::Mode::kPullOnly, 2);
  const auto calls = details(3);
  std::vector<std::size_t> order;
  const auto here = std::this_thread::get_id();
  CHECK(rig.client
            ->send_batch(calls, {},
                         [&](ApiReply&& reply) {
                           CHECK(std::this_thread::get_id() == here);
                           order.push_back(reply.index);
                           return true;
                         })
            .ok());
  CHECK(order.size() == 3);
  CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 3);
  CHECK(order.front() == 1);
}

TEST_CASE("at most 16 calls are begun and not yet replied, however slow the caller is") {
  Rig rig(script({kGood}), http::Mode::kPullOnly, 16);
  const auto calls = details(100);
  std::size_t replied = 0;
  std::size_t most = 0;
  CHECK(rig.client
            ->send_batch(calls, {},
                         [&](ApiReply&&) {
                           // Gives the threads every chance to run ahead.
                           for (int i = 0; i < 200; ++i) std::this_thread::yield();
                           most = std::max(most, rig.transport.count() - replied);
                           ++replied;
                           return true;
                         })
            .ok());
  CHECK(replied == 100);
  CHECK(most <= http::kFinishedMax);
}

TEST_CASE("a callback that says stop starts no further call, and every call still has its reply") {
  Rig rig(script({kGood}), http::Mode::kPullOnly, 1);
  const auto calls = details(100);
  int good = 0;
  int cancelled = 0;
  const auto status = rig.client->send_batch(calls, {}, [&](ApiReply&& reply) {
    (reply.result.ok() ? good : cancelled)++;
    if (!reply.result.ok()) CHECK(reply.result.error().reason == "berth.cancelled");
    return false;
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Code::kCancelled);
  CHECK(good + cancelled == 100);
  CHECK(good >= 1);
  CHECK(good <= 17);
  CHECK(rig.client->send(get(), {}).ok());  // the next batch is not concerned
}

TEST_CASE("a stop request inside a batch delivers what is on its way and sends nothing more") {
  std::stop_source stop;
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  Rig rig(
      [&](const Request&, std::stop_token abort) -> Result<Response> {
        std::unique_lock lock(mutex);
        if (++begun == 2) stop.request_stop();
        changed.notify_all();
        changed.wait_for(lock, 5s, [&] { return begun >= 2; });
        CHECK_FALSE(abort.stop_requested());
        return kGood;
      },
      http::Mode::kPullOnly, 2);
  const auto calls = details(50);
  int good = 0;
  int cancelled = 0;
  const auto status = rig.client->send_batch(calls, stop.get_token(), [&](ApiReply&& reply) {
    (reply.result.ok() ? good : cancelled)++;
    return true;
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Code::kCancelled);
  CHECK(good == 2);
  CHECK(cancelled == 48);
  CHECK(rig.transport.count() == 2);
}

TEST_CASE("an answer that does not come within the grace of a stop is given up") {
  std::stop_source stop;
  ManualClock clock(kStart);
  SeededRandom random(1);
  FakeTokens tokens;
  FakeTransport transport([&](const Request&, std::stop_token abort) -> Result<Response> {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    stop.request_stop();
    changed.wait_for(lock, abort, 10s, [] { return false; });
    return make_error(abort.stop_requested() ? Code::kCancelled : Code::kUnavailable, "http.cancelled", "stopped");
  });
  http::QuotaGate gate(limits_of(), {}, clock);
  http::Budgets budgets;
  const auto client = http::ApiClient::create({transport, tokens, gate, budgets, clock, random}, {},
                                              {.base_url = "https://www.zohoapis.com/books/v3", .stop_grace = 20ms});
  REQUIRE(client.ok());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(reason_of((*client)->send(get(), stop.get_token())) == "berth.cancelled");
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(transport.count() == 1);
}

TEST_CASE("a run that was stopped before sends nothing") {
  Rig rig(script({kGood}));
  std::stop_source stop;
  stop.request_stop();
  CHECK(reason_of(rig.client->send(get(), stop.get_token())) == "berth.cancelled");
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("a callback that throws leaves no thread behind") {
  Rig rig(script({kGood}));
  const auto calls = details(50);
  CHECK_THROWS_AS((void)rig.client->send_batch(calls, {}, [](ApiReply&&) -> bool { throw 42; }), int);
  CHECK(rig.client->send(get(), {}).ok());
}

TEST_CASE("batches have a limit, and an empty one is all sent") {
  Rig rig(script({kGood}));
  const auto calls = details(http::kBatchCallsMax + 1);
  const auto status = rig.client->send_batch(calls, {}, [](ApiReply&&) { return true; });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "http.batch_too_large");
  CHECK(rig.client->send_batch({}, {}, [](ApiReply&&) { return true; }).ok());
  CHECK(rig.transport.count() == 0);
}
