#include "host/http/poco_connection.hpp"

#include <Poco/Exception.h>
#include <unistd.h>

#include <algorithm>

namespace berth::http {

void Wire::received(const void* data, int count) {
  if (count <= 0) {
    ended = true;
    return;
  }
  const auto size = static_cast<std::size_t>(count);
  bytes += size;
  if (head.size() < kHeadBytes) head.append(static_cast<const char*>(data), std::min(size, kHeadBytes - head.size()));
  tail.append(static_cast<const char*>(data), size);
  if (tail.size() > kTailBytes) tail.erase(0, tail.size() - kTailBytes);
}

Connection::~Connection() {
  session.reset();
  if (descriptor >= 0) ::close(descriptor);
}

Pool::Place Pool::take(const std::string& origin, bool fresh, Time deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  auto& entry = origins_[origin];
  const auto free = [&] { return entry.open < options_.connections_per_origin_max || !entry.idle.empty(); };
  if (!freed_.wait_until(lock, stop, deadline, free)) return {};
  while (!entry.idle.empty()) {
    auto connection = std::move(entry.idle.back());
    entry.idle.pop_back();
    if (!fresh && is_good(*connection)) {
      connection->reused = true;
      return {std::move(connection), true};
    }
    --entry.open;
  }
  ++entry.open;
  return {nullptr, true};
}

void Pool::give_back(const std::string& origin, std::unique_ptr<Connection> connection) {
  {
    const std::scoped_lock lock(mutex_);
    auto& entry = origins_[origin];
    connection->idle_since = std::chrono::steady_clock::now();
    entry.idle.push_back(std::move(connection));
  }
  freed_.notify_all();
}

void Pool::give_up(const std::string& origin) {
  {
    const std::scoped_lock lock(mutex_);
    --origins_[origin].open;
  }
  freed_.notify_all();
}

bool Pool::is_good(Connection& connection) const {
  if (std::chrono::steady_clock::now() - connection.idle_since > options_.idle_max) return false;
  try {
    return !connection.session->socket().poll(Poco::Timespan(0), net::Socket::SELECT_READ);
  } catch (const Poco::Exception&) {
    return false;
  }
}

}  // namespace berth::http
