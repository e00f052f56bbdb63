// The transport over Poco's client sessions, with a guard for each thing that they do not do by themselves: whole
// bodies, total deadlines, a pool, checked reuse, gzip, header checks, strict certificates with their reason.
#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/InvalidCertificateHandler.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/SecureStreamSocketImpl.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <Poco/Net/VerificationErrorArgs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>

#include "host/core/text.hpp"
#include "host/http/inflate.hpp"
#include "host/http/interrupt.hpp"
#include "host/http/transport.hpp"
#include "host/http/url.hpp"

namespace berth::http {
namespace {

using Time = std::chrono::steady_clock::time_point;
namespace net = Poco::Net;

constexpr int kAddressesMax = 8;
constexpr int kAnswerHeadersMax = 100;
/// Enough for the last lines of a chunked body.
constexpr std::size_t kTailBytes = 1'024;
/// Enough for the beginning of every answer.
constexpr std::string_view kHttp = "HTTP/";
constexpr std::size_t kHeadBytes = kHttp.size();

/// What came in on a connection since the exchange began.
struct Wire {
  bool ended = false;  // the peer closed, or reading failed
  std::size_t bytes = 0;
  std::string head;  // the first kHeadBytes
  std::string tail;  // the last kTailBytes
  void received(const void* data, int count) {
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
  int write(const char* buffer, std::streamsize length) override { return net::HTTPSession::write(buffer, length); }
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
  ~Connection() {
    session.reset();
    if (descriptor >= 0) ::close(descriptor);
  }
};

/// OpenSSL's reason for refusing a certificate arrives on the thread of the handshake, through a handler of the
/// context.
thread_local std::string certificate_reason;

class CertificateReasons final : public net::InvalidCertificateHandler {
 public:
  CertificateReasons() : net::InvalidCertificateHandler(false) {}
  void onInvalidCertificate(const void*, net::VerificationErrorArgs& error) override {
    certificate_reason = error.errorMessage();
    error.setIgnoreError(false);
  }
};

Error cancelled() {
  return make_error(Code::kCancelled, "http.cancelled", "The request was stopped.");
}

Error timed_out(const Url& url, std::string_view where) {
  return make_error(Code::kUnavailable, "http.timeout",
                    "No answer from " + url.authority() + " in time (" + std::string(where) + ").");
}

Error too_slow(const Url& url, std::string_view what) {
  return make_error(Code::kUnavailable, "http.too_slow",
                    url.authority() + " began to answer, but " + std::string(what) + " did not come in time.");
}

std::chrono::milliseconds shorter(std::chrono::milliseconds wanted, std::chrono::milliseconds most) {
  return wanted.count() > 0 ? std::min(wanted, most) : most;
}

Poco::Timespan timespan(std::chrono::milliseconds time) {
  return {std::chrono::duration_cast<std::chrono::microseconds>(time).count()};
}

enum class Phase { kConnect, kTls, kHead, kBody };

/// An exception of Poco's as one of our reasons. Called inside a catch block.
Error translate(Phase phase, const Url& url) {
  const auto at = url.authority();
  try {
    throw;
  } catch (const Poco::TimeoutException&) {
    return timed_out(url, phase == Phase::kConnect ? "connecting" : phase == Phase::kTls ? "TLS" : "reading");
  } catch (const net::SSLConnectionUnexpectedlyClosedException&) {
    if (phase == Phase::kTls) {
      return make_error(Code::kUnavailable, "http.tls", at + " ended the connection during the TLS handshake.");
    }
    return make_error(Code::kUnavailable, "http.closed", at + " ended the connection before it answered.");
  } catch (const net::SSLException& e) {
    std::string why = certificate_reason.empty() ? e.displayText() : certificate_reason;
    return make_error(Code::kUnavailable, "http.tls", "No trusted connection to " + at + ": " + why + ".");
  } catch (const net::NoMessageException&) {
    return make_error(Code::kUnavailable, "http.closed", at + " ended the connection before it answered.");
  } catch (const net::MessageException& e) {
    return make_error(Code::kBadResponse, "http.header_too_large",
                      "The headers of the answer from " + at + " are too many or too long (" + e.message() +
                          "); 100 of at most 8 KiB are read.");
  } catch (const Poco::SyntaxException& e) {
    return make_error(Code::kBadResponse, "http.body_broken",
                      "The answer from " + at + " is broken: " + e.displayText() + ".");
  } catch (const Poco::Exception& e) {
    if (phase == Phase::kConnect) {
      return make_error(Code::kUnavailable, "http.connect", "No connection to " + at + ": " + e.displayText() + ".");
    }
    if (phase == Phase::kTls) {
      return make_error(Code::kUnavailable, "http.tls",
                        "No trusted connection to " + at + ": " + e.displayText() + ".");
    }
    return make_error(Code::kUnavailable, "http.closed", at + " ended the connection: " + e.displayText() + ".");
  } catch (const std::exception& e) {
    return make_error(Code::kInternal, "http.internal",
                      "The request to " + at + " failed: " + std::string(e.what()) + ".");
  }
}

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
  Place take(const std::string& origin, bool fresh, Time deadline, const std::stop_token& stop) {
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
  void give_back(const std::string& origin, std::unique_ptr<Connection> connection) {
    {
      const std::scoped_lock lock(mutex_);
      auto& entry = origins_[origin];
      connection->idle_since = std::chrono::steady_clock::now();
      entry.idle.push_back(std::move(connection));
    }
    freed_.notify_all();
  }
  void give_up(const std::string& origin) {
    {
      const std::scoped_lock lock(mutex_);
      --origins_[origin].open;
    }
    freed_.notify_all();
  }

 private:
  /// A connection on which something can be read before anything was asked is closed, or out of step.
  [[nodiscard]] bool is_good(Connection& connection) const {
    if (std::chrono::steady_clock::now() - connection.idle_since > options_.idle_max) return false;
    try {
      return !connection.session->socket().poll(Poco::Timespan(0), net::Socket::SELECT_READ);
    } catch (const Poco::Exception&) {
      return false;
    }
  }
  struct Origin {
    std::size_t open = 0;                           // in use and idle
    std::vector<std::unique_ptr<Connection>> idle;  // the last one used is the next
  };
  const TransportOptions& options_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  std::map<std::string, Origin> origins_;
};

class PocoTransport final : public Transport {
 public:
  explicit PocoTransport(TransportOptions options) : options_(std::move(options)) {
    net::initializeSSL();  // never undone: others in this process use OpenSSL, too
    net::Context::Params parameters;
    parameters.caLocation = options_.ca_file;
    // STRICT also checks the name of a peer on this machine, which RELAXED does not.
    parameters.verificationMode = net::Context::VERIFY_STRICT;
    parameters.loadDefaultCAs = true;
    parameters.cipherList = "HIGH:!aNULL:!MD5:!RC4:!3DES";
    // Poco's default begins with X448, which nobody else prefers and which costs half of the handshakes per second.
    parameters.ecdhCurve = "X25519:P-256:P-384";
    context_ = new net::Context(net::Context::TLS_CLIENT_USE, parameters);
    context_->requireMinimumProtocol(net::Context::PROTO_TLSV1_2);
    context_->setInvalidCertificateHandler(new CertificateReasons);
  }

  Result<Response> send(const Request& request, std::stop_token stop) override {
    const auto deadline =
        std::chrono::steady_clock::now() + shorter(request.total_deadline, options_.timeouts.deadline);
    const auto url = BERTH_TRY(Url::parse(request.url));
    BERTH_CHECK(check(request, url));
    Interruptible exchange;
    const Watchdog::Watch watch(watchdog_, exchange, deadline);
    const std::stop_callback on_stop(stop, [&exchange] { exchange.interrupt(Interruption::kCancelled); });

    // Only a GET is sent on a connection that lay idle: it may be dead in spite of the check, and then the request must
    // be sent again, which only a GET can be.
    const bool repeatable = request.method == "GET" || request.method == "HEAD";
    bool fresh = !repeatable;
    for (;;) {
      auto place = pool_.take(url.origin(), fresh, deadline, stop);
      if (!place.granted) return stop.stop_requested() ? cancelled() : timed_out(url, "waiting for a free connection");
      auto connection = std::move(place.connection);
      if (!connection) {
        auto opened = open(url, request, deadline, exchange);
        if (!opened) {
          pool_.give_up(url.origin());
          return interrupted(exchange, url).value_or(std::move(opened).error());
        }
        connection = std::move(opened).value();
      } else {
        exchange.attach(connection->descriptor);
      }
      bool reusable = false;
      auto response = run(request, url, *connection, reusable);
      exchange.detach();
      auto interruption = interrupted(exchange, url);
      // A server that was on its way is told apart from one that never began.
      if (interruption && interruption->reason == "http.timeout" && connection->wire->bytes > 0) {
        interruption = too_slow(url, "the whole answer");
      }
      const bool stale = connection->reused && connection->wire->bytes == 0;
      if (response && reusable && !interruption) {
        pool_.give_back(url.origin(), std::move(connection));
      } else {
        connection.reset();
        pool_.give_up(url.origin());
      }
      if (response) return response;
      if (interruption) return *interruption;
      if (stale && repeatable && !fresh && response.error().reason == "http.closed") {
        fresh = true;
        continue;
      }
      return response;
    }
  }

 private:
  [[nodiscard]] Status check(const Request& request, const Url& url) const {
    if (!url.is_https() && !(options_.allow_http_loopback && url.is_loopback())) {
      return make_error(Code::kInvalidConfig, "http.url_refused",
                        "Requests go over https only; " + url.origin() + " is refused" +
                            (url.is_loopback() ? " (plain http to this machine is not switched on)." : "."));
    }
    for (const char c : request.method) {
      if (c < 'A' || c > 'Z') return check_header("(method)", request.method);
    }
    if (request.method.empty()) return check_header("", "");
    for (const auto& [name, value] : request.headers) BERTH_CHECK(check_header(name, value));
    BERTH_CHECK(check_header("Authorization", request.authorization.reveal()));
    if (request.body.size() > kBodyBytesMax) {
      return make_error(
          Code::kInternal, "http.too_large",
          "A body of " + std::to_string(request.body.size()) + " bytes is not sent; the limit is 15 MiB.");
    }
    return success();
  }

  static std::optional<Error> interrupted(const Interruptible& exchange, const Url& url) {
    switch (exchange.cause()) {
      case Interruption::kNone:
        return std::nullopt;
      case Interruption::kCancelled:
        return cancelled();
      case Interruption::kTimeout:
        return timed_out(url, "total deadline");
    }
    return std::nullopt;
  }

  Result<std::unique_ptr<Connection>> open(const Url& url, const Request& request, Time deadline,
                                           Interruptible& exchange) {
    const auto connect_deadline = std::min(deadline, std::chrono::steady_clock::now() + shorter(request.connect_timeout, options_.timeouts.connect));
    std::vector<net::IPAddress> addresses;
    try {
      net::IPAddress literal;
      if (net::IPAddress::tryParse(url.host, literal)) {
        addresses.push_back(literal);
      } else {
        addresses = net::DNS::hostByName(url.host).addresses();
      }
    } catch (const Poco::Exception&) {
      return translate(Phase::kConnect, url);
    }
    if (addresses.size() > kAddressesMax) addresses.resize(kAddressesMax);
    Error last = make_error(Code::kUnavailable, "http.connect", "The name " + url.host + " has no address.");
    for (const auto& address : addresses) {
      if (!url.is_https() && !address.isLoopback()) {
        return make_error(Code::kInvalidConfig, "http.url_refused",
                          "Plain http goes to this machine only; " + url.host + " is " + address.toString() + ".");
      }
      auto opened = open_at(address, url, connect_deadline, exchange);
      if (opened) return opened;
      last = std::move(opened).error();
      // Only a machine that cannot be reached makes the next address worth a try.
      if (last.reason != "http.connect" || std::chrono::steady_clock::now() >= connect_deadline) break;
    }
    return last;
  }

  Result<std::unique_ptr<Connection>> open_at(const net::IPAddress& address, const Url& url, Time deadline,
                                              Interruptible& exchange) {
    auto phase = Phase::kConnect;
    Interruptible connecting;  // its own deadline, shorter than the exchange's
    const Watchdog::Watch watch(watchdog_, connecting, deadline);
    auto connection = std::make_unique<Connection>();
    // Goes before the connection closes its descriptor, whose number somebody else may then get.
    struct OutOfReach {
      Interruptible& connecting;
      Interruptible& exchange;
      bool keep = false;
      ~OutOfReach() {
        connecting.detach();
        if (!keep) exchange.detach();
      }
    } reach{connecting, exchange};
    try {
      const net::SocketAddress target(address, url.port);
      auto* plain = new Watched<net::StreamSocketImpl>(connection->wire, target.family());  // Poco counts references
      Handle socket(plain);
      connection->descriptor = ::dup(plain->sockfd());
      exchange.attach(connection->descriptor);
      connecting.attach(connection->descriptor);
      const auto left =
          std::chrono::duration_cast<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return timed_out(url, "connecting");
      plain->connect(target, Poco::Timespan(left.count()));
      plain->setNoDelay(true);
      if (url.is_https()) {
        phase = Phase::kTls;
        certificate_reason.clear();
        auto* secure = new Watched<net::SecureStreamSocketImpl>(connection->wire, plain, context_);
        Handle secure_socket(secure);
        secure->setPeerHostName(url.host);
        secure->handshake();
        connection->session = std::make_unique<Session>(secure_socket);
      } else {
        connection->session = std::make_unique<Session>(socket);
      }
      connection->session->setKeepAlive(true);
    } catch (const std::exception&) {
      if (connecting.cause() == Interruption::kTimeout)
        return timed_out(url, phase == Phase::kTls ? "TLS" : "connecting");
      return translate(phase, url);
    }
    connecting.detach();
    if (connecting.cause() == Interruption::kTimeout) return timed_out(url, "connecting");
    reach.keep = true;
    return connection;
  }

  /// One request and its answer. `reusable`: the connection stands after the last byte of the answer.
  Result<Response> run(const Request& request, const Url& url, Connection& connection, bool& reusable) {
    auto& session = *connection.session;
    auto& wire = *connection.wire;
    wire = Wire{};
    bool is_late = false;
    try {
      net::HTTPRequest head(request.method, url.target, net::HTTPMessage::HTTP_1_1);
      head.set("Host", url.authority());
      head.set("User-Agent", options_.user_agent);
      head.set("Accept-Encoding", "gzip");
      for (const auto& [name, value] : request.headers) head.set(name, value);
      if (!request.authorization.empty()) head.set("Authorization", std::string(request.authorization.reveal()));
      head.setKeepAlive(true);
      if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
        head.setContentLength64(static_cast<Poco::Int64>(request.body.size()));
      }
      auto& out = session.sendRequest(head);
      out.write(request.body.data(), static_cast<std::streamsize>(request.body.size()));
      out.flush();
      // A server may answer and close before it has read everything; its answer counts, so writing errors are not
      // final.
      net::HTTPResponse answer;
      answer.setFieldLimit(kAnswerHeadersMax);
      auto& in = receive_head(session, connection.descriptor, answer, is_late);
      if (is_late) return too_slow(url, "its headers");
      if (wire.ended) return truncated(url, "inside its headers");
      // Every receive of the body has this long; Poco's reader is told of no other limit.
      session.socket().setReceiveTimeout(timespan(options_.timeouts.idle));
      return read_answer(request, url, connection, answer, in, reusable);
    } catch (const std::exception&) {
      auto error = translate(Phase::kHead, url);
      if (is_late || error.reason == "http.timeout") {
        return wire.bytes > 0 ? too_slow(url, "its headers") : timed_out(url, "no answer began");
      }
      if (wire.head.size() == kHeadBytes && wire.head != kHttp) {
        return make_error(Code::kBadResponse, "http.not_http",
                          "What " + url.authority() + " sent is no HTTP answer.");
      }
      if (error.reason == "http.closed" && wire.bytes > 0) return truncated(url, "inside its headers");
      return error;
    }
  }

  /// The headers have a time of their own, which a server that sends one byte now and then cannot stretch.
  std::istream& receive_head(Session& session, int descriptor, net::HTTPResponse& answer, bool& is_late) {
    session.socket().setReceiveTimeout(timespan(options_.timeouts.header));
    Interruptible waiting;
    const Watchdog::Watch watch(watchdog_, waiting, std::chrono::steady_clock::now() + options_.timeouts.header);
    waiting.attach(descriptor);
    struct Detached {
      Interruptible& waiting;
      bool& is_late;
      ~Detached() {
        waiting.detach();
        is_late = waiting.cause() == Interruption::kTimeout;
      }
    } const detached{waiting, is_late};
    return session.receiveResponse(answer);
  }

  static Error truncated(const Url& url, const std::string& where) {
    return make_error(Code::kUnavailable, "http.truncated",
                      "The answer from " + url.authority() + " was cut off " + where + ".");
  }
  static Error broken(const Url& url, const std::string& why) {
    return make_error(Code::kBadResponse, "http.body_broken", "The answer from " + url.authority() + " " + why + ".");
  }

  /// Poco stops at a chunk size that it cannot read, as if the body ended there. A body that really ended stands behind
  /// the line of a chunk of size 0 and one more line.
  static bool ends_with_last_chunk(const Wire& wire, std::size_t unread) {
    if (unread >= wire.tail.size()) return false;
    std::string_view read(wire.tail);
    read.remove_suffix(unread);
    if (!read.ends_with('\n')) return false;
    const auto before = read.rfind('\n', read.size() - 2);
    if (before == std::string_view::npos || before == 0) return false;
    const auto begin = read.rfind('\n', before - 1);
    const auto line = read.substr(begin == std::string_view::npos ? 0 : begin + 1, before - (begin + 1));
    const auto size = line.find_first_not_of('0');
    return line.starts_with('0') && (size == std::string_view::npos || line[size] == '\r' || line[size] == ';');
  }

  /// The one length that all Content-Length headers state; -1 without any.
  static Result<std::int64_t> stated_length(const net::HTTPResponse& answer, const Url& url) {
    std::int64_t length = -1;
    for (const auto& [name, value] : answer) {
      if (lower_ascii(name) != "content-length") continue;
      const auto text = trim(value);
      if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string_view::npos) {
        return broken(url, "has the Content-Length \"" + shortened(value, 40) + "\"");
      }
      const auto number = static_cast<std::int64_t>(std::stoll(std::string(text)));
      if (length >= 0 && length != number) return broken(url, "has two different Content-Length headers");
      length = number;
    }
    return length;
  }

  static Result<Response> read_answer(const Request& request, const Url& url, Connection& connection,
                                      const net::HTTPResponse& answer, std::istream& in, bool& reusable) {
    Response response;
    response.status = static_cast<int>(answer.getStatus());
    for (const auto& [name, value] : answer) response.headers.emplace_back(lower_ascii(name), value);
    const auto length = BERTH_TRY(stated_length(answer, url));
    const bool chunked = answer.getChunkedTransferEncoding();
    if (!chunked && answer.has("Transfer-Encoding")) {
      return broken(url, "has the unknown transfer encoding \"" + shortened(answer.getTransferEncoding(), 40) + "\"");
    }
    const bool has_body = request.method != "HEAD" && response.status != 204 && response.status != 304;
    const auto too_large = [&] {
      return make_error(Code::kBadResponse, "http.too_large",
                        "The answer from " + url.authority() + " is larger than " +
                            std::to_string(request.max_body_bytes) + " bytes.");
    };
    if (has_body && !chunked && length > static_cast<std::int64_t>(request.max_body_bytes)) return too_large();
    if (has_body && !chunked && length > 0) response.body.reserve(static_cast<std::size_t>(length));
    std::array<char, 16'384> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    while (has_body && in) {
      in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      const auto got = static_cast<std::size_t>(in.gcount());
      if (response.body.size() + got > request.max_body_bytes) return too_large();
      response.body.append(piece.data(), got);
    }

    // A body that ends early is no error for Poco, so whether it is whole is decided here.
    auto& session = *connection.session;
    const auto& wire = *connection.wire;
    if (dynamic_cast<const Poco::TimeoutException*>(session.networkException()) != nullptr) {
      return too_slow(url, "the rest of its body");
    }
    bool ends_cleanly = !has_body;
    if (has_body && chunked) {
      // After the last chunk nothing is read any more; a connection that was read to its end had no last chunk.
      if (wire.ended) return truncated(url, "inside a chunked body");
      if (!ends_with_last_chunk(wire, session.unread())) return broken(url, "has a broken chunked body");
      ends_cleanly = length < 0;
    } else if (has_body && length >= 0) {
      if (static_cast<std::int64_t>(response.body.size()) < length) {
        return truncated(url,
                         "after " + std::to_string(response.body.size()) + " of " + std::to_string(length) + " bytes");
      }
      ends_cleanly = true;
    } else if (has_body && session.networkException() != nullptr) {
      return truncated(url, "inside a body without a length");
    }
    reusable = ends_cleanly && answer.getKeepAlive() && !wire.ended && session.unread() == 0;

    const auto encoding = lower_ascii(trim(answer.get("Content-Encoding", "")));
    if (!response.body.empty() && (encoding == "gzip" || encoding == "x-gzip")) {
      auto content = inflate_gzip(response.body, request.max_inflated_bytes);
      if (!content) {
        auto error = std::move(content).error();
        error.message = "The answer from " + url.authority() + " " + error.message;
        return error;
      }
      response.body = std::move(content).value();
    } else if (!encoding.empty() && encoding != "identity" && !response.body.empty()) {
      return make_error(Code::kBadResponse, "http.encoding_unknown",
                        "The answer from " + url.authority() + " is packed as \"" + shortened(encoding, 40) +
                            "\", which was not asked for; only gzip is.");
    }
    return response;
  }

  const TransportOptions options_;
  net::Context::Ptr context_;
  Pool pool_{options_};
  Watchdog watchdog_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_poco_transport(TransportOptions options) {
  const auto ca_file = options.ca_file;
  try {
    return std::unique_ptr<Transport>(std::make_unique<PocoTransport>(std::move(options)));
  } catch (const std::exception& e) {
    return make_error(
        Code::kInvalidConfig, "http.tls",
        "TLS cannot be set up" + (ca_file.empty() ? "" : " with the CA file " + ca_file) + ": " + e.what() + ".");
  }
}

}  // namespace berth::http
