// A worker that a plugin has taken over: it answers as a worker does until a phase runs, and then says to the host what no
// worker says. The first argument is what.
#include <signal.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "host/plugins/frame.hpp"

namespace {

using namespace berth::plugins;

constexpr const char* kDescriptor =
    R"({"id":"probe","name":"Probe","version":"1.2.3","phases":[{"id":"acts","entity":"thing"}],)"
    R"("entities":[{"id":"thing","version":"counter"}],"cost_classes":[],"oauth":{}})";

void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (put <= 0) _exit(0);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string read_exactly(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = read(STDIN_FILENO, bytes.data() + done, size - done);
    if (got <= 0) _exit(0);
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Frame next_frame() {
  const std::size_t length = frame_length(read_exactly(kFrameLengthBytes));
  return parse_frame(read_exactly(length)).value();
}

std::string batch(std::uint32_t requests) {
  Encoder arguments;
  arguments.u32(requests);
  HttpRequest request;
  request.method = "GET";
  request.path = "/things/1";
  for (std::uint32_t i = 0; i < requests; ++i) arguments.request(request);
  return arguments.bytes();
}

std::string empty_record() {
  return Encoder().ref({"thing", "1", "1"}).text("").text("{}").boolean(false).boolean(false).bytes();
}

[[noreturn]] void wait_for_the_end() {
  for (;;) read_exactly(1);
}

void misbehave(std::string_view how) {
  if (how == "nested_batches") {
    // Each batch is asked for inside the one before: the host would answer each on top of the others.
    for (std::uint32_t id = 1;; ++id) write_all(call_frame(id, Name::kSendBatch, batch(2)));
  }
  if (how == "checkpoint_in_batch") {
    write_all(call_frame(1, Name::kSendBatch, batch(2)));
    write_all(call_frame(2, Name::kCheckpoint, Encoder().text("{}").boolean(true).bytes()));
  }
  if (how == "unasked_returns") {
    const std::string large(1u << 20u, 'x');
    for (std::uint32_t id = 1;; ++id) write_all(return_frame(id, large));
  }
  if (how == "same_return_again") {
    write_all(return_frame(3, std::string()) + return_frame(3, std::string()));
    return;
  }
  if (how == "closes_and_goes_on") {
    close(STDOUT_FILENO);
    for (;;) pause();
  }
  // As a busy machine has it: the system ends the process for its processor time, and before it is gone the host loses patience.
  if (how == "closes_and_ends_by_the_limit") {
    signal(SIGTERM, [](int) { raise(SIGXCPU); });
    close(STDOUT_FILENO);
    for (;;) pause();
  }
  if (how == "host_call") write_all(call_frame(1, Name::kRunPhase, ""));
  if (how == "unknown_name") write_all(call_frame(1, static_cast<Name>(200), ""));
  if (how == "garbage_arguments") write_all(call_frame(1, Name::kEmit, "\x01\x02"));
  if (how == "trailing_arguments") write_all(call_frame(1, Name::kEmit, empty_record() + "more"));
  if (how == "wrong_kind") write_all(std::string("\x06\x00\x00\x00\x09\x00\x00\x00\x00\x01", 10));
  if (how == "zero_length") write_all(std::string(8, '\0'));
  if (how == "length_too_large") write_all(std::string("\xff\xff\xff\xff", 4));
  if (how == "half_a_frame") {
    write_all(std::string("\x00\x00\x00\x01", 4) + std::string(1u << 16u, 'x'));   // 16 MiB are announced
  }
  if (how == "half_a_frame_and_end") {
    write_all(std::string("\x00\x00\x00\x01", 4) + "x");
    _exit(0);
  }
  if (how == "never_reads") {
    write_all(call_frame(1, Name::kSendBatch, batch(200)));
    for (;;) pause();
  }
  if (how == "crowd_of_calls") {
    for (std::uint32_t id = 1;; ++id) write_all(call_frame(id, Name::kNow));
  }
}

}  // namespace

int main(int, char** argv) {
  for (;;) {
    const Frame call = next_frame();
    std::string results;
    if (call.name == Name::kClose) return 0;
    if (call.name == Name::kOpen) results = Encoder().text(kDescriptor).text("on").bytes();
    if (call.name == Name::kRunPhase) {
      misbehave(argv[1]);
      if (std::string_view(argv[1]) == "same_return_again") continue;
      wait_for_the_end();
    }
    write_all(return_frame(call.id, results));
  }
}
