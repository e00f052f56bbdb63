// What `berth sync ID --dry-run` prints below the phases of its run.
#include <fmt/format.h>

#include "host/admin/trial.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/entry_table.hpp"
#include "host/core/one_line.hpp"

namespace berth::cli {

namespace {

constexpr std::size_t kMessageShown = 160;

std::string joined(const json::Value* list) {
  std::string text;
  if (list != nullptr) {
    for (const json::Value& one : list->items()) text += (text.empty() ? "" : ", ") + std::string(one.text());
  }
  return text;
}

std::int64_t count(const json::Value& view, const char* name) { return view.find(name)->integer().value_or(0); }

void print_entries(const json::Value& view) {
  const std::int64_t all = count(view, "entries_total");
  if (all == 0) {
    print_line("\nno entries");
    return;
  }
  const std::int64_t reversals = count(view, "reversals_total");
  print_line(fmt::format("\n{} entries{}:", all, reversals == 0 ? "" : fmt::format(", of which {} reverse earlier ones", reversals)));
  EntryTable table(EntryIds::kHidden);
  for (const json::Value& entry : view.find("entries")->items()) table.add(entry);
  print(table.text());
  const auto shown = static_cast<std::int64_t>(view.find("entries")->items().size());
  if (shown < all) print_line(fmt::format("and {} more entries; raise --limit", all - shown));
  Table totals({"company", "account", "currency", "debit", "credit", "in base currency", ""}, {3, 4, 5});
  for (const json::Value& row : view.find("totals")->items()) {
    totals.add({std::string(row.text_of("company")), std::string(row.text_of("account")), std::string(row.text_of("currency")),
                std::string(row.text_of("debit")), std::string(row.text_of("credit")), std::string(row.text_of("base_net")),
                std::string(row.text_of("base_currency"))});
  }
  print_line("\ntotals of these entries:");
  print(totals.text());
}

void print_refusals(const json::Value& view) {
  const std::int64_t all = count(view, "refusals_total");
  const std::int64_t still = count(view, "still_refused");
  const std::string others = still == 0 ? "" : fmt::format(" ({} stay refused as they are)", still);
  if (all == 0) {
    print_line(fmt::format("\nno record would be refused that is not refused now{}", others));
  } else {
    print_line(fmt::format("\n{} records would be refused that are not refused now, or for another reason{}:", all, others));
  }
  if (all == 0) return;
  Table table({"record", "would be", "reason", "waits for or message"});
  for (const json::Value& one : view.find("refusals")->items()) {
    const std::string waits = joined(one.find("waits_for"));
    table.add({std::string(one.text_of("ref")), std::string(one.text_of("state")), std::string(one.text_of("reason")),
               one_line(waits.empty() ? one.text_of("message") : std::string_view(waits), kMessageShown)});
  }
  print(table.text());
  const auto shown = static_cast<std::int64_t>(view.find("refusals")->items().size());
  if (shown < all) print_line(fmt::format("and {} more; raise --limit", all - shown));
}

}  // namespace

void print_dry_run(const json::Value& view) {
  print_entries(view);
  print_refusals(view);
  std::string rows;
  for (const json::Value& row : view.find("unmapped_accounts")->items()) rows += (rows.empty() ? "" : ", ") + std::string(row.text_of("row"));
  if (!rows.empty()) print_line(fmt::format("\nrows of the account table to map: {}", rows));
  print_line(fmt::format("\ndry run: nothing of this was kept. Its {} calls were real and count against the quota; files of documents were not fetched.",
                         count(*view.find("calls"), "total")));
}

}  // namespace berth::cli
