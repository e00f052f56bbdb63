#pragma once
// A whole host with its REST API in one process, asked without a socket.
#include <doctest/doctest.h>

#include "host/admin/api.hpp"
#include "integration/world.hpp"

namespace berth::integration {

struct Rest : World {
  explicit Rest(WorldOptions options = {.contacts = 4, .items = 3, .invoices = 6, .payments = 3, .credit_notes = 1}) : World(std::move(options)) {
    admin_token = admin::create_token(*database, "Ada", "admin", clock, random).value();
    viewer_token = admin::create_token(*database, "Vic", "viewer", clock, random).value();
  }
  server::Response ask(const std::string& method, const std::string& path, const std::string& body = {}, bool as_viewer = false) {
    server::Request request;
    request.method = method;
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) {
      request.raw_query = path.substr(question + 1);
      request.query = server::parse_query(request.raw_query);
    }
    request.headers.emplace_back("authorization", "Bearer " + (as_viewer ? viewer_token : admin_token));
    request.body = body;
    return api.handle(request);
  }
  /// The same, and what the job that it began came to: its result, or the error in the place of it.
  json::Value job_of(const server::Response& response) {
    REQUIRE_MESSAGE(response.status == 202, response.body);
    const json::Value begun = json_of(response);
    const std::string id(begun.text_of("job"));
    api.jobs().wait(id);
    return json_of(ask("GET", "/api/v1/jobs/" + id, {}, true));
  }
  json::Value result_of(const server::Response& response) {
    const json::Value job = job_of(response);
    REQUIRE_MESSAGE(job.text_of("state") == "done", json::dump(job));
    return *job.find("result");
  }
  /// A streamed body, whole.
  static std::string body_of(const server::Response& response) {
    if (!response.stream) return response.body;
    std::string body;
    const Status ended = response.stream([&](std::string_view piece) {
      body += piece;
      return true;
    });
    REQUIRE_MESSAGE(ended.ok(), (ended.ok() ? "" : ended.error().message));
    return body;
  }
  json::Value json_of(const server::Response& response) {
    json::Parsed parsed = json::parse(response.body);
    REQUIRE_MESSAGE(parsed.ok(), response.body);
    return std::move(parsed.value);
  }
  /// A code as the consent page gives it.
  std::string fresh_code() {
    const std::string query = consent(connector->begin(unit()).value().url);
    for (const auto& [name, value] : server::parse_query(query)) {
      if (name == "code") return value;
    }
    return {};
  }
  std::string connect_body(const std::string& code, const std::string& server = std::string(kOrigin), const std::string& more = {}) {
    return R"({"authorization_code":")" + code + R"(","accounts_server":")" + server + R"(","company_id":"acme_us")" + more + "}";
  }

  std::string admin_token, viewer_token;
  telemetry::Metrics metrics;
  int woken = 0;
  bool is_ready = true;
  admin::Api api{{.config = config,
                  .database = *database,
                  .registry = *registry,
                  .engine = *engine,
                  .connector = *connector,
                  .clock = clock,
                  .random = random,
                  .log = log,
                  .metrics = metrics,
                  .wake_scheduler = [this] { ++woken; },
                  .is_ready = [this] { return is_ready; }}};
};

}  // namespace berth::integration
