// The journal as tables: CSV (RFC 4180, one row a line of an entry) for spreadsheets, JSON Lines (one object an entry) for
// scripts. Amounts are decimal texts with the full scale of their currency. Sorted by source, what belongs to this host's
// recording is left out: numbers of entries, and what they reverse is "event/sequence".
#include <fmt/format.h>

#include <iterator>

#include "berth/json.hpp"
#include "host/ledger/export_names.hpp"

namespace berth::ledger {
namespace {

std::string reverses_text(const StoredEntry& entry, EntryOrder order) {
  if (entry.reverses == 0) return "";
  return order == EntryOrder::kSource ? fmt::format("{}/{}", entry.reversed_event, entry.reversed_sequence)
                                      : std::to_string(entry.reverses);
}

bool is_foreign(const StoredEntry& entry, const StoredLine& line) {
  return line.document && !(entry.currency == entry.base_currency);
}

class CsvWriter final : public JournalWriter {
 public:
  CsvWriter(const Companies& companies, EntryOrder order) : companies_(companies), order_(order) {}

  void begin(const JournalHead&, std::string& out) override {
    out +=
        "entry,reverses,date,document_date,integration,entity,remote_id,local_id,event,sequence,company,account,"
        "account_name,currency,debit,credit,document_currency,document_debit,document_credit,rate,customer,location,"
        "service_type,description\r\n";
  }

  // An event without lines is a row without an account: it moved nothing, but it happened.
  void entry(const StoredEntry& entry, std::string& out) override {
    if (entry.lines.empty()) row(entry, nullptr, out);
    for (const StoredLine& line : entry.lines) row(entry, &line, out);
  }

 private:
  // A text that a spreadsheet would take for a formula begins with an apostrophe.
  static std::string cell(std::string_view text) {
    const bool is_formula = !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
    std::string value = (is_formula ? "'" : "") + std::string(text);
    if (value.find_first_of(",\"\r\n") == std::string::npos) return value;
    return "\"" + replace_all(std::move(value), "\"", "\"\"") + "\"";
  }

  void row(const StoredEntry& entry, const StoredLine* line, std::string& out) const {
    const std::string number = order_ == EntryOrder::kSource ? "" : std::to_string(entry.id);
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{},{},{},{},{},", number,
                   cell(reverses_text(entry, order_)), to_string(entry.date), to_string(entry.document_date),
                   cell(entry.source.integration), cell(entry.source.entity), cell(entry.source.remote_id),
                   cell(order_ == EntryOrder::kSource ? "" : entry.local_id), cell(entry.event), entry.sequence,
                   cell(entry.company));
    if (line == nullptr) {
      fmt::format_to(std::back_inserter(out), ",,{},,,,,,{},,,,{}\r\n", entry.base_currency.code(), entry.rate,
                     cell(entry.description));
      return;
    }
    const bool is_debit = line->side == Side::kDebit;
    const std::string base = line->base.to_string();
    const std::string document = is_foreign(entry, *line) ? line->document->to_string() : "";
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n", cell(line->account),
                   cell(full_account_name(companies_, entry.company, line->account)), entry.base_currency.code(),
                   is_debit ? base : "", is_debit ? "" : base, document.empty() ? "" : entry.currency.code(),
                   is_debit ? document : "", is_debit ? "" : document, entry.rate, cell(line->party),
                   cell(line->location), cell(line->service_type),
                   cell(line->description.empty() ? entry.description : line->description));
  }

  const Companies& companies_;
  const EntryOrder order_;
};

class JsonLinesWriter final : public JournalWriter {
 public:
  JsonLinesWriter(const Companies& companies, EntryOrder order) : companies_(companies), order_(order) {}

  void begin(const JournalHead&, std::string&) override {}

  void entry(const StoredEntry& entry, std::string& out) override {
    json::Value value = json::Value::object({{"date", to_string(entry.date)},
                                             {"document_date", to_string(entry.document_date)},
                                             {"integration", entry.source.integration},
                                             {"entity", entry.source.entity},
                                             {"remote_id", entry.source.remote_id},
                                             {"version", entry.source.version},
                                             {"event", entry.event},
                                             {"sequence", entry.sequence},
                                             {"company", entry.company},
                                             {"currency", entry.currency.code()},
                                             {"base_currency", entry.base_currency.code()},
                                             {"description", entry.description},
                                             {"fingerprint", entry.fingerprint}});
    if (order_ == EntryOrder::kRecording) {
      value.set("entry", entry.id);
      value.set("local_id", entry.local_id);
      if (entry.supersedes != 0) value.set("supersedes", entry.supersedes);
    }
    if (!entry.rate.empty()) value.set("rate", entry.rate);
    if (entry.reverses != 0) value.set("reverses", reverses_text(entry, order_));
    json::Value lines = json::Value::array();
    for (const StoredLine& line : entry.lines) lines.push_back(line_of(entry, line));
    value.set("lines", std::move(lines));
    out += json::canonical(value);
    out += '\n';
  }

 private:
  [[nodiscard]] json::Value line_of(const StoredEntry& entry, const StoredLine& line) const {
    json::Value value =
        json::Value::object({{"account", line.account},
                             {"account_name", full_account_name(companies_, entry.company, line.account)},
                             {line.side == Side::kDebit ? "debit" : "credit", line.base.to_string()}});
    if (is_foreign(entry, line)) value.set("document_amount", line.document->to_string());
    const std::pair<std::string_view, const std::string&> texts[] = {{"customer", line.party},
                                                                     {"location", line.location},
                                                                     {"service_type", line.service_type},
                                                                     {"description", line.description}};
    for (const auto& [key, text] : texts) {
      if (!text.empty()) value.set(std::string(key), text);
    }
    return value;
  }

  const Companies& companies_;
  const EntryOrder order_;
};

}  // namespace

std::unique_ptr<JournalWriter> make_csv_writer(const Companies& companies, EntryOrder order) {
  return std::make_unique<CsvWriter>(companies, order);
}
std::unique_ptr<JournalWriter> make_json_lines_writer(const Companies& companies, EntryOrder order) {
  return std::make_unique<JsonLinesWriter>(companies, order);
}

}  // namespace berth::ledger
