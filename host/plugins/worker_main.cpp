#include "host/plugins/worker_main.hpp"

#include <unistd.h>

#include <memory>
#include <optional>

#include "host/plugins/guest.hpp"
#include "host/plugins/host_link.hpp"
#include "host/plugins/loaded_plugin.hpp"
#include "host/plugins/worker_lock.hpp"
#include "host/plugins/worker_memory.hpp"

namespace berth::plugins {

namespace {

/// The state of one worker: at first nothing, then a library, then a connector.
class Worker {
 public:
  explicit Worker(HostLink& link) : services_(link) {}

  Result<std::string> handle(const Frame& call) {
    Decoder arguments(call.payload);
    switch (call.name) {
      case Name::kOpen:
        return open(arguments);
      case Name::kCreate:
        return create(arguments);
      case Name::kCheck:
        return done(guest_ ? guest_->check() : not_open());
      case Name::kRunPhase:
        return run_phase(arguments);
      case Name::kOrganizations:
        return organizations();
      default:
        return protocol_error("a call that is not known here");
    }
  }
  void close() { guest_.reset(); }

 private:
  static Error not_open() { return protocol_error("a call of a plugin that is not open"); }
  static Result<std::string> done(Status status) {
    BERTH_CHECK(std::move(status));
    return std::string();
  }

  Result<std::string> open(Decoder& arguments) {
    LoadRequest request;
    request.id = arguments.text();
    request.version = arguments.text();
    request.library = arguments.text();
    request.pin_sha256 = arguments.text();
    const auto memory_bytes = static_cast<std::uint64_t>(arguments.i64());
    const std::chrono::seconds cpu(arguments.i64());
    if (!arguments.finished() || plugin_) return protocol_error("an open that cannot be carried out");
    limit_resources(memory_bytes, cpu);
    watch_memory(memory_bytes);
    plugin_ = BERTH_TRY(load_plugin(request));
    plugin_id_ = request.id;
    const std::string lock = lock_system_calls();
    return Encoder().text(plugin_->descriptor_json).text(lock).bytes();
  }

  Result<std::string> create(Decoder& arguments) {
    const std::string config_json = arguments.text();
    if (!arguments.finished() || !plugin_ || guest_) return protocol_error("a create that cannot be carried out");
    guest_ = BERTH_TRY(Guest::create(*plugin_->table, plugin_id_, config_json, services_));
    return std::string();
  }

  Result<std::string> run_phase(Decoder& arguments) {
    PhaseRun run;
    run.phase = arguments.text();
    run.plan_json = arguments.text();
    run.cursor_json = arguments.text();
    run.deadline = {arguments.i64()};
    if (!arguments.finished() || !guest_) return not_open();
    return done(guest_->run_phase(run));
  }

  Result<std::string> organizations() {
    if (!guest_) return not_open();
    const auto found = BERTH_TRY(guest_->organizations());
    Encoder results;
    results.u32(static_cast<std::uint32_t>(found.size()));
    for (const auto& one : found) results.text(one.remote_id).text(one.name).text(one.json);
    if (results.bytes().size() > kFrameBytesMax - 64) return protocol_error("a list of organisations that is too long");
    return results.bytes();
  }

  RemoteServices services_;
  std::string plugin_id_;
  std::optional<LoadedPlugin> plugin_;
  std::unique_ptr<Guest> guest_;
};

/// How much there was when more was refused: what the author of a plugin that leaks wants to know first.
Error with_memory_note(Error error) {
  if (const std::string note = memory_refused_note(); !note.empty()) error.message += "; " + note;
  return error;
}

}  // namespace

int worker_main() {
  const PipeEnds ends = become_worker();
  if (ends.from_host < 0 || ends.to_host < 0) return 3;
  HostLink link(ends);  // never destroyed: its thread waits for the host until the process ends
  Worker worker(link);
  for (;;) {
    const Frame call = link.next_call();
    if (call.name == Name::kClose) break;
    auto results = worker.handle(call);
    if (!results.ok() && results.error().reason == "sdk.out_of_memory") results = with_memory_note(results.error());
    link.give_back(call.id, results);
  }
  worker.close();
  _exit(0);
}

}  // namespace berth::plugins
