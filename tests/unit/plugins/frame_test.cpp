#include "host/plugins/frame.hpp"

#include <doctest/doctest.h>

#include <random>

#include "host/plugins/status.hpp"

using namespace berth;
using namespace berth::plugins;

namespace {

Frame parsed(const std::string& bytes) {
  REQUIRE(frame_length(std::string_view(bytes).substr(0, 4)) == bytes.size() - 4);
  auto frame = parse_frame(std::string_view(bytes).substr(4));
  REQUIRE(frame.ok());
  return std::move(frame).value();
}

}  // namespace

TEST_CASE("lengths that cannot be are no frames") {
  CHECK(frame_length(std::string("\0\0\0\0", 4)) == 0);
  CHECK(frame_length(std::string("\x05\0\0\0", 4)) == 0);
  CHECK(frame_length("\xff\xff\xff\xff") == 0);
  CHECK(frame_length(std::string("\x06\0\0\0", 4)) == 6);
}

TEST_CASE("frames of unknown kinds and short frames are protocol errors") {
  CHECK(parse_frame(std::string("\x03\0\0\0\0\0", 6)).error().reason == "plugin.protocol");
  CHECK(parse_frame("\x01").error().reason == "plugin.protocol");
  Frame broken;
  broken.kind = FrameKind::kReturn;
  broken.payload = std::string("\0\x63", 2);
  CHECK(results_of(broken).error().reason == "plugin.protocol");
}

TEST_CASE("calls, results and errors come back as they went") {
  const Frame call = parsed(call_frame(7, Name::kEmit, "arguments"));
  CHECK(call.kind == FrameKind::kCall);
  CHECK(call.id == 7);
  CHECK(call.name == Name::kEmit);
  CHECK(call.payload == "arguments");
  CHECK(results_of(parsed(return_frame(7, std::string("results")))).value() == "results");
  const Error error{Code::kEnvironment, "storage.full", "full", 12};
  const auto back = results_of(parsed(return_frame(7, error)));
  CHECK(back.error().code == Code::kEnvironment);
  CHECK(back.error().reason == "storage.full");
  CHECK(back.error().retry_after_ms == 12);
}

TEST_CASE("requests and replies come back as they went, bytes unescaped") {
  const HttpRequest request{"GET",      "/a", {{"x", "1"}, {"y", ""}}, {{"accept", "*/*"}}, std::string("\0\xff\n", 3),
                            "a.detail", 2};
  const std::string request_bytes = Encoder().request(request).bytes();
  Decoder decoder(request_bytes);
  const HttpRequest back = decoder.request();
  CHECK(decoder.finished());
  CHECK(back.query == request.query);
  CHECK(back.headers == request.headers);
  CHECK(back.body == request.body);
  CHECK(back.kind == 2);
  HttpReply reply;
  reply.index = 3;
  reply.status = -1;
  reply.remote_code = "1002";
  reply.body = "{}";
  const std::string reply_bytes = Encoder().reply(reply).bytes();
  Decoder replies(reply_bytes);
  CHECK(replies.reply().remote_code == "1002");
  CHECK(replies.finished());
}

TEST_CASE("a decoder survives any bytes and never reads a count that cannot be") {
  std::mt19937 random(42);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() % 256 : random() % 3);
    Decoder a(bytes);
    const HttpRequest request = a.request();
    CHECK(request.query.size() <= bytes.size());
    Decoder b(bytes);
    const HttpReply reply = b.reply();
    CHECK(reply.body.size() <= bytes.size());
  }
  Decoder decoder(std::string_view("\xff\xff\xff\xff", 4));
  CHECK(decoder.count(1) == 0);
  CHECK_FALSE(decoder.ok());
}

TEST_CASE("every code has a status, and what a plugin can say has a code") {
  CHECK(status_of(Code::kForbidden) == BERTH_UNSUPPORTED);
  CHECK(status_of(Code::kEnvironment) == BERTH_UNAVAILABLE);
  for (std::int32_t status = BERTH_CANCELLED; status <= BERTH_UNSUPPORTED; ++status)
    CHECK(status_of(code_of(status)) == status);
  CHECK(code_of(77) == Code::kInternal);
  CHECK(code_of(-1) == Code::kInternal);
}

TEST_CASE("long texts are cut to the plugin's memory and end in a NUL") {
  berth_error raw = empty_error();
  write_error(Error{Code::kInternal, std::string(100, 'a'), std::string(1'000, 'b'), 5}, &raw);
  CHECK(raw.reason[63] == '\0');
  CHECK(raw.message[447] == '\0');
  CHECK(raw.retry_after_ms == 5);
  write_error(Error{}, nullptr);
}

// Found by fuzzing: the host took the error of a worker as it came, and with it a wait that overflowed the clock.
TEST_CASE("an error that comes over the pipe is tamed: its reason, its text and its advice") {
  const Error wild{Code::kInternal, "NOT A REASON", "two\nlines \xff" + std::string(10'000, 'x'), 9'223'372'036'854'775'807};
  const Error tame = results_of(parsed(return_frame(7, wild))).error();
  CHECK(tame.reason == "plugin.unnamed_error");
  CHECK(tame.message.starts_with("two lines ?xxx"));
  CHECK(tame.message.size() <= 4'096);
  CHECK(tame.retry_after_ms == kRetryAfterMax.count());
  const Error without{Code::kInternal, "sdk.exception", "", -5};
  CHECK(results_of(parsed(return_frame(7, without))).error().retry_after_ms == -1);
  CHECK_FALSE(results_of(parsed(return_frame(7, without))).error().message.empty());
  berth_error raw = empty_error();
  write_error(Error{Code::kInternal, "sdk.exception", "later", 9'223'372'036'854'775'807}, &raw);
  CHECK(read_error(BERTH_UNAVAILABLE, raw, "probe").retry_after_ms == kRetryAfterMax.count());
}
