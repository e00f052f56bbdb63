#include "host/plugins/boundary.hpp"

#include <fmt/format.h>

#include "berth/abi/abi.h"
#include "berth/json.hpp"
#include "host/core/text.hpp"
#include "host/plugins/descriptor.hpp"

namespace berth::plugins {

namespace {

/// Whether a text is JSON is asked of every record; its tree is of no use here.
/// For texts of which only the correctness is asked.
bool keeps_nothing(std::string_view) { return false; }

Status check_size(std::size_t size, std::size_t limit, std::string_view reason, std::string_view what) {
  if (size <= limit) return success();
  return plugin_bug(std::string(reason), fmt::format("{} has {} bytes, at most {} are taken", what, size, limit));
}

Status check_pairs(const std::vector<std::pair<std::string, std::string>>& pairs, std::string_view what) {
  if (pairs.size() > limits::kPairs) {
    return plugin_bug("sdk.request_invalid",
                      fmt::format("a request has {} {}, at most {} are taken", pairs.size(), what, limits::kPairs));
  }
  for (const auto& [name, value] : pairs) {
    if (name.empty() || !is_valid_utf8(name) || !is_valid_utf8(value)) {
      return plugin_bug("sdk.request_invalid",
                        fmt::format("a request has {} that are not UTF-8 or have no name", what));
    }
  }
  return success();
}

std::string name_of(const Ref& ref) {
  return fmt::format("{} {}", shortened(ref.entity, 80), shortened(ref.remote_id, 80));
}

}  // namespace

Status Services::add_calls(std::span<const HttpRequest>) {
  return make_error(Code::kUnsupported, "plugin.unsupported", "calls cannot be added here; send them in batches");
}

Status Services::take_replies(const std::function<void(HttpReply&&)>&) { return add_calls({}); }

Error plugin_bug(std::string reason, std::string message) {
  return make_error(Code::kInternal, std::move(reason), std::move(message));
}

Status check_text(std::string_view text, std::string_view what, std::size_t bytes_max) {
  BERTH_CHECK(check_size(text.size(), bytes_max, "sdk.text_invalid", what));
  if (is_valid_utf8(text) && text.find('\0') == std::string_view::npos) return success();
  return plugin_bug("sdk.text_invalid", fmt::format("{} is not UTF-8 text or has a NUL in it", what));
}

Status check_ref(const Ref& ref, const Descriptor& descriptor) {
  BERTH_CHECK(check_text(ref.entity, "the entity of a ref", limits::kRefBytes));
  BERTH_CHECK(check_text(ref.remote_id, "the id of a ref", limits::kRefBytes));
  BERTH_CHECK(check_text(ref.version, "the version of a ref", limits::kRefBytes));
  if (ref.remote_id.empty())
    return plugin_bug("sdk.ref_invalid", fmt::format("a ref of entity \"{}\" has no id", ref.entity));
  if (descriptor.entity(ref.entity) == nullptr) {
    return plugin_bug("sdk.unknown_entity",
                      fmt::format("entity \"{}\" is not in the descriptor of plugin {}", ref.entity, descriptor.id));
  }
  return success();
}

Status check_record_size(std::string_view json) {
  return check_size(json.size(), limits::kRecordBytes, "sdk.record_too_large", "a record");
}

Status check_cursor_size(std::string_view cursor_json) {
  return check_size(cursor_json.size(), limits::kCursorBytes, "sdk.cursor_too_large", "a cursor");
}

Status check_attachment_size(std::string_view bytes) {
  return check_size(bytes.size(), limits::kAttachmentBytes, "sdk.attachment_too_large", "an attachment");
}

Status check_known_size(std::size_t count) {
  if (count <= limits::kKnownRefs) return success();
  return plugin_bug("sdk.known_too_large",
                    fmt::format("`known` was asked about {} refs, at most {} at once", count, limits::kKnownRefs));
}

Status check_batch_count(std::size_t count) {
  if (count <= limits::kBatchRequests) return success();
  return plugin_bug("sdk.batch_too_large",
                    fmt::format("a batch has {} requests, at most {} are taken", count, limits::kBatchRequests));
}

Status check_batch_size(std::span<const HttpRequest> requests) {
  BERTH_CHECK(check_batch_count(requests.size()));
  std::size_t all = 0;
  for (const auto& request : requests) {
    BERTH_CHECK(check_size(request.body.size(), limits::kBodyBytes, "sdk.body_too_large", "the body of a request"));
    all += request.body.size() + request.path.size();
    for (const auto& [name, value] : request.query) all += name.size() + value.size();
    for (const auto& [name, value] : request.headers) all += name.size() + value.size();
  }
  return check_size(all, limits::kBatchBytes, "sdk.batch_too_large", "a batch");
}

Status check_record(const EmittedRecord& record, const Descriptor& descriptor) {
  BERTH_CHECK(check_ref(record.ref, descriptor));
  BERTH_CHECK(check_text(record.part, "the part of a record", limits::kNameBytes));
  BERTH_CHECK(check_record_size(record.json));
  if (record.deleted) {
    if (record.json.empty() && !record.list_only && record.part.empty()) return success();
    return plugin_bug("sdk.record_invalid",
                      fmt::format("{} is emitted as deleted, and with a document as well", name_of(record.ref)));
  }
  const auto parsed = json::parse(record.json, {.keeps = keeps_nothing});
  if (!parsed.ok())
    return plugin_bug("sdk.record_not_json",
                      fmt::format("{} is not JSON: {}", name_of(record.ref), parsed.error.message));
  if (record.part.empty() && !parsed.value.is_object()) {
    return plugin_bug("sdk.record_not_json", fmt::format("{} is JSON but not an object", name_of(record.ref)));
  }
  return success();
}

Status check_cursor(std::string_view cursor_json) {
  BERTH_CHECK(check_cursor_size(cursor_json));
  if (cursor_json.empty()) return success();  // the start
  const auto parsed = json::parse(cursor_json, {.keeps = keeps_nothing});
  if (parsed.ok()) return success();
  return plugin_bug("sdk.cursor_not_json", "a cursor is not JSON: " + parsed.error.message);
}

Status check_batch(std::span<const HttpRequest> requests) {
  BERTH_CHECK(check_batch_size(requests));
  for (const auto& request : requests) {
    BERTH_CHECK(check_text(request.method, "the method of a request", limits::kNameBytes));
    BERTH_CHECK(check_text(request.path, "the path of a request", limits::kBatchBytes));
    BERTH_CHECK(check_text(request.cost, "the cost class of a request", limits::kNameBytes));
    BERTH_CHECK(check_pairs(request.query, "query parameters"));
    BERTH_CHECK(check_pairs(request.headers, "headers"));
    if (request.method.empty()) return plugin_bug("sdk.request_invalid", "a request has no method");
    if (request.kind > BERTH_CALL_WRITE) {
      return plugin_bug("sdk.request_invalid", fmt::format("a request has kind {}, the largest known is {}",
                                                           request.kind, int{BERTH_CALL_WRITE}));
    }
  }
  return success();
}

Status check_attachment(const Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes,
                        const Descriptor& descriptor) {
  BERTH_CHECK(check_ref(ref, descriptor));
  BERTH_CHECK(check_text(name, "the name of an attachment", limits::kNameBytes));
  BERTH_CHECK(check_text(media_type, "the media type of an attachment", limits::kNameBytes));
  if (name.empty())
    return plugin_bug("sdk.attachment_invalid", fmt::format("an attachment of {} has no name", name_of(ref)));
  return check_attachment_size(bytes);
}

Status check_organization(const Organization& organization) {
  BERTH_CHECK(check_text(organization.remote_id, "the id of an organisation", limits::kRefBytes));
  BERTH_CHECK(check_text(organization.name, "the name of an organisation", limits::kRefBytes));
  BERTH_CHECK(check_text(organization.json, "the description of an organisation", limits::kOrganizationBytes));
  if (organization.remote_id.empty()) return plugin_bug("sdk.organization_invalid", "an organisation has no id");
  const auto parsed = json::parse(organization.json);
  if (parsed.ok() && parsed.value.is_object()) return success();
  return plugin_bug("sdk.organization_invalid",
                    fmt::format("the description of organisation {} is not a JSON object", organization.remote_id));
}

}  // namespace berth::plugins
