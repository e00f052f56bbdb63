#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "host/cli/commands.hpp"

namespace berth::cli {

namespace {

// The handler only writes to a pipe; a thread does the rest.
int g_signal_pipe[2] = {-1, -1};
void on_signal(int number) {
  const char byte = static_cast<char>(number);
  [[maybe_unused]] const auto written = write(g_signal_pipe[1], &byte, 1);
}

}  // namespace

std::stop_token stop_on_signal() {
  static std::stop_source source;
  static const bool is_watching = [] {
    if (pipe2(g_signal_pipe, O_CLOEXEC) != 0) return false;
    std::thread([] {
      char byte = 0;
      for (int signals = 0; read(g_signal_pipe[0], &byte, 1) == 1; ++signals) {
        if (signals > 0) {
          std::signal(byte, SIG_DFL);
          kill(getpid(), byte);
        }
        source.request_stop();
      }
    }).detach();
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return true;
  }();
  static_cast<void>(is_watching);
  return source.get_token();
}

}  // namespace berth::cli
