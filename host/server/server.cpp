#include "host/server/server.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/ThreadPool.h>
#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <optional>
#include <ostream>

#include "berth/json.hpp"
#include "host/core/text.hpp"

namespace berth::server {

namespace {

std::string_view first_of(const Pairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return {};
}

Response problem(int status, std::string_view reason, std::string_view detail) {
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = json::dump(json::Value::object({{"status", status}, {"reason", reason}, {"detail", detail}}));
  return response;
}

/// A body that is written piece by piece. What is shorter than kStreamHeldBytes is an ordinary answer, so that an error
/// before that can still be told.
class BodyStream {
 public:
  BodyStream(Poco::Net::HTTPServerRequest& in, Poco::Net::HTTPServerResponse& out) : in_(in), out_(out) {}

  bool write(std::string_view piece) {
    if (body_ == nullptr) {
      held_ += piece;
      if (held_.size() < kStreamHeldBytes) return true;
      begin();
      piece = held_;
    }
    body_->write(piece.data(), static_cast<std::streamsize>(piece.size()));
    held_.clear();
    return body_->good();
  }
  [[nodiscard]] bool has_begun() const { return body_ != nullptr; }
  /// What was held of a short body.
  [[nodiscard]] std::string take_held() { return std::move(held_); }
  void finish() { body_->flush(); }
  /// Whoever reads sees that the end is missing: no last chunk is sent.
  void cut() {
    if (auto* real = dynamic_cast<Poco::Net::HTTPServerRequestImpl*>(&in_)) real->socket().shutdown();
  }

 private:
  void begin() {
    if (in_.getVersion() == Poco::Net::HTTPMessage::HTTP_1_1) {
      out_.setChunkedTransferEncoding(true);
    } else {
      out_.setKeepAlive(false);   // the end of the connection is the end of the body
    }
    body_ = &out_.send();
  }

  Poco::Net::HTTPServerRequest& in_;
  Poco::Net::HTTPServerResponse& out_;
  std::ostream* body_ = nullptr;
  std::string held_;
};

class PocoHandler final : public Poco::Net::HTTPRequestHandler {
 public:
  PocoHandler(const Handler& handler, const telemetry::Log& log) : handler_(handler), log_(log) {}

  void handleRequest(Poco::Net::HTTPServerRequest& in, Poco::Net::HTTPServerResponse& out) override {
    // Whatever goes wrong, the client gets an answer: without send() Poco closes the connection silently.
    Response response;
    bool is_whole = true;
    try {
      Request request;
      std::optional<Response> refusal = refused_header(in);
      if (!refusal && !read(in, request)) {
        refusal = problem(413, "server.body_too_large", fmt::format("the body has more than {} bytes", kBodyBytesMax));
      }
      is_whole = !refusal;
      response = refusal ? std::move(*refusal) : handler_(request);
    } catch (const Poco::Exception& error) {
      log_.error("request failed", {{"error", error.displayText()}});
      response = problem(500, "server.internal", "the request could not be handled");
    } catch (const std::exception& error) {
      log_.error("request failed", {{"error", error.what()}});
      response = problem(500, "server.internal", "the request could not be handled");
    } catch (...) {
      log_.error("request failed", {{"error", "something that is no exception was thrown"}});
      response = problem(500, "server.internal", "the request could not be handled");
    }
    if (response.stream && in.getMethod() != "HEAD") {
      write_stream(response, in, out);
    } else {
      write(response, in.getMethod() == "HEAD", is_whole, out);
    }
  }

 private:
  static std::optional<Response> refused_header(const Poco::Net::HTTPServerRequest& in) {
    const std::string& method = in.getMethod();
    const bool is_http = in.getVersion() == Poco::Net::HTTPMessage::HTTP_1_1 || in.getVersion() == Poco::Net::HTTPMessage::HTTP_1_0;
    const bool is_word = !method.empty() && std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!is_http || !is_word || !in.getURI().starts_with('/')) {
      return problem(400, "server.request_invalid", "this is no HTTP/1.1 request for a path of this server");
    }
    std::size_t bytes = in.getURI().size();
    for (const auto& [name, value] : in) bytes += name.size() + value.size();
    if (bytes <= kHeaderBytesMax && in.size() <= kHeadersMax) return std::nullopt;
    return problem(431, "server.header_too_large",
                   fmt::format("address and headers have more than {} bytes, or there are more than {} headers", kHeaderBytesMax, kHeadersMax));
  }

  /// False if the body is above its limit; then it is not read to its end.
  static bool read(Poco::Net::HTTPServerRequest& in, Request& request) {
    request.method = in.getMethod();
    const std::string& uri = in.getURI();
    const auto question = uri.find('?');
    request.path = uri.substr(0, question);
    if (question != std::string::npos) request.raw_query = uri.substr(question + 1);
    request.query = parse_query(request.raw_query);
    for (const auto& [name, value] : in) request.headers.emplace_back(lower_ascii(name), value);
    request.peer = in.clientAddress().host().toString();
    // Without a length there is no body: reading one all the same would wait for the time-out.
    if (!in.hasContentLength() && !in.getChunkedTransferEncoding()) return true;
    if (in.hasContentLength() && in.getContentLength64() > static_cast<Poco::Int64>(kBodyBytesMax)) return false;
    char buffer[8192];
    std::istream& body = in.stream();
    while (body.read(buffer, sizeof buffer) || body.gcount() > 0) {
      request.body.append(buffer, static_cast<std::size_t>(body.gcount()));
      if (request.body.size() > kBodyBytesMax) return false;
    }
    return true;
  }

  void write_stream(Response& response, Poco::Net::HTTPServerRequest& in, Poco::Net::HTTPServerResponse& out) {
    write_head(response, out);
    BodyStream stream(in, out);
    Status ended = success();
    try {
      ended = response.stream([&](std::string_view piece) { return stream.write(piece); });
    } catch (const Poco::Exception& error) {
      ended = make_error(Code::kUnavailable, "server.internal", error.displayText());
    } catch (const std::exception& error) {
      ended = make_error(Code::kInternal, "server.internal", error.what());
    }
    if (!stream.has_begun()) {
      if (!ended.ok()) {
        log_.error("request failed", ended.error());
        response = problem(500, ended.error().reason, ended.error().message);
      } else {
        response.body = stream.take_held();
      }
      response.stream = {};
      return write(response, false, ended.ok(), out);
    }
    if (ended.ok()) return stream.finish();
    log_.warning("an answer was cut", {{"reason", ended.error().reason}, {"error", ended.error().message}});
    stream.cut();
  }

  static void write(const Response& response, bool is_head, bool keep_alive, Poco::Net::HTTPServerResponse& out) {
    write_head(response, out);
    if (!keep_alive) out.setKeepAlive(false);
    // Whoever asks for the head of a streamed answer is not told a length that nobody knows.
    if (!response.stream) out.setContentLength64(static_cast<Poco::Int64>(response.body.size()));
    std::ostream& body = out.send();
    if (!is_head) body << response.body;
  }

  static void write_head(const Response& response, Poco::Net::HTTPServerResponse& out) {
    out.setVersion(Poco::Net::HTTPMessage::HTTP_1_1);
    out.setStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(response.status));
    out.setReason(Poco::Net::HTTPResponse::getReasonForStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(response.status)));
    out.setContentType(response.content_type);
    out.set("X-Content-Type-Options", "nosniff");
    out.set("Referrer-Policy", "no-referrer");
    out.set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'");
    out.set("Cache-Control", "no-store");
    for (const auto& [name, value] : response.headers) out.set(name, value);
  }

  const Handler& handler_;
  const telemetry::Log& log_;
};

class PocoFactory final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  PocoFactory(const Handler& handler, const telemetry::Log& log) : handler_(handler), log_(log) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override {
    return new PocoHandler(handler_, log_);   // owned by Poco
  }

 private:
  const Handler& handler_;
  const telemetry::Log& log_;
};

}  // namespace

std::string_view Request::header(std::string_view name) const { return first_of(headers, name); }
std::string_view Request::argument(std::string_view name) const { return first_of(query, name); }

Pairs parse_query(std::string_view raw) {
  Pairs pairs;
  for (const std::string& part : split(raw, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    pairs.emplace_back(percent_decode(part.substr(0, equals), true),
                       equals == std::string::npos ? std::string() : percent_decode(part.substr(equals + 1), true));
  }
  return pairs;
}

struct Server::Impl {
  ServerOptions options;
  Handler handler;
  Poco::ThreadPool pool{"http", 2, static_cast<int>(kThreadsMax)};
  std::unique_ptr<Poco::Net::HTTPServer> server;
};

Server::Server(ServerOptions options, Handler handler) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->handler = std::move(handler);
}

Server::~Server() { stop(); }

Status Server::start() {
  try {
    Poco::Net::ServerSocket socket;
    const Poco::Net::SocketAddress address(impl_->options.host, impl_->options.port);
    // Without SO_REUSEPORT: a second host on the same port must fail, not share it silently.
    socket.bind(address, true, false);
    socket.listen(static_cast<int>(kQueuedMax));
    Poco::Net::HTTPServerParams::Ptr parameters = new Poco::Net::HTTPServerParams;
    parameters->setMaxQueued(static_cast<int>(kQueuedMax));
    parameters->setMaxThreads(static_cast<int>(kThreadsMax));
    parameters->setTimeout(Poco::Timespan(kRequestTimeout.count(), 0));
    parameters->setKeepAliveTimeout(Poco::Timespan(kIdleTimeout.count(), 0));
    parameters->setSoftwareVersion("berth");
    impl_->server = std::make_unique<Poco::Net::HTTPServer>(new PocoFactory(impl_->handler, impl_->options.log), impl_->pool, socket, parameters);
    impl_->server->start();
    return success();
  } catch (const Poco::Exception& error) {
    return make_error(Code::kEnvironment, "server.listen",
                      fmt::format("cannot listen on {}:{}: {}", impl_->options.host, impl_->options.port,
                                  error.message().substr(0, error.message().find(": "))));
  }
}

void Server::stop() {
  if (impl_ == nullptr || impl_->server == nullptr) return;
  impl_->server->stopAll(true);
  impl_->pool.joinAll();
  impl_->server.reset();
}

std::uint16_t Server::port() const { return impl_->server == nullptr ? std::uint16_t{0} : impl_->server->port(); }

}  // namespace berth::server
