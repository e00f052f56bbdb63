#pragma once
// What an exchange that went wrong is called: the reasons of transport.hpp, each with the server's name. Private to the
// transport. Any thread.
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/http/url.hpp"

namespace berth::http {

[[nodiscard]] Error cancelled();
[[nodiscard]] Error timed_out(const Url& url, std::string_view where);
[[nodiscard]] Error too_slow(const Url& url, std::string_view what);
[[nodiscard]] Error truncated(const Url& url, const std::string& where);
[[nodiscard]] Error broken(const Url& url, const std::string& why);

/// How far an exchange had come.
enum class Phase { kConnect, kTls, kHead };
/// The exception in flight as one of these reasons. Called inside a catch block. `certificate`: OpenSSL's reason for
/// refusing the server's, "" without one.
[[nodiscard]] Error translate(Phase phase, const Url& url, const std::string& certificate = {});

}  // namespace berth::http
