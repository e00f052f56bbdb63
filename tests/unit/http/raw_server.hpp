#pragma once
// A server on this machine that answers with exactly the bytes a test gives it, and misbehaves on demand. Plain or TLS.
//
//   RawServer server([](RawServer::Peer& peer) {
//     peer.read_request();
//     peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nnine byte");      // and then the connection ends
//   });
//   transport->send({.url = server.url("/x")}, {});
//
// The handler runs once for each connection, each on a thread of its own; the connection closes when it returns.
#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace berth::test {

/// A text that one thread leaves for another.
class Kept {
 public:
  void set(std::string text) {
    const std::scoped_lock lock(mutex_);
    text_ = std::move(text);
  }
  [[nodiscard]] std::string get() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class RawServer {
 public:
  class Peer {
   public:
    Peer(Poco::Net::StreamSocket& socket, int connection) : socket_(socket), connection_(connection) {}
    /// Head and body (by Content-Length) of the next request; empty when the client has closed.
    std::string read_request() {
      while (buffer_.find("\r\n\r\n") == std::string::npos) {
        if (!receive()) return {};
      }
      const auto head_end = buffer_.find("\r\n\r\n") + 4;
      std::size_t length = 0;
      const auto at = buffer_.find("Content-Length: ");
      if (at != std::string::npos && at < head_end) length = std::stoul(buffer_.substr(at + 16));
      while (buffer_.size() < head_end + length) {
        if (!receive()) return {};
      }
      auto request = buffer_.substr(0, head_end + length);
      buffer_.erase(0, head_end + length);
      return request;
    }
    void send(const std::string& bytes) {
      std::size_t sent = 0;
      while (sent < bytes.size()) {
        const int count = socket_.sendBytes(bytes.data() + sent, static_cast<int>(bytes.size() - sent));
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
      }
    }
    /// 200 with a length, on a connection that stays open.
    void answer(const std::string& body, const std::string& headers = {}) {
      send("HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    /// Waits until the client closes or says something, at most `ms`; true if it did.
    bool wait(int ms) { return socket_.poll(Poco::Timespan(ms * 1'000L), Poco::Net::Socket::SELECT_READ); }
    /// The first bytes of the connection, as they come.
    std::string receive_some() {
      receive();
      return std::exchange(buffer_, {});
    }
    /// From 1, in the order in which they came.
    [[nodiscard]] int connection() const { return connection_; }

   private:
    bool receive() {
      char piece[4'096];
      const int count = socket_.receiveBytes(piece, sizeof piece);
      if (count <= 0) return false;
      buffer_.append(piece, static_cast<std::size_t>(count));
      return true;
    }
    Poco::Net::StreamSocket& socket_;
    int connection_;
    std::string buffer_;
  };
  using Handler = std::function<void(Peer& peer)>;

  explicit RawServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = std::make_unique<Poco::Net::ServerSocket>(Poco::Net::SocketAddress("127.0.0.1", 0), 64);
    begin();
  }
  RawServer(const Poco::Net::Context::Ptr& tls, Handler handler) : handler_(std::move(handler)), is_tls_(true) {
    listener_ = std::make_unique<Poco::Net::SecureServerSocket>(Poco::Net::SocketAddress("127.0.0.1", 0), 64, tls);
    begin();
  }
  ~RawServer() {
    ending_ = true;
    acceptor_.join();
    {
      // What a client left open ends here; closing from the handlers' own threads would wait for the client.
      const std::scoped_lock lock(mutex_);
      for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string url(const std::string& target, const std::string& host = "127.0.0.1") const {
    return std::string(is_tls_ ? "https" : "http") + "://" + host + ":" + std::to_string(port_) + target;
  }
  [[nodiscard]] int port() const { return port_; }
  /// Connections so far.
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void begin() {
    port_ = listener_->address().port();
    acceptor_ = std::thread([this] { accept(); });
  }
  void accept() {
    while (!ending_) {
      if (!listener_->poll(Poco::Timespan(20'000), Poco::Net::Socket::SELECT_READ)) continue;
      // The last one who has it closes it, in an order that a sanitizer sees: Poco counts references within its library.
      const auto socket = std::make_shared<Poco::Net::StreamSocket>(listener_->acceptConnection());
      const int number = ++connections_;
      const std::scoped_lock lock(mutex_);
      const int descriptor = socket->impl()->sockfd();
      open_.push_back(descriptor);
      threads_.emplace_back([this, socket, number, descriptor] {
        try {
          Peer peer(*socket, number);
          handler_(peer);
        } catch (const Poco::Exception&) {
          // The client went away, which many tests want.
        }
        const std::scoped_lock forget(mutex_);
        std::erase(open_, descriptor);
        try {
          socket->close();
        } catch (const Poco::Exception&) {
          // TLS says goodbye to somebody who has gone.
        }
      });
    }
  }

  Handler handler_;
  bool is_tls_ = false;
  std::unique_ptr<Poco::Net::ServerSocket> listener_;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace berth::test
