#pragma once
// Customers of a remote and which of ours they are, and classifications with their lines: looking at them and changing them,
// for the command line and the REST API. The caller applies what became pending.
//
// Errors besides the database's: admin.customer_unknown (with the nearest name), admin.customer_ambiguous (with the ids),
// admin.customer_remote_unknown, admin.customer_exists, admin.customer_not_linked, admin.customer_in_use, admin.field_missing.
#include <string_view>

#include "berth/json.hpp"
#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::admin {

/// [{"remote_id":..,"customer":..,"name":..,"origin":"synced|linked|made","waiting":0}], those that something waits for first.
Result<json::Value> customers_view(storage::Connection& connection, std::string_view integration);

/// The remote customer is the customer `local`, an id or a whole name, from now on. What waited for it becomes pending, and
/// so does what is posted in another name (`decided_again` of them): it is reversed and posted again in this one.
Result<json::Value> link_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view local,
                                  std::string_view actor, Instant now);
/// The remote customer is the one again that its own record is; posted documents are decided again as above. Refused where
/// documents are posted and it would be nobody.
Result<json::Value> unlink_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view actor, Instant now);
/// Makes the customer that the remote one is, before or without a pull of contacts. A pull that brings it later fills it in.
Result<json::Value> create_customer(storage::Database& database, const runs::Setup& setup, std::string_view remote_id, std::string_view name,
                                    std::string_view actor, Instant now);

/// [{"name":"Service Type","lines":["Consulting"]}]
Result<json::Value> classifications_view(storage::Connection& connection);
/// {"classification":..,"line":..,"added":true,"woken":2,"near":"Consulting","near_is":"here|in documents"}; `line` may be empty.
/// `near` only where the new name looks like a slip of the pen for that one.
Result<json::Value> add_classification(storage::Database& database, std::string_view name, std::string_view line, std::string_view actor, Instant now);
/// Takes back what nothing uses. `line` may be empty. Errors: admin.classification_unknown, admin.classification_in_use, also
/// for what berth.yaml declares: it would come back.
Result<json::Value> remove_classification(storage::Database& database, const config::Config& config, std::string_view name, std::string_view line,
                                          std::string_view actor, Instant now);

}  // namespace berth::admin
