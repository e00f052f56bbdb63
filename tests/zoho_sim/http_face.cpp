#include "tests/zoho_sim/http_face.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/ThreadPool.h>

#include <condition_variable>
#include <istream>
#include <stdexcept>

namespace zoho_sim {
namespace {

constexpr std::size_t kRequestBodyMax = 8U << 20U;
constexpr int kResetPauseMs = 20;

// Lets every answer that waits on purpose end at once when the server stops.
class Stopper {
 public:
  // False when stopped before the time was over.
  bool wait(int milliseconds) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, std::chrono::milliseconds(milliseconds), [this] { return stopped_; });
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
};

void send_all(Poco::Net::StreamSocket& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const int sent = socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string head_of(const Response& response, bool chunked) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " Answer\r\n";
  for (const auto& [name, value] : response.headers) head += name + ": " + value + "\r\n";
  const std::size_t length = response.stated_length.value_or(response.body.size());
  head += chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: " + std::to_string(length) + "\r\n";
  return head + "Connection: close\r\n\r\n";
}

// What Poco would not send: the answer is written to the socket by hand and the connection ends with it.
void deliver_fault(Poco::Net::StreamSocket& socket, const Response& response, Stopper& stopper) {
  const std::string_view body = response.body;
  switch (response.delivery) {
    case Delivery::kTruncated:
      send_all(socket, head_of(response, false) + std::string(body.substr(0, response.cut_after)));
      break;
    case Delivery::kCutChunked: {
      const auto part = body.substr(0, response.cut_after);
      char size[20];
      std::snprintf(size, sizeof size, "%zx\r\n", part.size());
      send_all(socket, head_of(response, true) + size + std::string(part) + "\r\n");
      break;
    }
    case Delivery::kDrip:
      send_all(socket, head_of(response, false));
      for (std::size_t at = 0; at < body.size(); at += response.drip_bytes) {
        if (!stopper.wait(response.pause_ms)) break;
        send_all(socket, body.substr(at, response.drip_bytes));
      }
      break;
    case Delivery::kDripHead: {
      for (const char c : head_of(response, false)) {
        if (!stopper.wait(response.pause_ms)) break;
        send_all(socket, std::string_view(&c, 1));
      }
      send_all(socket, body);
      break;
    }
    case Delivery::kResetHead: {
      const std::string head = head_of(response, false);
      send_all(socket, std::string_view(head).substr(0, head.size() / 2));
      stopper.wait(kResetPauseMs);  // so that the first half arrives before the reset takes it away
      socket.setLinger(true, 0);
      break;
    }
    case Delivery::kHang:
      stopper.wait(response.pause_ms);
      break;
    case Delivery::kReset:
      socket.setLinger(true, 0);
      break;
    case Delivery::kClose:
    case Delivery::kNormal:
      break;
  }
}

class Handler final : public Poco::Net::HTTPRequestHandler {
 public:
  Handler(Simulator& simulator, Stopper& stopper) : simulator_(simulator), stopper_(stopper) {}

  void handleRequest(Poco::Net::HTTPServerRequest& in, Poco::Net::HTTPServerResponse& out) override {
    try {
      Request request = make_request(in.getMethod(), in.getURI());
      for (const auto& [name, value] : in) request.headers.emplace_back(name, value);
      request.from_loopback = in.clientAddress().host().isLoopback();
      if (in.hasContentLength() || in.getChunkedTransferEncoding()) {
        std::string buffer(65536, '\0');
        auto& stream = in.stream();
        while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || stream.gcount() > 0) {
          request.body.append(buffer, 0, static_cast<std::size_t>(stream.gcount()));
          if (request.body.size() > kRequestBodyMax) break;
        }
      }
      deliver(in, out, simulator_.handle(request));
    } catch (const Poco::Exception&) {
      out.setKeepAlive(false);  // the client has gone; there is nobody to tell
    } catch (const std::exception&) {
      out.setKeepAlive(false);
    }
  }

 private:
  void deliver(Poco::Net::HTTPServerRequest& in, Poco::Net::HTTPServerResponse& out, const Response& response) {
    if (response.delivery != Delivery::kNormal) {
      out.setKeepAlive(false);
      auto socket = dynamic_cast<Poco::Net::HTTPServerRequestImpl&>(in).socket();
      deliver_fault(socket, response, stopper_);
      return;
    }
    if (response.pause_ms > 0) stopper_.wait(response.pause_ms);
    out.setStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(response.status));
    out.setReason(Poco::Net::HTTPResponse::getReasonForStatus(out.getStatus()));
    for (const auto& [name, value] : response.headers) {
      if (equal_without_case(name, "Date")) {
        out.set(name, value);  // the server has one of its own
      } else {
        out.add(name, value);
      }
    }
    out.setContentLength64(static_cast<Poco::Int64>(response.body.size()));
    out.sendBuffer(response.body.data(), response.body.size());
  }

  Simulator& simulator_;
  Stopper& stopper_;
};

class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  Factory(Simulator& simulator, Stopper& stopper) : simulator_(simulator), stopper_(stopper) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override {
    return new Handler(simulator_, stopper_);
  }

 private:
  Simulator& simulator_;
  Stopper& stopper_;
};

}  // namespace

struct HttpFace::State {
  State(Simulator& simulator, int port, int threads) : pool(2, threads, 30) {
    // Without the last argument Poco shares the port, and a second simulator would silently take half of the calls.
    socket.bind(Poco::Net::SocketAddress("127.0.0.1", static_cast<Poco::UInt16>(port)), true, false);
    socket.listen(256);
    auto* params = new Poco::Net::HTTPServerParams;  // owned by the server
    params->setMaxThreads(threads);
    params->setMaxQueued(1024);
    params->setKeepAlive(true);
    params->setKeepAliveTimeout(Poco::Timespan(5, 0));  // one connection holds one thread
    params->setTimeout(Poco::Timespan(10, 0));
    server = std::make_unique<Poco::Net::HTTPServer>(new Factory(simulator, stopper), pool, socket, params);
    server->start();
  }

  Stopper stopper;
  Poco::ThreadPool pool;
  Poco::Net::ServerSocket socket;
  std::unique_ptr<Poco::Net::HTTPServer> server;
};

HttpFace::HttpFace(Simulator& simulator, int port, int threads) {
  try {
    state_ = std::make_unique<State>(simulator, port, threads);
  } catch (const Poco::Exception& error) {
    throw std::runtime_error("The simulator cannot listen on port " + std::to_string(port) + ": " +
                             error.displayText());
  }
}

HttpFace::~HttpFace() {
  stop();
}

int HttpFace::port() const {
  return state_->socket.address().port();
}

std::string HttpFace::origin() const {
  return "http://127.0.0.1:" + std::to_string(port());
}

void HttpFace::stop() {
  if (state_->server == nullptr) return;
  state_->stopper.stop();
  state_->server->stopAll(true);
  state_->pool.joinAll();
  state_->server.reset();
}

}  // namespace zoho_sim
