#pragma once
// A stored record as the rules see it: its list row, its detail and parts, as far as the rules of the setup read them.
//
//   const mapping::Record loaded = BERTH_TRY(load_record(connection, setup, record));
//   mapping::evaluate(*setup.rules, "invoice", loaded, lookups, setup.mapping_context());
//
// Any thread. Errors: storage's; storage.body_damaged where a stored answer is no JSON any more.
#include "host/mapping/mapping.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

/// The setup has rules.
Result<mapping::Record> load_record(storage::Connection& connection, const Setup& setup, const storage::Record& record);

struct Evaluated {
  std::string entity;          // the rule entity that took it
  mapping::Outcome outcome;
};
/// Several rule entities may be made from one remote entity (contact → customer, vendor): the first that does not ignore the
/// record takes it.
[[nodiscard]] Evaluated evaluate_record(const Setup& setup, std::string_view remote_entity, const mapping::Record& loaded,
                                        mapping::Lookups& lookups, bool with_trace = false);

}  // namespace berth::runs
