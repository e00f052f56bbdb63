#include "host/admin/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "host/admin/archive.hpp"
#include "host/admin/deletions.hpp"
#include "host/admin/estimate.hpp"
#include "host/views/explain.hpp"
#include "host/admin/handlers.hpp"
#include "host/lineage/lineage.hpp"
#include "host/admin/hosts.hpp"
#include "host/admin/quota.hpp"
#include "host/admin/schedule.hpp"
#include "host/admin/tie_out.hpp"
#include "host/admin/views.hpp"
#include "host/core/hash.hpp"
#include "host/core/text.hpp"
#include "host/ledger/export.hpp"
#include "host/ledger/queries.hpp"
#include "host/runs/offline_setup.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/tokens.hpp"

namespace berth::admin {

namespace {

using server::Request;
using server::Response;

/// One of so many who do something at once; given back when it goes.
class Turn {
 public:
  Turn(std::atomic<std::size_t>& taken, std::size_t most) : taken_(taken) {
    is_taken_ = ++taken_ <= most;
    if (!is_taken_) --taken_;
  }
  ~Turn() {
    if (is_taken_) --taken_;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  [[nodiscard]] bool is_taken() const { return is_taken_; }

 private:
  std::atomic<std::size_t>& taken_;
  bool is_taken_ = false;
};

std::size_t limit_of(const Request& request) {
  const std::string_view text = request.argument("limit");
  std::size_t limit = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || limit > 10'000) return 100;
    limit = limit * 10 + static_cast<std::size_t>(c - '0');
  }
  return limit == 0 ? 100 : limit;
}

}  // namespace

std::string redirect_path(std::string_view redirect_uri) {
  const auto scheme = redirect_uri.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto slash = redirect_uri.find('/', scheme + 3);
  if (slash == std::string_view::npos) return "/";
  const std::string_view path = redirect_uri.substr(slash);
  return std::string(path.substr(0, path.find('?')));
}

Result<std::string> create_token(storage::Database& database, std::string_view name, std::string_view role, const Clock& clock,
                                 Random& random) {
  if (role != "admin" && role != "viewer") {
    return make_error(Code::kInvalidArgument, "admin.role_unknown", fmt::format("\"{}\" is no role; admin or viewer", role));
  }
  const std::string token = "bth_" + random.token(32);
  storage::ApiToken row;
  row.id = new_id("tok", clock, random);
  row.name = name;
  row.role = role;
  row.token_hash = sha256_hex(token);
  row.created = clock.now();
  BERTH_CHECK(database.write("api_token.create", [&](storage::Connection& connection) { return storage::tokens::insert(connection, row); }));
  return token;
}

Api::Api(ApiServices services)
    : services_(std::move(services)), router_([this](std::string_view bearer) -> Result<std::optional<Caller>> {
        std::optional<Caller> caller;
        BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
          const auto token = BERTH_TRY(storage::tokens::find_by_hash(connection, sha256_hex(bearer)));
          if (token) caller = Caller{token->name, token->role == "admin"};
          return success();
        }));
        return caller;
      }),
      jobs_(services_.clock, services_.random) {
  add_health();
  add_integrations();
  add_accounts();
  add_records_and_runs();
  add_ledger();
  add_master_rows();
  add_connecting();
  add_mapping();
  add_books();
  add_jobs();
}

void Api::add_health() {
  router_.add({"GET", "/livez", Access::kPublic, "Is the process alive?", [](const Request&) { return Response{.content_type = "text/plain", .headers = {}, .body = "ok\n"}; }, {}});
  router_.add({"GET", "/readyz", Access::kPublic, "Can it answer: is the database reachable?",
               [this](const Request&) {
                 // Without waiting: a connection that is cut is noticed half a minute later.
                 if (const Status found = services_.reachable ? services_.reachable() : success(); !found.ok()) return problem(found.error(), 503);
                 const Status reachable = services_.database.read([](storage::Connection& connection) -> Status {
                   BERTH_CHECK(connection.query("SELECT 1"));
                   return success();
                 });
                 if (!reachable.ok()) return problem(reachable.error(), 503);
                 if (services_.is_ready && !services_.is_ready()) {
                   return problem(make_error(Code::kUnavailable, "app.not_ready", "the host is starting or stopping"), 503);
                 }
                 return Response{.content_type = "text/plain", .headers = {}, .body = "ok\n"};
               },
               {}});
  router_.add({"GET", "/api/v1/hosts", Access::kViewer, "The hosts on this database, and which integrations each runs since when",
               answering([this](const Request&) -> Result<json::Value> {
                 json::Value view;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   view = BERTH_TRY(hosts_view(connection, services_.clock.now(), services_.is_dead_owner));
                   return success();
                 }));
                 return view;
               }), {}});
  router_.add({"GET", "/metrics", Access::kPublic, "Metrics in the text format of Prometheus",
               [this](const Request&) { return Response{.content_type = "text/plain; version=0.0.4", .headers = {}, .body = services_.metrics.text()}; }, {}});
  router_.add({"GET", "/api/v1/reasons", Access::kViewer, "Every reason with its cause and resolution", answering([](const Request&) -> Result<json::Value> {
                 json::Value list = json::Value::array();
                 for (const std::string& id : views::all_reasons()) list.push_back(BERTH_TRY(views::reason_view(id)));
                 return json::Value::object({{"reasons", std::move(list)}});
               }), {}});
  router_.add({"GET", "/api/v1/reasons/{id}", Access::kViewer, "One reason: cause, resolution, who acts; 404 names the nearest ones",
               answering([](const Request& request) { return views::reason_view(request.parameters.at("id")); }), {}});
  router_.add({"GET", "/api/v1/openapi.json", Access::kPublic, "This description", [this](const Request&) { return json_answer(router_.openapi()); }, {}});
}

Result<storage::Integration> Api::integration_of(const Request& request) {
  const std::string& id = request.parameters.at("id");
  std::optional<storage::Integration> found;
  BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
    found = BERTH_TRY(storage::integrations::find(connection, id));
    return success();
  }));
  if (!found) return make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"", id));
  return *found;
}

void Api::add_integrations() {
  router_.add({"GET", "/api/v1/integrations", Access::kViewer, "All integrations with their status", answering([this](const Request&) -> Result<json::Value> {
                 json::Value list = json::Value::array();
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   for (const auto& integration : BERTH_TRY(storage::integrations::list(connection))) {
                     list.push_back(BERTH_TRY(integration_view(connection, services_.registry.quota_keys(), integration, services_.clock.now())));
                   }
                   return success();
                 }));
                 return json::Value::object({{"integrations", std::move(list)}});
               }), {}});
  router_.add({"GET", "/api/v1/integrations/{id}", Access::kViewer, "One integration", answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 json::Value view;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   view = BERTH_TRY(integration_view(connection, services_.registry.quota_keys(), integration, services_.clock.now()));
                   return success();
                 }));
                 return view;
               }), {}});
  const std::pair<const char*, const char*> moves[] = {{"pause", "paused"}, {"resume", "enabled"}, {"enable", "enabled"}, {"disable", "disabled"}};
  for (const auto& [verb, desired] : moves) {
    router_.add({"POST", fmt::format("/api/v1/integrations/{{id}}/{}", verb), Access::kAdmin, fmt::format("The integration becomes {}", desired),
                 answering([this, word = std::string(verb)](const Request& request) -> Result<json::Value> {
                   const storage::Integration integration = BERTH_TRY(integration_of(request));
                   const std::string state = BERTH_TRY(change_desired(services_.database, integration.id, word, request.actor, services_.clock.now()));
                   services_.wake_scheduler();
                   return json::Value::object({{"id", integration.id}, {"desired", state}});
                 }), {}});
  }
  router_.add({"POST", "/api/v1/integrations/{id}/quota/reset", Access::kAdmin, "Forgets pauses, blocks and what is known of the day's quota of the organisation",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 json::Value quota = BERTH_TRY(reset_quota(services_.database, services_.registry.quota_keys(), integration, request.actor, services_.clock.now()));
                 services_.wake_scheduler();
                 return json::Value::object({{"id", integration.id}, {"quota", std::move(quota)}});
               }), {}});
  router_.add({"POST", "/api/v1/integrations/{id}/sync", Access::kAdmin, "Syncs now; 409 while paused", [this](const Request& request) { return ask_for_sync(request); }, {}});
  router_.add({"GET", "/api/v1/integrations/{id}/sync/estimate", Access::kViewer,
               "What a sync would cost in calls, with no call; arguments phase (several with commas), full and since as for a sync",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                 runs::RunRequest wanted;
                 for (const std::string& phase : split(request.argument("phase"), ',')) {
                   if (!phase.empty()) wanted.phases.push_back(phase);
                 }
                 wanted.full = request.argument("full") == "true";
                 wanted.since = request.argument("since");
                 json::Value view;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   view = BERTH_TRY(estimate_view(connection, services_.registry.quota_keys(), integration, unit->setup, wanted, services_.clock.now()));
                   return success();
                 }));
                 return view;
               }), {}});
  router_.add({"GET", "/api/v1/integrations/{id}/schedule", Access::kViewer, "When its phases and comparisons of ids are next due, and why nothing runs",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const config::Integration declared = BERTH_TRY(runs::declaration_of(services_.config, services_.database, integration.id));
                 json::Value view;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   view = BERTH_TRY(schedule_view(connection, declared, services_.registry.discovered(), integration.id, services_.clock.now(), services_.is_dead_owner));
                   return success();
                 }));
                 return view;
               }), {}});
  router_.add({"POST", "/api/v1/integrations/{id}/confirm-deletions", Access::kAdmin, "Lets a comparison of ids go on that the deletion brake stopped",
               answering([this](const Request& request) -> Result<json::Value> {
                 auto view = BERTH_TRY(confirm_deletions(services_.database, BERTH_TRY(integration_of(request)), request.actor, services_.clock.now()));
                 services_.wake_scheduler();
                 return view;
               }), {}});
  router_.add({"POST", "/api/integrations/zoho/{id}/trigger-sync/", Access::kAdmin, "Syncs now; 409 while paused", [this](const Request& request) { return ask_for_sync(request); }, {}});
}

Response Api::ask_for_sync(const Request& request) {
  const auto integration = integration_of(request);
  if (!integration.ok()) return problem(integration.error());
  if (integration->desired != "enabled") {
    Error error = runs::not_enabled(*integration);
    error.message += "; nothing was queued";
    return problem(error);
  }
  if (const auto disabled = services_.registry.disabled_plugin(integration->plugin)) return problem(*disabled);
  if (integration->connected.unix_ms == 0) {
    return problem(make_error(Code::kConflict, "runs.not_connected", fmt::format("{} is not connected", integration->id)));
  }
  const Status queued = services_.database.write("command.sync", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(storage::commands::push(connection, integration->id, "sync", R"({"trigger":"api"})", services_.clock.now()));
    return note(connection, request.actor, "integration.sync", integration->id, services_.clock.now());
  });
  if (!queued.ok()) return problem(queued.error());
  services_.wake_scheduler();
  return json_answer(json::Value::object({{"id", integration->id}, {"queued", true}}), 202);
}

void Api::add_accounts() {
  router_.add({"GET", "/api/v1/integrations/{id}/accounts", Access::kViewer, "Rows of the account table, unmapped first, with what waits for them",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 json::Value list = json::Value::array();
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   for (const auto& row : BERTH_TRY(storage::account_rows::list(connection, integration.id))) list.push_back(account_row_view(row));
                   return success();
                 }));
                 return json::Value::object({{"accounts", std::move(list)}});
               }), {}});
  router_.add({"PUT", "/api/v1/integrations/{id}/accounts", Access::kAdmin, "Maps one row to an account and applies what waited for it",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const json::Value body = BERTH_TRY(body_of(request));
                 const Instant now = services_.clock.now();
                 const storage::AccountRow row = BERTH_TRY(map_account(services_.database, services_.config, integration.id, body.text_of("kind"),
                                                                       body.text_of("key"), body.text_of("company"), body.text_of("account"), request.actor, now));
                 const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                 json::Value answer = account_row_view(row);
                 answer.set("applied", BERTH_TRY(services_.engine.apply_or_queue(unit->setup, {})));
                 return answer;
               }),
               json::Value::object({{"type", "object"},
                                    {"properties", json::Value::object({{"kind", text_property("default_income, default_expense, payment_mode, tax, ...")},
                                                                        {"key", text_property("the payment mode, the tax id, or empty")},
                                                                        {"company", text_property("company id")},
                                                                        {"account", text_property("account id of the company's chart")}})}})});
}

void Api::add_records_and_runs() {
  router_.add({"GET", "/api/v1/integrations/{id}/records", Access::kViewer, "Records; filters entity, state, reason; limit and after for pages",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 storage::RecordFilter filter;
                 filter.integration = integration.id;
                 filter.entity = request.argument("entity");
                 filter.state = request.argument("state");
                 filter.reason = request.argument("reason");
                 json::Value list = json::Value::array();
                 std::string next;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   const auto page = BERTH_TRY(storage::records::list(connection, filter, {std::string(request.argument("after")), limit_of(request)}));
                   for (const storage::Record& record : page.items) list.push_back(record_view(record));
                   next = page.next;
                   return success();
                 }));
                 return json::Value::object({{"records", std::move(list)}, {"next", next}});
               }), {}});
  const auto record_named = [](const Request& request) { return request.parameters.at("entity") + "/" + request.parameters.at("remote_id"); };
  router_.add({"POST", "/api/v1/integrations/{id}/records/{entity}/{remote_id}/archive", Access::kAdmin,
               "Archives a record by hand: what it has posted is reversed, and it stays so, with no remote call",
               answering([this, record_named](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const json::Value body = BERTH_TRY(body_of(request));
                 const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                 return archive_record({services_.database, services_.engine, services_.clock}, unit->setup, record_named(request), body.text_of("reason"), request.actor, {});
               }),
               json::Value::object({{"type", "object"}, {"properties", json::Value::object({{"reason", text_property("why; kept with the record, at most 500 bytes")}})}})});
  router_.add({"POST", "/api/v1/integrations/{id}/records/{entity}/{remote_id}/unarchive", Access::kAdmin,
               "Takes that back: the record is posted again from what is stored, with no remote call",
               answering([this, record_named](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 const auto unit = BERTH_TRY(services_.registry.unit(integration.id));
                 return unarchive_record({services_.database, services_.engine, services_.clock}, unit->setup, record_named(request), request.actor, {});
               }), {}});
  router_.add({"GET", "/api/v1/integrations/{id}/lineage", Access::kViewer,
               "Why a document became what it became; record is ENTITY/REMOTE_ID, a remote id, a number, entry/N or line/N.M",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 return lineage::of({services_.config, services_.registry.discovered(), services_.database}, integration.id, request.argument("record"));
               }), {}});
  router_.add({"GET", "/api/v1/runs", Access::kViewer, "Runs, newest first; filter integration; limit and after for pages",
               answering([this](const Request& request) -> Result<json::Value> {
                 json::Value list = json::Value::array();
                 std::string next;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   const auto page = BERTH_TRY(storage::runs::list(connection, request.argument("integration"), {std::string(request.argument("after")), limit_of(request)}));
                   for (const storage::Run& run : page.items) list.push_back(run_view(run));
                   next = page.next;
                   return success();
                 }));
                 return json::Value::object({{"runs", std::move(list)}, {"next", next}});
               }), {}});
  router_.add({"GET", "/api/v1/runs/{id}", Access::kViewer, "One run with its report", answering([this](const Request& request) -> Result<json::Value> {
                 std::optional<storage::Run> run;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   run = BERTH_TRY(storage::runs::find(connection, request.parameters.at("id")));
                   return success();
                 }));
                 if (!run) return make_error(Code::kNotFound, "runs.run_unknown", fmt::format("there is no run \"{}\"", request.parameters.at("id")));
                 return run_view(*run);
               }), {}});
}

void Api::add_ledger() {
  router_.add({"GET", "/api/v1/integrations/{id}/tie-out", Access::kViewer,
               "Differences between the receivables here and the remote's balances, as stored, with their causes",
               answering([this](const Request& request) -> Result<json::Value> {
                 const storage::Integration integration = BERTH_TRY(integration_of(request));
                 return tie_out_view(BERTH_TRY(tie_out(services_.registry.discovered(), services_.database, integration)));
               }), {}});
  router_.add({"GET", "/api/v1/ledger/export", Access::kViewer,
               "The whole journal, streamed; format hledger, ledger, beancount, csv or jsonl; sort recording or source",
               [this](const Request& request) { return export_ledger(request); }, {}});
  router_.add({"GET", "/api/v1/ledger/balance", Access::kViewer, "Trial balance; filter company", answering([this](const Request& request) -> Result<json::Value> {
                 json::Value list = json::Value::array();
                 ledger::BalanceFilter filter;
                 filter.company = request.argument("company");
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   for (const auto& balance : BERTH_TRY(ledger::trial_balance(connection, filter))) list.push_back(balance_view(balance));
                   return success();
                 }));
                 return json::Value::object({{"balances", std::move(list)}});
               }), {}});
  router_.add({"GET", "/api/v1/ledger/entries", Access::kViewer,
               "Journal entries in order of recording; filters integration, entity, remote_id, company, account; limit and after for pages",
               answering([this](const Request& request) -> Result<json::Value> {
                 ledger::EntryFilter filter;
                 filter.integration = request.argument("integration");
                 filter.entity = request.argument("entity");
                 filter.remote_id = request.argument("remote_id");
                 filter.company = request.argument("company");
                 filter.account = request.argument("account");
                 filter.cursor = request.argument("after");
                 filter.limit = std::min(limit_of(request), ledger::kEntryPageMax);
                 json::Value list = json::Value::array();
                 std::string next;
                 BERTH_CHECK(services_.database.read([&](storage::Connection& connection) -> Status {
                   const auto page = BERTH_TRY(ledger::list_entries(connection, filter));
                   for (const auto& entry : page.entries) list.push_back(entry_view(entry));
                   next = page.next_cursor;
                   return success();
                 }));
                 return json::Value::object({{"entries", std::move(list)}, {"next", next}});
               }), {}});
}

// Written while it is read, so a journal of any length takes no more memory than an entry. It is one moment of the books.
server::Response Api::export_ledger(const server::Request& request) {
  const auto format = ledger::parse_export_format(request.argument("format"));
  if (!format.ok()) return problem(format.error());
  const std::string_view sort = request.argument("sort");
  const auto order = ledger::parse_export_sort(sort.empty() ? "recording" : sort);
  if (!order.ok()) return problem(order.error());
  // Each holds a snapshot of the database for as long as its reader takes.
  auto turn = std::make_shared<Turn>(exporting_, kExportsAtOnceMax);
  if (!turn->is_taken()) return problem(make_error(Code::kConflict, "ledger.export_busy", fmt::format("{} exports are under way; try again when one has ended", kExportsAtOnceMax)));
  server::Response response;
  response.content_type = *format == ledger::ExportFormat::kCsv         ? "text/csv; charset=utf-8"
                          : *format == ledger::ExportFormat::kJsonLines ? "application/x-ndjson"
                                                                        : "text/plain; charset=utf-8";
  response.stream = [this, turn, format = *format, order = *order](const server::WriteBody& write) {
    return services_.database.read([&](storage::Connection& connection) {
      return ledger::export_journal(connection, format, {runs::companies_of(services_.config), {}, order}, [&](std::string_view text) { return write(text); });
    });
  };
  return response;
}

}  // namespace berth::admin
