#include "host/plugins/frame.hpp"

#include <array>
#include <limits>

#include "host/core/assert.hpp"
#include "host/plugins/status.hpp"

namespace berth::plugins {

namespace {

template <class T>
void put(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8u * i))));
}

template <class T>
T get(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8u * i));
  return value;
}

constexpr std::array kCodes = {
    Code::kCancelled,   Code::kInvalidConfig, Code::kUnauthenticated, Code::kQuotaExhausted,  Code::kUnavailable,
    Code::kBadResponse, Code::kInternal,      Code::kUnsupported,     Code::kInvalidArgument, Code::kNotFound,
    Code::kConflict,    Code::kForbidden,     Code::kEnvironment};

std::string frame(FrameKind kind, std::uint32_t id, std::uint8_t second, std::string_view payload) {
  const std::size_t length = 1 + 4 + 1 + payload.size();
  BERTH_ASSERT(length <= std::numeric_limits<std::uint32_t>::max(), "a frame's length fits four bytes");
  std::string bytes;
  bytes.reserve(4 + length);
  put(bytes, static_cast<std::uint32_t>(length));
  put(bytes, static_cast<std::uint8_t>(kind));
  put(bytes, id);
  put(bytes, second);
  bytes.append(payload);
  return bytes;
}

}  // namespace

Encoder& Encoder::u8(std::uint8_t value) {
  put(bytes_, value);
  return *this;
}

Encoder& Encoder::u32(std::uint32_t value) {
  put(bytes_, value);
  return *this;
}

Encoder& Encoder::i64(std::int64_t value) {
  put(bytes_, static_cast<std::uint64_t>(value));
  return *this;
}

Encoder& Encoder::text(std::string_view value) {
  BERTH_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max(), "a text's length fits four bytes");
  u32(static_cast<std::uint32_t>(value.size()));
  bytes_.append(value);
  return *this;
}

Encoder& Encoder::pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  u32(static_cast<std::uint32_t>(pairs.size()));
  for (const auto& [name, value] : pairs) text(name).text(value);
  return *this;
}

Encoder& Encoder::ref(const Ref& ref) {
  return text(ref.entity).text(ref.remote_id).text(ref.version);
}

Encoder& Encoder::error(const Error& error) {
  std::uint8_t code = 0;
  while (kCodes.at(code) != error.code) ++code;
  return u8(code).text(error.reason).text(error.message).i64(error.retry_after_ms);
}

Encoder& Encoder::request(const HttpRequest& request) {
  return text(request.method)
      .text(request.path)
      .pairs(request.query)
      .pairs(request.headers)
      .text(request.body)
      .text(request.cost)
      .u32(request.kind);
}

Encoder& Encoder::reply(const HttpReply& reply) {
  u32(reply.index).boolean(reply.error.has_value());
  if (reply.error) return error(*reply.error);
  return i32(reply.status).u32(reply.verdict).text(reply.remote_code).pairs(reply.headers).text(reply.body);
}

std::string_view Decoder::take(std::size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  const auto taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::uint8_t Decoder::u8() {
  const auto bytes = take(1);
  return ok_ ? get<std::uint8_t>(bytes) : std::uint8_t{0};
}

std::uint32_t Decoder::u32() {
  const auto bytes = take(4);
  return ok_ ? get<std::uint32_t>(bytes) : 0u;
}

std::int64_t Decoder::i64() {
  const auto bytes = take(8);
  return ok_ ? static_cast<std::int64_t>(get<std::uint64_t>(bytes)) : 0;
}

std::string_view Decoder::view() {
  return take(u32());
}

std::uint32_t Decoder::count(std::size_t bytes_each) {
  const std::uint32_t count = u32();
  if (count > rest_.size() / bytes_each) ok_ = false;
  return ok_ ? count : 0;
}

std::vector<std::pair<std::string, std::string>> Decoder::pairs() {
  std::vector<std::pair<std::string, std::string>> pairs;
  const std::uint32_t n = count(8);
  pairs.reserve(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    std::string name = text();
    pairs.emplace_back(std::move(name), text());
  }
  return pairs;
}

Ref Decoder::ref() {
  Ref ref;
  ref.entity = text();
  ref.remote_id = text();
  ref.version = text();
  return ref;
}

Error Decoder::error() {
  Error error;
  const std::uint8_t code = u8();
  if (code >= kCodes.size())
    ok_ = false;
  else
    error.code = kCodes.at(code);
  error.reason = text();
  error.message = text();
  error.retry_after_ms = i64();
  return tamed(std::move(error));
}

HttpRequest Decoder::request() {
  HttpRequest request;
  request.method = text();
  request.path = text();
  request.query = pairs();
  request.headers = pairs();
  request.body = text();
  request.cost = text();
  request.kind = u32();
  return request;
}

HttpReply Decoder::reply() {
  HttpReply reply;
  reply.index = u32();
  if (boolean()) {
    reply.error = error();
    return reply;
  }
  reply.status = i32();
  reply.verdict = u32();
  reply.remote_code = text();
  reply.headers = pairs();
  reply.body = text();
  return reply;
}

std::string call_frame(std::uint32_t id, Name name, std::string_view arguments) {
  return frame(FrameKind::kCall, id, static_cast<std::uint8_t>(name), arguments);
}

std::string return_frame(std::uint32_t id, const Result<std::string>& results) {
  if (results.ok()) return frame(FrameKind::kReturn, id, 1, results.value());
  return frame(FrameKind::kReturn, id, 0, Encoder().error(results.error()).bytes());
}

std::size_t frame_length(std::string_view header) {
  const std::size_t length = get<std::uint32_t>(header);
  return length < 6 || length > kFrameBytesMax ? 0 : length;
}

Result<Frame> parse_frame(std::string_view content) {
  Decoder decoder(content);
  Frame frame;
  const std::uint8_t kind = decoder.u8();
  frame.id = decoder.u32();
  if (!decoder.ok() ||
      (kind != static_cast<std::uint8_t>(FrameKind::kCall) && kind != static_cast<std::uint8_t>(FrameKind::kReturn))) {
    return protocol_error("a frame of an unknown kind");
  }
  frame.kind = static_cast<FrameKind>(kind);
  std::size_t head = 5;
  if (frame.kind == FrameKind::kCall) {
    frame.name = static_cast<Name>(decoder.u8());
    head = 6;
  }
  if (!decoder.ok()) return protocol_error("a frame that is too short");
  frame.payload = std::string(content.substr(head));
  return frame;
}

Result<std::string> results_of(const Frame& frame) {
  Decoder decoder(frame.payload);
  if (decoder.boolean()) return frame.payload.substr(1);
  Error error = decoder.error();
  if (!decoder.finished()) return protocol_error("a return that cannot be read");
  return error;
}

Error protocol_error(std::string_view what) {
  return make_error(Code::kInternal, "plugin.protocol", "the worker's pipe carried " + std::string(what));
}

}  // namespace berth::plugins
