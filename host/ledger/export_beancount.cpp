// beancount's language. Accounts are opened on the first day of the journal; an amount in a foreign currency has its base
// as total price, so that `sum(weight)` of bean-query is our balance.
//
//   2026-05-04 * "INV-000317"
//     integration: "zoho_acme"
//     entity: "invoice"
//     ...
//     Assets:Acme-us:Ar           1252.50 USD
//     Income:Acme-us:Sales       -1252.50 USD
#include <fmt/format.h>

#include <iterator>

#include "host/ledger/export_names.hpp"

namespace berth::ledger {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Each part begins with a capital letter or a digit and goes on with letters, digits and dashes. What else an id has is
/// a dash, and AccountNames tells apart what that makes equal. The first part is one of five that beancount knows.
std::string account_text(std::string_view full_name) {
  std::string out;
  bool is_first_of_part = true;
  std::size_t colons = 0;
  for (const char c : full_name) {
    // Type and company are followed by a colon; a colon in an id is no part of its own.
    if (c == ':' && colons < 2) {
      out += ':';
      ++colons;
      is_first_of_part = true;
      continue;
    }
    if (is_first_of_part && c >= 'a' && c <= 'z') {
      out += static_cast<char>(c - 'a' + 'A');
    } else if (is_first_of_part && !is_letter(c) && !is_digit(c)) {
      out += "X-";
    } else {
      out += is_letter(c) || is_digit(c) ? c : '-';
    }
    is_first_of_part = false;
  }
  if (is_first_of_part) out += 'X';
  constexpr std::string_view kUnknown = "Unknown:";
  return out.starts_with(kUnknown) ? "Equity:Unknown-" + out.substr(kUnknown.size()) : out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : plain_text(text, "")) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

class BeancountWriter final : public JournalWriter {
 public:
  BeancountWriter(const Companies& companies, EntryOrder order) : names_(companies, account_text), order_(order) {}

  void begin(const JournalHead& head, std::string& out) override {
    auto to = std::back_inserter(out);
    fmt::format_to(to, ";; Journal of Berth, {}.\noption \"title\" \"Berth\"\n"
                   // A total price is divided and multiplied again; that leaves something in the 28th digit.
                   "option \"inferred_tolerance_default\" \"*:0.000000001\"\n\n",
                   order_ == EntryOrder::kSource ? "sorted by source" : "in order of recording");
    for (const Currency& currency : head.currencies)
      fmt::format_to(to, "{} commodity {}\n", to_string(head.first), currency.code());
    names_.add(head);
    for (const JournalHead::UsedAccount& used : head.accounts)
      fmt::format_to(to, "{} open {}\n", to_string(head.first), names_.of(used.company, used.account));
  }

  void entry(const StoredEntry& entry, std::string& out) override {
    auto to = std::back_inserter(out);
    // An event without lines moves nothing; a comment keeps its trace.
    const std::string_view mark = entry.lines.empty() ? "; " : "";
    fmt::format_to(to, "\n{}{} * {}\n", mark, to_string(entry.date),
                   quoted(entry.description.empty() ? entry.local_id : entry.description));
    const auto tag = [&](std::string_view key, std::string_view value) {
      fmt::format_to(to, "{}  {}: {}\n", mark, key, quoted(value));
    };
    tag("integration", entry.source.integration);
    tag("entity", entry.source.entity);
    tag("remote_id", entry.source.remote_id);
    tag("event", entry.event);
    tag("sequence", std::to_string(entry.sequence));
    if (order_ == EntryOrder::kSource) {
      if (entry.reverses != 0) tag("reverses", fmt::format("{}/{}", entry.reversed_event, entry.reversed_sequence));
    } else {
      tag("entry", std::to_string(entry.id));
      if (entry.reverses != 0) tag("reverses", std::to_string(entry.reverses));
    }
    if (entry.document_date != entry.date) tag("document_date", to_string(entry.document_date));
    for (const StoredLine& line : entry.lines) write_line(entry, line, out);
  }

 private:
  void write_line(const StoredEntry& entry, const StoredLine& line, std::string& out) {
    auto to = std::back_inserter(out);
    const bool is_foreign = line.document && !(entry.currency == entry.base_currency);
    const Money amount = is_foreign ? *line.document : line.base;
    fmt::format_to(to, "  {:<44}  {:>16} {}", names_.of(entry.company, line.account),
                   fmt::format("{}{}", line.side == Side::kCredit ? "-" : "", amount.to_string()),
                   amount.currency().code());
    if (is_foreign) fmt::format_to(to, " @@ {} {}", line.base.to_string(), entry.base_currency.code());
    out += '\n';
    if (!line.party.empty()) fmt::format_to(to, "    customer: {}\n", quoted(line.party));
  }

  AccountNames names_;
  const EntryOrder order_;
};

}  // namespace

std::unique_ptr<JournalWriter> make_beancount_writer(const Companies& companies, EntryOrder order) {
  return std::make_unique<BeancountWriter>(companies, order);
}

}  // namespace berth::ledger
