// Frames and what stands in them: any bytes are read without trusting a length, what is taken is what was sent, and an
// error that came over the pipe may be shown to a person. Input: a byte that chooses what is read, then the bytes.
#include "fuzz/fuzz.hpp"
#include "host/core/text.hpp"
#include "host/plugins/frame.hpp"

namespace berth::fuzz {
namespace {

using namespace plugins;

/// The frame that `bytes` are with its length put before them, read and written again.
void check_frame(std::string_view content) {
  const auto frame = parse_frame(content);
  if (!frame.ok()) {
    FUZZ_CHECK(frame.error().reason == "plugin.protocol", frame.error().reason);
    return;
  }
  if (frame->kind == FrameKind::kCall) {
    const std::string again = call_frame(frame->id, frame->name, frame->payload);
    FUZZ_CHECK(frame_length(std::string_view(again).substr(0, kFrameLengthBytes)) == content.size(), "a length");
    FUZZ_CHECK(std::string_view(again).substr(kFrameLengthBytes) == content, "a call is another one now");
    return;
  }
  const auto results = results_of(*frame);
  if (results.ok()) {
    const auto again = parse_frame(std::string_view(return_frame(frame->id, results)).substr(kFrameLengthBytes));
    FUZZ_CHECK(again.ok() && results_of(*again).ok() && *results_of(*again) == *results, "results are others now");
    return;
  }
  const Error& error = results.error();
  FUZZ_CHECK(is_reason_id(error.reason), error.reason);
  FUZZ_CHECK(is_valid_utf8(error.message) && error.message.size() <= 4'200, std::to_string(error.message.size()));
  FUZZ_CHECK(error.retry_after_ms >= -1 && error.retry_after_ms <= 366LL * 86'400'000,
             std::to_string(error.retry_after_ms));
  const auto again = parse_frame(std::string_view(return_frame(frame->id, results)).substr(kFrameLengthBytes));
  FUZZ_CHECK(again.ok() && !results_of(*again).ok(), "an error became a result");
  const Error same = results_of(*again).error();
  FUZZ_CHECK(same.code == error.code && same.reason == error.reason && same.message == error.message &&
                 same.retry_after_ms == error.retry_after_ms,
             error.message);
}

/// Reads with `read`, writes with `write`: what was whole is the same bytes again.
template <class Read, class Write>
void check_round(std::string_view bytes, Read&& read, Write&& write) {
  Decoder decoder(bytes);
  const auto value = read(decoder);
  Encoder encoder;
  write(encoder, value);
  Decoder second(encoder.bytes());
  const auto again = read(second);
  FUZZ_CHECK(second.finished(), "what was written cannot be read");
  Encoder twice;
  write(twice, again);
  FUZZ_CHECK(twice.bytes() == encoder.bytes(), "what was written is read as something else");
  // Nothing is larger than the bytes that were there: a length or count that lies takes no memory.
  if (!decoder.ok()) return;
  FUZZ_CHECK(encoder.bytes().size() <= bytes.size() + 64, std::to_string(encoder.bytes().size()));
}

}  // namespace

void fuzz_worker_frames(std::string_view input) {
  Input in(input);
  const int what = in.byte() % 8;
  const std::string_view bytes = in.rest();
  switch (what) {
    case 0:
      check_frame(bytes);
      break;
    case 1:
      check_round(
          bytes, [](Decoder& d) { return d.request(); }, [](Encoder& e, const HttpRequest& v) { e.request(v); });
      break;
    case 2:
      check_round(
          bytes, [](Decoder& d) { return d.reply(); }, [](Encoder& e, const HttpReply& v) { e.reply(v); });
      break;
    case 3:
      check_round(
          bytes, [](Decoder& d) { return d.error(); }, [](Encoder& e, const Error& v) { e.error(v); });
      break;
    case 4:
      check_round(
          bytes, [](Decoder& d) { return d.ref(); }, [](Encoder& e, const Ref& v) { e.ref(v); });
      break;
    case 5:
      check_round(
          bytes, [](Decoder& d) { return d.pairs(); },
          [](Encoder& e, const std::vector<std::pair<std::string, std::string>>& v) { e.pairs(v); });
      break;
    case 6: {
      Decoder decoder(bytes);
      const std::uint32_t count = decoder.count(12);
      FUZZ_CHECK(count * std::size_t{12} <= bytes.size(), std::to_string(count));
      (void)decoder.i64();
      (void)decoder.view();
      (void)decoder.boolean();
      FUZZ_CHECK(decoder.ok() || (decoder.u32() == 0 && decoder.view().empty() && !decoder.finished()),
                 "read on after a failure");
      break;
    }
    default: {
      // A whole pipe: frame after frame, as long as they are frames.
      std::string_view rest = bytes;
      while (rest.size() >= kFrameLengthBytes) {
        const std::size_t length = frame_length(rest.substr(0, kFrameLengthBytes));
        FUZZ_CHECK(length <= kFrameBytesMax, std::to_string(length));
        if (length == 0 || rest.size() < kFrameLengthBytes + length) break;
        check_frame(rest.substr(kFrameLengthBytes, length));
        rest.remove_prefix(kFrameLengthBytes + length);
      }
    }
  }
}

}  // namespace berth::fuzz
