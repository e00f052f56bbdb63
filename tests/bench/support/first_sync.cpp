#include "bench/support/first_sync.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench/support/options.hpp"

namespace bench {

namespace {

const char* const kSchedule = "{invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1d}";

std::unique_ptr<e2e::Workspace> workspace(const e2e::Simulator& simulator, const Options& options) {
  return std::make_unique<e2e::Workspace>(simulator, e2e::Settings{.extra = options.pdfs ? "" : "    budgets: {invoices.pdf: 0}\n",
                                                                   .data_centers = {},
                                                                   .limits = "{per_minute: 0, concurrent: 5, per_day: 0}",
                                                                   .schedule = kSchedule});
}

e2e::Sizes sizes_of(const Options& options) {
  return {.contacts = options.contacts,
          .items = options.items,
          .invoices = options.invoices,
          .payments = options.payments,
          .credit_notes = 0,
          .seed = 7,
          .per_minute = 0,
          .per_day = 0,
          .more = {"--concurrent", "0"}};
}

}  // namespace

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const auto number = [&](const char* name, int& value) {
      if (!is_option(argc, argv, i, name)) return false;
      value = std::atoi(argv[i]);
      return true;
    };
    if (number("--contacts", options.contacts) || number("--items", options.items) || number("--invoices", options.invoices) ||
        number("--payments", options.payments)) {
      continue;
    }
    if (is_option(argc, argv, i, "--prefix")) {
      options.prefix = argv[i];
      continue;
    }
    if (std::strcmp(argv[i], "--without-pdfs") == 0) {
      options.pdfs = false;
      continue;
    }
    if (std::strcmp(argv[i], "--keep") == 0) {
      options.keeps_folder = true;
      continue;
    }
    std::fprintf(stderr, "usage: %s [--contacts N] [--items N] [--invoices N] [--payments N] [--without-pdfs] [--prefix TEXT] [--keep]\n", argv[0]);
    std::exit(2);
  }
  return options;
}

std::unique_ptr<e2e::Simulator> start_simulator(const Options& options) { return std::make_unique<e2e::Simulator>(sizes_of(options)); }

std::unique_ptr<e2e::Workspace> connected_host(const e2e::Simulator& simulator, const Options& options) {
  // Which rows documents will ask for is learnt from small books with the same taxes and payment modes.
  const e2e::Simulator small(sizes_of({.contacts = 60, .items = 30, .invoices = 400, .payments = 250}));
  const auto rehearsal = workspace(small, options);
  rehearsal->connect();
  rehearsal->must({"sync", "zoho"});
  rehearsal->map_all_accounts();
  const e2e::Value rows = rehearsal->json({"accounts", "list", "zoho"});
  auto host = workspace(simulator, options);
  host->connect();
  for (const e2e::Value& row : rows.find("accounts")->items()) {
    host->must({"accounts", "map", "zoho", std::string(row.text_of("row")), std::string(row.text_of("account"))});
  }
  return host;
}

}  // namespace bench
