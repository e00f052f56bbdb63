// The simulator: Zoho Accounts and Zoho Books of one organisation, over books that are generated from a seed.
//
//   auto clock = std::make_shared<zoho_sim::VirtualClock>(start);
//   zoho_sim::Simulator simulator({.books = {.seed = 7, .now = start}}, clock);
//   auto answer = simulator.handle(zoho_sim::make_request("GET", "/books/v3/invoices?organization_id=927000001"));
//
// handle() is the in-process face; HttpFace carries the same answers over HTTP. Any thread may call any member.
// handle() never throws: what goes wrong becomes an answer. With a latency it blocks for that long.
#pragma once

#include "tests/zoho_sim/api.hpp"
#include "tests/zoho_sim/clock.hpp"
#include "tests/zoho_sim/faults.hpp"
#include "tests/zoho_sim/generator.hpp"
#include "tests/zoho_sim/limits.hpp"
#include "tests/zoho_sim/message.hpp"
#include "tests/zoho_sim/oauth_server.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace zoho_sim {

struct Options {
  GeneratorOptions books = {};
  OAuthOptions oauth = {};
  LimitOptions limits = {};
  Undocumented undocumented = Undocumented::kHonoured;
  int latency_ms = 0;
  std::string public_origin = {};  // empty: http:// and the Host header of the call
};

struct Counters {
  std::uint64_t calls = 0;    // all but those of the control interface
  std::uint64_t writes = 0;   // POST, PUT, DELETE, PATCH under /books
  std::uint64_t refused = 0;  // answers 429
  std::uint64_t faults = 0;
  int in_process_max = 0;
  std::map<std::string, std::uint64_t> by_kind;    // list, detail, file, token, other
  std::map<std::string, std::uint64_t> by_path;    // "GET /books/v3/invoices/{id}"
  std::map<std::string, std::uint64_t> by_status;  // "200"
};

class Simulator {
 public:
  Simulator(Options options, std::shared_ptr<Clock> clock);
  ~Simulator();

  Response handle(const Request& request);

  Counters counters() const;
  void reset_counters();
  void inject(Fault fault);
  void clear_faults();  // also gives every answer that is held back
  std::string books_json() const;  // what /_control/books answers, for tie-outs
  Time now() const { return clock_->now(); }

  // Runs `change(Books&, Time now)` under the lock; what it throws goes to the caller.
  template <class Change>
  auto with_books(Change change) {
    const std::lock_guard lock(mutex_);
    return change(books_, clock_->now());
  }
  template <class Change>
  auto with_oauth(Change change) {
    const std::lock_guard lock(mutex_);
    return change(oauth_, clock_->now());
  }
  // A token with full access, for tests that are not about OAuth.
  std::string access_token(const std::string& scopes = "ZohoBooks.fullaccess.all");
  void set_undocumented(Undocumented mode);
  void set_limits(LimitOptions limits);
  void set_latency_ms(int latency_ms) { latency_ms_ = latency_ms; }
  const OrgTime& zone() const { return zone_; }

 private:
  friend class Control;
  Response answer(const Request& request, const std::optional<Fault>& fault, bool& admitted);
  Response answer_api(const Request& request, const std::optional<Fault>& fault, bool& admitted);
  void carry_out(const Fault& fault);
  void count(const Request& request, const Response& response, bool faulty);
  void forget_faults();  // mutex_ is held
  std::string origin_of(const Request& request) const;

  mutable std::mutex mutex_;
  Options options_;
  std::shared_ptr<Clock> clock_;
  OrgTime zone_;
  Books books_;
  OAuthServer oauth_;
  Limits limits_;
  Api api_;
  FaultQueue faults_;
  std::uint64_t clearings_ = 0;  // of the faults; answers that are held back wait for the next one
  std::condition_variable cleared_;
  Counters counters_;
  std::deque<std::string> log_;
  std::atomic<int> in_process_{0};  // calls within the quota whose answer is not given yet
  std::atomic<int> latency_ms_;
};

}  // namespace zoho_sim
