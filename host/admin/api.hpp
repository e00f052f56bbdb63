#pragma once
// The REST API. /api/v1 is described by the document at /api/v1/openapi.json, which is made from the routing table; the
// paths under /api/integrations/zoho are those that other products' clients know.
//
//   Api api({...});
//   server::Server server({...}, [&](const server::Request& request) { return api.handle(request); });
//
// Any thread.
#include <atomic>
#include <functional>
#include <string>

#include "host/admin/jobs.hpp"
#include "host/admin/router.hpp"
#include "host/config/config.hpp"
#include "host/core/random.hpp"
#include "host/runs/connect.hpp"
#include "host/runs/engine.hpp"
#include "host/runs/registry.hpp"
#include "host/schedule/plan.hpp"
#include "host/storage/database.hpp"
#include "host/telemetry/log.hpp"
#include "host/telemetry/metrics.hpp"

namespace berth::admin {

/// Journals that are exported at once.
inline constexpr std::size_t kExportsAtOnceMax = 2;

struct ApiServices {
  const config::Config& config;
  storage::Database& database;
  runs::Registry& registry;
  runs::Engine& engine;
  runs::Connector& connector;
  Clock& clock;
  Random& random;
  telemetry::Log log;
  telemetry::Metrics& metrics;
  std::function<void()> wake_scheduler;     // a sync was asked for
  std::function<bool()> is_ready;           // for /readyz
  std::function<Status()> reachable = {};   // how the database was found last, without waiting for it; empty: nobody looked
  schedule::IsDeadOwner is_dead_owner = {};   // as the engine's
};

class Api {
 public:
  explicit Api(ApiServices services);
  [[nodiscard]] server::Response handle(const server::Request& request) const { return router_.handle(request); }
  [[nodiscard]] const Router& router() const { return router_; }
  [[nodiscard]] Jobs& jobs() { return jobs_; }

 private:
  void add_health();
  void add_integrations();
  void add_accounts();
  void add_records_and_runs();
  void add_ledger();
  void add_master_rows();
  void add_connecting();
  void add_mapping();
  void add_books();
  void add_jobs();
  /// Applies what is pending, of every integration.
  Status apply_everywhere();
  Result<storage::Integration> integration_of(const server::Request& request);
  struct RulesToTry {
    std::string integration;
    runs::Setup candidate;
    bool all = false;
    std::size_t shown = 0;
  };
  Result<RulesToTry> rules_to_try(const server::Request& request, bool takes_rules);
  server::Response begin_diff(const server::Request& request);
  server::Response begin_apply(const server::Request& request);
  server::Response export_ledger(const server::Request& request);
  server::Response ask_for_sync(const server::Request& request);
  server::Response create_or_reconnect(const server::Request& request);
  server::Response finish_redirect(const server::Request& request);

  ApiServices services_;
  Router router_;
  std::atomic<std::size_t> exporting_ = 0;
  Jobs jobs_;   // last: what is under way uses the rest
};

/// Makes an API token: 32 random bytes, "bth_…". Only its hash is stored; the text is returned once.
Result<std::string> create_token(storage::Database& database, std::string_view name, std::string_view role, const Clock& clock,
                                 Random& random);

/// The path of the redirect URI ("/oauth/callback"), for the listener that waits for it.
[[nodiscard]] std::string redirect_path(std::string_view redirect_uri);

}  // namespace berth::admin
