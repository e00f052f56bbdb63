#pragma once
// What the benches of a whole sync share: the sizes of the remote's books as options, a connected host whose accounts are
// mapped before the first document arrives, so that everything posts within the sync.
#include <cstdint>
#include <memory>
#include <string>

#include "bench/support/measure.hpp"
#include "e2e/support/world.hpp"

namespace bench {

struct Options {
  int contacts = 2000, items = 500, invoices = 10'000, payments = 5000;
  bool pdfs = true;            // each invoice with its PDF; without: the budget of PDFs is 0
  bool keeps_folder = false;   // prints where the database is and leaves it
  std::string prefix = {};     // before every name of the table
  [[nodiscard]] std::int64_t documents() const { return std::int64_t{contacts} + items + invoices + payments; }
};

/// --contacts N --items N --invoices N --payments N --without-pdfs --prefix TEXT --keep. Ends the program with 2 where there is another.
Options options_of(int argc, char** argv);

/// The simulator without limits and without latency, its books of these sizes.
std::unique_ptr<e2e::Simulator> start_simulator(const Options& options);

/// A host that is connected; every account that books of the simulator ask for is mapped.
std::unique_ptr<e2e::Workspace> connected_host(const e2e::Simulator& simulator, const Options& options);

}  // namespace bench
