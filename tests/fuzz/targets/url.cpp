// URLs: what is taken has one spelling, and its host is what a reader without any cleverness finds. Input: the URL.
#include "host/http/url.hpp"
#include "fuzz/fuzz.hpp"
#include "host/core/text.hpp"

namespace berth::fuzz {

void fuzz_url(std::string_view input) {
  const auto parsed = http::Url::parse(input);
  if (!parsed.ok()) {
    FUZZ_CHECK(parsed.error().reason == "http.url_refused", parsed.error().reason);
    return;
  }
  const http::Url& url = *parsed;
  const std::string shown(input);
  FUZZ_CHECK(is_one_line(input), "a URL with characters that no URL has");
  FUZZ_CHECK(url.scheme == "https" || url.scheme == "http", shown);
  FUZZ_CHECK(url.port != 0 && !url.host.empty() && url.target.starts_with('/'), shown);
  FUZZ_CHECK(url.host == lower_ascii(url.host), shown);
  FUZZ_CHECK(url.host.find_first_of("/?#@\\ %[]") == std::string::npos, shown);
  // The naive reading: between "://" and the first "/" or "?" stands the host, in brackets or up to a colon.
  const std::string lower = lower_ascii(input);
  std::string_view authority = std::string_view(lower).substr(lower.find("://") + 3);
  authority = authority.substr(0, authority.find_first_of("/?"));
  const std::string naive(authority.starts_with('[') ? authority.substr(1, authority.find(']') - 1)
                                                     : authority.substr(0, authority.find(':')));
  FUZZ_CHECK(naive == url.host, shown + " goes to " + url.host);
  if (url.is_loopback() && url.host.find(':') == std::string::npos)
    FUZZ_CHECK(url.host == "localhost" || url.host.starts_with("127."), shown);

  const auto again = http::Url::parse(url.origin() + url.target);
  FUZZ_CHECK(again.ok(), url.origin() + url.target);
  FUZZ_CHECK(again->scheme == url.scheme && again->host == url.host && again->port == url.port &&
                 again->target == url.target && again->origin() == url.origin(),
             url.origin() + url.target);
  // Escapes: decoding what was encoded gives the text back, whatever it is.
  FUZZ_CHECK(percent_decode(percent_encode(input)) == input, shown);
}

}  // namespace berth::fuzz
