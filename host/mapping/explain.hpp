#pragma once
// `berth mapping explain`: how every value of a record came about, by which rule, in words and as JSON.
//
//   invoice 4815162342000201001 (version 2026-05-21T08:41:30-0400, rules 7c1e93a0b412, would be: parked)
//     state    status "partially_paid" → open                                          mapping.yaml:45
//     company  custom_field "Company" → none → integration company → acme_us           mapping.yaml:56
//     customer customer_id "4815162342000101001" → lookup customer by remote_id → not known → park customer/4815162342000101001  mapping.yaml:57
//   waits for: customer/4815162342000101001
//     contact/4815162342000101001 is stored, and ignored: zoho_books.contact.not_a_customer
//
// What the ledger says of the mapped document, and why something that is waited for is not there, is known to the caller.
#include <string>
#include <string_view>
#include <vector>

#include "host/mapping/mapping.hpp"

namespace berth::mapping {

struct AwaitedThing {
  std::string key;   // "customer/4815162342000101001"
  std::string why;   // a sentence that says why it is not there; may be ""
};
/// What becomes of a record in the end.
struct Judgement {
  std::string state;             // posted | parked | failed | ignored | ...
  std::string reason, message;   // "" where nothing is to be said
  std::vector<AwaitedThing> waits_for;
};
/// That of the mapping alone.
[[nodiscard]] Judgement judgement_of(const Outcome& outcome);

/// `outcome` must come from evaluate() with tracing. The lines after the fields are, as far as they apply: "reason:", "at:",
/// "warning:", "flag:", "waits for:" (one a row, with the reason below it). Ends with a line break.
[[nodiscard]] std::string explain(const Rules& rules, std::string_view entity, const Record& record, const Outcome& outcome, const Judgement& judgement);
[[nodiscard]] json::Value explain_json(const Rules& rules, std::string_view entity, const Record& record, const Outcome& outcome, const Judgement& judgement);

}  // namespace berth::mapping
