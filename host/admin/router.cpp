#include "host/admin/router.hpp"

#include <fmt/format.h>

#include <map>

#include "host/views/explain.hpp"
#include "host/core/text.hpp"

namespace berth::admin {

namespace {

/// The path's parameters if it fits the pattern.
std::optional<std::map<std::string, std::string>> match(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern, '/');
  const auto given = split(path, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  std::map<std::string, std::string> parameters;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{')) {
      if (given[i].empty()) return std::nullopt;
      parameters[wanted[i].substr(1, wanted[i].size() - 2)] = percent_decode(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

int status_of(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kInvalidConfig: return 400;
    case Code::kNotFound: return 404;
    case Code::kConflict:
    case Code::kCancelled: return 409;
    case Code::kForbidden: return 403;
    case Code::kUnauthenticated: return 409;   // of the remote system; a caller without a token gets 401 from the router
    case Code::kQuotaExhausted:
    case Code::kUnavailable:
    case Code::kEnvironment: return 503;
    case Code::kBadResponse: return 502;
    case Code::kUnsupported: return 501;
    case Code::kInternal: return 500;
  }
  return 500;
}

}  // namespace

server::Response json_answer(const json::Value& value, int status) {
  server::Response response;
  response.status = status;
  response.body = json::dump(value) + "\n";
  return response;
}

server::Response problem(const Error& error, int status) {
  json::Value body = json::Value::object(
      {{"status", status}, {"code", to_string(error.code)}, {"reason", error.reason}, {"detail", error.message}});
  views::add_explanation(body, {.reason = error.reason});
  if (error.retry_after_ms >= 0) body.set("retry_after_ms", error.retry_after_ms);
  server::Response response = json_answer(body, status);
  response.content_type = "application/problem+json";
  return response;
}

server::Response problem(const Error& error) { return problem(error, status_of(error.code)); }

server::Response Router::handle(const server::Request& request) const {
  bool path_is_known = false;
  std::string allowed;
  for (const Route& route : routes_) {
    const auto parameters = match(route.pattern, request.path);
    if (!parameters) continue;
    path_is_known = true;
    if (route.method != request.method && !(route.method == "GET" && request.method == "HEAD")) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    server::Request routed = request;
    routed.parameters = *parameters;
    if (route.access != Access::kPublic) {
      constexpr std::string_view kBearer = "Bearer ";
      const std::string_view header = request.header("authorization");
      if (!header.starts_with(kBearer)) {
        server::Response response = problem(make_error(Code::kForbidden, "admin.token_missing", "send `Authorization: Bearer TOKEN`"), 401);
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return response;
      }
      const auto caller = authenticate_(trim(header.substr(kBearer.size())));
      if (!caller.ok()) return problem(caller.error());
      if (!*caller) {
        server::Response response = problem(make_error(Code::kForbidden, "admin.token_invalid", "this token is unknown or revoked"), 401);
        response.headers.emplace_back("WWW-Authenticate", "Bearer error=\"invalid_token\"");
        return response;
      }
      if (route.access == Access::kAdmin && !(*caller)->is_admin) {
        return problem(make_error(Code::kForbidden, "admin.role", "this needs a token with the role admin"), 403);
      }
      routed.actor = (*caller)->name;
    }
    return route.handler(routed);
  }
  if (path_is_known) {
    server::Response response = problem(make_error(Code::kInvalidArgument, "admin.method", fmt::format("{} takes {}", request.path, allowed)), 405);
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  return problem(make_error(Code::kNotFound, "admin.path", fmt::format("there is nothing at {}", request.path)));
}

json::Value Router::openapi() const {
  json::Value paths = json::Value::object();
  for (const Route& route : routes_) {
    json::Value operation = json::Value::object({{"summary", route.summary}});
    json::Value parameters = json::Value::array();
    for (const std::string& part : split(route.pattern, '/')) {
      if (!part.starts_with('{')) continue;
      parameters.push_back(json::Value::object({{"name", part.substr(1, part.size() - 2)},
                                                {"in", "path"},
                                                {"required", true},
                                                {"schema", json::Value::object({{"type", "string"}})}}));
    }
    if (parameters.size() > 0) operation.set("parameters", std::move(parameters));
    if (!route.body_schema.is_null()) {
      operation.set("requestBody",
                    json::Value::object({{"required", true},
                                         {"content", json::Value::object({{"application/json", json::Value::object({{"schema", route.body_schema}})}})}}));
    }
    if (route.access != Access::kPublic) {
      json::Value requirement = json::Value::object({{"bearer", json::Value::array()}});
      json::Value security = json::Value::array();
      security.push_back(std::move(requirement));
      operation.set("security", std::move(security));
      operation.set("x-role", route.access == Access::kAdmin ? "admin" : "viewer");
    }
    operation.set("responses",
                  json::Value::object({{"2XX", json::Value::object({{"description", "The answer"}})},
                                       {"default", json::Value::object({{"description", "A problem: status, reason, detail, resolution"}})}}));
    if (paths.find(route.pattern) == nullptr) paths.set(route.pattern, json::Value::object());
    paths.find(route.pattern)->set(lower_ascii(route.method), std::move(operation));
  }
  return json::Value::object(
      {{"openapi", "3.1.0"},
       {"info", json::Value::object({{"title", "Berth"}, {"version", "1"}})},
       {"paths", std::move(paths)},
       {"components",
        json::Value::object({{"securitySchemes", json::Value::object({{"bearer", json::Value::object({{"type", "http"}, {"scheme", "bearer"}})}})}})}});
}

}  // namespace berth::admin
