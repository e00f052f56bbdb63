// Faults to be answered instead of, or done to, the next matching calls. Not thread safe; the Simulator guards it.
//
//   simulator.inject({.kind = FaultKind::kStatus, .path_prefix = "/books/v3/invoices", .count = 2, .status = 503});
#pragma once

#include "tests/zoho_sim/message.hpp"

#include <deque>
#include <optional>
#include <string>

namespace zoho_sim {

enum class FaultKind {
  kStatus,              // `status` and `body` (JSON content type unless headers say otherwise)
  kHtml,                // `status` with a proxy's HTML page
  kEmpty,               // `status` without a body
  kTruncated,           // the real answer with its Content-Length, cut after `bytes`
  kCutChunked,          // the real answer chunked, cut after `bytes`
  kDrip,                // the real answer, `bytes` at a time with `pause_ms` between
  kHang,                // nothing for `pause_ms`, then the connection closes
  kReset,               // TCP reset; with `process` the call is carried out first
  kClose,               // orderly close without an answer; `process` likewise
  kBigBody,             // `bytes` (10 MB if 0) of JSON
  kHeaderFlood,         // `bytes` (1 MB if 0) of header lines
  kRedirect,            // 302 to `body`
  kRateLimit,           // 429 with `code` 44, 45 or 1070 and `retry_after` if not empty
  kDelay,               // the real answer, `pause_ms` later
  kPageContextMissing,  // the real answer of a list without page_context
  kPageContextArray,    // the real answer of a list with page_context as an array of one object
  kNoRateHeaders        // the real answer without X-Rate-Limit-*
};

struct Fault {
  FaultKind kind = FaultKind::kStatus;
  std::string path_prefix = "/";
  std::string method = {};  // empty: any
  int skip = 0;             // matching calls that pass first
  int count = 1;            // calls hit; negative is for ever
  int status = 500;
  int code = 44;
  std::string body = {};
  std::string retry_after = {};
  Pairs headers = {};
  std::size_t bytes = 0;
  int pause_ms = 0;
  bool process = false;
};

std::optional<FaultKind> fault_kind(std::string_view name);  // "status", "html", … as the control interface spells them
std::string_view fault_name(FaultKind kind);
// True if the fault answers by itself and the call is not carried out.
bool replaces_answer(const Fault& fault);
Response fault_answer(const Fault& fault);
void distort(Response& response, const Fault& fault);

class FaultQueue {
 public:
  void add(Fault fault) { faults_.push_back(std::move(fault)); }
  void clear() { faults_.clear(); }
  std::optional<Fault> take(const Request& request);
  const std::deque<Fault>& waiting() const { return faults_; }

 private:
  std::deque<Fault> faults_;
};

}  // namespace zoho_sim
