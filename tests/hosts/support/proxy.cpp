#include "hosts/support/proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace hosts {

Proxy::Proxy(Ends ends) : ends_(std::move(ends)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(ends_.port));
  if (inet_pton(AF_INET, ends_.listen.c_str(), &address.sin_addr) != 1) throw std::runtime_error("the proxy has no address");
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the proxy has no port");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Proxy::~Proxy() {
  thread_.request_stop();
  thread_.join();
  for (Pair& pair : pairs_) end(pair);
  close(listener_);
}

void Proxy::end(Pair& pair) {
  // A reset, as from a server that no longer knows the connection.
  const linger at_once{1, 0};
  setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(std::exchange(pair.client, -1));
  close(std::exchange(pair.server, -1));
}

/// A connection to what is handed on to; below 0: there is none.
int Proxy::reach() const {
  const int made = socket(ends_.socket_path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int connected = -1;
  if (!ends_.socket_path.empty()) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, ends_.socket_path.c_str(), sizeof address.sun_path - 1);
    connected = connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(ends_.to_port));
    inet_pton(AF_INET, ends_.to.c_str(), &address.sin_addr);
    connected = connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  if (connected == 0) return made;
  close(made);
  return -1;
}

void Proxy::accept_one() {
  Pair pair;
  pair.client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (pair.client < 0) return;
  pair.server = reach();
  if (pair.server < 0) {
    end(pair);
    return;
  }
  pairs_.push_back(pair);
}

/// False where one side has ended.
bool Proxy::hand_on(int from, int to) {
  std::array<char, 1 << 16> buffer;
  const ssize_t got = recv(from, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t part = send(to, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (part <= 0) return false;
    sent += part;
  }
  return true;
}

void Proxy::run(const std::stop_token& stop) {
  constexpr int kLookMs = 20;
  bool was_broken = false;
  while (!stop.stop_requested()) {
    const bool is_cut = is_cut_;
    const bool is_broken = is_cut || is_muted_;
    if (was_broken && !is_broken) {
      for (Pair& pair : pairs_) end(pair);
      pairs_.clear();
    }
    was_broken = is_broken;
    if (is_cut) {
      poll(nullptr, 0, kLookMs);
      continue;
    }
    std::vector<pollfd> all{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      all.push_back({pair.client, POLLIN, 0});
      all.push_back({pair.server, POLLIN, 0});
    }
    if (poll(all.data(), all.size(), kLookMs) <= 0 || is_cut_) continue;
    const std::size_t known = pairs_.size();
    if ((all[0].revents & POLLIN) != 0) accept_one();
    for (std::size_t i = 0; i < known; ++i) {
      Pair& pair = pairs_[i];
      const bool from_client = all[1 + 2 * i].revents != 0;
      bool from_server = all[2 + 2 * i].revents != 0;
      if (is_muted_ && from_server) {
        std::array<char, 1 << 16> dropped;
        from_server = recv(pair.server, dropped.data(), dropped.size(), 0) <= 0;
      }
      if ((from_client && !hand_on(pair.client, pair.server)) || (from_server && !hand_on(pair.server, pair.client))) end(pair);
    }
    std::erase_if(pairs_, [](const Pair& pair) { return pair.client < 0; });
  }
}

}  // namespace hosts
