#pragma once
// Frames between a host and its worker: the same binary on both sides, so the form may change with every version.
//
//   length  4 bytes, little-endian, of what follows
//   kind    1 byte: call or return
//   call    {id 4 bytes, name 1 byte, arguments}; id 0 is a posted call, which has no return
//   return  {id 4 bytes, ok 1 byte, error or results}
//
// Numbers are little-endian, texts are a length and bytes, lists a count and elements: bodies are never escaped. A
// reader trusts nothing: lengths are compared with what is there, and a frame that does not fit fails as a whole. Plain
// data; any thread.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/core/result.hpp"
#include "host/plugins/runner.hpp"

namespace berth::plugins {

/// Larger than every single thing that may cross (an HTTP body of 15 MiB with its headers).
inline constexpr std::size_t kFrameBytesMax = 17u << 20u;
inline constexpr std::size_t kFrameLengthBytes = 4;

enum class FrameKind : std::uint8_t { kCall = 1, kReturn = 2 };

/// Every function that crosses the pipe.
enum class Name : std::uint8_t {
  // host -> worker
  kOpen = 1,
  kCreate,
  kCheck,
  kRunPhase,
  kOrganizations,
  kStop,
  kClose,
  kReply,  // one HTTP reply of a running batch; its return says go on or stop
  // worker -> host
  kLog = 32,
  kSendBatch,
  kEmit,
  kCheckpoint,
  kKnown,
  kNeedDetail,
  kNextDetails,
  kAttach,
  kNow,
  kProgress,
  kRefused,  // a posted call that the worker's side refused already
  kAddCalls,
  kTakeReplies,
  kStopCalls,
};

struct Frame {
  FrameKind kind = FrameKind::kCall;
  std::uint32_t id = 0;
  Name name = Name::kStop;  // of a call
  std::string payload;      // what follows id and name, or id
};

class Encoder {
 public:
  Encoder& u8(std::uint8_t value);
  Encoder& u32(std::uint32_t value);
  Encoder& i32(std::int32_t value) { return u32(static_cast<std::uint32_t>(value)); }
  Encoder& i64(std::int64_t value);
  Encoder& boolean(bool value) { return u8(value ? 1 : 0); }
  Encoder& text(std::string_view value);
  Encoder& pairs(const std::vector<std::pair<std::string, std::string>>& pairs);
  Encoder& ref(const Ref& ref);
  Encoder& error(const Error& error);
  Encoder& request(const HttpRequest& request);
  Encoder& reply(const HttpReply& reply);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what an Encoder wrote. After the first thing that does not fit everything reads as empty and ok() is false.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}
  std::uint8_t u8();
  std::uint32_t u32();
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64();
  bool boolean() { return u8() != 0; }
  /// A view into the bytes given.
  std::string_view view();
  std::string text() { return std::string(view()); }
  std::vector<std::pair<std::string, std::string>> pairs();
  Ref ref();
  /// Tamed as status.hpp says: nothing that comes over a pipe is printed as it came.
  Error error();
  HttpRequest request();
  HttpReply reply();
  /// A count of elements that have at least `bytes_each` bytes; 0 and failed if that cannot be.
  std::uint32_t count(std::size_t bytes_each);
  [[nodiscard]] bool ok() const { return ok_; }
  /// ok, and nothing is left over.
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t size);
  std::string_view rest_;
  bool ok_ = true;
};

/// A call as bytes for the pipe.
[[nodiscard]] std::string call_frame(std::uint32_t id, Name name, std::string_view arguments = {});
/// Returns: with results, or with an error.
[[nodiscard]] std::string return_frame(std::uint32_t id, const Result<std::string>& results);

/// The length in a frame's header; 0 if it cannot be one.
[[nodiscard]] std::size_t frame_length(std::string_view header);
/// Reads what follows the length. Errors: plugin.protocol.
[[nodiscard]] Result<Frame> parse_frame(std::string_view content);
/// The results of a return, or the error in it (plugin.protocol where it has neither).
[[nodiscard]] Result<std::string> results_of(const Frame& frame);

[[nodiscard]] Error protocol_error(std::string_view what);

}  // namespace berth::plugins
