// The transport over Poco's client sessions, with a guard for each thing that they do not do by themselves: total
// deadlines, checked reuse (poco_connection.hpp), whole bodies and gzip (poco_answer.hpp), header checks, strict
// certificates with their reason.
#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/InvalidCertificateHandler.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/VerificationErrorArgs.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <system_error>

#include "host/http/interrupt.hpp"
#include "host/http/poco_answer.hpp"
#include "host/http/poco_connection.hpp"
#include "host/http/transport.hpp"
#include "host/http/transport_errors.hpp"
#include "host/http/url.hpp"

namespace berth::http {
namespace {

constexpr int kAddressesMax = 8;
constexpr int kAnswerHeadersMax = 100;

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

std::chrono::milliseconds shorter(std::chrono::milliseconds wanted, std::chrono::milliseconds most) {
  return wanted.count() > 0 ? std::min(wanted, most) : most;
}

Poco::Timespan timespan(std::chrono::milliseconds time) {
  return {std::chrono::duration_cast<std::chrono::microseconds>(time).count()};
}

class PocoTransport final : public Transport {
 public:
  explicit PocoTransport(TransportOptions options) : options_(std::move(options)) {
    if (!options_.ca_file.empty()) static_cast<void>(tls());   // a wrong file is told before the first request
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

  /// Made with the first https connection: reading the system's certificates takes longer than most commands. Throws.
  net::Context::Ptr tls() {
    std::call_once(tls_made_, [this] {
      net::initializeSSL();  // never undone: others in this process use OpenSSL, too
      net::Context::Params parameters;
      parameters.caLocation = options_.ca_file;
      // STRICT also checks the name of a peer on this machine, which RELAXED does not.
      parameters.verificationMode = net::Context::VERIFY_STRICT;
      parameters.loadDefaultCAs = true;
      parameters.cipherList = "HIGH:!aNULL:!MD5:!RC4:!3DES";
      // Poco's default begins with X448, which nobody else prefers and which costs half of the handshakes per second.
      parameters.ecdhCurve = "X25519:P-256:P-384";
      net::Context::Ptr context = new net::Context(net::Context::TLS_CLIENT_USE, parameters);
      context->requireMinimumProtocol(net::Context::PROTO_TLSV1_2);
      context->setInvalidCertificateHandler(new CertificateReasons);
      tls_ = std::move(context);
    });
    return tls_;
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
        auto* secure = new Watched<net::SecureStreamSocketImpl>(connection->wire, plain, tls());
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
      return translate(phase, url, certificate_reason);
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

  const TransportOptions options_;
  std::once_flag tls_made_;
  net::Context::Ptr tls_;
  Pool pool_{options_};
  Watchdog watchdog_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_poco_transport(TransportOptions options) {
  const auto ca_file = options.ca_file;
  try {
    return std::unique_ptr<Transport>(std::make_unique<PocoTransport>(std::move(options)));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::system_error&) {  // no further thread: nothing that TLS could mend
    throw;
  } catch (const std::exception& e) {
    return make_error(
        Code::kInvalidConfig, "http.tls",
        "TLS cannot be set up" + (ca_file.empty() ? "" : " with the CA file " + ca_file) + ": " + e.what() + ".");
  }
}

}  // namespace berth::http
