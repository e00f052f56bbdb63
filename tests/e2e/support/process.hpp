#pragma once
// Programs as a person starts them: with arguments, a folder, an environment, and an end that is waited for.
//
//   Outcome outcome = run({"/path/berth", "status"}, {.folder = "/tmp/x"});
//   CHECK(outcome.exit == 0);
//
// A Process that goes out of scope is killed by its id and reaped; it also dies with this process. Not for several threads.
#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace e2e {

/// How a program ended and what it printed.
struct Outcome {
  int exit = -1;           // exit code; -1 where a signal ended it
  int signal = 0;
  bool timed_out = false;  // it was killed because its time was over
  std::string out, err;
};

struct Start {
  std::string folder = ".";
  std::map<std::string, std::string> environment;  // added to this process's own
  std::string input;                               // given as standard input
};

class Process {
 public:
  Process(const std::vector<std::string>& arguments, const Start& start);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t id() const { return pid_; }
  [[nodiscard]] bool is_running();
  /// What it has printed so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;
  /// Waits for a line on standard output that contains `text` and returns it; empty where it ended or the time is over.
  std::string wait_for_line(const std::string& text, std::chrono::seconds limit = std::chrono::seconds(60));
  /// Sends a signal to this process alone.
  void signal(int number);
  /// Waits for the end; kills it when the time is over.
  Outcome wait(std::chrono::seconds limit = std::chrono::seconds(120));

 private:
  bool reap(bool block);
  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;  // files without a name
  int status_ = 0;
  bool ended_ = false;
};

Outcome run(const std::vector<std::string>& arguments, const Start& start, std::chrono::seconds limit = std::chrono::seconds(120));

/// Children of a process, by /proc.
std::vector<pid_t> children_of(pid_t parent);

/// What /proc says of a process: 'R' runs, 'S' sleeps, 'T' is stopped, 'Z' has ended and nobody asked; 0: there is none.
char state_of(pid_t process);
inline bool is_alive(pid_t process) {
  const char state = state_of(process);
  return state != 0 && state != 'Z';
}

/// Asks again and again until it is so; false when the time is over.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(60));

void pause_shortly();  // between two looks of eventually()

template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    pause_shortly();
  }
  return true;
}

}  // namespace e2e
