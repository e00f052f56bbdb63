#pragma once
// Connecting an integration: from an accepted code to a chosen organisation and a queued first sync.
//
//   Grant grant = BERTH_TRY(authorizer.accept_redirect(query, unit.client.redirect_uri));
//   Connected connected = BERTH_TRY(connector.complete(unit, grant, stop));
//
// Reconnecting keeps cursors, records and mappings; only tokens change. Any failure leaves what was there before.
// Errors: those of Authorizer::exchange; runs.no_organization when the account sees none; runs.organization_unknown when
// the wanted one is not among them; runs.organization_taken when another integration has it; the remote's own when the list cannot be read (then the tokens are kept back too).
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/oauth/authorization.hpp"
#include "host/plugins/runner.hpp"
#include "host/runs/engine.hpp"
#include "host/runs/registry.hpp"

namespace berth::runs {

struct Connected {
  std::string remote_id, name;                       // of the organisation taken
  std::vector<plugins::Organization> organizations;  // all that the account sees, in the remote's order
};

class Connector {
 public:
  struct Dependencies {
    storage::Database& database;
    http::Transport& transport;
    oauth::StateStore& states;
    Engine& engine;
    Registry& registry;
    Clock& clock;
    Random& random;
    telemetry::Log log;
  };
  explicit Connector(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  /// The address for the browser; marks the integration as authorizing if it was never connected.
  Result<oauth::Authorization> begin(IntegrationUnit& unit);
  /// The redirect's query as it arrived, and the path it arrived at, which must be that of the redirect URI with which the
  /// authorisation began. Consumes the state; nothing is sent if anything is wrong. The unit is the one that the state names.
  Result<std::pair<std::shared_ptr<IntegrationUnit>, oauth::Grant>> accept_redirect(std::string_view query, std::string_view path);
  /// A pasted code; see Authorizer::accept_code.
  Result<oauth::Grant> accept_code(IntegrationUnit& unit, Secret code, std::string_view accounts_server, bool self_client);
  /// Exchanges the code, reads the organisations, stores both, queues the first sync.
  Result<Connected> complete(IntegrationUnit& unit, const oauth::Grant& grant, std::stop_token stop);
  /// Why the last redirect or code that was meant for this integration came to nothing; nothing where none failed. For
  /// whoever waits for it in this process.
  [[nodiscard]] std::optional<Error> failure_of(std::string_view integration) const;
  /// Chooses another of the organisations seen. Errors: runs.organization_unknown, runs.organization_fixed once documents
  /// of one organisation are stored.
  Status choose_organization(IntegrationUnit& unit, std::string_view remote_id);
  /// Revokes and forgets the tokens; documents and books stay.
  Status disconnect(IntegrationUnit& unit, std::stop_token stop);

 private:
  Result<std::vector<plugins::Organization>> visible_organizations(IntegrationUnit& unit, const oauth::TokenSet& tokens, std::shared_ptr<http::QuotaGate> gate,
                                                                   std::stop_token stop);
  Result<plugins::Organization> organization_of(const IntegrationUnit& unit, const std::vector<plugins::Organization>& organizations);
  Result<Connected> exchange_and_store(IntegrationUnit& unit, const oauth::Grant& grant, std::stop_token stop);
  Error failed(const IntegrationUnit& unit, Error error);
  Dependencies dependencies_;
  mutable std::mutex mutex_;                                // guards what follows
  std::map<std::string, Error, std::less<>> failures_;      // by integration, of the last attempt
};

}  // namespace berth::runs
