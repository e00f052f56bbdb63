// Who may ask what, and what a refusal looks like.
#include "host/admin/router.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::admin;

namespace {

Router sample() {
  Router router([](std::string_view bearer) -> Result<std::optional<Caller>> {
    if (bearer == "admin") return std::optional(Caller{"Ada", true});
    if (bearer == "viewer") return std::optional(Caller{"Vic", false});
    if (bearer == "broken") return make_error(Code::kEnvironment, "storage.busy", "the database is busy");
    return std::optional<Caller>();
  });
  const auto echo = [](const server::Request& request) {
    json::Value parameters = json::Value::object();
    for (const auto& [name, value] : request.parameters) parameters.set(name, value);
    return json_answer(json::Value::object({{"actor", request.actor}, {"parameters", std::move(parameters)}}));
  };
  router.add({"GET", "/open", Access::kPublic, "Open to all", echo, {}});
  router.add({"GET", "/things/{id}", Access::kViewer, "One thing", echo, {}});
  router.add({"PUT", "/things/{id}", Access::kAdmin, "Change it", echo, json::Value::object({{"type", "object"}})});
  router.add({"POST", "/things/{id}/parts/{part}/", Access::kAdmin, "Make a part", echo, {}});
  return router;
}

server::Response ask(const Router& router, const std::string& method, const std::string& path, const std::string& authorization = {}) {
  server::Request request;
  request.method = method;
  request.path = path;
  if (!authorization.empty()) request.headers.emplace_back("authorization", authorization);
  return router.handle(request);
}

std::string reason_of(const server::Response& response) {
  CHECK(response.content_type == "application/problem+json");
  const json::Value body = json::parse(response.body).value;
  CHECK(body.find("status")->integer().value_or(0) == response.status);
  CHECK(!body.text_of("detail").empty());
  return std::string(body.text_of("reason"));
}

}  // namespace

TEST_CASE("D20: without a token 401, with an unknown one 401, with too little right 403") {
  const Router router = sample();
  for (const char* authorization : {"", "Basic YWRtaW46", "bearer admin", "admin"}) {
    CAPTURE(authorization);
    const server::Response response = ask(router, "GET", "/things/7", authorization);
    CHECK(response.status == 401);
    CHECK(reason_of(response) == "admin.token_missing");
    CHECK(response.headers.front() == std::pair<std::string, std::string>("WWW-Authenticate", "Bearer"));
  }
  CHECK(ask(router, "GET", "/things/7", "Bearer nobody").status == 401);
  CHECK(reason_of(ask(router, "GET", "/things/7", "Bearer nobody")) == "admin.token_invalid");
  CHECK(ask(router, "PUT", "/things/7", "Bearer viewer").status == 403);
  CHECK(reason_of(ask(router, "PUT", "/things/7", "Bearer viewer")) == "admin.role");
  CHECK(ask(router, "GET", "/things/7", "Bearer viewer").status == 200);
  CHECK(ask(router, "PUT", "/things/7", "Bearer admin").status == 200);
  CHECK(ask(router, "GET", "/open").status == 200);
  // A token that cannot be looked up is no permission.
  CHECK(ask(router, "GET", "/things/7", "Bearer broken").status == 503);
}

TEST_CASE("an unknown path is 404, a known one with another method 405 with what it takes") {
  const Router router = sample();
  CHECK(ask(router, "GET", "/nothing", "Bearer admin").status == 404);
  CHECK(reason_of(ask(router, "GET", "/nothing")) == "admin.path");
  CHECK(ask(router, "GET", "/things", "Bearer admin").status == 404);
  CHECK(ask(router, "GET", "/things/", "Bearer admin").status == 404);          // an empty parameter
  CHECK(ask(router, "POST", "/things/7/parts/2", "Bearer admin").status == 404);   // the slash at the end counts
  const server::Response response = ask(router, "DELETE", "/things/7", "Bearer admin");
  CHECK(response.status == 405);
  CHECK(reason_of(response) == "admin.method");
  CHECK(response.headers.front() == std::pair<std::string, std::string>("Allow", "GET, PUT"));
}

TEST_CASE("parameters are decoded and the actor is the token's name, HEAD is GET") {
  const Router router = sample();
  const server::Response response = ask(router, "POST", "/things/a%20b/parts/%2Fx/", "Bearer admin");
  REQUIRE(response.status == 200);
  const json::Value body = json::parse(response.body).value;
  CHECK(body.text_of("actor") == "Ada");
  CHECK(body.at_path("parameters.id")->text() == "a b");
  CHECK(body.at_path("parameters.part")->text() == "/x");
  CHECK(ask(router, "HEAD", "/open").status == 200);
}

TEST_CASE("a problem has status, reason, detail, and cause and resolution where they are known") {
  const server::Response known = problem(make_error(Code::kConflict, "runs.paused", "zoho_acme is paused"));
  CHECK(known.status == 409);
  const json::Value body = json::parse(known.body).value;
  CHECK(body.text_of("reason") == "runs.paused");
  CHECK(!body.text_of("cause").empty());
  CHECK(!body.text_of("resolution").empty());
  Error later = make_error(Code::kQuotaExhausted, "berth.quota", "spent");
  later.retry_after_ms = 5000;
  const server::Response spent = problem(later);
  CHECK(spent.status == 503);
  CHECK(json::parse(spent.body).value.find("retry_after_ms")->integer().value_or(0) == 5000);
  CHECK(problem(make_error(Code::kInvalidArgument, "a.b", "x")).status == 400);
  CHECK(problem(make_error(Code::kNotFound, "a.b", "x")).status == 404);
  CHECK(problem(make_error(Code::kForbidden, "a.b", "x")).status == 403);
  CHECK(problem(make_error(Code::kInternal, "a.b", "x")).status == 500);
  CHECK(problem(make_error(Code::kInternal, "a.b", "x"), 424).status == 424);
}

TEST_CASE("the OpenAPI document lists every route with its parameters, role and body") {
  const json::Value document = sample().openapi();
  CHECK(document.text_of("openapi") == "3.1.0");
  const json::Value* paths = document.find("paths");
  REQUIRE(paths != nullptr);
  CHECK(paths->members().size() == 3);
  const json::Value* put = paths->find("/things/{id}")->find("put");
  REQUIRE(put != nullptr);
  CHECK(put->text_of("x-role") == "admin");
  CHECK(put->find("requestBody") != nullptr);
  CHECK(put->find("security") != nullptr);
  CHECK(paths->find("/things/{id}")->find("get")->text_of("x-role") == "viewer");
  CHECK(paths->find("/open")->find("get")->find("security") == nullptr);
  const auto& parameters = paths->find("/things/{id}/parts/{part}/")->find("post")->find("parameters")->items();
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[1].text_of("name") == "part");
}
