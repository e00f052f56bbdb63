// Makes the books of an organisation from a seed and sizes: the same options give the same books, to the last id.
//
// Documents spread over `history_days` before `now`. Shares are basis points (500 is 5 %).
#pragma once

#include "tests/zoho_sim/books.hpp"
#include "tests/zoho_sim/org_time.hpp"

namespace zoho_sim {

struct GeneratorOptions {
  std::uint64_t seed = 1;
  Time now = 0;
  int contacts = 300, items = 100, invoices = 2000, payments = 1200, credit_notes = 60;
  int drafts = 500, voids = 300, custom_fields = 4500, vendors = 800, inactive = 500, foreign = 0, write_offs = 0;
  int history_days = 730;
  std::string organization_id = "927000001";
  std::string organization_name = "Acme Trading";
  std::string time_zone = "America/New_York";
};

Books generate_books(const GeneratorOptions& options, const OrgTime& zone);

}  // namespace zoho_sim
