// Nobody but the hosts of `data_centers:` is ever talked to. The proof is the kernel's: everything runs in a network
// namespace of its own that has a loopback device and nothing else. There, an attempt to reach any other address, by TCP or
// by asking a name server, finds no route and is counted by the kernel in /proc/net/snmp (Ip: OutNoRoutes); a name server
// on a loopback address would be counted as a datagram (Udp: OutDatagrams). Both must stay at zero.
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

bool write_file(const char* path, const std::string& text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool fine = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return fine;
}

/// Puts this process and all it starts into a network of its own; false where this system does not let it.
bool enter_empty_network() {
  const std::string uid = std::to_string(getuid()), gid = std::to_string(getgid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  write_file("/proc/self/setgroups", "deny");
  if (!write_file("/proc/self/uid_map", uid + " " + uid + " 1") || !write_file("/proc/self/gid_map", gid + " " + gid + " 1")) return false;
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request = {};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  const bool up = ioctl(descriptor, SIOCSIFFLAGS, &request) == 0;
  close(descriptor);
  return up;
}

/// A counter of the kernel for this network, by its group and name.
long counter(const std::string& group, const std::string& name) {
  std::ifstream in("/proc/self/net/snmp");
  std::string names, values;
  while (std::getline(in, names) && std::getline(in, values)) {
    std::istringstream a(names), b(values);
    std::string one, other;
    a >> one;
    b >> other;
    if (one != group + ":") continue;
    while (a >> one && b >> other) {
      if (one == name) return std::stol(other);
    }
  }
  return -1;
}

}  // namespace

TEST_CASE("A1 D14: a pull from a server given only through data_centers contacts no other host") {
  if (!enter_empty_network()) {
    MESSAGE("skipped: this system allows no network namespace of one's own");
    return;
  }
  REQUIRE(counter("Ip", "OutNoRoutes") == 0);
  REQUIRE(counter("Udp", "OutDatagrams") == 0);
  {
    const Simulator simulator({.contacts = 20, .items = 10, .invoices = 60, .payments = 30, .credit_notes = 5});
    const Workspace berth(simulator);
    berth.connect();
    simulator.reset_counters();
    const Value report = berth.json({"sync", "zoho"});
    CHECK(report.text_of("outcome") == "succeeded");
    CHECK(number_at(row_where(*report.find("phases"), "phase", "invoices"), "listed") == 60);
    CHECK(berth.run({"test", "zoho"}).exit == 0);
    // D14: nothing but GET reached the API.
    CHECK(number_at(simulator.control("counters"), "writes") == 0);
    for (const std::string& line : simulator.log()) {
      if (line.find("/books/v3/") != std::string::npos) CHECK(line.find(" GET /books/v3/") != std::string::npos);
    }
    // While the host serves on its own, too.
    const auto serving = berth.serve();
    CHECK(get(berth.origin() + "/readyz").status == 200);
    serving->signal(15);
    CHECK(serving->wait().exit == 0);
    // Ends the connection: revocation goes to the given server as well.
    CHECK(berth.run({"disconnect", "zoho"}).exit == 0);
  }
  CHECK(counter("Ip", "OutNoRoutes") == 0);
  CHECK(counter("Udp", "OutDatagrams") == 0);
  CHECK(counter("Tcp", "ActiveOpens") > 0);
  // The counter does see an attempt: one connection to an address that is not here.
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in elsewhere = {};
  elsewhere.sin_family = AF_INET;
  elsewhere.sin_port = htons(443);
  inet_pton(AF_INET, "192.0.2.1", &elsewhere.sin_addr);
  CHECK(::connect(descriptor, reinterpret_cast<sockaddr*>(&elsewhere), sizeof elsewhere) != 0);
  close(descriptor);
  CHECK(counter("Ip", "OutNoRoutes") > 0);
}
