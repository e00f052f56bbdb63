// The journal in hledger's language: whatever a remote wrote into names and descriptions, an entry stays one entry, its
// postings stay its own lines, and a tag holds its value alone. Input: lines with the texts of an entry and of two
// postings; read back by the rules of hledger's manual.
#include <algorithm>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "host/core/text.hpp"
#include "host/ledger/export.hpp"

namespace berth::fuzz {
namespace {

std::string decoded(std::string_view line) {
  return percent_decode(line);  // so that an input may have line ends inside a text
}

/// The account of a posting: up to two blanks.
std::string_view account_of(std::string_view line) {
  line = trim(line);
  return line.substr(0, line.find("  "));
}

/// The value of the tag at place `index` of a comment, as hledger reads it: what stands between two commas.
void check_tag(std::string_view line, std::size_t index, std::string_view name, std::string_view value) {
  const auto tags = split(line.substr(line.find(';') + 1), ',');
  FUZZ_CHECK(index < tags.size(), std::string(line));
  const std::string_view tag = trim(tags[index]);
  const std::string begin = std::string(name) + ":";
  FUZZ_CHECK(tag.starts_with(begin), std::string(line));
  // Everything that may stand in a tag is still there.
  std::string kept(value);
  for (char& c : kept) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f || std::string_view(",;[]").find(c) != std::string_view::npos) c = ' ';
  }
  FUZZ_CHECK(trim(tag.substr(begin.size())) == trim(kept), std::string(line));
  FUZZ_CHECK(line.find('[') == std::string_view::npos, std::string(line));
}

}  // namespace

void fuzz_hledger_export(std::string_view input) {
  Input in(input);
  ledger::StoredEntry entry;
  entry.id = 12;
  entry.sequence = 1;
  entry.source.integration = "zoho_acme";
  entry.source.entity = "invoice";
  entry.source.remote_id = decoded(in.line());
  entry.local_id = "inv_1";
  entry.event = decoded(in.line());
  entry.company = decoded(in.line());
  entry.description = decoded(in.line());
  entry.date = entry.document_date = Date{2026, 5, 4};
  entry.currency = entry.base_currency = Currency::of("USD").value();
  for (const auto side : {ledger::Side::kDebit, ledger::Side::kCredit}) {
    ledger::StoredLine line;
    line.side = side;
    line.account = decoded(in.line());
    line.party = decoded(in.line());
    line.base = Money(in.byte(), entry.currency);
    (void)in.line();
    entry.lines.push_back(std::move(line));
  }
  const ledger::Companies companies;
  for (const auto order : {ledger::EntryOrder::kRecording, ledger::EntryOrder::kSource}) {
    std::string text;
    ledger::make_hledger_writer(companies, order)->entry(entry, text);
    const auto lines = split(text, '\n');
    // A blank line, the head, the tags, two postings, and nothing behind the last line end.
    FUZZ_CHECK(lines.size() == 6 && lines[0].empty() && lines[5].empty(), text);
    FUZZ_CHECK(lines[1].starts_with("2026-05-04 * ") && lines[1].find(';') == std::string::npos, text);
    FUZZ_CHECK(lines[2].starts_with("    ; "), text);
    check_tag(lines[2], 2, "remote_id", entry.source.remote_id);
    check_tag(lines[2], 3, "event", entry.event);
    for (std::size_t i = 0; i < 2; ++i) {
      const std::string& line = lines[3 + i];
      FUZZ_CHECK(
          line.starts_with("    ") && std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' || c < 0; }),
          text);
      const std::string_view account = account_of(line);
      FUZZ_CHECK(account.starts_with("unknown:") && account.find(';') == std::string_view::npos, text);
      // Behind the account stands the amount alone: nothing of a name was taken for one.
      const std::string_view rest = trim(std::string_view(trim(line)).substr(account.size()));
      const std::string_view amount = trim(rest.substr(0, rest.find(';')));
      const std::string sign = i == 1 ? "-" : "";
      if (!entry.lines[i].party.empty())
        check_tag(line.substr(4 + account.size()), 0, "customer", entry.lines[i].party);
      FUZZ_CHECK(amount == sign + entry.lines[i].base.to_string() + " USD", text);
    }
  }
}

}  // namespace berth::fuzz
