#pragma once
// The C tables that a plugin calls, over any Services: the gate of this process, or in a worker the proxy that sends
// frames to the host. One guard turns every error and every exception into a status; none ever crosses.
//
//   HostTables tables(services);
//   const auto scope = tables.enter();            // this thread is the run thread until the scope ends
//   connector = table->create(tables.host(), ...);
//
// Owned by whoever owns the connector; must outlive it. Threads as the header of the boundary says; what comes from the
// wrong thread, out of a callback that may not call, or outside of a call is refused: sdk.wrong_thread,
// sdk.call_in_callback. Argument errors (sdk.argument_null, sdk.argument_invalid) are answered at once, also by posted
// calls.
#include <atomic>
#include <optional>
#include <thread>

#include "berth/abi/abi.h"
#include "host/plugins/runner.hpp"

namespace berth::plugins {

class HostTables {
 public:
  explicit HostTables(Services& services);
  HostTables(const HostTables&) = delete;
  HostTables& operator=(const HostTables&) = delete;

  /// While it lives, calls of the plugin are taken from this thread.
  class Scope {
   public:
    explicit Scope(HostTables& tables);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    HostTables& tables_;
  };
  [[nodiscard]] Scope enter() { return Scope(*this); }
  [[nodiscard]] const berth_host* host() const { return &host_; }

 private:
  friend struct HostCalls;
  Services& services_;
  berth_host host_{};
  std::atomic<std::thread::id> run_thread_{};
  bool in_callback_ = false;  // touched by the run thread only
  bool stream_stopped_ = false;  // a callback said so
};

}  // namespace berth::plugins
