#pragma once
// The body of an answer, read to its end, and what proves that it is whole: Poco takes one that was cut off for one that
// ended. Private to the transport.
#include <Poco/Net/HTTPResponse.h>

#include <iosfwd>

#include "host/http/poco_connection.hpp"
#include "host/http/url.hpp"

namespace berth::http {

/// `answer` has the headers, `in` the body. `reusable` becomes true where the connection stands after the last byte.
/// Errors: http.too_large, http.too_slow, http.truncated, http.body_broken, http.encoding_unknown, those of inflate.hpp.
Result<Response> read_answer(const Request& request, const Url& url, Connection& connection, const Poco::Net::HTTPResponse& answer,
                             std::istream& in, bool& reusable);

}  // namespace berth::http
