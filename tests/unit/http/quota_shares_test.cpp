// Gates of several processes at one board.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "host/http/quota_gate.hpp"

using namespace berth;
using http::Headers;
using http::Limits;
using http::Permit;
using http::QuotaGate;
using namespace std::chrono_literals;

namespace {

const Instant kStart{1'780'012'800'000};  // 2026-05-29T00:00:00Z

/// A row in memory, written as text as the real one is.
class MemoryBoard final : public http::QuotaBoard {
 public:
  Status exchange(const std::function<void(http::QuotaState& state)>& change) override {
    const std::scoped_lock lock(mutex_);
    ++exchanges;
    if (fails) return make_error(Code::kEnvironment, "storage.disk_full", "The disk is full.");
    auto state = read();
    change(state);
    text = json::dump(state.to_json());
    return success();
  }
  [[nodiscard]] http::QuotaState read() const { return http::QuotaState::from_json(json::parse(text).value); }
  std::string text = "{}";
  int exchanges = 0;
  bool fails = false;

 private:
  std::mutex mutex_;
};

Limits limits_of(int per_minute, std::int64_t per_day) {
  Limits limits;
  limits.per_minute = per_minute;
  limits.concurrent = 4;
  limits.per_day = per_day;
  limits.header_limit = "limit";
  limits.header_remaining = "remaining";
  return limits;
}

struct Rig {
  explicit Rig(int per_minute = 100, std::int64_t per_day = 0) : limits(limits_of(per_minute, per_day)) {}
  std::unique_ptr<QuotaGate> gate(std::string owner) {
    http::QuotaOptions options{.reserve_percent = 0, .zone = "UTC", .owner = std::move(owner), .is_dead_owner = [this](std::string_view name) { return name == dead; }};
    return std::make_unique<QuotaGate>(limits, std::move(options), clock, &board);
  }
  Limits limits;
  ManualClock clock{kStart};
  MemoryBoard board;
  std::string dead;
};

/// Whoever would have to sleep gives up, so that several gates can be tried in turns on one thread.
class ImpatientClock final : public ManualClock {
 public:
  ImpatientClock() : ManualClock(kStart + 1h) {}
  bool sleep_until(Instant, std::stop_token) override {
    stop.request_stop();
    return false;
  }
  std::stop_source stop;
};

/// Calls until the clock has to move, at most so many; returns how many.
int burst(Rig& rig, QuotaGate& gate, int most) {
  int made = 0;
  const Instant begin = rig.clock.now();
  while (made < most) {
    auto permit = gate.acquire({});
    if (!permit.ok() || rig.clock.now() != begin) return made;
    permit->finish(nullptr);
    ++made;
  }
  return made;
}

/// Both are at work and have a word with the board, as at checkpoints: the first gives back, the second takes.
void settle(QuotaGate& one, QuotaGate& two) {
  for (int i = 0; i < 2; ++i) {
    REQUIRE(one.look().ok());
    REQUIRE(two.look().ok());
  }
}

}  // namespace

TEST_CASE("A5: a process that is alone uses the whole minute, and soon asks nobody") {
  Rig rig;
  const auto gate = rig.gate("a");
  CHECK(burst(rig, *gate, 100) == 100);
  CHECK(rig.clock.now() == kStart);
  CHECK(rig.board.exchanges <= 10);
  rig.clock.advance(61s);
  const int before = rig.board.exchanges;
  CHECK(burst(rig, *gate, 100) == 100);
  CHECK(rig.board.exchanges - before <= 1);
  // Without a word to the board for longer than its share may be used, it asks before the next call.
  rig.clock.advance(5min);
  rig.board.fails = true;
  const auto refused = gate->acquire({});
  REQUIRE(!refused.ok());
  CHECK(refused.error().reason == "storage.disk_full");
}

TEST_CASE("A5: what two processes may do in a minute is never more than the limit, and both come to calls") {
  Rig rig;
  const auto one = rig.gate("a");
  const auto two = rig.gate("b");
  std::vector<std::pair<std::int64_t, char>> calls;
  for (int i = 0; i < 600; ++i) {
    QuotaGate& gate = i % 2 == 0 ? *one : *two;
    if (i % 10 == 0) settle(*one, *two);
    auto permit = gate.acquire({});
    REQUIRE(permit.ok());
    rig.clock.advance(50ms);
    calls.emplace_back(rig.clock.now().unix_ms, i % 2 == 0 ? 'a' : 'b');
    permit->finish(nullptr);
  }
  std::size_t first = 0;
  for (std::size_t last = 0; last < calls.size(); ++last) {
    while (calls[last].first - calls[first].first > 60'000) ++first;
    CHECK(last - first + 1 <= 100);
  }
  // 600 calls need five minutes at least. Here each waits for the other, in turns, so what one waits both wait.
  MESSAGE("600 calls in " << (rig.clock.now() - kStart).count() / 1000 << " s");
  CHECK(rig.clock.now() - kStart < 7min);
}

TEST_CASE("A5: what a process holds is free when it rests, a minute after it died, or when its share runs out") {
  Rig rig;
  auto one = rig.gate("a");
  const auto two = rig.gate("b");
  REQUIRE(burst(rig, *one, 100) == 100);
  rig.clock.advance(1s);
  const Instant asked = rig.clock.now();
  std::chrono::milliseconds least{};
  std::chrono::milliseconds most{};
  SUBCASE("rests") {
    CHECK(one->rest().ok());
    least = 58s, most = 62s;
  }
  SUBCASE("died") {
    rig.dead = "a";
    least = 59s, most = 63s;
  }
  SUBCASE("is not heard of") {
    least = 150s, most = http::kShareHold + http::kLookAgain;
  }
  CHECK(two->acquire({}).ok());
  CHECK(rig.clock.now() - asked >= least);
  CHECK(rig.clock.now() - asked <= most);
}

TEST_CASE("A6: the day is claimed in blocks, so that two processes never call more than it has, whatever headers say") {
  Rig rig(0, 200);
  rig.clock.advance(1h);
  const auto one = rig.gate("a");
  const auto two = rig.gate("b");
  int made = 0;
  int refusals = 0;
  while (refusals < 2 && made < 1'000) {
    refusals = 0;
    for (const auto* gate : {&one, &two}) {
      settle(*one, *two);
      auto permit = (*gate)->acquire({});
      if (permit.ok()) ++made;
      else ++refusals;
    }
  }
  CHECK(made <= 200);
  CHECK(made >= 198);
  SUBCASE("a third one finds nothing left, also when the first two are gone") {
    rig.clock.advance(10min);
    const auto three = rig.gate("c");
    const auto refused = three->acquire({});
    REQUIRE(!refused.ok());
    CHECK(refused.error().reason == "berth.quota");
    CHECK(made + *three->day_left() <= 200);
  }
  SUBCASE("the next day begins anew for both") {
    rig.clock.advance(24h);
    CHECK(one->acquire({}).ok());
    CHECK(two->acquire({}).ok());
    CHECK(rig.board.read().day_made() <= 4);
  }
}

TEST_CASE("A5: what one process learns about the day and about waits, the others hear at their next word with the board") {
  Rig rig(100, 1'000);
  const auto one = rig.gate("a");
  const auto two = rig.gate("b");
  const Headers headers{{"limit", "500"}, {"remaining", "100"}};
  one->acquire({}).value().finish(&headers);
  REQUIRE(one->look().ok());
  REQUIRE(two->look().ok());
  CHECK(two->snapshot().day_limit == 500);
  CHECK(*two->day_left() <= 100);
  CHECK(*two->day_left() >= 90);
  one->block_until(kStart + 1h, "shop.limit.daily", "no more");
  REQUIRE(two->look().ok());
  const auto refused = two->acquire({});
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("shop.limit.daily") != std::string::npos);
}

TEST_CASE("D12: what a person lifts is lifted for every process, and none brings it back") {
  Rig rig(100, 1'000);
  rig.clock.advance(1h);
  const auto one = rig.gate("a");
  const auto two = rig.gate("b");
  const Headers spent{{"limit", "500"}, {"remaining", "0"}};
  one->acquire({}).value().finish(&spent);
  one->block_until(rig.clock.now() + 20h, "shop.limit.daily", "no more");
  one->fewer_at_once();
  REQUIRE(two->look().ok());
  REQUIRE(!two->acquire({}).ok());
  auto state = rig.board.read();
  state.lift(rig.clock.now());
  rig.board.text = json::dump(state.to_json());
  // The one that was told of the block is the first to write again.
  REQUIRE(one->look().ok());
  REQUIRE(two->look().ok());
  REQUIRE(one->look().ok());
  for (const auto* gate : {&one, &two}) {
    CHECK((*gate)->snapshot().blocked_until == std::nullopt);
    CHECK((*gate)->snapshot().day_limit == 1'000);
    CHECK((*gate)->snapshot().concurrent_limit == 4);
    CHECK(*(*gate)->day_left() > 900);
    CHECK((*gate)->acquire({}).ok());
  }
  CHECK(rig.board.read().blocked_until.unix_ms == 0);
  // What the next answer says counts again, and so does a process that begins after that.
  one->acquire({}).value().finish(&spent);
  REQUIRE(one->look().ok());
  const auto three = rig.gate("c");
  REQUIRE(three->look().ok());
  CHECK(*three->day_left() == 0);
}

TEST_CASE("A6: calls of our own are not taken for other programs' because a person lifted what was known of them") {
  Rig rig(0, 9'000);
  rig.clock.advance(1h);
  std::int64_t counted = 0;
  const auto call = [&](QuotaGate& gate) {
    auto permit = gate.acquire({}).value();
    const Headers told{{"limit", "9000"}, {"remaining", std::to_string(9'000 - ++counted)}};
    permit.finish(&told);
  };
  const auto one = rig.gate("a");
  for (int i = 0; i < 1'980; ++i) call(*one);
  REQUIRE(one->rest().ok());
  CHECK(rig.board.read().by_others() == 0);
  const auto lift = [&] {
    auto state = rig.board.read();
    state.lift(rig.clock.now());
    rig.board.text = json::dump(state.to_json());
  };
  SUBCASE("once, by the same process") {
    lift();
    for (int i = 0; i < 168; ++i) call(*one);
    REQUIRE(one->rest().ok());
    CHECK(one->snapshot().used_by_others == 0);
  }
  SUBCASE("twice, and another process goes on") {
    lift();
    for (int i = 0; i < 100; ++i) call(*one);
    REQUIRE(one->rest().ok());
    lift();
    const auto two = rig.gate("b");
    for (int i = 0; i < 68; ++i) call(*two);
    REQUIRE(two->rest().ok());
    CHECK(two->snapshot().used_by_others == 0);
  }
  CHECK(rig.board.read().by_others() == 0);
  CHECK(rig.board.read().day_made() == 2'148);   // of the day nothing more is to be had than before
  // What others do then is seen, and the next day begins with nothing.
  counted += 50;
  const auto three = rig.gate("c");
  call(*three);
  REQUIRE(three->rest().ok());
  CHECK(three->snapshot().used_by_others == 50);
  CHECK(rig.board.read().by_others() == 50);
  rig.clock.set(three->resets_at() + 1s);
  counted = 7;
  call(*three);
  REQUIRE(three->rest().ok());
  CHECK(rig.board.read().by_others() == 7);
}

TEST_CASE("A6: calls that a killed process had made and not told are not taken for other programs'") {
  Rig rig(0, 9'000);
  rig.clock.advance(1h);
  std::int64_t counted = 0;
  const auto call = [&](QuotaGate& gate) {
    auto permit = gate.acquire({}).value();
    const Headers told{{"limit", "9000"}, {"remaining", std::to_string(9'000 - ++counted)}};
    permit.finish(&told);
  };
  auto one = rig.gate("a");
  for (int i = 0; i < 11; ++i) call(*one);   // within its claim, and nobody has heard of them
  one.reset();
  rig.dead = "a";
  rig.clock.advance(1s);
  const auto two = rig.gate("b");
  for (int i = 0; i < 5; ++i) call(*two);
  REQUIRE(two->look().ok());
  CHECK(two->snapshot().used_by_others == 0);
  CHECK(rig.board.read().by_others() == 0);
  rig.clock.advance(5min);
  call(*two);
  REQUIRE(two->look().ok());
  CHECK(two->snapshot().used_by_others == 0);
}

TEST_CASE("D12: what was called within the minute stays counted when a person lifts the rest") {
  Rig rig(100, 0);
  const auto one = rig.gate("a");
  const auto two = rig.gate("b");
  REQUIRE(burst(rig, *one, 100) == 100);
  REQUIRE(one->rest().ok());
  auto state = rig.board.read();
  state.lift(rig.clock.now());
  rig.board.text = json::dump(state.to_json());
  CHECK(burst(rig, *two, 1) == 0);
  CHECK(rig.clock.now() >= kStart + 60s);
}

TEST_CASE("A5: what was counted survives a restart, also what was in flight") {
  Rig rig;
  {
    const auto before = rig.gate("a");
    REQUIRE(burst(rig, *before, 99) == 99);
    auto in_flight = before->acquire({});
    auto state = rig.board.read();
    before->tell(state);
    rig.board.text = json::dump(state.to_json());
    in_flight->finish(nullptr);
  }
  rig.dead = "a";
  const auto after = rig.gate("b");
  REQUIRE(after->look().ok());
  CHECK(after->snapshot().day_used == 100);
  CHECK(after->acquire({}).ok());
  CHECK(rig.clock.now() >= kStart + 60s);
}

TEST_CASE("times from a clock that was wrong are cut to what they can be") {
  Rig rig;
  http::QuotaState state;
  state.paused_until = kStart + 24h * 365;
  state.day_resets_at = kStart + 24h * 365;
  state.shares.push_back({.owner = "x", .places = 100, .at_once = 4, .until = kStart + 24h * 365});
  rig.board.text = json::dump(state.to_json());
  const auto gate = rig.gate("a");
  CHECK(gate->acquire({}).ok());
  CHECK(rig.clock.now() - kStart <= http::kPauseMax + http::kShareHold);
  CHECK(gate->resets_at() - rig.clock.now() <= http::kDayMax);
}

TEST_CASE("A5: where fewer calls at once are allowed than there are processes, they take turns") {
  std::size_t processes = 2;
  int at_once = 1;
  SUBCASE("two processes, one call") {}
  SUBCASE("three processes, one call") { processes = 3; }
  SUBCASE("three processes, two calls") { processes = 3, at_once = 2; }
  ImpatientClock clock;
  MemoryBoard board;
  Limits limits = limits_of(0, 0);
  limits.concurrent = at_once;
  std::vector<std::unique_ptr<QuotaGate>> gates;
  for (std::size_t i = 0; i < processes; ++i) {
    gates.push_back(std::make_unique<QuotaGate>(limits, http::QuotaOptions{.owner = std::string(1, static_cast<char>('a' + i))}, clock, &board));
  }
  // Each would like to make one call of a second after the other. Ten minutes of that.
  std::vector<int> made(processes);
  std::vector<std::optional<Permit>> under_way(processes);
  for (int second = 0; second < 600; ++second) {
    for (std::size_t i = 0; i < processes; ++i) {
      under_way[i].reset();
      clock.stop = std::stop_source();
      if (auto permit = gates[i]->acquire(clock.stop.get_token()); permit.ok()) {
        under_way[i] = std::move(*permit);
        ++made[i];
      }
      CHECK(std::count_if(under_way.begin(), under_way.end(), [](const auto& one) { return one.has_value(); }) <= at_once);
    }
    clock.advance(1s);
  }
  int sum = 0;
  for (const int calls : made) sum += calls;
  for (const int calls : made) {
    MESSAGE(calls << " calls of " << 600 * at_once);
    CHECK(calls * static_cast<int>(processes) >= sum / 2);
  }
  CHECK(sum >= 600 * at_once * 8 / 10);
}

TEST_CASE("A5: where a minute has fewer calls than there are processes, they take turns") {
  ImpatientClock clock;
  MemoryBoard board;
  const Limits limits = limits_of(1, 0);
  QuotaGate one(limits, {.owner = "a"}, clock, &board);
  QuotaGate two(limits, {.owner = "b"}, clock, &board);
  std::vector<std::pair<Instant, char>> calls;
  for (int second = 0; second < 3'600; ++second) {
    for (const auto& [gate, name] : {std::pair(&one, 'a'), std::pair(&two, 'b')}) {
      clock.stop = std::stop_source();
      if (auto permit = gate->acquire(clock.stop.get_token()); permit.ok()) calls.emplace_back(clock.now(), name);
    }
    clock.advance(1s);
  }
  for (std::size_t i = 1; i < calls.size(); ++i) CHECK(calls[i].first - calls[i - 1].first > 60s);
  const auto of_one = std::count_if(calls.begin(), calls.end(), [](const auto& call) { return call.second == 'a'; });
  const auto of_two = static_cast<std::ptrdiff_t>(calls.size()) - of_one;
  MESSAGE(of_one << " and " << of_two << " calls in an hour of one a minute");
  CHECK(calls.size() >= 40);
  CHECK(of_one >= 15);
  CHECK(of_two >= 15);
}

TEST_CASE("A5: a row that is full of processes which rest takes up another one, and forgets nothing that they hold") {
  Rig rig(100, 1'000);
  rig.clock.advance(1h);
  std::vector<std::unique_ptr<QuotaGate>> resting;
  for (std::size_t i = 0; i < http::kSharesMax; ++i) {
    resting.push_back(rig.gate("r" + std::to_string(i)));
    if (i < 10) CHECK(burst(rig, *resting.back(), 5) == 5);
    REQUIRE(resting.back()->rest().ok());
  }
  const auto one = rig.gate("a");
  const auto two = rig.gate("b");
  CHECK(burst(rig, *one, 50) == 50);
  REQUIRE(one->rest().ok());
  CHECK(rig.board.read().day_made() == 100);
  CHECK(burst(rig, *two, 1) == 0);   // the minute is used up, and its call comes after that
  SUBCASE("whose owner comes back is counted once") {
    REQUIRE(two->rest().ok());
    rig.clock.advance(2min);
    CHECK(burst(rig, *resting.front(), 5) == 5);
    REQUIRE(resting.front()->rest().ok());
    CHECK(rig.board.read().day_made() == 106);
  }
}

TEST_CASE("A5: shares that a row has beyond its room keep what they hold") {
  Rig rig(100, 1'000);
  rig.clock.advance(1h);
  http::QuotaState state;
  for (std::size_t i = 0; i < http::kSharesMax + 5; ++i) {
    state.shares.push_back({.owner = "r" + std::to_string(i), .places = 1, .made = 1, .claimed = 1, .until = rig.clock.now() + 1min});
  }
  rig.board.text = json::dump(state.to_json());
  CHECK(rig.board.read().day_made() == static_cast<std::int64_t>(http::kSharesMax) + 5);
  int places = 0;
  for (const http::QuotaShare& share : rig.board.read().shares) places += share.places;
  CHECK(places == static_cast<int>(http::kSharesMax) + 5);
}

TEST_CASE("A5: more processes than the row has room for: the limits hold, and those without a place wait for one") {
  ImpatientClock clock;
  MemoryBoard board;
  Limits limits = limits_of(200, 10'000);
  limits.concurrent = 16;
  std::vector<std::unique_ptr<QuotaGate>> gates;
  std::vector<std::optional<Permit>> under_way;
  std::vector<Instant> calls;
  std::size_t processes = http::kSharesMax + 20;
  bool rests = false;
  SUBCASE("all at work") {}
  SUBCASE("each rests after its first call") { rests = true; }
  for (std::size_t i = 0; i < processes; ++i) {
    gates.push_back(std::make_unique<QuotaGate>(limits, http::QuotaOptions{.reserve_percent = 0, .owner = "p" + std::to_string(i)}, clock, &board));
  }
  under_way.resize(processes);
  std::vector<int> made(processes);
  for (int second = 0; second < 300; ++second) {
    for (std::size_t i = 0; i < processes; ++i) {
      under_way[i].reset();
      if (rests && made[i] > 0) {
        REQUIRE(gates[i]->rest().ok());
        continue;
      }
      clock.stop = std::stop_source();
      if (auto permit = gates[i]->acquire(clock.stop.get_token()); permit.ok()) {
        under_way[i] = std::move(*permit);
        calls.push_back(clock.now());
        ++made[i];
      }
      CHECK(std::count_if(under_way.begin(), under_way.end(), [](const auto& one) { return one.has_value(); }) <= limits.concurrent);
    }
    clock.advance(1s);
  }
  std::size_t first = 0;
  std::size_t most = 0;
  for (std::size_t last = 0; last < calls.size(); ++last) {
    while (calls[last] - calls[first] > 60s) ++first;
    most = std::max(most, last - first + 1);
  }
  MESSAGE(calls.size() << " calls in five minutes, at most " << most << " in one");
  CHECK(most <= 200);
  if (rests) {
    CHECK(calls.size() == processes);
  } else {
    CHECK(calls.size() > 200);
  }
  under_way.clear();
  for (const auto& gate : gates) REQUIRE(gate->rest().ok());
  CHECK(board.read().shares.size() <= http::kSharesMax);
  CHECK(board.read().day_made() == static_cast<std::int64_t>(calls.size()));
}

TEST_CASE("a stored state that cannot be read is a new one") {
  for (const auto* text : {"null", "[]", "{}", R"({"day_limit":"x","shares":[7,{}],"concurrent":-3,"foreign":[]})"}) {
    const auto state = http::QuotaState::from_json(json::parse(text).value);
    CHECK(state.day_made() == 0);
    CHECK(state.shares.empty());
    CHECK(state.concurrent == 0);
  }
}
