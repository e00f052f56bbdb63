#include "host/admin/hosts.hpp"

#include <map>

#include "host/core/text.hpp"
#include "host/storage/hosts.hpp"
#include "host/storage/leases.hpp"

namespace berth::admin {

namespace {

/// An owner is "machine:process:random", and that of a lease has the run as its fourth part.
std::string process_of(std::string_view owner) {
  const auto parts = split(owner, ':');
  if (parts.size() < 3) return std::string(owner);
  return std::string(parts[0]) + ":" + std::string(parts[1]) + ":" + std::string(parts[2]);
}

json::Value named(std::string_view owner, std::string_view state) {
  const auto parts = split(owner, ':');
  json::Value view = json::Value::object({{"host", parts[0]}, {"process", parts.size() > 1 ? json::Value(parts[1]) : json::Value()}});
  view.set("owner", owner);
  view.set("state", state);
  return view;
}

}  // namespace

Result<json::Value> hosts_view(storage::Connection& connection, Instant now, const schedule::IsDeadOwner& is_dead_owner) {
  const auto is_dead = [&](std::string_view owner) { return is_dead_owner && is_dead_owner(owner); };
  std::map<std::string, json::Value> running;   // by process
  for (const storage::HeldSince& held : BERTH_TRY(storage::leases::list(connection, now))) {
    auto& list = running.try_emplace(process_of(held.lease.owner), json::Value::array()).first->second;
    list.push_back(json::Value::object({{"id", held.lease.integration},
                                        {"since", held.began.unix_ms > 0 ? json::Value(to_string(held.began)) : json::Value()},
                                        {"fencing", held.lease.fencing}}));
  }
  json::Value list = json::Value::array();
  for (const storage::Host& host : BERTH_TRY(storage::hosts::list(connection))) {
    const bool is_gone = host.expires <= connection.shared_now(now) || is_dead(host.owner);
    json::Value view = named(host.owner, is_gone ? std::string_view("gone") : host.state);
    view.set("address", host.address);
    view.set("started_at", to_string(host.started));
    view.set("seen_at", to_string(host.seen));
    view.set("clock_ahead_ms", host.clock_ahead.count());
    const auto found = running.find(host.owner);
    view.set("integrations", found == running.end() ? json::Value::array() : std::move(found->second));
    if (found != running.end()) running.erase(found);
    list.push_back(std::move(view));
  }
  for (auto& [owner, integrations] : running) {
    json::Value view = named(owner, is_dead(owner) ? "gone" : "command");
    view.set("integrations", std::move(integrations));
    list.push_back(std::move(view));
  }
  return json::Value::object({{"hosts", std::move(list)}});
}

}  // namespace berth::admin
