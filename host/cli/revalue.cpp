// `berth ledger revalue`: what is open in a foreign currency at the end of a period, at that day's rate (E19).
#include <fmt/format.h>

#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/ledger/revaluation.hpp"
#include "host/runs/registry.hpp"

namespace berth::cli {

namespace {

struct Asked {
  std::string company;
  Currency currency;
  Decimal rate;
  Date period_end;
};

Result<Asked> read_request(const RevalueOptions& options, const ledger::BooksContext& context) {
  Asked asked;
  asked.company = options.company.empty() ? context.integration.company : options.company;
  if (!context.companies.contains(asked.company)) {
    return make_error(Code::kNotFound, "runs.company_unknown", fmt::format("there is no company \"{}\"", asked.company));
  }
  asked.currency = BERTH_TRY(Currency::of(options.currency));
  asked.rate = BERTH_TRY(Decimal::parse(options.rate));
  asked.period_end = BERTH_TRY(parse_date(options.period_end));
  return asked;
}

}  // namespace

int ledger_revalue(const Global& global, const RevalueOptions& options) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const config::Integration* declared = opened->config.find_integration(options.id);
  if (declared == nullptr) {
    return fail(global, make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"", options.id)));
  }
  ledger::BooksContext context;
  context.companies = runs::companies_of(opened->config);
  context.integration = {options.id, declared->company, ""};
  const auto asked = read_request(options, context);
  if (!asked.ok()) return fail(global, asked.error());
  ledger::Committed committed;
  const Instant now = opened->clock->now();
  const Status done = opened->database->write([&](storage::Connection& connection) -> Status {
    const ledger::Revaluation revaluation = BERTH_TRY(
        ledger::load_revaluation(connection, options.id, asked->company, asked->currency, asked->rate, asked->period_end));
    committed = BERTH_TRY(ledger::post_revaluation(connection, revaluation, context, now));
    if (committed.entries.empty()) return success();
    return admin::note(connection, "cli", "books.revalue", options.id, now,
                       fmt::format(R"({{"company":"{}","currency":"{}","rate":"{}","period_end":"{}"}})", asked->company, asked->currency.code(),
                                   asked->rate.to_plain(), to_string(asked->period_end)));
  });
  if (!done.ok()) return fail(global, done.error());
  if (global.json) {
    json::Value entries = json::Value::array();
    for (const std::int64_t entry : committed.entries) entries.push_back(entry);
    print_json(json::Value::object({{"entries", std::move(entries)}}));
  } else {
    print_line(committed.entries.empty() ? "nothing to revalue: what is open is carried at that rate already"
                                         : fmt::format("posted: entry {}, taken back by entry {}", committed.entries.front(), committed.entries.back()));
  }
  return kFine;
}

}  // namespace berth::cli
