#pragma once
// What leaves an open item in a foreign currency, in base: docs/accounting.md, E7.
//
// An item is relieved of its carrying base cumulatively: all that was applied to it so far has taken
// round(base × applied ÷ total), so that the last share leaves zero and no cent stays behind, whatever the order. An entry
// that is taken back from the middle, or another total of the invoice, moves what the others should have taken; those are
// posted again in the same plan (C2). Documents in the base currency have nothing to do here.
#include <set>
#include <string>
#include <vector>

#include "host/ledger/drafting.hpp"

namespace berth::ledger {

/// Fills the base of every relief of the events that post (all but `unchanged`), closes these events, and adds to the plan
/// what has to be derived again. `plan` holds all other reversals already.
void settle_carrying(std::vector<DraftEvent>& events, const std::set<std::string>& unchanged, const Books& books,
                     AccountResolver& accounts, Plan& plan);

}  // namespace berth::ledger
