#pragma once
// What the handlers of the REST API are made of; for the files of this folder.
#include <functional>
#include <string_view>
#include <utility>

#include "host/admin/router.hpp"

namespace berth::admin {

[[nodiscard]] inline json::Value text_property(std::string_view what) {
  return json::Value::object({{"type", "string"}, {"description", what}});
}

/// The body as a JSON object. Errors: admin.body.
[[nodiscard]] inline Result<json::Value> body_of(const server::Request& request) {
  json::Parsed parsed = json::parse(request.body);
  if (!parsed.ok()) return make_error(Code::kInvalidArgument, "admin.body", "the body is not JSON: " + parsed.error.message);
  if (!parsed.value.is_object()) return make_error(Code::kInvalidArgument, "admin.body", "the body must be a JSON object");
  return std::move(parsed.value);
}

/// Turns a function that may fail into a handler.
template <class Work>
[[nodiscard]] std::function<server::Response(const server::Request&)> answering(Work work) {
  return [work = std::move(work)](const server::Request& request) -> server::Response {
    const Result<json::Value> result = work(request);
    return result.ok() ? json_answer(*result) : problem(result.error());
  };
}

}  // namespace berth::admin
