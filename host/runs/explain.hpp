#pragma once
// Why a stored record is what it is: the rules over it as they are now, what the ledger says of the document, and for
// everything it waits for, why that is not there. Reads only.
//
//   const Explained explained = BERTH_TRY(explain(connection, setup, companies, "invoice/4615…"));
//
// Errors: runs.record_unknown, admin.record_ambiguous, admin.entry_unknown, mapping.no_rules, storage's.
#include <string>
#include <string_view>

#include "host/ledger/books.hpp"
#include "host/mapping/explain.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

struct Explained {
  storage::Record record;       // as it is stored now, with the state that it has
  mapping::Record loaded;
  std::string entity;           // the rule entity
  mapping::Outcome outcome;     // traced
  mapping::Judgement judgement; // with the ledger's word where the rules map the record
  json::Value document;         // what the ledger judged: with the ids of rows that it would make
};

/// `reference` is any name of the document (record_names.hpp): ENTITY/REMOTE_ID, where the entity may be the remote's (contact)
/// or the rules' (customer), a number such as INV-000317, entry/12, and so on.
Result<Explained> explain(storage::Connection& connection, const Setup& setup, const ledger::Companies& companies, std::string_view reference);

/// Why a thing that records wait for ("customer/C404", "account/payment_mode/Check/acme_us", "period/acme_us/2026-05") is not
/// there, in one sentence, with the nearest name where somebody may have meant that.
Result<std::string> why_not_there(storage::Connection& connection, const Setup& setup, std::string_view awaited);

}  // namespace berth::runs
