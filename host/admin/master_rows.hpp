#pragma once
// Customers of a remote and which of ours they are, and classifications with their lines: looking at them and changing them,
// for the command line and the REST API. The caller applies what became pending.
//
// Errors besides the database's: admin.customer_unknown (with the nearest name), admin.customer_remote_unknown,
// admin.customer_exists, admin.field_missing.
#include <string_view>

#include "berth/json.hpp"
#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::admin {

/// [{"remote_id":..,"customer":..,"name":..,"origin":"synced|linked|made","waiting":0}], those that something waits for first.
Result<json::Value> customers_view(storage::Connection& connection, std::string_view integration);

/// The remote customer is the customer `local`, an id or a whole name, from now on. What waited for it becomes pending; what
/// is posted stays as it is until it changes.
Result<json::Value> link_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view local,
                                  std::string_view actor, Instant now);
/// Makes the customer that the remote one is, before or without a pull of contacts. A pull that brings it later fills it in.
Result<json::Value> create_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view name,
                                    std::string_view actor, Instant now);

/// [{"name":"Service Type","lines":["Consulting"]}]
Result<json::Value> classifications_view(storage::Connection& connection);
/// {"classification":..,"line":..,"added":true,"woken":2}; `line` may be empty.
Result<json::Value> add_classification(storage::Database& database, std::string_view name, std::string_view line, std::string_view actor, Instant now);

}  // namespace berth::admin
