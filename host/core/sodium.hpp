#pragma once
// libsodium must be initialised once before its random source is used. Private to host/core.

namespace berth {

/// Initialises libsodium; stops the process where the kernel offers no randomness. [any thread]
void ensure_sodium();

}  // namespace berth
