#pragma once
// The table of REST endpoints: routes requests, checks roles, and is the OpenAPI document.
//
//   Router router(authenticate);
//   router.add({"GET", "/api/v1/runs/{id}", Access::kViewer, "One run with its report", [&](const auto& r) { ... }});
//   Response response = router.handle(request);
//
// Every answer that is not 2xx is application/problem+json with `reason`, `detail` and, where there is one, `resolution`.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/server/server.hpp"

namespace berth::admin {

enum class Access {
  kPublic,   // nobody is asked: health, OAuth redirect (protected by its state)
  kViewer,   // any valid token
  kAdmin,    // a token with the role admin
};

struct Route {
  std::string method, pattern;       // "/api/v1/runs/{id}"; a trailing slash counts
  Access access = Access::kAdmin;
  std::string summary;               // one sentence, for the OpenAPI document
  std::function<server::Response(const server::Request&)> handler;
  /// JSON Schema of the request's body; null: none.
  json::Value body_schema;
};

/// Who a bearer token belongs to.
struct Caller {
  std::string name;
  bool is_admin = false;
};

class Router {
 public:
  using Authenticate = std::function<Result<std::optional<Caller>>(std::string_view bearer)>;
  explicit Router(Authenticate authenticate) : authenticate_(std::move(authenticate)) {}
  void add(Route route) { routes_.push_back(std::move(route)); }
  [[nodiscard]] server::Response handle(const server::Request& request) const;
  /// OpenAPI 3.1, made from the table.
  [[nodiscard]] json::Value openapi() const;

 private:
  Authenticate authenticate_;
  std::vector<Route> routes_;
};

[[nodiscard]] server::Response json_answer(const json::Value& value, int status = 200);
/// The status follows the code: not_found 404, conflict 409, invalid_argument 400, forbidden 403, ...
[[nodiscard]] server::Response problem(const Error& error);
[[nodiscard]] server::Response problem(const Error& error, int status);

}  // namespace berth::admin
