// What single steps cost, with an invoice of the simulator: microseconds of processor time each, the best of several rounds.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include "bench/support/documents.hpp"
#include "bench/support/first_sync.hpp"
#include "bench/support/table.hpp"
#include "host/config/accounts.hpp"
#include "host/core/hash.hpp"
#include "host/core/time.hpp"
#include "host/documents/documents.hpp"
#include "host/http/quota_gate.hpp"
#include "host/ledger/books.hpp"
#include "host/ledger/commit.hpp"
#include "host/ledger/plan.hpp"
#include "host/mapping/mapping.hpp"
#include "host/plugins/frame.hpp"
#include "host/storage/body.hpp"
#include "host/storage/database.hpp"

namespace {

using namespace berth;

constexpr int kRounds = 7;
constexpr int kInvoicesInTransaction = 100;
int times_in_round = 2000;

/// `each`: how many a step does.
void measure(std::string_view name, const std::function<void()>& step, int times = times_in_round, int each = 1) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const bench::Seconds before = bench::cpu_of_this_process();
    for (int i = 0; i < times; ++i) step();
    best = std::min(best, (bench::cpu_of_this_process() - before).count() * 1e6 / times / each);
  }
  bench::print(name, best, "us");
}

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().reason + ": " + result.error().message);
  return std::move(result).value();
}

/// Every customer and item is there, every account is mapped.
class AllKnown final : public mapping::Lookups {
 public:
  mapping::LookupAnswer find(std::string_view kind, std::string_view, std::string_view, std::string_view value) override {
    if (kind == "company" || kind == "classification_line") return {};
    return {mapping::Known::kPosted, std::string(kind) + "_" + std::string(value)};
  }
  std::optional<std::string> account(std::string_view, std::string_view, std::string_view) override { return "sales"; }
  std::string nearest(std::string_view, std::string_view, std::string_view) override { return {}; }
};

/// The invoice with most lines among the first: not the easiest case.
std::string invoice_of(const std::vector<bench::Answer>& answers) {
  std::string longest;
  for (const bench::Answer& answer : answers) {
    if (answer.phase == "invoices" && !answer.is_list && answer.body.size() > longest.size() && answer.body.find("\"status\":\"void\"") == std::string::npos) {
      longest = answer.body;
    }
  }
  return longest;
}

ledger::BooksContext books_of_acme() {
  ledger::Company company{.id = "acme_us", .name = "Acme US", .base_currency = *Currency::of("USD"), .policies = {}, .chart = {}};
  for (const ledger::Role& role : ledger::roles()) {
    const std::string account(role.name);
    company.chart.accounts[account] = {account, account, role.type};
    company.chart.roles[account] = account;
  }
  company.chart.accounts["sales"] = {"sales", "Sales", ledger::AccountType::kIncome};
  company.chart.accounts["sales_tax"] = {"sales_tax", "Sales Tax", ledger::AccountType::kLiability};
  ledger::BooksContext context;
  context.integration = {"zoho", "acme_us", "USD"};
  context.companies["acme_us"] = company;
  return context;
}

void measure_ledger(json::Value document) {
  std::string folder = (std::filesystem::temp_directory_path() / "berth-bench.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  {
    SystemClock clock;
    const auto database = must(storage::open_sqlite({.path = folder + "/ledger.db"}, clock));
    ledger::BooksContext context = books_of_acme();
    ledger::AccountTable table;
    table.set("default_income", "", "acme_us", "sales");
    const auto map_taxes = [&](const json::Value& holder) {
      const json::Value* taxes = holder.find("taxes");
      if (taxes == nullptr) return;
      for (const json::Value& tax : taxes->items()) table.set("tax", tax.text_of("tax"), "acme_us", "sales_tax");
    };
    map_taxes(document);
    for (const json::Value& line : document.find("lines")->items()) map_taxes(line);
    context.accounts = table;
    int number = 0;
    // Many in a transaction, as applying has.
    measure("ledger: plan and commit an invoice, in SQLite", [&] {
      const Status status = database->write("test.write", [&](storage::Connection& connection) -> Status {
        ledger::Books books = BERTH_TRY(ledger::load_common(connection, context));
        for (int i = 0; i < kInvoicesInTransaction; ++i) {
          json::Value one = document;
          one.find("source")->set("remote_id", std::to_string(++number));
          const documents::Document parsed = BERTH_TRY(documents::parse(one));
          BERTH_CHECK(ledger::load_document(connection, parsed, books));
          const ledger::Planned planned = ledger::plan(parsed, books);
          if (planned.refusal) return make_error(Code::kInternal, planned.refusal->reason, planned.refusal->message);
          BERTH_TRY(ledger::commit(connection, *planned.plan,
                                   {.integration = "zoho",
                                    .source = documents::source_of(parsed),
                                    .local_id = "inv_" + std::to_string(number),
                                    .number = "INV",
                                    .rules_revision = "1",
                                    .now = clock.now()}));
        }
        return success();
      });
      if (!status.ok()) throw std::runtime_error(status.error().reason + ": " + status.error().message);
    }, std::max(1, times_in_round / 200), kInvoicesInTransaction);
  }
  std::filesystem::remove_all(folder);
}

int run() {
  std::string answer;
  {
    const auto simulator = bench::start_simulator({.contacts = 20, .items = 30, .invoices = 60, .payments = 1});
    answer = invoice_of(bench::fetch_documents(*simulator));
  }
  const json::Value invoice = *json::parse(answer).value.find("invoice");
  const std::string body = json::dump(invoice);
  bench::print_title("parts: one invoice");
  bench::print("bytes of the invoice", static_cast<std::int64_t>(body.size()));
  measure("exact JSON: parse", [&] { must(Result<bool>(json::parse(body).ok())); });
  measure("exact JSON: check only", [&] { must(Result<bool>(json::parse(body, {.keeps = [](std::string_view) { return false; }}).ok())); });
  measure("exact JSON: print", [&] { static_cast<void>(json::dump(invoice)); });
  measure("content hash", [&] { static_cast<void>(blake2b_hex(json::canonical(invoice))); });
  measure("compress", [&] { static_cast<void>(must(storage::compress_body(body))); });
  const std::string stored = must(storage::compress_body(body)).bytes;
  measure("decompress", [&] { static_cast<void>(must(storage::decompress_body(stored))); });

  config::Findings findings;
  const auto rules = mapping::load_file(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml", findings);
  if (!rules.ok()) throw std::runtime_error(findings.print());
  AllKnown lookups;
  mapping::Record record;
  record.remote_id = invoice.text_of("invoice_id");
  record.version = invoice.text_of("last_modified_time");
  record.detail = invoice;
  const mapping::Context context{.integration = "zoho", .company = "acme_us", .base_currency = "USD", .settings = {}};
  mapping::Outcome outcome = mapping::evaluate(*rules, "invoice", record, lookups, context);
  if (outcome.kind != mapping::OutcomeKind::kMapped) throw std::runtime_error("not mapped: " + outcome.message);
  measure("mapping: evaluate the invoice", [&] { outcome = mapping::evaluate(*rules, "invoice", record, lookups, context); });
  // What other books have is not the ledger's matter here.
  json::Value document = outcome.document;
  document.erase("service_type");
  document.erase("location");
  measure_ledger(document);

  const plugins::EmittedRecord emitted{.ref = {"invoice", record.remote_id, record.version}, .part = {}, .json = body, .deleted = false, .list_only = false};
  measure("worker frame: write and read an emitted record", [&] {
    plugins::Encoder out;
    out.ref(emitted.ref).text(emitted.part).text(emitted.json).boolean(emitted.deleted).boolean(emitted.list_only);
    const std::string frame = plugins::call_frame(1, plugins::Name::kEmit, out.bytes());
    const plugins::Frame read = must(plugins::parse_frame(std::string_view(frame).substr(plugins::kFrameLengthBytes)));
    plugins::Decoder in(read.payload);
    static_cast<void>(in.ref());
    if (in.text() != emitted.part || in.text().size() != body.size()) throw std::runtime_error("the frame is damaged");
  });

  SystemClock clock;
  http::Limits limits;
  limits.per_minute = 0;
  limits.concurrent = 5;
  http::QuotaGate gate(limits, {}, clock);
  measure("quota gate: acquire and finish", [&] { must(gate.acquire({})).finish(nullptr); });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::strcmp(argv[1], "--times") == 0) times_in_round = std::max(1, std::atoi(argv[2]));
    bench::print_machine();
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "parts_bench: %s\n", error.what());
    return 1;
  }
}
