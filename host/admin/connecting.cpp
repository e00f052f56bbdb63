// Connecting over HTTP: the OAuth redirect, and POST /api/integrations/zoho/.
#include <fmt/format.h>

#include <set>

#include "host/admin/api.hpp"
#include "host/views/explain.hpp"
#include "host/core/text.hpp"
#include "host/admin/views.hpp"
#include "host/storage/integrations.hpp"

namespace berth::admin {

namespace {

using server::Request;
using server::Response;

constexpr std::string_view kZohoPlugin = "zoho_books";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

/// The page a person sees after the consent page.
Response page(int status, std::string_view title, std::string_view text) {
  Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
      "<title>Berth: {0}</title></head><body><main><h1>{0}</h1><p>{1}</p></main></body></html>\n",
      escaped(title), escaped(text));
  return response;
}

/// Failures of the exchange or of the organisation list are 424; what the caller sent wrong stays 400, 404 or 409.
bool is_failed_dependency(const Error& error) {
  return error.reason.starts_with("oauth.") || error.reason.starts_with("http.") || error.reason.starts_with("zoho_books.") ||
         error.reason == "runs.no_organization" || error.reason == "runs.organization_unknown" || error.code == Code::kUnavailable;
}

/// "zoho_acme_us", "zoho_acme_us_2", ...: the first that is free.
Result<std::string> free_id(storage::Connection& connection, const std::string& company) {
  for (int number = 1; number < 1000; ++number) {
    std::string id = number == 1 ? "zoho_" + company : fmt::format("zoho_{}_{}", company, number);
    if (!BERTH_TRY(storage::integrations::find(connection, id))) return id;
  }
  return make_error(Code::kConflict, "admin.too_many_integrations", fmt::format("company {} has 999 integrations", company));
}

}  // namespace

void Api::add_connecting() {
  router_.add({"POST", "/api/integrations/zoho/", Access::kAdmin,
               "Creates an integration, or reconnects `integration_id`: exchanges the code, reads the organisations, queues the first sync; 424 if the remote refuses",
               [this](const Request& request) { return create_or_reconnect(request); },
               json::Value::object({{"type", "object"},
                                    {"required", json::Value(json::Array{"authorization_code", "accounts_server", "company_id"})},
                                    {"properties", json::Value::object({{"authorization_code", json::Value::object({{"type", "string"}})},
                                                                        {"accounts_server", json::Value::object({{"type", "string"}})},
                                                                        {"company_id", json::Value::object({{"type", "string"}})},
                                                                        {"integration_id", json::Value::object({{"type", "string"}})}})}})});
  router_.add({"POST", "/api/v1/integrations/{id}/connect", Access::kAdmin, "The address of the consent page",
               [this](const Request& request) {
                 const auto begin = [&]() -> Result<json::Value> {
                   const storage::Integration integration = BERTH_TRY(integration_of(request));
                   const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                   const oauth::Authorization begun = BERTH_TRY(services_.connector.begin(*unit));
                   return json::Value::object({{"url", begun.url}, {"expires", berth::to_string(begun.expires_at)}});
                 };
                 const auto result = begin();
                 return result.ok() ? json_answer(*result) : problem(result.error());
               },
               {}});
  // Every redirect URI in use points at this server; its path is the operator's choice.
  std::set<std::string> paths{"/oauth/callback"};
  for (const std::string& uri : services_.registry.redirect_uris()) paths.insert(redirect_path(uri));
  for (const std::string& path : paths) {
    if (path.empty() || path == "/") continue;
    router_.add({"GET", path, Access::kPublic, "Where the consent page sends the browser back to", [this](const Request& request) { return finish_redirect(request); }, {}});
  }
}

Response Api::finish_redirect(const Request& request) {
  const auto finish = [&]() -> Result<runs::Connected> {
    auto [unit, grant] = BERTH_TRY(services_.connector.accept_redirect(request.raw_query, request.path));
    return services_.connector.complete(*unit, grant, {});
  };
  const auto connected = finish();
  if (connected.ok()) {
    services_.wake_scheduler();
    return page(200, "Connected", fmt::format("Connected to {}. The first sync is on its way; you can close this page.", connected->name));
  }
  const Error& error = connected.error();
  services_.log.warning("redirect refused", {{"reason", error.reason}, {"error", error.message}});
  std::string text = error.message;
  if (const auto why = views::explain(error.reason)) text += " " + why->resolution;
  return page(400, "Not connected", fmt::format("{} ({})", text, error.reason));
}

Response Api::create_or_reconnect(const Request& request) {
  json::Parsed parsed = json::parse(request.body);
  if (!parsed.ok() || !parsed.value.is_object()) {
    return problem(make_error(Code::kInvalidArgument, "admin.body", "the body must be a JSON object: " + parsed.error.message));
  }
  const json::Value& body = parsed.value;
  const std::string code(body.text_of("authorization_code"));
  const std::string accounts_server(body.text_of("accounts_server"));
  const std::string company(body.text_of("company_id"));
  std::string id(body.text_of("integration_id"));
  for (const auto& [name, value] : {std::pair{"authorization_code", &code}, {"accounts_server", &accounts_server}, {"company_id", &company}}) {
    if (value->empty()) return problem(make_error(Code::kInvalidArgument, "admin.field_missing", fmt::format("`{}` is missing", name)));
  }
  if (services_.config.find_company(company) == nullptr) {
    return problem(make_error(Code::kNotFound, "runs.company_unknown", fmt::format("there is no company \"{}\"", company)));
  }
  const Instant now = services_.clock.now();
  const bool is_new = id.empty();
  const Status prepared = services_.database.write("integration.prepare", [&](storage::Connection& connection) -> Status {
    if (!is_new) {
      const auto existing = BERTH_TRY(storage::integrations::find(connection, id));
      if (!existing) return make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"", id));
      if (existing->company != company) {
        return make_error(Code::kConflict, "admin.company_fixed", fmt::format("{} belongs to company {}", id, existing->company));
      }
      return success();
    }
    id = BERTH_TRY(free_id(connection, company));
    storage::Integration row;
    row.id = id;
    row.plugin = kZohoPlugin;
    row.company = company;
    row.tenant = "default";
    row.environment = "production";
    row.mode = "pull_only";
    row.origin = "api";
    row.created = now;
    row.since = now;
    row.backfill_floor = now;
    return storage::integrations::insert(connection, row);
  });
  if (!prepared.ok()) return problem(prepared.error());
  const auto connect = [&]() -> Result<runs::Connected> {
    const auto unit = BERTH_TRY(services_.registry.unit(id));
    const oauth::Grant grant = BERTH_TRY(services_.connector.accept_code(*unit, Secret(code), accounts_server, false));
    return services_.connector.complete(*unit, grant, {});
  };
  const auto connected = connect();
  if (!connected.ok()) {
    if (is_new) {
      // Nothing of a failed creation stays.
      services_.registry.forget(id);
      const Status removed = services_.database.write("integration.remove", [&](storage::Connection& connection) -> Status {
        BERTH_CHECK(storage::integrations::erase_unconnected(connection, id));
        return success();
      });
      if (!removed.ok()) services_.log.error("integration could not be removed again", removed.error(), {{"integration", id}});
    }
    return is_failed_dependency(connected.error()) ? problem(connected.error(), 424) : problem(connected.error());
  }
  const Status noted = services_.database.write("integration.note", [&](storage::Connection& connection) -> Status {
    return note(connection, request.actor, is_new ? "integration.create" : "integration.reconnect", id, now);
  });
  if (!noted.ok()) return problem(noted.error());
  services_.wake_scheduler();
  json::Value organizations = json::Value::array();
  for (const plugins::Organization& organization : connected->organizations) {
    organizations.push_back(json::Value::object({{"remote_id", organization.remote_id}, {"name", organization.name}}));
  }
  return json_answer(json::Value::object({{"integration_id", id},
                                          {"name", connected->name},
                                          {"remote_id", connected->remote_id},
                                          {"connected", true},
                                          {"message", "The account is connected; the first sync is queued."},
                                          {"organizations", std::move(organizations)}}),
                     is_new ? 201 : 200);
}

}  // namespace berth::admin
