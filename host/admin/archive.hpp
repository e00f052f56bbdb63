#pragma once
// A person archives a record or takes that back: for REST and the command line.
#include <string_view>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/runs/engine.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::admin {

/// What both need: whose record, and who applies what they note.
struct ArchiveServices {
  storage::Database& database;
  runs::Engine& engine;
  const Clock& clock;
};

/// The record as it is afterwards (views::record_view) with "applied": false where a run is under way, which applies it after its
/// slice, and "entries_reversed". Errors: those of runs/hand_archive.hpp, storage's.
Result<json::Value> archive_record(const ArchiveServices& services, const runs::Setup& setup, std::string_view name, std::string_view why, std::string_view actor,
                                   std::stop_token stop);
/// The same, with "entries_posted".
Result<json::Value> unarchive_record(const ArchiveServices& services, const runs::Setup& setup, std::string_view name, std::string_view actor, std::stop_token stop);

}  // namespace berth::admin
