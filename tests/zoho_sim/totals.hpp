// Computes a document's totals from its lines, discounts, taxes and charges.
//
// total = sub_total - entity discount + tax_total + shipping (without tax) + adjustment + round-off, where item_total
// is without tax and after the item-level discount, and the tax on shipping is inside tax_total.
#pragma once

#include "tests/zoho_sim/model.hpp"

#include <functional>

namespace zoho_sim {

// `percent_of` gives the percentage (thousandths) of a tax id; it is not asked for id 0.
void compute_totals(Priced& document, const std::function<int(Id)>& percent_of);

}  // namespace zoho_sim
