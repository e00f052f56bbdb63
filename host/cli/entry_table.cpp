#include "host/cli/entry_table.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "host/core/one_line.hpp"

namespace berth::cli {
namespace {

constexpr std::size_t kDescriptionShown = 60;

Table heading(EntryIds ids) {
  std::vector<std::string> names{"date", "company", "document", "event", "description", "account", "debit", "credit", "", "in its currency"};
  if (ids == EntryIds::kHidden) return Table(std::move(names), {6, 7});
  names.insert(names.begin(), "id");
  return Table(std::move(names), {0, 7, 8});
}

}  // namespace

EntryTable::EntryTable(EntryIds ids) : ids_(ids), table_(heading(ids)) {}

void EntryTable::add(const json::Value& entry) {
  const json::Value* reverses = entry.find("reverses");
  const bool is_reversal = reverses != nullptr && reverses->integer().value_or(0) != 0;
  std::vector<std::string> shared{std::string(entry.text_of("date")), std::string(entry.text_of("company")),
                                  fmt::format("{}/{}", entry.text_of("entity"), entry.text_of("remote_id")),
                                  fmt::format("{}{}", entry.text_of("event"), is_reversal ? ", reversal" : ""),
                                  one_line(entry.text_of("description"), kDescriptionShown)};
  if (ids_ == EntryIds::kShown) shared.insert(shared.begin(), std::string(entry.text_of("id")));
  const auto add_row = [&](std::initializer_list<std::string> of_line) {
    std::vector<std::string> row = shared;
    row.insert(row.end(), of_line);
    table_.add(std::move(row));
    shared.assign(shared.size(), {});
  };
  for (const json::Value& line : entry.find("lines")->items()) {
    const std::string amount(line.text_of("amount"));
    const bool is_debit = line.text_of("side") == "debit";
    const bool is_foreign = line.find("document_amount") != nullptr && entry.text_of("currency") != entry.text_of("base_currency");
    add_row({std::string(line.text_of("account")), is_debit ? amount : "", is_debit ? "" : amount, std::string(entry.text_of("base_currency")),
             is_foreign ? fmt::format("{} {}", line.text_of("document_amount"), entry.text_of("currency")) : ""});
  }
  if (entry.find("lines")->items().empty()) add_row({"(no lines)", "", "", "", ""});
}

}  // namespace berth::cli
