// What goes in and out of the simulator's core, free of any HTTP library, so that a test can call the core directly
// and the HTTP face can carry the same answers, faults included.
//
// Plain values: no ownership, no threads, nothing fails here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoho_sim {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string path = "/";  // without the query, still percent-encoded as it came
  Pairs query;             // decoded
  Pairs headers;
  std::string body;
  bool from_loopback = true;  // the control interface answers only to loopback callers
};

// How the face carries the answer. Everything but kNormal is an injected fault.
enum class Delivery {
  kNormal,
  kTruncated,   // Content-Length of the whole body, but only `cut_after` bytes of it
  kCutChunked,  // chunked, cut after `cut_after` bytes without the last chunk
  kDrip,        // `drip_bytes` at a time with `pause_ms` between
  kHang,        // nothing for `pause_ms`, then the connection closes
  kReset,       // TCP reset without an answer
  kClose,       // orderly close without an answer
  kDripHead,    // the headers byte by byte with `pause_ms` between, then the body
  kResetHead    // half of the headers, then a TCP reset
};

struct Response {
  int status = 200;
  Pairs headers;
  std::string body;
  Delivery delivery = Delivery::kNormal;
  std::size_t cut_after = 0;
  std::optional<std::size_t> stated_length = {};  // Content-Length of kTruncated, where it is not the body's
  std::size_t drip_bytes = 1;
  int pause_ms = 0;
};

// "/a/b?x=1&y=%2B" as a request; the fragment is dropped.
Request make_request(std::string_view method, std::string_view target);

// Decoded pairs of a query string or of an x-www-form-urlencoded body; "+" is a blank.
Pairs parse_pairs(std::string_view text);
std::string percent_encode(std::string_view text);
std::string percent_decode(std::string_view text);

// First value under `name`, or an empty text. Header names compare without case.
std::string_view value_of(const Pairs& pairs, std::string_view name);
bool has(const Pairs& pairs, std::string_view name);
std::string_view header_of(const Pairs& headers, std::string_view name);

bool equal_without_case(std::string_view left, std::string_view right);
std::string lower(std::string_view text);

}  // namespace zoho_sim
