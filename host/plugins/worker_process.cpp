#include "host/plugins/worker_process.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include <Poco/Exception.h>
#include <Poco/Pipe.h>
#include <Poco/Process.h>
#include <fmt/format.h>

#include "host/core/text.hpp"

namespace berth::plugins {

namespace {

constexpr std::size_t kReadBytes = 256u << 10u;
/// Of standard error in one look: who writes without end must not keep the host from looking at anything else.
constexpr std::size_t kStderrAtOnce = 64u << 10u;
constexpr std::size_t kStderrAtTheEnd = 1u << 20u;  // the most that a pipe holds
constexpr int kSignalBase =
    256;  // Poco's ProcessHandle::wait returns this plus the signal for a process that was ended by one

void set_non_blocking(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

std::string readable(std::string_view text) {
  if (is_valid_utf8(text)) return std::string(text);
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80u; }, '?');
  return out;
}

int milliseconds_of(std::chrono::milliseconds duration) {
  return static_cast<int>(std::clamp<std::int64_t>(duration.count(), 0, 1'000'000));
}

}  // namespace

/// One thread that carries out what is asked, in order. Ends with its last user.
class Launcher {
 public:
  Launcher() : thread_([this](const std::stop_token& stop) { serve(stop); }) {}
  ~Launcher() {
    thread_.request_stop();
    asked_.notify_all();
  }
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  void run(std::packaged_task<void()> task) {
    auto finished = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    asked_.notify_all();
    finished.get();
  }

 private:
  void serve(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    for (;;) {
      asked_.wait(lock, stop, [&] { return !tasks_.empty(); });
      if (tasks_.empty()) return;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any asked_;
  std::deque<std::packaged_task<void()>> tasks_;
  std::jthread thread_;  // last: starts when the rest is there
};

std::shared_ptr<Launcher> make_launcher() {
  return std::make_shared<Launcher>();
}

struct WorkerProcess::Handles {
  Handles(std::shared_ptr<Launcher> from, const std::string& executable, const std::vector<std::string>& arguments)
      : launcher(std::move(from)),
        process(Poco::Process::launch(executable, arguments, &to_worker, &from_worker, &errors)) {}
  std::shared_ptr<Launcher> launcher;  // its thread must outlive the process
  Poco::Pipe to_worker;
  Poco::Pipe from_worker;
  Poco::Pipe errors;
  Poco::ProcessHandle process;
};

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(std::shared_ptr<Launcher> launcher,
                                                            const std::string& executable,
                                                            const std::vector<std::string>& arguments) {
  std::unique_ptr<Handles> handles;
  std::string failure;
  launcher->run(std::packaged_task<void()>([&] {
    try {
      handles = std::make_unique<Handles>(launcher, executable, arguments);
    } catch (const Poco::Exception& e) {
      failure = e.displayText();
    } catch (const std::exception& e) {
      failure = e.what();
    }
  }));
  if (!handles) {
    return make_error(Code::kEnvironment, "plugin.worker_failed",
                      fmt::format("cannot start a worker process from {}: {}", executable, failure));
  }
  return std::unique_ptr<WorkerProcess>(new WorkerProcess(std::move(handles)));
}

WorkerProcess::WorkerProcess(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {
  set_non_blocking(handles_->to_worker.writeHandle());
  set_non_blocking(handles_->from_worker.readHandle());
  set_non_blocking(handles_->errors.readHandle());
}

WorkerProcess::~WorkerProcess() {
  if (!end_) kill(std::chrono::milliseconds(0));
}

bool WorkerProcess::take_frame(Frame& frame) {
  const std::string_view there = std::string_view(in_).substr(in_used_);
  if (there.size() < kFrameLengthBytes) return false;
  const std::size_t length = frame_length(there.substr(0, kFrameLengthBytes));
  if (length == 0) {
    is_broken_ = true;
    return false;
  }
  if (there.size() < kFrameLengthBytes + length) return false;
  auto parsed = parse_frame(there.substr(kFrameLengthBytes, length));
  in_used_ += kFrameLengthBytes + length;
  if (in_used_ == in_.size()) {
    in_.clear();
    in_used_ = 0;
  }
  if (!parsed.ok()) {
    is_broken_ = true;
    return false;
  }
  frame = std::move(parsed).value();
  return true;
}

/// One read; false if there was nothing.
bool WorkerProcess::read_pipe() {
  if (in_used_ > 0) {
    in_.erase(0, in_used_);
    in_used_ = 0;
  }
  const std::size_t before = in_.size();
  in_.resize(before + kReadBytes);
  const ssize_t got = read(handles_->from_worker.readHandle(), in_.data() + before, kReadBytes);
  in_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) is_ended_ = true;
  return got > 0;
}

void WorkerProcess::read_stderr(std::size_t bytes_max) {
  char bytes[4'096];
  for (std::size_t taken = 0; taken < bytes_max;) {
    const ssize_t got = read(handles_->errors.readHandle(), bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) stderr_ended_ = true;
    if (got <= 0) break;
    const std::string_view text(bytes, static_cast<std::size_t>(got));
    taken += text.size();
    stderr_bytes_ += text.size();
    tail_.append(text);
    if (tail_.size() > kStderrTailBytes) tail_.erase(0, tail_.size() - kStderrTailBytes);
    for (const char c : text) {
      if (c != '\n' && line_.size() < kStderrLineBytes) {
        line_.push_back(c);
        continue;
      }
      if (on_line_ && !line_.empty()) on_line_(readable(line_));
      line_.clear();
      if (c != '\n') line_.push_back(c);
    }
  }
  if (stderr_ended_ && !line_.empty()) {
    if (on_line_) on_line_(readable(line_));
    line_.clear();
  }
}

WorkerProcess::Event WorkerProcess::wait(std::chrono::milliseconds timeout, int wake, Frame& frame) {
  if (take_frame(frame)) return Event::kFrame;
  if (is_broken_) return Event::kBroken;
  if (is_ended_) return Event::kEnded;
  pollfd waiting[3] = {
      {handles_->from_worker.readHandle(), POLLIN, 0}, {wake, POLLIN, 0}, {handles_->errors.readHandle(), POLLIN, 0}};
  // A standard error that has ended would be readable for ever.
  const nfds_t count = stderr_ended_ ? 2 : 3;
  if (poll(waiting, count, milliseconds_of(timeout)) <= 0) return Event::kNothing;
  if (count == 3 && waiting[2].revents != 0) read_stderr(kStderrAtOnce);
  if (waiting[0].revents == 0) return Event::kNothing;
  read_pipe();
  if (take_frame(frame)) return Event::kFrame;
  if (is_broken_) return Event::kBroken;
  return is_ended_ ? Event::kEnded : Event::kNothing;
}

Status WorkerProcess::send(std::string_view bytes, std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!bytes.empty()) {
    const ssize_t put = write(handles_->to_worker.writeHandle(), bytes.data(), bytes.size());
    if (put > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (put < 0 && errno == EPIPE) return success();
    if (put < 0 && errno != EAGAIN && errno != EINTR) {
      return make_error(Code::kEnvironment, "plugin.worker_failed",
                        fmt::format("cannot write to a worker: {}", std::strerror(errno)));
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{handles_->to_worker.writeHandle(), POLLOUT, 0};
    if (left.count() <= 0 || poll(&waiting, 1, milliseconds_of(left)) == 0) {
      return make_error(Code::kInternal, "plugin.hang", "the worker does not read what the host sends");
    }
  }
  return success();
}

bool WorkerProcess::exited_within(std::chrono::milliseconds timeout) const {
  // Not pidfd_open(): its header in glibc 2.36 cannot be used from C++.
  const int process = static_cast<int>(syscall(SYS_pidfd_open, handles_->process.id(), 0));
  if (process < 0) return false;
  pollfd waiting{process, POLLIN, 0};
  const int found = poll(&waiting, 1, milliseconds_of(timeout));
  close(process);
  return found > 0;
}

ProcessEnd WorkerProcess::finish(std::chrono::milliseconds exit_grace, std::chrono::milliseconds term_grace) {
  if (end_) return *end_;
  const auto id = static_cast<pid_t>(handles_->process.id());
  ProcessEnd end;
  const auto signal_all = [&](int number) {
    end.was_signalled = true;
    ::kill(id, number);
    ::kill(-id, number);  // its process group; there is none yet while it starts
  };
  // The end of the pipe ends a worker that still reads; one that is to be ended by force shall not leave as if it had
  // wanted to.
  const bool by_force = exit_grace.count() == 0;
  if (!by_force) handles_->to_worker.close(Poco::Pipe::CLOSE_WRITE);
  if (by_force || !exited_within(exit_grace)) {
    signal_all(SIGTERM);
    if (!exited_within(term_grace)) signal_all(SIGKILL);
  }
  // Looked at before it is reaped: Poco's wait() does not say what it used. The C library hides the kernel's last argument.
  siginfo_t info{};
  rusage used{};
  if (syscall(SYS_waitid, P_PID, id, &info, WEXITED | WNOWAIT, &used) == 0) {
    end.cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  }
  try {
    const int status = handles_->process.wait();
    if (status >= kSignalBase)
      end.signal = status - kSignalBase;
    else
      end.exit_code = status;
  } catch (const Poco::Exception&) {
    end.exit_code = -1;  // somebody else has waited for it; nothing is known of its end
  }
  handles_->to_worker.close(Poco::Pipe::CLOSE_BOTH);
  read_stderr(kStderrAtTheEnd);
  stderr_ended_ = true;
  end_ = end;
  return end;
}

std::string WorkerProcess::stderr_tail() const {
  return readable(tail_);
}

}  // namespace berth::plugins
