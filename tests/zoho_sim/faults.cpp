#include "tests/zoho_sim/faults.hpp"

#include "tests/zoho_sim/gzip.hpp"
#include "tests/zoho_sim/json_writer.hpp"

#include <algorithm>
#include <array>

namespace zoho_sim {
namespace {

constexpr std::size_t kBigBodyBytes = 10'000'000;
constexpr std::size_t kHeaderFloodBytes = 1'000'000;
constexpr int kHangMs = 60'000;
constexpr int kDripPauseMs = 50;

constexpr std::array<std::pair<std::string_view, FaultKind>, 33> kNames = {
    {{"status", FaultKind::kStatus},
     {"html", FaultKind::kHtml},
     {"empty", FaultKind::kEmpty},
     {"truncated", FaultKind::kTruncated},
     {"cut_chunked", FaultKind::kCutChunked},
     {"drip", FaultKind::kDrip},
     {"hang", FaultKind::kHang},
     {"reset", FaultKind::kReset},
     {"close", FaultKind::kClose},
     {"big_body", FaultKind::kBigBody},
     {"header_flood", FaultKind::kHeaderFlood},
     {"redirect", FaultKind::kRedirect},
     {"rate_limit", FaultKind::kRateLimit},
     {"delay", FaultKind::kDelay},
     {"hold", FaultKind::kHold},
     {"page_context_missing", FaultKind::kPageContextMissing},
     {"page_context_array", FaultKind::kPageContextArray},
     {"no_rate_headers", FaultKind::kNoRateHeaders},
     {"drip_head", FaultKind::kDripHead},
     {"reset_head", FaultKind::kResetHead},
     {"huge_header", FaultKind::kHugeHeader},
     {"gzip", FaultKind::kGzip},
     {"gzip_bomb", FaultKind::kGzipBomb},
     {"gzip_twice", FaultKind::kGzipTwice},
     {"gzip_broken", FaultKind::kGzipBroken},
     {"wrong_length", FaultKind::kWrongLength},
     {"extra_bytes", FaultKind::kExtraBytes},
     {"nested", FaultKind::kNested},
     {"field", FaultKind::kField},
     {"more_pages", FaultKind::kMorePages},
     {"same_page", FaultKind::kSamePage},
     {"first", FaultKind::kFirst}}};

constexpr std::size_t kHugeHeaderBytes = 100'000;
constexpr std::size_t kBombBytes = std::size_t{1} << 30U;
constexpr std::size_t kExtraBytes = 20;
constexpr std::size_t kNestedDepth = 10'000;

/// The end of the JSON value that begins at `at`: of a text, number, word, list or group.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  int depth = 0;
  bool in_text = false;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (in_text) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_text = false;
        if (depth == 0) return at + 1;
      }
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return at;
}

std::string with_field(const std::string& json, const std::string& field, const std::string& value) {
  const std::string key = "\"" + field + "\":";
  std::string changed;
  std::size_t from = 0;
  for (auto at = json.find(key); at != std::string::npos; at = json.find(key, from)) {
    at += key.size();
    changed.append(json, from, at - from).append(value);
    from = end_of_value(json, at);
  }
  return changed.append(json, from, std::string::npos);
}

void promise_more(std::string& json) {
  static constexpr std::string_view kEnd = "\"has_more_page\":false";
  if (const auto at = json.find(kEnd); at != std::string::npos) json.replace(at, kEnd.size(), "\"has_more_page\":true");
}

}  // namespace

Request seen_through(const Request& request, const Fault& fault) {
  Request seen = request;
  if (fault.kind == FaultKind::kSamePage) {
    for (auto& [name, value] : seen.query) {
      if (name == "page") value = "1";
    }
  }
  return seen;
}

std::optional<FaultKind> fault_kind(std::string_view name) {
  for (const auto& [text, kind] : kNames) {
    if (text == name) return kind;
  }
  return std::nullopt;
}

std::string_view fault_name(FaultKind kind) {
  for (const auto& [text, value] : kNames) {
    if (value == kind) return text;
  }
  return "";
}

bool replaces_answer(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kStatus:
    case FaultKind::kHtml:
    case FaultKind::kEmpty:
    case FaultKind::kHang:
    case FaultKind::kReset:
    case FaultKind::kClose:
    case FaultKind::kBigBody:
    case FaultKind::kHeaderFlood:
    case FaultKind::kRedirect:
    case FaultKind::kRateLimit:
    case FaultKind::kGzipBomb:
    case FaultKind::kNested:
      return !fault.process;
    default:
      return false;
  }
}

Response fault_answer(const Fault& fault) {
  Response response;
  distort(response, fault);
  return response;
}

void distort(Response& response, const Fault& fault) {
  const auto json = [&](std::string body) {
    response.headers = {{"Content-Type", "application/json;charset=UTF-8"}};
    response.body = std::move(body);
  };
  switch (fault.kind) {
    case FaultKind::kStatus:
      response.status = fault.status;
      json(fault.body);
      break;
    case FaultKind::kHtml:
      response.status = fault.status;
      response.headers = {{"Content-Type", "text/html"}};
      response.body =
          fault.body.empty() ? "<html><body><h1>Service temporarily unavailable</h1></body></html>" : fault.body;
      break;
    case FaultKind::kEmpty:
      response.status = fault.status;
      response.headers.clear();
      response.body.clear();
      break;
    case FaultKind::kTruncated:
      response.delivery = Delivery::kTruncated;
      response.cut_after = fault.bytes == 0 ? response.body.size() / 2 : fault.bytes;
      break;
    case FaultKind::kCutChunked:
      response.delivery = Delivery::kCutChunked;
      response.cut_after = fault.bytes == 0 ? response.body.size() / 2 : fault.bytes;
      break;
    case FaultKind::kDrip:
      response.delivery = Delivery::kDrip;
      response.drip_bytes = std::max<std::size_t>(1, fault.bytes);
      response.pause_ms = fault.pause_ms == 0 ? kDripPauseMs : fault.pause_ms;
      break;
    case FaultKind::kHang:
      response.delivery = Delivery::kHang;
      response.pause_ms = fault.pause_ms == 0 ? kHangMs : fault.pause_ms;
      break;
    case FaultKind::kReset:
      response.delivery = Delivery::kReset;
      break;
    case FaultKind::kClose:
      response.delivery = Delivery::kClose;
      break;
    case FaultKind::kBigBody:
      response.status = 200;
      if (!fault.body.empty()) {
        const std::size_t bytes = fault.bytes == 0 ? kBigBodyBytes : fault.bytes;
        std::string garbage;
        while (garbage.size() < bytes) garbage += fault.body;
        json(std::move(garbage));
        break;
      }
      json(R"({"code":0,"message":"success","padding":")" +
           std::string(fault.bytes == 0 ? kBigBodyBytes : fault.bytes, 'x') + "\"}");
      break;
    case FaultKind::kHeaderFlood: {
      response.status = 200;
      json(R"({"code":0,"message":"success"})");
      const std::size_t lines = (fault.bytes == 0 ? kHeaderFloodBytes : fault.bytes) / 1000 + 1;
      for (std::size_t i = 0; i < lines; ++i)
        response.headers.emplace_back("X-Flood-" + std::to_string(i), std::string(980, 'f'));
      break;
    }
    case FaultKind::kRedirect:
      response.status = 302;
      response.headers = {{"Location", fault.body}};
      response.body.clear();
      break;
    case FaultKind::kRateLimit:
      response.status = 429;
      json(JsonWriter()
               .object()
               .integer("code", fault.code)
               .text("message", "You have exceeded the limit.")
               .end()
               .take());
      if (!fault.retry_after.empty()) response.headers.emplace_back("Retry-After", fault.retry_after);
      break;
    case FaultKind::kDelay:
      response.pause_ms = fault.pause_ms;
      break;
    case FaultKind::kNoRateHeaders:
      std::erase_if(response.headers, [](const auto& pair) { return pair.first.rfind("X-Rate-Limit-", 0) == 0; });
      break;
    case FaultKind::kDripHead:
      response.delivery = Delivery::kDripHead;
      response.pause_ms = fault.pause_ms == 0 ? kDripPauseMs : fault.pause_ms;
      break;
    case FaultKind::kResetHead:
      response.delivery = Delivery::kResetHead;
      break;
    case FaultKind::kHugeHeader:
      response.headers.emplace_back("X-Huge", std::string(fault.bytes == 0 ? kHugeHeaderBytes : fault.bytes, 'h'));
      break;
    case FaultKind::kGzipTwice:
      response.body = gzip(gzip(response.body));
      response.headers.emplace_back("Content-Encoding", "gzip");
      break;
    case FaultKind::kGzip:
    case FaultKind::kGzipBroken:
      response.body = gzip(response.body);
      if (fault.kind == FaultKind::kGzipBroken) response.body.resize(response.body.size() / 2);
      response.headers.emplace_back("Content-Encoding", "gzip");
      break;
    case FaultKind::kGzipBomb:
      response.status = 200;
      json(gzip_bomb(fault.bytes == 0 ? kBombBytes : fault.bytes));
      response.headers.emplace_back("Content-Encoding", "gzip");
      break;
    case FaultKind::kWrongLength:
      response.delivery = Delivery::kTruncated;
      response.cut_after = response.body.size();
      response.stated_length = fault.bytes;
      break;
    case FaultKind::kExtraBytes:
      response.delivery = Delivery::kTruncated;
      response.stated_length = response.body.size();
      response.body.append(fault.bytes == 0 ? kExtraBytes : fault.bytes, '}');
      response.cut_after = response.body.size();
      break;
    case FaultKind::kNested: {
      response.status = 200;
      const std::size_t depth = fault.bytes == 0 ? kNestedDepth : fault.bytes;
      json(R"({"code":0,"message":"success","invoices":)" + std::string(depth, '[') + std::string(depth, ']') + "}");
      break;
    }
    case FaultKind::kField:
      response.body = with_field(response.body, fault.field, fault.body);
      break;
    case FaultKind::kMorePages:
    case FaultKind::kSamePage:
      promise_more(response.body);
      break;
    case FaultKind::kFirst:
    case FaultKind::kHold:
    case FaultKind::kPageContextMissing:
    case FaultKind::kPageContextArray:
      break;  // done before and while the answer is made
  }
  for (const auto& header : fault.headers) response.headers.push_back(header);
}

std::optional<Fault> FaultQueue::take(const Request& request) {
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (request.path.rfind(it->path_prefix, 0) != 0 || (!it->method.empty() && it->method != request.method)) continue;
    if (it->skip > 0) {
      --it->skip;
      continue;
    }
    Fault fault = *it;
    if (it->count > 0 && --it->count == 0) faults_.erase(it);
    return fault;
  }
  return std::nullopt;
}

}  // namespace zoho_sim
