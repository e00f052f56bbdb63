// Receivables from before these books began: `berth ledger opening import`.
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/ledger/opening.hpp"
#include "host/runs/registry.hpp"

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
  ledger::ImportedOpenings imported;
  // All of the file or nothing.
  const Status done = opened->database->write("ledger.openings", [&](storage::Connection& connection) -> Status {
    const Instant now = opened->clock->now();
    imported = BERTH_TRY(ledger::import_openings(connection, *openings, context, now));
    if (imported.posted == 0) return success();
    return admin::note(connection, "cli", "ledger.opening", id, now, fmt::format(R"({{"receivables":{}}})", imported.posted));
  });
  if (!done.ok()) return fail(global, done.error());
  if (global.json) {
    print_json(json::Value::object({{"posted", imported.posted}, {"already_there", imported.there}, {"planned_again", imported.woken}}));
  } else {
    print_line(fmt::format("{} opening receivables posted, {} were there already; {} records that waited for them are decided again with the next run", imported.posted,
                           imported.there, imported.woken));
  }
  return kFine;
}

}  // namespace berth::cli
