#pragma once
// Files of a record, such as its PDF, that ought to be here and are not: which, how far their fetching came, and what to do. A
// missing file keeps nothing from posting, so it shows nowhere else on the record.
//
// Reads within the caller's snapshot. Any thread. Errors: storage's.
#include "berth/json.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/records.hpp"

namespace berth::lineage {

/// [{"name":"pdf","reason":..,"message":..,"cause":..,"resolution":..,"who_acts":..}], empty where every file is here or none
/// belongs to the record: no phase brings some, its rules exclude it, or its detail has not come yet.
Result<json::Value> missing_files(storage::Connection& connection, const runs::Setup& setup, const storage::Record& record);

}  // namespace berth::lineage
