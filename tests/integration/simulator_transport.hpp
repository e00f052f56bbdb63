#pragma once
// The Zoho Books simulator as the host's transport, in process and in virtual time: a call takes kCallTakes of the shared
// clock and no real time. Whatever does not go to the simulator's address is refused and remembered.
//
// send() may be called from any thread. Refers to what it is made from.
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/http/transport.hpp"
#include "tests/zoho_sim/clock.hpp"
#include "tests/zoho_sim/simulator.hpp"

namespace berth::integration {

inline constexpr std::chrono::milliseconds kCallTakes{20};

/// The host's clock, as the simulator reads it.
class SharedClock final : public zoho_sim::Clock {
 public:
  explicit SharedClock(const berth::Clock& clock) : clock_(clock) {}
  [[nodiscard]] zoho_sim::Time now() const override { return clock_.now().unix_ms / 1000; }

 private:
  const berth::Clock& clock_;
};

class SimulatorTransport final : public http::Transport {
 public:
  /// `is_paced`: calls of several threads pass their time side by side; else each moves the clock.
  SimulatorTransport(zoho_sim::Simulator& simulator, ManualClock& clock, std::string origin, bool is_paced = false)
      : simulator_(simulator), clock_(clock), origin_(std::move(origin)), is_paced_(is_paced) {}
  Result<http::Response> send(const http::Request& request, std::stop_token stop) override;

  /// "200 GET /books/v3/invoices/46…", in the order of their answers; status 0 where there was none. Of a file the query
  /// follows as "?accept=pdf".
  [[nodiscard]] std::vector<std::string> calls() const;
  /// How many calls there were whose method and path begin so, and with that status (0: any).
  [[nodiscard]] std::size_t count(std::string_view prefix, int status = 0) const;
  void forget_calls();
  /// The same calls with their times.
  struct Exchange {
    std::string call;    // as in calls()
    Instant began, counted, ended;   // `counted`: when the simulator saw it
    int status = 0;
    std::string code{};  // of Zoho, where it is an error
  };
  [[nodiscard]] std::vector<Exchange> exchanges() const;
  /// Those that Zoho counts, in the order in which it saw them.
  [[nodiscard]] std::vector<Exchange> api_calls() const;
  /// Addresses that were asked for and are not the simulator's.
  [[nodiscard]] std::vector<std::string> strangers() const;
  /// Called before each call ("GET /books/v3/…") reaches the simulator, on the threads of the calls, several at once; set it while no run is
  /// under way. An answer of it is given instead of the simulator's.
  std::function<std::optional<http::Response>(const std::string& call)> before;
  /// Called with each answer before the host sees it.
  std::function<void(http::Response& response)> after;
  /// What every call takes, and by how much at most it is shorter or longer than that.
  std::chrono::milliseconds takes = kCallTakes;
  std::chrono::milliseconds varies{0};

 private:
  Result<http::Response> exchange(const zoho_sim::Request& request, const std::string& call, Instant& counted);
  std::chrono::milliseconds duration();
  void pass(std::chrono::milliseconds time);
  zoho_sim::Simulator& simulator_;
  ManualClock& clock_;
  const std::string origin_;
  const bool is_paced_;
  mutable std::mutex mutex_;   // guards what follows
  SeededRandom random_{5};
  std::vector<std::string> calls_;
  std::vector<Exchange> exchanges_;
  std::vector<std::string> strangers_;
};

/// What Zoho answers for a document that does not exist (any more).
inline http::Response gone() {
  http::Response response;
  response.status = 404;
  response.headers = {{"content-type", "application/json"}};
  response.body = R"({"code":1002,"message":"Resource does not exist."})";
  return response;
}

}  // namespace berth::integration
