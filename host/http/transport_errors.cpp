#include "host/http/transport_errors.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>

namespace berth::http {

namespace net = Poco::Net;

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

Error truncated(const Url& url, const std::string& where) {
  return make_error(Code::kUnavailable, "http.truncated",
                    "The answer from " + url.authority() + " was cut off " + where + ".");
}

Error broken(const Url& url, const std::string& why) {
  return make_error(Code::kBadResponse, "http.body_broken", "The answer from " + url.authority() + " " + why + ".");
}

Error translate(Phase phase, const Url& url, const std::string& certificate) {
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
    std::string why = certificate.empty() ? e.displayText() : certificate;
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

}  // namespace berth::http
