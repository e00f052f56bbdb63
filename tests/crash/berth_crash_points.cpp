// The program `berth` with somebody who listens to its durable writes: it tells of each moment, and is killed at one of them.
// The program that is shipped has no such thing.
//
//   BERTH_CRASH_LOG   a file to which each moment is written, "capture.checkpoint between"
//   BERTH_CRASH_AT    "capture.checkpoint between 3": kill -9 when that line has been written so many times to the file, also by
//                     processes before this one
//
// Workers are processes of this program too, and write nothing durable.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>

#include "host/cli/main.hpp"
#include "host/core/durable_write.hpp"

namespace {

struct Listener {
  std::mutex mutex;   // writes come from several threads
  int file = -1;
  std::string wanted;   // a line, with its end
  int left = -1;        // times until it has been written often enough
};
Listener g_listener;

void hear(std::string_view name, berth::WriteMoment moment) {
  const std::string line = std::string(name) + " " + std::string(berth::to_string(moment)) + "\n";
  const std::lock_guard lock(g_listener.mutex);
  if (write(g_listener.file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(70);
  if (line == g_listener.wanted && --g_listener.left == 0) kill(getpid(), SIGKILL);
}

void listen(const char* path) {
  if (const char* at = std::getenv("BERTH_CRASH_AT")) {
    const std::string text = at;
    const auto blank = text.rfind(' ');
    g_listener.wanted = text.substr(0, blank) + "\n";
    g_listener.left = std::atoi(text.c_str() + blank);
    std::ifstream told(path);
    for (std::string line; std::getline(told, line);) {
      if (line + "\n" == g_listener.wanted) --g_listener.left;
    }
  }
  g_listener.file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (g_listener.file < 0) _exit(70);
  berth::set_write_hook(hear);
}

}  // namespace

int main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, 2);   // as host/main.cpp
  if (const char* path = std::getenv("BERTH_CRASH_LOG")) listen(path);
  return berth::cli::run(argc, argv);
}
