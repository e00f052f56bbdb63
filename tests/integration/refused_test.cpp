// Documents and files that the remote refuses: they keep nothing else away, and no call is made for them without end.
#include <map>
#include <mutex>
#include <set>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// The first `bad_max` invoices that are asked for are refused for good: their documents, or their PDFs.
class Refusals {
 public:
  Refusals(World& world, std::size_t bad_max, bool are_files) {
    world.transport.before = [this, bad_max, are_files](const std::string& call) -> std::optional<http::Response> {
      const std::string prefix = "GET /books/v3/invoices/";
      if (!call.starts_with(prefix) || (call.find("accept=pdf") != std::string::npos) != are_files) return std::nullopt;
      const std::string id = call.substr(prefix.size(), call.find_first_of("? ", prefix.size()) - prefix.size());
      const std::scoped_lock lock(mutex_);
      ++asked_[id];
      if (bad_.size() < bad_max) bad_.insert(id);
      if (!bad_.contains(id)) return std::nullopt;
      http::Response response;
      response.status = 400;
      response.headers = {{"content-type", "application/json"}};
      response.body = R"({"code":1049,"message":"This invoice cannot be shown."})";
      return response;
    };
  }
  /// The largest number of calls for one of them since the last question.
  int most_for_one() {
    const std::scoped_lock lock(mutex_);
    int most = 0;
    for (const auto& [id, times] : asked_) most = std::max(most, times);
    asked_.clear();
    return most;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::set<std::string> bad_;
};

// At 100 a minute a slice of five minutes is 500 calls: the refused ones are more than that.
WorldOptions slow_world() {
  WorldOptions options;
  options.invoices = 800;
  options.payments = 10;
  options.drafts = options.voids = 0;
  options.limits = "{per_minute: 100, concurrent: 5, per_day: 6000}";
  return options;
}

}  // namespace

TEST_CASE("D12: more refused documents than a slice has calls keep no other away, and are failed after five runs") {
  World world(slow_world());
  world.connect();
  Refusals refusals(world, 600, false);
  for (int run = 1; run <= 5; ++run) {
    CAPTURE(run);
    world.sync();
    CHECK(refusals.most_for_one() == 1);   // a refused one is asked for once in a run
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE entity = 'invoice' AND detail_version <> ''") == 200);
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE entity = 'invoice' AND state = 'failed'") == (run < 5 ? 0 : 600));
    world.later(std::chrono::hours(24));
  }
  world.sync();
  CHECK(refusals.most_for_one() == 0);
}

TEST_CASE("D9: more refused PDFs than a slice has calls keep no other away, and are given up after five runs") {
  World world(slow_world());
  world.connect();
  Refusals refusals(world, 600, true);
  for (int run = 1; run <= 5; ++run) {
    CAPTURE(run);
    world.sync();
    CHECK(refusals.most_for_one() == 1);
    CHECK(world.number("SELECT COUNT(*) FROM attachment") == 200);
    world.later(std::chrono::hours(24));
  }
  world.sync();
  CHECK(refusals.most_for_one() == 0);
}

TEST_CASE("D6: documents that others name are asked for once each, also when a slice has no time for all of them") {
  WorldOptions options;
  options.invoices = 400;
  options.payments = 2;
  options.drafts = options.voids = options.credit_notes = 0;
  options.limits = "{per_minute: 25, concurrent: 5, per_day: 5000}";
  options.backfill = "{from: connected}";
  World world(options);
  world.connect();
  world.sync();
  world.map_all();
  world.later(std::chrono::hours(24));
  std::size_t made = 0;
  const json::Value books = world.books();
  for (const json::Member& invoice : books.find("invoices")->members()) {
    const std::string_view status = invoice.second.text_of("status");
    if (made == 150 || (status != "sent" && status != "overdue")) continue;
    world.make_payment(R"({"invoice_id":")" + invoice.first + R"(","payment_mode":"Check"})");
    ++made;
  }
  REQUIRE(made == 150);   // more than the 125 of a slice
  world.map_all();
  world.later(std::chrono::hours(24));
  world.transport.forget_calls();
  world.sync(only("customer_payments"));
  std::map<std::string, int> asked;
  for (const std::string& call : world.transport.calls()) {
    if (call.find("/books/v3/invoices/") != std::string::npos && call.find("accept=pdf") == std::string::npos) ++asked[call];
  }
  CHECK(asked.size() >= made);
  for (const auto& [call, times] : asked) CHECK_MESSAGE(times == 1, call << ": " << times << " times");
}
