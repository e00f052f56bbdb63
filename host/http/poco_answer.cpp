#include "host/http/poco_answer.hpp"

#include <Poco/Exception.h>

#include <array>
#include <istream>

#include "host/core/text.hpp"
#include "host/http/inflate.hpp"
#include "host/http/transport_errors.hpp"

namespace berth::http {
namespace {

/// Poco stops at a chunk size that it cannot read, as if the body ended there. A body that really ended stands behind
/// the line of a chunk of size 0 and one more line.
bool ends_with_last_chunk(const Wire& wire, std::size_t unread) {
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
Result<std::int64_t> stated_length(const net::HTTPResponse& answer, const Url& url) {
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

}  // namespace

Result<Response> read_answer(const Request& request, const Url& url, Connection& connection, const net::HTTPResponse& answer,
                             std::istream& in, bool& reusable) {
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

}  // namespace berth::http
