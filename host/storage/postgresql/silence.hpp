#pragma once
// Whether a server that does not answer is at work or out of reach. A statement may rightly take minutes, such as an index over a large
// table, so it has no limit of its own; but a server that stands still, a connection that a firewall has forgotten or a cable that was
// pulled answer never, and libpq would wait for as long. So the server is asked, on a connection of its own.
//
// Threads: that of the session. Fails never: whatever is not an answer is silence.
#include <chrono>
#include <cstdint>
#include <string>

struct pg_conn;

namespace berth::storage {

/// No call waits longer than both together, and a second, for a server that is silent. So long for connecting: 10 s, or what the address says.
struct SilenceLimits {
  std::chrono::milliseconds silence_max{10'000};   // without a byte of an answer, before the server is asked
  std::chrono::milliseconds probe_max{5'000};      // for it to say that it is at work
};

/// "" where the server works for the session `waiting`, whose process there is `backend` (0: not known), or is reached and does not tell. Else what
/// is wrong: "a new connection to it was not made within 5 s". `address` is the session's, with its password.
std::string silence_of(const pg_conn* waiting, std::int64_t backend, const std::string& address, std::chrono::milliseconds limit);

}  // namespace berth::storage
