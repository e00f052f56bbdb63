#pragma once
// `berth mapping explain`: how every value of a record came about, in words.
//
//   invoice 4815162342000201001 (version 2026-05-21T08:41:30-0400, rules 7c1e93a0b412, would be: parked)
//     state        status "partially_paid" → open
//     company      custom_field "Company" → none → integration company → acme_us
//     customer     customer_id "4815162342000101001" → lookup customer by remote_id → not known → park customer/4815162342000101001
//   waits for: customer/4815162342000101001
//
// The caller adds, behind what the record waits for, why that is not there: history is not known here.
#include <string>
#include <string_view>

#include "host/mapping/mapping.hpp"

namespace berth::mapping {

/// `outcome` must come from evaluate() with tracing. The lines after the fields are, as far as they apply: "reason:",
/// "waits for:" (one a row), "at:", "warning:", "flag:". Ends with a line break.
[[nodiscard]] std::string explain(const Rules& rules, std::string_view entity, const Record& record, const Outcome& outcome);

}  // namespace berth::mapping
