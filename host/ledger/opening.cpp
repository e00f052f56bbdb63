#include "host/ledger/opening.hpp"

#include <array>
#include <utility>

#include "host/core/stable_id.hpp"
#include "host/core/text.hpp"
#include "host/ledger/draft_invoice.hpp"
#include "host/ledger/plan.hpp"
#include "host/storage/links.hpp"
#include "host/storage/waiting.hpp"

namespace berth::ledger {
namespace {

constexpr std::array<std::string_view, 8> kColumns{"invoice",  "number", "customer", "company",
                                                   "currency", "open",   "base",     "date"};

Error invalid(std::size_t line, std::string_view message) {
  return make_error(Code::kInvalidArgument, "ledger.opening_invalid", fmt::format("line {}: {}", line, message));
}

/// The fields of a line of RFC 4180, without line breaks inside of quotes.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (is_quoted && i + 1 < line.size() && line[i + 1] == '"') fields.back() += line[++i];
      else is_quoted = !is_quoted;
    } else if (line[i] == ',' && !is_quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  for (std::string& field : fields) field = std::string(trim(field));
  return fields;
}

Result<OpeningReceivable> read_line(std::size_t number, const std::vector<std::string>& fields,
                                    const Companies& companies) {
  if (fields.size() != kColumns.size())
    return invalid(number, fmt::format("it has {} fields, not {}", fields.size(), kColumns.size()));
  OpeningReceivable opening;
  opening.line = number;
  opening.invoice = fields[0];
  opening.number = fields[1];
  opening.customer = fields[2];
  opening.company = fields[3];
  if (opening.invoice.empty() || opening.customer.empty()) return invalid(number, "invoice or customer is empty");
  const auto company = companies.find(opening.company);
  if (company == companies.end()) return invalid(number, fmt::format("there is no company \"{}\"", opening.company));
  const Currency base_currency = company->second.base_currency;
  const auto currency = Currency::of(fields[4]);
  if (!currency) return invalid(number, currency.error().message);
  const auto open = Money::parse(fields[5], *currency);
  if (!open) return invalid(number, open.error().message);
  opening.open = *open;
  if (fields[6].empty()) {
    if (*currency != base_currency)
      return invalid(number, fmt::format("base is empty, and {} is not the currency of the books", currency->code()));
    opening.base = opening.open;
  } else {
    const auto base = Money::parse(fields[6], base_currency);
    if (!base) return invalid(number, base.error().message);
    opening.base = *base;
  }
  if (opening.open.minor() <= 0 || opening.base.is_negative())
    return invalid(number, fmt::format("an open amount of {} and a base of {} are no receivable", fields[5], fields[6]));
  if (*currency == base_currency && opening.base != opening.open)
    return invalid(number, fmt::format("open {} and base {} are the same currency and differ", fields[5], fields[6]));
  const auto date = parse_date(fields[7]);
  if (!date) return invalid(number, date.error().message);
  opening.date = *date;
  return opening;
}

documents::Source source_of(const OpeningReceivable& opening, const std::string& integration) {
  return {integration, "invoice", opening.invoice, std::string(kOpeningEvent)};
}

}  // namespace

Result<std::vector<OpeningReceivable>> parse_openings(std::string_view csv, const Companies& companies) {
  std::vector<OpeningReceivable> openings;
  std::set<std::string> seen;
  std::size_t number = 0;
  bool has_header = false;
  for (const std::string& line : split(csv, '\n')) {
    ++number;
    if (trim(line).empty()) continue;
    const auto fields = fields_of(line);
    if (!has_header) {
      if (!std::equal(fields.begin(), fields.end(), kColumns.begin(), kColumns.end()))
        return invalid(number, fmt::format("the first line is not {}", join(std::vector<std::string>(kColumns.begin(), kColumns.end()), ",")));
      has_header = true;
      continue;
    }
    if (openings.size() == kOpeningsMax) return invalid(number, fmt::format("there are more than {} lines", kOpeningsMax));
    openings.push_back(BERTH_TRY(read_line(number, fields, companies)));
    if (!seen.insert(openings.back().invoice).second)
      return invalid(number, fmt::format("invoice {} stands twice", openings.back().invoice));
  }
  if (!has_header) return invalid(1, "the file is empty");
  return openings;
}

namespace {

/// Whether the line is what was entered once. The invoice may have moved since (C2), or its customer become another one of
/// ours, and the line of the file knows nothing of either; it may be taken back, too, and then it stays taken back.
bool is_entered(const OpeningReceivable& line, const Books& books) {
  const auto is_same = [&](const OpeningReceivable& there, bool has_customer) {
    return has_customer && line.company == there.company && line.open == there.open && line.base == there.base && line.date == there.date;
  };
  if (!books.opening || !books.first_opening) return false;
  const bool is_customer_of_now = line.customer == books.opening->customer;
  return is_same(*books.opening, is_customer_of_now) ||
         is_same(*books.first_opening, is_customer_of_now || line.customer == books.first_opening->customer);
}

}  // namespace

Planned plan_opening(const OpeningReceivable& opening, const Books& books) {
  const documents::Source source = source_of(opening, books.integration.id);
  const std::string what = title_of(source, opening.number);
  const auto found = posting_company(books, opening.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return {std::nullopt, *refusal};
  const Company& company = *std::get<const Company*>(found);

  AccountResolver accounts(books);
  DraftEvent event = draft_opening(opening, source, company, accounts);
  // What came after it, its write-off say, is no part of the file.
  if (is_entered(opening, books)) return {Plan{}, std::nullopt};
  const auto there = books.live.find(std::string(kOpeningEvent));
  if (books.live.empty() && books.opening) {
    return {std::nullopt, failed("ledger.opening_exists",
                                 fmt::format("{}: it was in the books ({} of {}) with other content, and was taken back", what,
                                             kOpeningEvent, to_string(books.opening->date)))};
  }
  if (!books.live.empty()) {
    const auto& [key, live] = there != books.live.end() ? *there : *books.live.begin();
    return {std::nullopt,
            failed("ledger.opening_exists", fmt::format("{}: it is in the books already ({} of {}), with other content",
                                                        what, key, to_string(live.date)))};
  }
  if (auto refusal = accounts.refusal()) return {std::nullopt, std::move(refusal)};
  Draft draft;
  draft.events.push_back(std::move(event));
  return plan_draft(std::move(draft), books, what);
}

namespace {

/// A local id, or the remote one of a customer that was linked or pulled.
Result<std::optional<storage::LocalRow>> find_customer(storage::Connection& connection, const std::string& integration,
                                                       const std::string& customer) {
  constexpr std::string_view kKind = "customer";
  auto row = BERTH_TRY(storage::rows::find(connection, customer));
  if (row && row->kind == kKind) return row;
  row = BERTH_TRY(storage::links::find(connection, kKind, integration, customer));
  if (row) return row;
  return storage::rows::find_by_remote(connection, kKind, integration, customer);
}

}  // namespace

Result<PostedOpening> post_opening(storage::Connection& connection, OpeningReceivable opening,
                                   const BooksContext& context, const std::string& local_id, Instant now) {
  const auto customer = BERTH_TRY(find_customer(connection, context.integration.id, opening.customer));
  if (!customer) return invalid(opening.line, fmt::format("there is no customer {}", opening.customer));
  const std::string written = std::exchange(opening.customer, customer->id);

  documents::Invoice invoice;
  invoice.source = source_of(opening, context.integration.id);
  invoice.company = opening.company;
  invoice.currency = opening.open.currency();
  const Books books = BERTH_TRY(load_books(connection, documents::Document(invoice), context));
  if (books.first_opening) {
    // Entered before somebody linked the remote's customer, and its invoice was never pulled: it is the same line.
    const auto pulled = BERTH_TRY(storage::rows::find_by_remote(connection, "customer", context.integration.id, written));
    if (pulled && pulled->id == books.first_opening->customer) opening.customer = pulled->id;
  }
  const Planned planned = plan_opening(opening, books);
  if (planned.refusal) {
    return make_error(Code::kInvalidArgument, planned.refusal->reason,
                      fmt::format("line {}: {}", opening.line, planned.refusal->message));
  }
  PostedOpening posted;
  posted.is_new = !planned.plan->entries.empty();
  storage::LocalRow row;
  row.id = local_id;
  row.kind = "invoice";
  row.name = opening.number;
  row.company = opening.company;
  row.integration = context.integration.id;
  row.remote_id = opening.invoice;
  row.document_json = json::dump(json::Value::object({{"number", opening.number},
                                                      {"date", to_string(opening.date)},
                                                      {"company", opening.company},
                                                      {"customer", opening.customer},
                                                      {"currency", opening.open.currency().code()},
                                                      {"total", opening.open.to_string()},
                                                      {"opening", true}}));
  row.created = now;
  const storage::InsertedRow made = BERTH_TRY(storage::rows::insert(connection, row));
  posted.committed = BERTH_TRY(commit(connection, *planned.plan,
                                      {.integration = context.integration.id,
                                       .source = invoice.source,
                                       .local_id = made.row.id,
                                       .number = opening.number,
                                       .rules_revision = "",
                                       .now = now}));
  return posted;
}

Result<ImportedOpenings> import_openings(storage::Connection& connection, const std::vector<OpeningReceivable>& openings,
                                         const BooksContext& context, Instant now) {
  const std::string& integration = context.integration.id;
  ImportedOpenings imported;
  for (const OpeningReceivable& opening : openings) {
    // The id that the invoice would get if it were pulled.
    const std::string id = stable_id("inv", {"invoice", integration, opening.invoice});
    const PostedOpening posted = BERTH_TRY(post_opening(connection, opening, context, id, now));
    ++(posted.is_new ? imported.posted : imported.there);
    if (!posted.is_new) continue;
    imported.woken += BERTH_TRY(storage::waiting::wake(connection, integration, "invoice/" + opening.invoice, now));
  }
  return imported;
}

}  // namespace berth::ledger
