#pragma once
// What changed rules change, as JSON with stable keys: `berth mapping diff` and `apply` and their REST twins print the same.
// Without ids of entries and times, so that what was foretold and what happened are equal texts.
#include <string_view>

#include "berth/json.hpp"
#include "host/core/time.hpp"
#include "host/runs/remap.hpp"

namespace berth::admin {

[[nodiscard]] json::Value record_change_view(const runs::RecordChange& change);
[[nodiscard]] json::Value remapped_view(const runs::Remapped& remapped);

/// `all` and what notes in the audit log who began it, in the transaction that does.
[[nodiscard]] runs::RemapRequest noted_remap(bool all, std::string_view actor, std::string_view integration, const Clock& clock);

/// A visitor that keeps the views of the first `limit` changes in `list`.
[[nodiscard]] runs::OnRecordChange first_changes(json::Value& list, std::size_t limit);

}  // namespace berth::admin
