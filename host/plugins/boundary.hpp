#pragma once
// The rules of the plugin boundary: how large things may be and what text is. Both runners judge by these functions.
// Pure; any thread. Errors: sdk.record_too_large, sdk.record_not_json, sdk.record_invalid, sdk.ref_invalid,
// sdk.unknown_entity, sdk.cursor_too_large, sdk.cursor_not_json, sdk.attachment_too_large, sdk.attachment_invalid,
// sdk.batch_too_large, sdk.body_too_large, sdk.request_invalid, sdk.known_too_large, sdk.text_invalid,
// sdk.organization_invalid; the code is always kInternal, a bug of the plugin.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/plugins/runner.hpp"

namespace berth::plugins {

struct Descriptor;

namespace limits {

inline constexpr std::size_t kRecordBytes = 8u << 20u;
inline constexpr std::size_t kRecordsBetweenCheckpoints = 1'000;
inline constexpr std::size_t kBytesBetweenCheckpoints = 8u << 20u;
inline constexpr std::size_t kWantedBetweenCheckpoints = 10'000;
inline constexpr std::size_t kFilesBetweenCheckpoints = 1'000;
inline constexpr std::size_t kFileBytesBetweenCheckpoints = 512u << 20u;
inline constexpr std::size_t kPostedInARow = 100'000;       // calls without an answer, before one that has one
inline constexpr std::size_t kStderrBytes = 16u << 20u;     // of one call; more ends the worker
inline constexpr std::size_t kBodyBytes = 15u << 20u;
inline constexpr std::size_t kAttachmentBytes = 15u << 20u;
inline constexpr std::size_t kCursorBytes = 64u << 10u;
inline constexpr std::size_t kLogBytes = 16u << 10u;
inline constexpr std::size_t kLogLines = 10'000;  // of one call; the rest is dropped, and that is said
inline constexpr std::size_t kBatchRequests = 256;
inline constexpr std::size_t kBatchBytes = 16u << 20u;  // all requests of a batch together
inline constexpr std::size_t kPairs = 256;              // query parameters or headers of one request
inline constexpr std::size_t kKnownRefs = 1'000;
inline constexpr std::size_t kNextDetails = 1'000;  // more are not handed out at once
inline constexpr std::size_t kRefBytes = 1'024;     // entity, id and version of a ref, each
inline constexpr std::size_t kNameBytes = 256;      // names of parts, files, media types
inline constexpr std::int32_t kPriorityMax = 500;   // above it is the host's
inline constexpr std::size_t kOrganizations = 1'000;
inline constexpr std::size_t kOrganizationBytes = 64u << 10u;

}  // namespace limits

/// A bug of the plugin with reason `sdk.…`.
[[nodiscard]] Error plugin_bug(std::string reason, std::string message);

/// Text that may cross: UTF-8, without NUL, at most `bytes_max`. `what` names it in the message.
[[nodiscard]] Status check_text(std::string_view text, std::string_view what, std::size_t bytes_max);
[[nodiscard]] Status check_ref(const Ref& ref, const Descriptor& descriptor);

// Sizes alone: cheap, and judged on the plugin's side of a pipe, before anything is copied or sent.
[[nodiscard]] Status check_record_size(std::string_view json);
[[nodiscard]] Status check_cursor_size(std::string_view cursor_json);
[[nodiscard]] Status check_attachment_size(std::string_view bytes);
[[nodiscard]] Status check_batch_count(std::size_t count);
[[nodiscard]] Status check_batch_size(std::span<const HttpRequest> requests);
[[nodiscard]] Status check_known_size(std::size_t count);

// Everything, sizes too: judged by the host.
[[nodiscard]] Status check_record(const EmittedRecord& record, const Descriptor& descriptor);
[[nodiscard]] Status check_cursor(std::string_view cursor_json);
[[nodiscard]] Status check_batch(std::span<const HttpRequest> requests);
[[nodiscard]] Status check_attachment(const Ref& ref, std::string_view name, std::string_view media_type,
                                      std::string_view bytes, const Descriptor& descriptor);
[[nodiscard]] Status check_organization(const Organization& organization);

}  // namespace berth::plugins
