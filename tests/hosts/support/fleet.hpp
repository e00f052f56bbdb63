#pragma once
// Several real hosts on one PostgreSQL: `berth serve` processes, each with a folder of its own and the same declarations, over
// simulators of Zoho Books, and a log in the database of who committed what under which lease.
//
//   Fleet fleet({.integrations = 200, .simulators = 4});
//   Member& first = fleet.add("first");         // not started yet
//   fleet.connect_all();
//   fleet.watch_commits();
//   first.start();
//
// What they start ends with them. One thread.
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "e2e/support/world.hpp"
#include "hosts/support/network.hpp"
#include "hosts/support/proxy.hpp"

struct pg_conn;

namespace hosts {

using berth::json::Value;
using SqlRow = std::vector<std::string>;

/// A connection of the test itself.
class Sql {
 public:
  explicit Sql(const std::string& url);
  ~Sql();
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;
  /// Throws where a statement is refused.
  std::vector<SqlRow> rows(const std::string& sql);
  std::int64_t number(const std::string& sql);

 private:
  pg_conn* connection_;
};

struct Plan {
  int integrations = 4;
  int simulators = 1;
  e2e::Sizes books = {.contacts = 3, .items = 3, .invoices = 5, .payments = 3, .credit_notes = 0};
  std::string lease = "20s";
  int workers = 4;   // runs at once of each host
  std::string limits = "{per_minute: 60000, concurrent: 10, per_day: 1000000}";
};

/// One host: a folder and, while it is started, a process.
class Member {
 public:
  Member(const std::string& name, const std::string& yaml, const std::string& key, std::string origin, const Network* network = nullptr);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  void start();
  /// Printed that it serves.
  [[nodiscard]] bool serves();
  [[nodiscard]] e2e::Process& process() { return *process_; }
  [[nodiscard]] int ready() const;   // the status of /readyz; 0: no answer
  [[nodiscard]] e2e::Answer ask(const std::string& path) const;   // from the network that it is in
  e2e::Outcome run(std::vector<std::string> arguments) const;
  /// Throws unless it ends with 0.
  std::string must(std::vector<std::string> arguments) const;
  [[nodiscard]] std::unique_ptr<e2e::Process> begin(std::vector<std::string> arguments) const;

 private:
  std::string name_;
  std::filesystem::path folder_;
  std::string origin_;
  const Network* network_;
  std::unique_ptr<e2e::Process> process_;
};

class Fleet {
 public:
  explicit Fleet(const Plan& plan);

  /// `through`: its connections to the database go through this. `network`: it runs there.
  Member& add(const std::string& name, const Proxy* through = nullptr, const Network* network = nullptr);
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string socket_path() const;
  [[nodiscard]] e2e::Simulator& simulator(int which) { return *simulators_.at(static_cast<std::size_t>(which)); }
  [[nodiscard]] int simulators() const { return static_cast<int>(simulators_.size()); }
  [[nodiscard]] std::string id(int integration) const;
  [[nodiscard]] Sql& sql() { return *sql_; }

  /// The first integration of each simulator at its consent page, the others with the same tokens, stored as the host stores
  /// them. Every one is due then.
  void connect_all();
  /// From now on each row that a run writes is noted, with the lease it was written under and the host that wrote it.
  void watch_commits();
  /// Integrations whose documents are here, and decided.
  [[nodiscard]] std::int64_t synced() {
    return sql_->number("SELECT COUNT(*) FROM integration AS i WHERE last_sync_ms > 0 AND NOT EXISTS (SELECT 1 FROM record AS r WHERE r.integration = i.id AND "
                        "r.state = 'pending')");
  }
  /// Of those that have not synced: how they stand, and what their runs said. For messages.
  std::string not_done();
  /// What the log says against "one host at a time, with growing numbers"; empty where all is well. What hosts that are `dead` held
  /// may be given back by others of their machine; every other lease ends by itself or by its holder.
  std::vector<std::string> faults_of_commits(const std::set<std::string>& dead = {});
  /// What the books of the integrations of one simulator have that they should not; empty where all is well.
  std::vector<std::string> faults_of_books();

 private:
  Plan plan_;
  std::string url_, key_;
  std::vector<std::unique_ptr<e2e::Simulator>> simulators_;
  std::vector<std::unique_ptr<Member>> members_;
  std::unique_ptr<Sql> sql_;
};

}  // namespace hosts
