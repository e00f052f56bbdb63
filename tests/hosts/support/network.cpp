#include "hosts/support/network.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "e2e/support/process.hpp"

namespace hosts {

namespace fs = std::filesystem;
using e2e::Outcome;

namespace {

constexpr const char* kProgram = "/sbin/ip";
constexpr const char* kFolder = "/run/netns";
const std::string kPrefix = "berth-test-";

std::string name_of(pid_t process) { return kPrefix + std::to_string(process); }
std::string name() { return name_of(::getpid()); }
/// At most 15 characters.
std::string link(Cable cable, bool is_inside, pid_t process) {
  return "bt" + std::to_string(process) + (cable == Cable::kDatabase ? "d" : "r") + (is_inside ? "1" : "0");
}
/// RFC 2544: 198.18.0.0/15 is for tests and routed nowhere.
std::string address(Cable cable, bool is_inside) {
  const int first = cable == Cable::kDatabase ? 1 : 5;
  return "198.18." + std::to_string(::getpid() % 250) + "." + std::to_string(first + (is_inside ? 1 : 0));
}

Outcome ip(std::vector<std::string> words) {
  words.insert(words.begin(), kProgram);
  return e2e::run(words, {}, std::chrono::seconds(20));
}

void must(const std::vector<std::string>& words) {
  const Outcome outcome = ip(words);
  if (outcome.exit != 0) throw std::runtime_error("ip " + words.front() + " failed: " + outcome.err);
}

void remove(pid_t process) {
  for (const Cable cable : {Cable::kDatabase, Cable::kRemote}) static_cast<void>(ip({"link", "del", link(cable, false, process)}));
  static_cast<void>(ip({"netns", "del", name_of(process)}));
}

void remove_leftovers() {
  std::error_code ignored;
  for (const auto& one : fs::directory_iterator(kFolder, ignored)) {
    const std::string found = one.path().filename();
    if (!found.starts_with(kPrefix)) continue;
    const pid_t process = std::atoi(found.c_str() + kPrefix.size());
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH) remove(process);
  }
}

}  // namespace

std::optional<std::string> Network::unavailable() {
  if (!fs::exists(kProgram)) return "there is no program ip (iproute2)";
  if (::geteuid() != 0) return "network namespaces need root";
  remove_leftovers();
  remove(::getpid());
  const Outcome made = ip({"netns", "add", name()});
  const Outcome linked = ip({"link", "add", link(Cable::kDatabase, false, ::getpid()), "type", "veth", "peer", "name", link(Cable::kDatabase, true, ::getpid())});
  remove(::getpid());
  if (made.exit != 0) return "no network namespace can be made here: " + made.err;
  if (linked.exit != 0) return "no virtual cable can be made here: " + linked.err;
  return std::nullopt;
}

Network::Network() {
  remove(::getpid());
  try {
    must({"netns", "add", name()});
    must({"-n", name(), "link", "set", "lo", "up"});
    for (const Cable cable : {Cable::kDatabase, Cable::kRemote}) {
      const std::string here = link(cable, false, ::getpid()), there = link(cable, true, ::getpid());
      must({"link", "add", here, "type", "veth", "peer", "name", there});
      must({"link", "set", there, "netns", name()});
      must({"addr", "add", address(cable, false) + "/30", "dev", here});
      must({"-n", name(), "addr", "add", address(cable, true) + "/30", "dev", there});
      must({"link", "set", here, "up"});
      must({"-n", name(), "link", "set", there, "up"});
    }
  } catch (...) {
    remove(::getpid());
    throw;
  }
}

Network::~Network() { remove(::getpid()); }

std::string Network::outside(Cable cable) { return address(cable, false); }
void Network::cut(Cable cable) const { must({"link", "set", link(cable, false, ::getpid()), "down"}); }
void Network::mend(Cable cable) const { must({"link", "set", link(cable, false, ::getpid()), "up"}); }
std::vector<std::string> Network::starter() const { return {"/usr/bin/nsenter", "--net=" + std::string(kFolder) + "/" + name(), "--"}; }

void Network::inside(const std::function<void()>& work) const {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      const int there = ::open((std::string(kFolder) + "/" + name()).c_str(), O_RDONLY | O_CLOEXEC);
      const bool is_in = there >= 0 && ::setns(there, CLONE_NEWNET) == 0;
      if (there >= 0) ::close(there);
      if (!is_in) throw std::runtime_error("the namespace cannot be entered");
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace hosts
