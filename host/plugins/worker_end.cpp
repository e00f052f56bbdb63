// The end of a worker: it is ended if it has not gone by itself, and what is known of it becomes an error that says who has to act.
#include <algorithm>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "host/core/text.hpp"
#include "host/plugins/worker_instance.hpp"
#include "host/plugins/worker_memory.hpp"

namespace berth::plugins {

namespace {

constexpr int kExitNoExecutable = 72;  // what Poco's forked child exits with when it cannot execute
constexpr std::size_t kTailInMessage = 400;

/// A process that dies in this way with that much in use died of it: std::bad_alloc that nobody caught ends in abort(), and
/// who does not look at malloc's answer writes through a null pointer.
bool is_out_of_memory(const MemoryNote& memory, int signal) {
  return memory.in_use >= memory.limit / 10 * 9 || (memory.was_refused && signal == SIGABRT);
}

std::string last_bytes(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.erase(0, text.size() - limit);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0u) == 0x80u) text.erase(0, 1);
  return text;
}

}  // namespace

/// Ends the process if it has not ended, and keeps what is known of its end.
Error WorkerInstance::end_worker(Ended how) {
  if (broken_) return *broken_;
  // A process whose pipe has ended is about to go by itself, and how it goes is what is wanted.
  const ProcessEnd end = how == Ended::kByItself ? process_->finish(options_.term_grace, options_.term_grace)
                                                 : process_->kill(options_.term_grace);
  crash_ = Crash{.signal = end.signal,
                 .exit_code = end.exit_code,
                 .phase = gate_.phase(),
                 .last_request = gate_.last_request(),
                 .stderr_tail = process_->stderr_tail(),
                 .cpu_ms = end.cpu_ms};
  if (const auto memory = find_memory_note(crash_->stderr_tail); memory && !end.was_signalled) {
    crash_->memory = memory->in_use;
    crash_->memory_limit = memory->limit;
  }
  broken_ = describe_end(how, end);
  return *broken_;
}

Error WorkerInstance::describe_end(Ended how, const ProcessEnd& end) {
  const Crash& crash = *crash_;
  if (how == Ended::kByItself && end.signal == 0 && end.exit_code == kExitNoExecutable) {
    return make_error(Code::kEnvironment, "plugin.worker_failed",
                      fmt::format("the worker program {} cannot be executed", options_.executable));
  }
  const auto ms = [](std::chrono::milliseconds duration) { return fmt::format("{} ms", duration.count()); };
  std::string reason = "plugin.crashed";
  std::string what;
  switch (how) {
    case Ended::kByItself: {
      what = end.signal != 0 ? fmt::format("was ended by signal {} ({})", end.signal, strsignal(end.signal))
                             : fmt::format("exited with {}", end.exit_code);
      const auto memory = find_memory_note(crash.stderr_tail);
      const bool cpu_is_used = end.cpu_ms >= std::chrono::milliseconds(limits_.cpu).count();
      // A process that dies slowly is asked to go, too; what it then ends by was not the host's signal.
      const bool is_of_host = end.was_signalled && (end.signal == 0 || end.signal == SIGTERM || end.signal == SIGKILL);
      if (is_of_host) {
        what = "closed its pipe to the host and was ended";
      } else if (end.signal == SIGXCPU || (end.signal == SIGKILL && cpu_is_used)) {
        reason = "plugin.cpu_limit";
        what = fmt::format("used {} s of processor time and was ended, its limit (limits.cpu of plugin.yaml)", limits_.cpu.count());
      } else if (memory && end.signal != 0 && is_out_of_memory(*memory, end.signal)) {
        reason = "plugin.out_of_memory";
        what += fmt::format(" with {} of memory in use (limits.memory of plugin.yaml)", in_mebibytes(memory->in_use, memory->limit));
      } else if (end.signal == SIGKILL) {
        what += ", which the host did not send: the system when memory is short, or a person";
      }
      break;
    }
    case Ended::kStopIgnored:
      reason = "plugin.hang";
      what = fmt::format("did not stop within {} and was ended", ms(options_.stop_grace));
      break;
    case Ended::kDeadline:
      reason = "plugin.deadline";
      what = fmt::format("did not stop within {} after the end of its slice and was ended", ms(options_.stop_grace));
      break;
    case Ended::kSilent:
      reason = "plugin.hang";
      what = fmt::format("was silent for {} and was ended", ms(options_.stall_after));
      break;
    case Ended::kFlood:
      reason = "plugin.flood";
      what = describe_flood();
      break;
    case Ended::kProtocol:
      reason = "plugin.protocol";
      what = "sent something that cannot be read and was ended";
      break;
  }
  std::string message = fmt::format("the worker of plugin {} {}", plugin_id_, what);
  if (!crash.phase.empty()) message += fmt::format(" in phase {}", crash.phase);
  if (!crash.last_request.empty()) message += fmt::format(", last request {}", crash.last_request);
  const std::string tail = last_bytes(std::string(trim(crash.stderr_tail)), kTailInMessage);
  if (!tail.empty()) message += fmt::format("; standard error ends with: {}", tail);
  return make_error(Code::kInternal, std::move(reason), std::move(message));
}

std::string WorkerInstance::describe_flood() const {
  if (posted_ <= limits::kPostedInARow) return fmt::format("wrote more than {} bytes to standard error in one call and was ended", limits::kStderrBytes);
  std::string what = fmt::format("sent {} records, log lines or the like without once asking for an answer and was ended", limits::kPostedInARow);
  if (const std::string refused = gate_.refused_reason(); !refused.empty()) what += fmt::format(" (they had been refused: {})", refused);
  return what;
}

}  // namespace berth::plugins
