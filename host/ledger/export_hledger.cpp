// The journal formats of hledger and ledger, which agree but in their declarations. Accounts and commodities are
// declared, so that `hledger check -s` and `ledger --pedantic` pass; amounts are exact.
//
//   2026-05-04 * INV-000317
//       ; integration:zoho_acme, entity:invoice, remote_id:46…, event:post, sequence:1, entry:12
//       assets:acme_us:ar                      1252.50 USD
//       income:acme_us:sales                  -1252.50 USD
//
// Sorted by source, a transaction is named by its tags alone and not by a number: entry is left out, and reverses is
// event and sequence of the same source, "post/1".
#include <fmt/format.h>

#include <iterator>

#include "host/ledger/export_names.hpp"

namespace berth::ledger {
namespace {

std::string_view type_letter(std::string_view account) {
  if (account.starts_with("assets:")) return "A";
  if (account.starts_with("liabilities:")) return "L";
  if (account.starts_with("equity:")) return "E";
  if (account.starts_with("income:")) return "R";
  if (account.starts_with("expenses:")) return "X";
  return "";
}

class HledgerWriter final : public JournalWriter {
 public:
  HledgerWriter(const Companies& companies, EntryOrder order, LedgerDialect dialect)
      : names_(companies, account_text), order_(order), dialect_(dialect) {}

  void begin(const JournalHead& head, std::string& out) override {
    auto to = std::back_inserter(out);
    fmt::format_to(to, "; Journal of Berth, {}.\n\n",
                   order_ == EntryOrder::kSource ? "sorted by source" : "in order of recording");
    for (const Currency& currency : head.currencies) {
      const std::string zeros(static_cast<std::size_t>(currency.scale()), '0');
      if (dialect_ == LedgerDialect::kLedger) {
        fmt::format_to(to, "commodity {}\n    format 1000{}{} {}\n", currency.code(), zeros.empty() ? "" : ".", zeros,
                       currency.code());
      } else {
        // The decimal mark is always there, also where there are no decimals: "1000." says that a dot is one.
        fmt::format_to(to, "commodity 1000.{} {}\n", zeros, currency.code());
      }
    }
    names_.add(head);
    for (const JournalHead::UsedAccount& used : head.accounts) {
      const std::string& name = names_.of(used.company, used.account);
      const std::string_view letter = dialect_ == LedgerDialect::kHledger ? type_letter(name) : "";
      fmt::format_to(to, "account {}{}{}\n", name, letter.empty() ? "" : "  ; type:", letter);
    }
  }

  void entry(const StoredEntry& entry, std::string& out) override {
    auto to = std::back_inserter(out);
    const std::string description = plain_text(entry.description.empty() ? entry.local_id : entry.description, ";|");
    // An event without lines moves nothing; a comment keeps its trace.
    const std::string_view mark = entry.lines.empty() ? "; " : "";
    fmt::format_to(to, "\n{}{} * {}\n", mark, to_string(entry.date), description);
    fmt::format_to(to, "{}    ; integration:{}, entity:{}, remote_id:{}, event:{}, sequence:{}", mark,
                   tag(entry.source.integration), tag(entry.source.entity), tag(entry.source.remote_id),
                   tag(entry.event), entry.sequence);
    if (order_ == EntryOrder::kSource) {
      if (entry.reverses != 0)
        fmt::format_to(to, ", reverses:{}/{}", tag(entry.reversed_event), entry.reversed_sequence);
    } else {
      fmt::format_to(to, ", entry:{}", entry.id);
      if (entry.reverses != 0) fmt::format_to(to, ", reverses:{}", entry.reverses);
    }
    if (entry.document_date != entry.date) fmt::format_to(to, ", document_date:{}", to_string(entry.document_date));
    out += '\n';
    for (const StoredLine& line : entry.lines) write_line(entry, line, out);
  }

 private:
  // A comma ends a tag; hledger reads digits and dashes in brackets as a date, and refuses the journal where it is none.
  static std::string tag(std::string_view value) { return plain_text(value, ",;[]"); }
  // Two blanks end an account name, so a name has none; a semicolon would begin a comment.
  static std::string account_text(std::string_view full_name) {
    std::string name = plain_text(full_name, ";");
    while (name.find("  ") != std::string::npos) name = replace_all(std::move(name), "  ", " ");
    return name;
  }

  void write_line(const StoredEntry& entry, const StoredLine& line, std::string& out) {
    auto to = std::back_inserter(out);
    const std::string_view sign = line.side == Side::kCredit ? "-" : "";
    const bool is_foreign = line.document && !(entry.currency == entry.base_currency);
    const Money amount = is_foreign ? *line.document : line.base;
    fmt::format_to(to, "    {:<44}  {:>16} {}", names_.of(entry.company, line.account),
                   fmt::format("{}{}", sign, amount.to_string()), amount.currency().code());
    if (is_foreign) fmt::format_to(to, " @@ {} {}", line.base.to_string(), entry.base_currency.code());
    if (!line.party.empty()) fmt::format_to(to, "  ; customer:{}", tag(line.party));
    out += '\n';
  }

  AccountNames names_;
  const EntryOrder order_;
  const LedgerDialect dialect_;
};

}  // namespace

std::unique_ptr<JournalWriter> make_hledger_writer(const Companies& companies, EntryOrder order, LedgerDialect dialect) {
  return std::make_unique<HledgerWriter>(companies, order, dialect);
}

}  // namespace berth::ledger
