#include "host/runs/connect.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/hash.hpp"
#include "host/oauth/server_info.hpp"
#include "host/runs/status.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/oauth_states.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

namespace {

json::Value organizations_json(const std::vector<plugins::Organization>& organizations, const plugins::Organization& taken) {
  json::Value about = json::parse(taken.json).value;
  about.make_object();
  json::Value all = json::Value::array();
  for (const plugins::Organization& organization : organizations) {
    json::Value one = json::parse(organization.json).value;
    one.make_object();
    one.set("remote_id", organization.remote_id);
    one.set("name", organization.name);
    all.push_back(std::move(one));
  }
  about.set("all", std::move(all));
  return about;
}

/// "/oauth/callback" of a redirect URI.
std::string_view path_of(std::string_view uri) {
  const auto scheme = uri.find("://");
  const auto slash = scheme == std::string_view::npos ? scheme : uri.find('/', scheme + 3);
  if (slash == std::string_view::npos) return "/";
  return uri.substr(slash, uri.find('?', slash) - slash);
}

}  // namespace

Result<oauth::Authorization> Connector::begin(IntegrationUnit& unit) {
  oauth::Authorizer authorizer(unit.provider, dependencies_.transport, dependencies_.states, dependencies_.clock, dependencies_.random);
  auto begun = BERTH_TRY(authorizer.begin(unit.setup.id, unit.client, unit.enabled_phases));
  BERTH_CHECK(dependencies_.database.write("connect.begin", [&](storage::Connection& connection) -> Status {
    const auto row = BERTH_TRY(storage::integrations::find(connection, unit.setup.id));
    if (!row || row->connected.unix_ms != 0) return success();
    return storage::integrations::set_status(
        connection, unit.setup.id,
        {.actual = "authorizing", .reason = {}, .message = "waits for the consent of a Books user", .who_acts = "operator", .next_attempt = {}},
        dependencies_.clock.now());
  }));
  return begun;
}

Result<std::pair<std::shared_ptr<IntegrationUnit>, oauth::Grant>> Connector::accept_redirect(std::string_view query, std::string_view path) {
  // Every integration has its own table of data centres; which one counts is said by the state, and a provider reads the
  // query with its own parameter names. All integrations of one redirect URI are of one plugin.
  std::string state;
  for (std::size_t from = 0; from <= query.size();) {
    const std::size_t to = std::min(query.find('&', from), query.size());
    const std::string_view pair = query.substr(from, to - from);
    if (pair.starts_with("state=")) state = pair.substr(6);
    from = to + 1;
  }
  // The store is asked without consuming: only the owner's authorizer takes the state.
  std::optional<storage::OauthState> begun;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    begun = BERTH_TRY(storage::oauth_states::find(connection, blake2b_hex(state)));
    return success();
  }));
  if (!begun || path_of(begun->redirect_uri) != path) {
    return make_error(Code::kInvalidArgument, "oauth.state_unknown", "nobody here began this authorisation, or its redirect was used already");
  }
  std::shared_ptr<IntegrationUnit> unit = BERTH_TRY(dependencies_.registry.unit(begun->integration));
  oauth::Authorizer authorizer(unit->provider, dependencies_.transport, dependencies_.states, dependencies_.clock, dependencies_.random);
  auto grant = authorizer.accept_redirect(query, begun->redirect_uri);
  if (!grant) return failed(*unit, std::move(grant).error());
  return std::pair{std::move(unit), std::move(grant).value()};
}

Result<oauth::Grant> Connector::accept_code(IntegrationUnit& unit, Secret code, std::string_view accounts_server, bool self_client) {
  oauth::Authorizer authorizer(unit.provider, dependencies_.transport, dependencies_.states, dependencies_.clock, dependencies_.random);
  return authorizer.accept_code(unit.setup.id, std::move(code), accounts_server, unit.client,
                                self_client ? oauth::Authorizer::CodeOf::kSelfClient : oauth::Authorizer::CodeOf::kRedirect);
}

Error Connector::failed(const IntegrationUnit& unit, Error error) {
  const std::scoped_lock lock(mutex_);
  failures_.insert_or_assign(unit.setup.id, error);
  return error;
}

std::optional<Error> Connector::failure_of(std::string_view integration) const {
  const std::scoped_lock lock(mutex_);
  const auto found = failures_.find(integration);
  return found == failures_.end() ? std::nullopt : std::optional(found->second);
}

Result<Connected> Connector::complete(IntegrationUnit& unit, const oauth::Grant& grant, std::stop_token stop) {
  auto connected = exchange_and_store(unit, grant, std::move(stop));
  if (!connected) return failed(unit, std::move(connected).error());
  const std::scoped_lock lock(mutex_);
  if (const auto found = failures_.find(unit.setup.id); found != failures_.end()) failures_.erase(found);
  return connected;
}

/// The organisations that the fresh tokens see, read before anything is kept, so that a failure leaves the old connection.
Result<std::vector<plugins::Organization>> Connector::visible_organizations(IntegrationUnit& unit, const oauth::TokenSet& tokens, std::shared_ptr<http::QuotaGate> gate,
                                                                            std::stop_token stop) {
  oauth::MemoryTokenStore trial_store;
  oauth::IntegrationTokens trial(unit.setup.id, unit.provider, unit.client, dependencies_.transport, trial_store, dependencies_.clock);
  BERTH_CHECK(trial.connect(tokens));
  const oauth::DataCenter* center = unit.provider.by_location(tokens.location);
  RemoteAccess access;
  access.tokens = &trial;
  access.gate = std::move(gate);
  access.rules = unit.rules;
  access.allow_http_loopback = center != nullptr && center->allow_http_loopback;
  auto organizations = dependencies_.engine.organizations(unit.setup, access, std::move(stop));
  if (!organizations) {
    auto error = std::move(organizations).error();
    const auto base = trial.api_base();
    const auto mismatch = base ? oauth::data_center_mismatch(unit.provider, tokens, *base) : std::nullopt;
    if (error.code == Code::kUnauthenticated && mismatch) error.message += " " + *mismatch;
    return error;
  }
  if (organizations->empty()) {
    return make_error(Code::kUnauthenticated, "runs.no_organization",
                      "this account belongs to no organisation of the remote system; connect with a user who does");
  }
  return organizations;
}

/// The one of them whose books these are. A reconnect stays with its organisation; a first connect takes the configured
/// one, else the first.
Result<plugins::Organization> Connector::organization_of(const IntegrationUnit& unit, const std::vector<plugins::Organization>& organizations) {
  std::optional<storage::Integration> row;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    row = BERTH_TRY(storage::integrations::find(connection, unit.setup.id));
    return success();
  }));
  if (!row) return make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"", unit.setup.id));
  const std::string wanted = !row->remote_id.empty() ? row->remote_id : unit.declared->organization.value_or("");
  const auto taken = wanted.empty() ? organizations.begin()
                                    : std::find_if(organizations.begin(), organizations.end(),
                                                   [&](const plugins::Organization& o) { return o.remote_id == wanted; });
  if (taken == organizations.end()) {
    return make_error(Code::kInvalidConfig, "runs.organization_unknown",
                      fmt::format("the account does not see organisation {}; it sees {}", wanted, organizations.front().name));
  }
  // Two integrations on one organisation would post everything twice.
  std::optional<std::string> other;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    other = BERTH_TRY(storage::integrations::connected_to(connection, row->plugin, taken->remote_id, unit.setup.id));
    return success();
  }));
  if (other) {
    return make_error(Code::kConflict, "runs.organization_taken",
                      fmt::format("{} ({}) is connected as {} already; a second integration would post everything twice. Reconnect {} instead, "
                                  "or disconnect it first",
                                  taken->name, taken->remote_id, *other, *other));
  }
  const std::string currency(json::parse(taken->json).value.text_of("currency"));
  if (!currency.empty() && currency != unit.setup.company->base_currency.code()) {
    dependencies_.log.warning("base currencies differ", {{"integration", unit.setup.id},
                                                         {"organization_currency", currency},
                                                         {"company_currency", unit.setup.company->base_currency.code()}});
  }
  return *taken;
}

Result<Connected> Connector::exchange_and_store(IntegrationUnit& unit, const oauth::Grant& grant, std::stop_token stop) {
  oauth::Authorizer authorizer(unit.provider, dependencies_.transport, dependencies_.states, dependencies_.clock, dependencies_.random);
  oauth::TokenSet tokens = BERTH_TRY(authorizer.exchange(grant, unit.client, stop));
  const json::Value* block = unit.setup.phases_json.find("limits");
  const auto gate = std::make_shared<http::QuotaGate>(BERTH_TRY(http::Limits::parse(block == nullptr ? json::Value::object() : *block, unit.declared->plan)),
                                                      http::QuotaOptions{.reserve_percent = 0}, dependencies_.clock);
  Connected connected;
  connected.organizations = BERTH_TRY(visible_organizations(unit, tokens, gate, stop));
  const plugins::Organization taken = BERTH_TRY(organization_of(unit, connected.organizations));
  connected.remote_id = taken.remote_id;
  connected.name = taken.name;
  BERTH_CHECK(unit.tokens->connect(std::move(tokens)));
  const Instant now = dependencies_.clock.now();
  BERTH_CHECK(dependencies_.database.write("connect.complete", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(storage::integrations::set_organization(connection, unit.setup.id, connected.remote_id, connected.name,
                                                        json::dump(organizations_json(connected.organizations, taken))));
    BERTH_CHECK(storage::integrations::set_connected(connection, unit.setup.id, now));
    BERTH_CHECK(mark_connected(connection, unit.setup, now));
    BERTH_CHECK(storage::commands::push(connection, unit.setup.id, "sync", R"({"trigger":"connect"})", now));
    return success();
  }));
  // The organisation was not known when it was asked for; its quota has paid all the same.
  const RemoteAccess chosen = BERTH_TRY(dependencies_.registry.access(unit));
  BERTH_CHECK(chosen.gate->add(gate->snapshot().used_in_minute));
  // Cross-checks, best effort: they are told and decide nothing.
  const auto disagreement = oauth::check_server_info(unit.provider, dependencies_.transport, grant.location, stop);
  if (!disagreement.ok()) {
    dependencies_.log.info("list of data centres could not be read", {{"integration", unit.setup.id}, {"error", disagreement.error().message}});
  } else if (*disagreement) {
    dependencies_.log.warning("list of data centres disagrees", {{"integration", unit.setup.id}, {"difference", **disagreement}});
  }
  dependencies_.log.info("connected", {{"integration", unit.setup.id}, {"organization", connected.name}});
  return connected;
}

Status Connector::choose_organization(IntegrationUnit& unit, std::string_view remote_id) {
  return dependencies_.database.write("connect.choose_organization", [&](storage::Connection& connection) -> Status {
    const auto row = BERTH_TRY(storage::integrations::find(connection, unit.setup.id));
    if (!row) return make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"", unit.setup.id));
    if (row->remote_id == remote_id) return success();
    if (!BERTH_TRY(storage::records::counts(connection, unit.setup.id)).empty()) {
      return make_error(Code::kConflict, "runs.organization_fixed",
                        fmt::format("documents of {} are stored already; make another integration for another organisation", row->name));
    }
    json::Value about = json::parse(row->organization_json).value;
    const json::Value* all = about.find("all");
    for (const json::Value& one : all == nullptr ? json::Array{} : all->items()) {
      if (one.text_of("remote_id") != remote_id) continue;
      json::Value chosen = one;
      chosen.set("all", *all);
      return storage::integrations::set_organization(connection, unit.setup.id, remote_id, one.text_of("name"), json::dump(chosen));
    }
    return make_error(Code::kNotFound, "runs.organization_unknown", fmt::format("the account does not see organisation {}", remote_id));
  });
}

Status Connector::disconnect(IntegrationUnit& unit, std::stop_token stop) {
  const Status revoked = unit.tokens->revoke(std::move(stop));
  const Status marked = dependencies_.database.write("connect.disconnect", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(storage::integrations::set_connected(connection, unit.setup.id, Instant{0}));
    return storage::integrations::set_status(
        connection, unit.setup.id, {.actual = "pending", .reason = "berth.disconnected", .message = "disconnected by a person", .who_acts = "operator", .next_attempt = {}},
        dependencies_.clock.now());
  });
  return marked.ok() ? revoked : marked;
}

}  // namespace berth::runs
