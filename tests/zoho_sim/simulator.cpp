#include "tests/zoho_sim/simulator.hpp"

#include "tests/zoho_sim/control.hpp"

#include <chrono>
#include <ctime>
#include <exception>
#include <thread>

namespace zoho_sim {
namespace {

constexpr std::size_t kLogLines = 10'000;
constexpr int kHoldMs = 60'000;

Response error_response(const ApiError& error) {
  return json_response(error.status,
                       JsonWriter().object().integer("code", error.code).text("message", error.message).end().take());
}

// RFC 9110, IMF-fixdate. By the simulator's clock, so that a host can tell when its own is wrong.
std::string http_date(Time time) {
  const std::time_t seconds = time;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

// Takes back the call's place among those in process, if it was given one.
class Place {
 public:
  explicit Place(std::atomic<int>& count) : count_(count) {}
  ~Place() {
    if (taken_) --count_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  int take() {
    taken_ = true;
    return ++count_;
  }

 private:
  std::atomic<int>& count_;
  bool taken_ = false;
};

}  // namespace

Simulator::Simulator(Options options, std::shared_ptr<Clock> clock)
    : options_([&] {
        if (options.books.now == 0) options.books.now = clock->now();
        return std::move(options);
      }()),
      clock_(std::move(clock)),
      zone_(options_.books.time_zone),
      books_(generate_books(options_.books, zone_)),
      oauth_(options_.oauth, options_.books.seed),
      limits_(options_.limits),
      api_(books_, zone_),
      latency_ms_(options_.latency_ms) {}

Simulator::~Simulator() = default;

std::string Simulator::origin_of(const Request& request) const {
  if (!options_.public_origin.empty()) return options_.public_origin;
  const auto host = header_of(request.headers, "Host");
  return "http://" + (host.empty() ? std::string("zoho-sim.test") : std::string(host));
}

Response Simulator::handle(const Request& request) {
  try {
    if (Control::serves(request.path)) {
      if (!request.from_loopback)
        return error_response({403, 57, "The control interface answers only to this machine."});
      const std::lock_guard lock(mutex_);
      return Control(*this).handle(request);
    }
    Place place(in_process_);  // until the answer is given, latency included
    const int latency = latency_ms_;
    Response response;
    {
      std::unique_lock lock(mutex_);
      const auto fault = faults_.take(request);
      if (fault && replaces_answer(*fault)) {
        response = fault_answer(*fault);
      } else {
        bool admitted = false;
        if (fault && fault->kind == FaultKind::kFirst) carry_out(*fault);
        response = answer(fault ? seen_through(request, *fault) : request, fault, admitted);
        if (admitted) counters_.in_process_max = std::max(counters_.in_process_max, place.take());
        if (fault) distort(response, *fault);
      }
      count(request, response, fault.has_value());
      if (fault && fault->kind == FaultKind::kHold) {
        const std::chrono::milliseconds longest(fault->pause_ms == 0 ? kHoldMs : fault->pause_ms);
        cleared_.wait_for(lock, longest, [this, before = clearings_] { return clearings_ != before; });
      }
    }
    if (latency > 0) std::this_thread::sleep_for(std::chrono::milliseconds(latency));
    return response;
  } catch (const ApiError& error) {
    return error_response(error);
  } catch (const std::exception& error) {
    return error_response({500, 1000, std::string("Internal error: ") + error.what()});
  }
}

void Simulator::carry_out(const Fault& fault) {
  const auto space = fault.field.find(' ');
  Request call = make_request(fault.field.substr(0, space), "/_control/" + fault.field.substr(space + 1));
  call.body = fault.body;
  Control(*this).handle(call);
}

Response Simulator::answer(const Request& request, const std::optional<Fault>& fault, bool& admitted) {
  try {
    if (OAuthServer::serves(request.path)) return oauth_.handle(request, clock_->now(), origin_of(request));
    if (request.path.rfind("/books/v3/", 0) == 0) return answer_api(request, fault, admitted);
    throw ApiError{404, 5, "Invalid URL Passed"};
  } catch (const ApiError& error) {
    return error_response(error);
  }
}

Response Simulator::answer_api(const Request& request, const std::optional<Fault>& fault, bool& admitted) {
  const Time now = clock_->now();
  static constexpr std::string_view kScheme = "Zoho-oauthtoken ";
  const auto credential = header_of(request.headers, "Authorization");
  if (credential.rfind(kScheme, 0) != 0) return error_response({401, 14, "Invalid value passed for authtoken."});
  const auto scopes = oauth_.scopes_of(credential.substr(kScheme.size()), now);
  if (!scopes)
    return error_response({401, 57, "You are not authorized to perform this operation"});  // without X-Rate-Limit-*

  const Day today = zone_.day_of(now);
  Response response;
  if (const auto refusal = limits_.admit(now, today, in_process_)) {
    response = error_response(*refusal);
  } else {
    admitted = true;
    try {
      const auto shape = !fault                                          ? PageContext::kObject
                         : fault->kind == FaultKind::kPageContextMissing ? PageContext::kMissing
                         : fault->kind == FaultKind::kPageContextArray   ? PageContext::kArray
                                                                         : PageContext::kObject;
      response = api_.handle({request, *scopes, now, options_.undocumented, shape});
    } catch (const ApiError& error) {
      response = error_response(error);
    }
  }
  for (auto& header : limits_.headers(now, today, zone_.start_of_day(today + 1)))
    response.headers.push_back(std::move(header));
  response.headers.emplace_back("Date", http_date(now));
  return response;
}

void Simulator::count(const Request& request, const Response& response, bool faulty) {
  ++counters_.calls;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads && request.path.rfind("/books/", 0) == 0) ++counters_.writes;
  if (response.status == 429) ++counters_.refused;
  if (faulty) ++counters_.faults;
  ++counters_.by_kind[std::string(name_of(kind_of(request)))];
  ++counters_.by_path[request.method + " " + path_family(request.path)];
  ++counters_.by_status[std::to_string(response.status)];
  std::string line = std::to_string(response.status) + " " + request.method + " " + request.path;
  char mark = '?';
  if (request.path.rfind("/oauth/", 0) != 0) {  // those queries may carry secrets
    for (const auto& [name, value] : request.query) {
      line += mark + name + "=" + value;
      mark = '&';
    }
  }
  log_.push_back(std::move(line));
  if (log_.size() > kLogLines) log_.pop_front();
}

Counters Simulator::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void Simulator::reset_counters() {
  const std::lock_guard lock(mutex_);
  counters_ = {};
  log_.clear();
}

void Simulator::inject(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.add(std::move(fault));
}

void Simulator::clear_faults() {
  const std::lock_guard lock(mutex_);
  forget_faults();
}

void Simulator::forget_faults() {
  faults_.clear();
  ++clearings_;
  cleared_.notify_all();
}

std::string Simulator::books_json() const {
  const std::lock_guard lock(mutex_);
  return Control(const_cast<Simulator&>(*this)).books();
}

std::string Simulator::access_token(const std::string& scopes) {
  const std::lock_guard lock(mutex_);
  return oauth_.issue_access_token(scopes, clock_->now());
}

void Simulator::set_undocumented(Undocumented mode) {
  const std::lock_guard lock(mutex_);
  options_.undocumented = mode;
}

void Simulator::set_limits(LimitOptions limits) {
  const std::lock_guard lock(mutex_);
  limits_.options() = limits;
}

}  // namespace zoho_sim
