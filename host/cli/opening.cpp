// Receivables from before these books began: `berth ledger opening import`.
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/core/stable_id.hpp"
#include "host/ledger/opening.hpp"
#include "host/runs/registry.hpp"
#include "host/storage/records.hpp"
#include "host/storage/waiting.hpp"

namespace berth::cli {

namespace {

constexpr std::uintmax_t kFileBytesMax = 64 * 1024 * 1024;

Result<std::string> read_whole(const std::string& path) {
  std::error_code unknown;
  const std::uintmax_t size = std::filesystem::file_size(path, unknown);
  std::ifstream file(path, std::ios::binary);
  if (unknown || !file) return make_error(Code::kNotFound, "ledger.opening_file", fmt::format("{} cannot be read", path));
  if (size > kFileBytesMax) {
    return make_error(Code::kInvalidArgument, "ledger.opening_file", fmt::format("{} has more than {} MiB", path, kFileBytesMax / 1024 / 1024));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Imported {
  std::size_t posted = 0;
  std::size_t there = 0;
  std::int64_t payments = 0;  // that had failed and are planned again
};

/// All of the file or nothing, in one transaction.
Status import_all(storage::Connection& connection, const std::vector<ledger::OpeningReceivable>& openings, const ledger::BooksContext& context,
                  Instant now, Imported& imported) {
  const std::string& integration = context.integration.id;
  for (const ledger::OpeningReceivable& opening : openings) {
    // The id that the invoice would get if it were pulled.
    const std::string id = stable_id("inv", {"invoice", integration, opening.invoice});
    const ledger::PostedOpening posted = BERTH_TRY(ledger::post_opening(connection, opening, context, id, now));
    ++(posted.is_new ? imported.posted : imported.there);
    if (posted.is_new) BERTH_CHECK(storage::waiting::wake(connection, integration, "invoice/" + opening.invoice, now));
  }
  if (imported.posted == 0) return success();
  // Payments that failed because nothing of theirs could be imported are decided again with the next run.
  imported.payments = BERTH_TRY(storage::records::requeue(connection, {.integration = integration, .entity = {}, .state = "failed", .reason = {}, .remote_state = {}}, now));
  return admin::note(connection, "cli", "ledger.opening", integration, now, fmt::format(R"({{"receivables":{}}})", imported.posted));
}

}  // namespace

int ledger_opening(const Global& global, const std::string& id, const std::string& file) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const config::Integration* declared = opened->config.find_integration(id);
  if (declared == nullptr) {
    return fail(global, make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"", id)));
  }
  const auto text = read_whole(file);
  if (!text.ok()) return fail(global, text.error());
  ledger::BooksContext context;
  context.companies = runs::companies_of(opened->config);
  context.integration.id = id;
  context.integration.company = declared->company;
  if (const auto company = context.companies.find(declared->company); company != context.companies.end())
    context.integration.base_currency = company->second.base_currency.code();
  const auto openings = ledger::parse_openings(*text, context.companies);
  if (!openings.ok()) return fail(global, openings.error());
  Imported imported;
  const Status done = opened->database->write([&](storage::Connection& connection) {
    imported = {};
    return import_all(connection, *openings, context, opened->clock->now(), imported);
  });
  if (!done.ok()) return fail(global, done.error());
  if (global.json) {
    print_json(json::Value::object({{"posted", imported.posted}, {"already_there", imported.there}, {"planned_again", imported.payments}}));
  } else {
    print_line(fmt::format("{} opening receivables posted, {} were there already; {} failed records are decided again with the next run", imported.posted,
                           imported.there, imported.payments));
  }
  return kFine;
}

}  // namespace berth::cli
