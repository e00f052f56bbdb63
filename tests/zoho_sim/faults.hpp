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
  kBigBody,             // `bytes` (10 MB if 0) of JSON, or of `body` again and again
  kHeaderFlood,         // `bytes` (1 MB if 0) of header lines
  kRedirect,            // 302 to `body`
  kRateLimit,           // 429 with `code` 44, 45 or 1070 and `retry_after` if not empty
  kDelay,               // the real answer, `pause_ms` later
  kHold,                // the real answer, when the faults are cleared; after `pause_ms` (60 s if 0) all the same
  kPageContextMissing,  // the real answer of a list without page_context
  kPageContextArray,    // the real answer of a list with page_context as an array of one object
  kNoRateHeaders,       // the real answer without X-Rate-Limit-*
  kDripHead,            // the real answer, its headers one byte at a time with `pause_ms` between
  kResetHead,           // half of the headers, then a TCP reset
  kHugeHeader,          // the real answer with one more header of `bytes` (100 kB if 0)
  kGzip,                // the real answer packed
  kGzipBomb,            // JSON of `bytes` (1 GiB if 0), packed to less than a hundredth
  kGzipTwice,           // the real answer packed twice, and said to be packed once
  kGzipBroken,          // the real answer packed, without its second half
  kWrongLength,         // the whole real answer, whose Content-Length says `bytes`
  kExtraBytes,          // the real answer and `bytes` (20 if 0) more behind it
  kNested,              // JSON nested `bytes` (10,000 if 0) deep
  kField,               // the real answer with `body` as the JSON value of every member named `field`
  kMorePages,           // the real answer of a list that always promises another page
  kSamePage,            // the first page of the list, whatever page is asked for, promising another
  kFirst                // the real answer, after the control call `field` ("POST invoices") with `body`
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
  std::string field = {};
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
/// `request` as the fault lets the simulator see it.
Request seen_through(const Request& request, const Fault& fault);

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
