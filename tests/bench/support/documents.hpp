#pragma once
// The answers that a first sync of the simulator gets, fetched without the host: what the floor is measured with.
#include <string>
#include <vector>

#include "e2e/support/world.hpp"

namespace bench {

struct Answer {
  std::string phase, body;
  bool is_list = false;   // a page; else one document
};

/// Every page of the four lists, and the detail of every invoice that is no draft and of every payment. Throws where the
/// simulator refuses one.
std::vector<Answer> fetch_documents(const e2e::Simulator& simulator);

/// Member of a page that has its rows.
[[nodiscard]] std::string rows_of(const std::string& phase);
[[nodiscard]] std::string id_of(const std::string& phase);

}  // namespace bench
