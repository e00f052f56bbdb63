#pragma once
// One worker process and the host's end of its pipes.
//
// Workers are started by one thread that lives as long as any of them (Launcher), because the kernel's "end me with my
// parent" is bound to the thread that forked. They are always forked and executed: a forked child of a program with
// threads may not even allocate.
// Threads: a WorkerProcess belongs to one thread at a time; the Launcher to any.
// Errors: plugin.worker_failed (it could not be started), plugin.hang (it does not read).
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/result.hpp"
#include "host/plugins/frame.hpp"

namespace berth::plugins {

class Launcher;

/// Makes the thread that starts workers; kept by everyone who needs it to live.
[[nodiscard]] std::shared_ptr<Launcher> make_launcher();

/// How a process ended.
struct ProcessEnd {
  int signal = 0;  // 0: it exited
  int exit_code = 0;
  std::int64_t cpu_ms = 0;    // processor time of the whole process
  bool was_signalled = false; // by the host: it did not go by itself
};

/// What an instance needs of a worker: its frames, its standard error and its end. A WorkerProcess, or in tests a script.
class WorkerEnd {
 public:
  virtual ~WorkerEnd() = default;

  /// Gets every line of standard error while wait() runs.
  virtual void on_stderr_line(std::function<void(std::string_view)> handler) = 0;

  enum class Event { kFrame, kNothing, kEnded, kBroken };
  /// Waits for the next frame, at most `timeout`, or until `wake` (a descriptor) can be read. kEnded: the pipe has
  /// ended; kBroken: it carried something that is no frame.
  virtual Event wait(std::chrono::milliseconds timeout, int wake, Frame& frame) = 0;
  /// Writes all of it; waits at most `timeout` while the worker does not read. A worker that is gone is no error here:
  /// wait() says so.
  virtual Status send(std::string_view bytes, std::chrono::milliseconds timeout) = 0;

  /// Closes the pipe to the worker, which ends it; after the grace (none: at once, and the pipe stays) SIGTERM, then
  /// SIGKILL. Reads standard error to its end.
  virtual ProcessEnd finish(std::chrono::milliseconds exit_grace, std::chrono::milliseconds term_grace) = 0;
  /// Whether it ends by itself within that time; the pipes stay.
  [[nodiscard]] virtual bool exited_within(std::chrono::milliseconds timeout) const = 0;
  /// SIGTERM at once, then SIGKILL.
  ProcessEnd kill(std::chrono::milliseconds term_grace) { return finish(std::chrono::milliseconds(0), term_grace); }

  /// The last lines of standard error, valid UTF-8.
  [[nodiscard]] virtual std::string stderr_tail() const = 0;
  /// How much of standard error was read so far.
  [[nodiscard]] virtual std::size_t stderr_bytes() const = 0;
};

class WorkerProcess final : public WorkerEnd {
 public:
  static constexpr std::size_t kStderrTailBytes = 4'096;
  static constexpr std::size_t kStderrLineBytes = 4'096;

  static Result<std::unique_ptr<WorkerProcess>> start(std::shared_ptr<Launcher> launcher, const std::string& executable,
                                                      const std::vector<std::string>& arguments);
  /// Ends the process if it still runs.
  ~WorkerProcess() override;
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  void on_stderr_line(std::function<void(std::string_view)> handler) override { on_line_ = std::move(handler); }
  Event wait(std::chrono::milliseconds timeout, int wake, Frame& frame) override;
  Status send(std::string_view bytes, std::chrono::milliseconds timeout) override;
  [[nodiscard]] bool exited_within(std::chrono::milliseconds timeout) const override;
  ProcessEnd finish(std::chrono::milliseconds exit_grace, std::chrono::milliseconds term_grace) override;
  [[nodiscard]] std::string stderr_tail() const override;
  [[nodiscard]] std::size_t stderr_bytes() const override { return stderr_bytes_; }

 private:
  struct Handles;  // Poco's pipes and process handle
  explicit WorkerProcess(std::unique_ptr<Handles> handles);
  bool take_frame(Frame& frame);
  bool read_pipe();
  void read_stderr(std::size_t bytes_max);

  std::unique_ptr<Handles> handles_;
  std::function<void(std::string_view)> on_line_;
  std::string in_;           // bytes of frames that have come
  std::size_t in_used_ = 0;  // of them handled
  bool is_ended_ = false;
  bool is_broken_ = false;
  bool stderr_ended_ = false;
  std::string line_;  // the unfinished line of standard error
  std::string tail_;
  std::size_t stderr_bytes_ = 0;
  std::optional<ProcessEnd> end_;
};

}  // namespace berth::plugins
