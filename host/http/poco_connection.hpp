#pragma once
// Open connections of the transport, and the pool of them. Private to poco_transport.cpp and poco_answer.cpp.
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SecureStreamSocketImpl.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/transport.hpp"

namespace berth::http {

using Time = std::chrono::steady_clock::time_point;
namespace net = Poco::Net;

/// Enough for the last lines of a chunked body.
inline constexpr std::size_t kTailBytes = 1'024;
/// Enough for the beginning of every answer.
inline constexpr std::string_view kHttp = "HTTP/";
inline constexpr std::size_t kHeadBytes = kHttp.size();

/// What came in on a connection since the exchange began.
struct Wire {
  bool ended = false;  // the peer closed, or reading failed
  std::size_t bytes = 0;
  std::string head;  // the first kHeadBytes
  std::string tail;  // the last kTailBytes
  void received(const void* data, int count);
};

/// A socket that writes down what it received. The Wire is shared because Poco's sockets are counted references whose
/// last owner is Poco's own.
template <class Base>
class Watched final : public Base {
 public:
  template <class... Arguments>
  explicit Watched(std::shared_ptr<Wire> wire, Arguments&&... arguments)
      : Base(std::forward<Arguments>(arguments)...), wire_(std::move(wire)) {}
  int receiveBytes(void* buffer, int length, int flags) override {
    try {
      const int count = Base::receiveBytes(buffer, length, flags);
      wire_->received(buffer, count);
      return count;
    } catch (...) {
      wire_->ended = true;
      throw;
    }
  }
  void handshake() requires(std::is_same_v<Base, net::SecureStreamSocketImpl>) { Base::connectSSL(); }

 private:
  ~Watched() override = default;  // Poco counts references
  std::shared_ptr<Wire> wire_;
};

struct Handle : net::StreamSocket {
  explicit Handle(net::SocketImpl* socket) : net::StreamSocket(socket) {}
};

class Session final : public net::HTTPClientSession {
 public:
  explicit Session(const net::StreamSocket& socket) : net::HTTPClientSession(socket) {}
  /// Bytes that came and were not asked for yet.
  [[nodiscard]] std::size_t unread() const { return static_cast<std::size_t>(buffered()); }

 protected:
  // Poco's own connects anew and sends again when writing fails, whatever the method is.
  int write(const char* buffer, std::streamsize length) override {
    return net::HTTPSession::write(buffer, length);  // NOLINT(bugprone-parent-virtual-call): that of the parent is what must not run
  }
  void connect(const net::SocketAddress&) override { throw net::NetException("this connection is not opened again"); }
};

/// An open connection. Destroying it closes it.
struct Connection {
  std::shared_ptr<Wire> wire = std::make_shared<Wire>();
  std::unique_ptr<Session> session;
  int descriptor = -1;  // a dup of the socket's, see interrupt.hpp
  bool reused = false;
  Time idle_since{};
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();
};

/// Who is asked for an open connection, and takes it back. Any thread.
class Pool {
 public:
  explicit Pool(const TransportOptions& options) : options_(options) {}

  /// An idle connection that is still good, else an empty place to open one in; a deadline that passed or a stop:
  /// nothing.
  struct Place {
    std::unique_ptr<Connection> connection;  // empty: to be opened
    bool granted = false;
  };
  Place take(const std::string& origin, bool fresh, Time deadline, const std::stop_token& stop);
  void give_back(const std::string& origin, std::unique_ptr<Connection> connection);
  void give_up(const std::string& origin);

 private:
  /// A connection on which something can be read before anything was asked is closed, or out of step.
  [[nodiscard]] bool is_good(Connection& connection) const;
  struct Origin {
    std::size_t open = 0;                           // in use and idle
    std::vector<std::unique_ptr<Connection>> idle;  // the last one used is the next
  };
  const TransportOptions& options_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  std::map<std::string, Origin> origins_;
};

}  // namespace berth::http
