#include "e2e/support/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace e2e {

namespace {

/// A file in memory that two processes can use at the same time.
int memory_file(const std::string& content = {}) {
  const int file = memfd_create("e2e", MFD_CLOEXEC);
  if (file < 0) throw std::runtime_error("memfd_create failed");
  if (!content.empty()) {
    if (write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size())) throw std::runtime_error("memfd write failed");
    lseek(file, 0, SEEK_SET);
  }
  return file;
}

std::string content_of(int file) {
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (true) {
    const ssize_t n = pread(file, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const Start& start) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!start.environment.contains(text.substr(0, text.find('=')))) environment.push_back(text);
  }
  for (const auto& [name, value] : start.environment) environment.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (const std::string& entry : environment) envp.push_back(const_cast<char*>(entry.c_str()));
  envp.push_back(nullptr);
  out_ = memory_file();
  err_ = memory_file();
  const int in = memory_file(start.input);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    // Only what is safe between fork and exec.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    if (chdir(start.folder.c_str()) != 0) _exit(126);
    dup2(in, STDIN_FILENO);
    dup2(out_, STDOUT_FILENO);
    dup2(err_, STDERR_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(in);
}

Process::~Process() {
  if (!reap(false)) {
    kill(pid_, SIGKILL);
    reap(true);
  }
  close(out_);
  close(err_);
}

bool Process::reap(bool block) {
  if (ended_) return true;
  ended_ = waitpid(pid_, &status_, block ? 0 : WNOHANG) == pid_;
  return ended_;
}

bool Process::is_running() { return !reap(false); }
std::string Process::out() const { return content_of(out_); }
std::string Process::err() const { return content_of(err_); }

void Process::signal(int number) {
  if (!reap(false)) kill(pid_, number);
}

std::string Process::wait_for_line(const std::string& text, std::chrono::seconds limit) {
  std::string found;
  eventually(
      [&] {
        const bool over = !is_running();
        std::istringstream lines(out());
        for (std::string line; std::getline(lines, line);) {
          if (line.find(text) != std::string::npos && !lines.eof()) found = line;
        }
        return over || !found.empty();
      },
      limit);
  return found;
}

Outcome Process::wait(std::chrono::seconds limit) {
  Outcome outcome;
  if (!eventually([&] { return reap(false); }, limit)) {
    outcome.timed_out = true;
    kill(pid_, SIGKILL);
    reap(true);
  }
  outcome.exit = WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  outcome.signal = WIFSIGNALED(status_) ? WTERMSIG(status_) : 0;
  outcome.out = out();
  outcome.err = err();
  return outcome;
}

Outcome run(const std::vector<std::string>& arguments, const Start& start, std::chrono::seconds limit) {
  Process process(arguments, start);
  return process.wait(limit);
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  // Every thread has its own list: a worker is the child of the thread that runs the phase.
  std::error_code failure;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(parent) + "/task", failure)) {
    std::ifstream in(task.path() / "children");
    for (pid_t child = 0; in >> child;) children.push_back(child);
  }
  return children;
}

char state_of(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(in, text);
  const auto end = text.rfind(')');  // a name may have blanks and brackets
  return end != std::string::npos && end + 2 < text.size() ? text[end + 2] : '\0';
}

void pause_shortly() {
  const timespec moment{0, 5'000'000};
  nanosleep(&moment, nullptr);
}

}  // namespace e2e
