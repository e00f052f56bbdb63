#pragma once
// Statuses of the C boundary and errors of the host, both ways.
//
// What a service of the host answers becomes a status and a berth_error for the plugin; what a plugin answers becomes
// an Error whose code follows the status. A status this host does not know counts as a bug of the plugin. Text of a
// plugin is never trusted: reasons that are no reason ids, and messages that are not UTF-8, are replaced. Pure
// functions; nothing is thrown.
#include <chrono>
#include <cstdint>
#include <exception>
#include <string_view>

#include "berth/abi/abi.h"
#include "host/core/result.hpp"

namespace berth::plugins {

[[nodiscard]] std::int32_t status_of(Code code);
[[nodiscard]] Code code_of(std::int32_t status);

/// Writes the error into the plugin's memory, cut to its buffers at a character's edge; nothing when `out` is null.
void write_error(const Error& error, berth_error* out);
/// The error of a call that returned `status` (not BERTH_OK) and filled `raw`.
/// `plugin` names the plugin in the message where the plugin gave none.
[[nodiscard]] Error read_error(std::int32_t status, const berth_error& raw, std::string_view plugin);
/// An error whose texts a plugin or its worker wrote: a reason that is no reason id becomes plugin.unnamed_error, the
/// message one line of UTF-8, the advice a wait of at most kRetryAfterMax.
inline constexpr std::chrono::milliseconds kRetryAfterMax = std::chrono::hours(366 * 24);
[[nodiscard]] Error tamed(Error error);
/// An empty error to hand to a plugin: no advice, no text.
[[nodiscard]] berth_error empty_error();

/// A std::exception, std::bad_alloc or anything else that was thrown, as an Error: sdk.out_of_memory, sdk.exception or
/// sdk.unknown_exception. Call it inside a catch block.
[[nodiscard]] Error current_exception_error(std::string_view where);

}  // namespace berth::plugins
