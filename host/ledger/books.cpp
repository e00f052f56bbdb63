#include "host/ledger/books.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "berth/json.hpp"
#include "host/ledger/deposit.hpp"
#include "host/ledger/live_entries.hpp"
#include "host/storage/rows.hpp"

namespace berth::ledger {
namespace {

using storage::Connection;
using storage::Row;

Status load_own_entries(Connection& connection, const documents::Source& source, Books& books) {
  const auto sequences = BERTH_TRY(connection.query(
      "SELECT event, MAX(sequence) FROM entry WHERE integration = ? AND entity = ? AND remote_id = ? GROUP BY event",
      {source.integration, source.entity, source.remote_id}));
  for (const Row& row : sequences) books.last_sequence[row.text(0)] = row.integer(1);
  if (sequences.empty()) return success();
  const auto rows = BERTH_TRY(connection.query(
      fmt::format("SELECT {} FROM entry AS e WHERE e.integration = ? AND e.entity = ? AND e.remote_id = ? AND {}",
                  kLiveColumns, kLiveEntry),
      {source.integration, source.entity, source.remote_id}));
  for (const Row& row : rows) {
    LiveEntry entry = BERTH_TRY(read_live(row));
    books.live.insert_or_assign(entry.event, std::move(entry));
  }
  return success();
}

enum class Which { kFirst, kLast };

/// What was open of the invoice before these books, as it was entered first or last. Its entry may have been taken back.
Result<std::optional<OpeningReceivable>> entered(Connection& connection, const documents::Source& source, Which which) {
  const auto row = BERTH_TRY(connection.first(
      fmt::format("SELECT e.id, e.company, m.customer, m.currency, e.base_currency, m.document_minor, m.base_minor, e.document_date, "
                  "e.description FROM entry AS e JOIN open_item_match AS m ON m.entry = e.id WHERE e.integration = ? AND e.entity = ? "
                  "AND e.remote_id = ? AND e.event = ? AND e.reverses IS NULL AND m.opens = 1 ORDER BY e.sequence {} LIMIT 1",
                  which == Which::kFirst ? "ASC" : "DESC"),
      {source.integration, source.entity, source.remote_id, kOpeningEvent}));
  if (!row) return std::optional<OpeningReceivable>();
  const auto currency = Currency::of(row->text(3));
  const auto base_currency = Currency::of(row->text(4));
  const auto date = parse_date(row->text(7));
  const std::string what = fmt::format("entry {}", row->integer(0));
  if (!currency) return damaged(what, currency.error());
  if (!base_currency) return damaged(what, base_currency.error());
  if (!date) return damaged(what, date.error());
  return std::optional<OpeningReceivable>({0, source.remote_id, row->text(8), row->text(2), row->text(1), Money(row->integer(5), *currency),
                                           Money(row->integer(6), *base_currency), *date});
}

Status load_opening(Connection& connection, const documents::Source& source, Books& books) {
  if (!books.last_sequence.contains(std::string(kOpeningEvent))) return success();
  books.opening = BERTH_TRY(entered(connection, source, Which::kLast));
  books.first_opening = BERTH_TRY(entered(connection, source, Which::kFirst));
  const auto total = BERTH_TRY(connection.first(
      "SELECT fingerprint FROM entry WHERE integration = ? AND entity = ? AND remote_id = ? AND event = ? ORDER BY sequence DESC LIMIT 1",
      {source.integration, source.entity, source.remote_id, kOpeningTotalEvent}));
  if (total) books.opening_total = total->text(0);
  return success();
}

Status load_written_off(Connection& connection, Books& books) {
  const auto live = books.live.find("writeoff");
  if (live == books.live.end()) return success();
  const auto row = BERTH_TRY(connection.first(
      "SELECT COALESCE(-SUM(document_minor), 0) FROM open_item_match WHERE entry = ? AND opens = 0", {live->second.id}));
  books.written_off = Money(row->integer(0), live->second.currency);
  return success();
}

Status load_incoming(Connection& connection, const documents::Source& source, Books& books) {
  const auto rows = BERTH_TRY(connection.query(
      fmt::format(
          "SELECT {}, m.currency, -SUM(m.document_minor), m.company, m.customer FROM open_item_match AS m "
          "JOIN entry AS e ON e.id = m.entry WHERE m.integration = ? AND m.entity = ? AND m.remote_id = ? AND m.opens "
          "= 0 "
          "AND NOT (e.integration = m.integration AND e.entity = m.entity AND e.remote_id = m.remote_id) AND {} "
          "GROUP BY e.id, m.currency, m.company, m.customer ORDER BY e.id",
          kLiveColumns, kLiveEntry),
      {source.integration, source.entity, source.remote_id}));
  for (const Row& row : rows) {
    IncomingRelief relief;
    relief.entry = BERTH_TRY(read_live(row));
    const auto currency = Currency::of(row.text(kLiveColumnCount));
    if (!currency) return damaged(fmt::format("match of entry {}", relief.entry.id), currency.error());
    relief.amount = Money(row.integer(kLiveColumnCount + 1), *currency);
    relief.company = row.text(kLiveColumnCount + 2);
    relief.customer = row.text(kLiveColumnCount + 3);
    books.incoming.push_back(std::move(relief));
  }
  return success();
}

Status load_referred(Connection& connection, const documents::Source& source, const std::string& local_id,
                     Books& books) {
  if (local_id.empty() || books.referred.contains(local_id)) return success();
  // A document that changed company or customer leaves items of zero behind; the live one comes first.
  const auto row =
      BERTH_TRY(connection.first("SELECT entity, remote_id, company, customer, currency, base_currency, posts, "
                                 "total_minor, open_minor, base_open_minor, number, base_total_minor "
                                 "FROM open_item WHERE integration = ? AND local_id = ? ORDER BY posts DESC LIMIT 1",
                                 {source.integration, local_id}));
  ReferredDocument referred;
  if (!row) {
    const auto known = BERTH_TRY(storage::rows::find(connection, local_id));
    if (known) referred.source = {known->integration, known->kind, known->remote_id, ""};
    books.referred.emplace(local_id, std::move(referred));
    return success();
  }
  referred.source = {source.integration, row->text(0), row->text(1), ""};
  referred.company = row->text(2);
  referred.customer = row->text(3);
  const auto currency = Currency::of(row->text(4));
  const auto base_currency = Currency::of(row->text(5));
  if (!currency) return damaged("open item of " + local_id, currency.error());
  if (!base_currency) return damaged("open item of " + local_id, base_currency.error());
  referred.currency = *currency;
  referred.posted = row->integer(6) > 0;
  referred.total = Money(row->integer(7), *currency);
  referred.open = Money(row->integer(8), *currency);
  referred.base_open = Money(row->integer(9), *base_currency);
  referred.number = row->text(10);
  referred.base_total = Money(row->integer(11), *base_currency);
  // Reversed entries and their reversals cancel, so the sum over all is what the live ones relieve.
  const auto relief = BERTH_TRY(connection.first(
      "SELECT COALESCE(SUM(m.document_minor), 0) FROM open_item_match AS m JOIN entry AS e ON e.id = m.entry "
      "WHERE m.integration = ? AND m.entity = ? AND m.remote_id = ? AND m.opens = 0 AND m.currency = ? AND m.company = "
      "? "
      "AND m.customer = ? AND e.integration = ? AND e.entity = ? AND e.remote_id = ?",
      {referred.source.integration, referred.source.entity, referred.source.remote_id, currency->code(),
       referred.company, referred.customer, source.integration, source.entity, source.remote_id}));
  referred.own_relief = Money(relief ? -relief->integer(0) : 0, *currency);
  books.referred.emplace(local_id, std::move(referred));
  return success();
}

Status load_item(Connection& connection, const std::string& item, Books& books) {
  if (item.empty() || books.items.contains(item)) return success();
  const auto row = BERTH_TRY(storage::rows::find(connection, item));
  ItemAccount account;
  if (row) {
    const auto parsed = json::parse(row->document_json);
    account = {row->company, std::string(parsed.value.text_of("income_account"))};
  }
  books.items.emplace(item, std::move(account));
  return success();
}

/// The document, or what it has posted before, is in another currency than the books.
template <class Document>
bool is_in_foreign_currency(const Books& books, const Document& document) {
  const auto company = books.companies.find(document.company);
  if (company != books.companies.end() && document.state == documents::State::kOpen &&
      document.currency != company->second.base_currency)
    return true;
  return std::any_of(books.live.begin(), books.live.end(),
                     [](const auto& one) { return one.second.currency != one.second.base_currency; });
}

}  // namespace

Error damaged(std::string_view what, const Error& cause) {
  return make_error(Code::kEnvironment, "ledger.damaged", fmt::format("{}: {}", what, cause.message));
}

Result<LiveEntry> read_live(const Row& row) {
  LiveEntry entry;
  entry.id = row.integer(0);
  entry.source = {row.text(1), row.text(2), row.text(3), row.text(4)};
  entry.event = row.text(5);
  entry.sequence = row.integer(6);
  entry.fingerprint = row.text(7);
  entry.company = row.text(8);
  const auto date = parse_date(row.text(9));
  const auto document_date = parse_date(row.text(10));
  if (!date) return damaged(fmt::format("entry {}", entry.id), date.error());
  if (!document_date) return damaged(fmt::format("entry {}", entry.id), document_date.error());
  entry.date = *date;
  entry.document_date = *document_date;
  entry.last_sequence = row.integer(11);
  const auto currency = Currency::of(row.text(12));
  const auto base_currency = Currency::of(row.text(13));
  if (!currency) return damaged(fmt::format("entry {}", entry.id), currency.error());
  if (!base_currency) return damaged(fmt::format("entry {}", entry.id), base_currency.error());
  entry.currency = *currency;
  entry.base_currency = *base_currency;
  return entry;
}

Result<Books> load_common(Connection& connection, const BooksContext& context) {
  Books books;
  books.integration = context.integration;
  books.companies = context.companies;
  books.current_data_confirmed = context.current_data_confirmed;
  books.accounts = context.accounts ? *context.accounts : BERTH_TRY(load_accounts(connection, context.integration.id));
  for (const ClosedPeriod& period : BERTH_TRY(closed_periods(connection, ""))) {
    books.closed[period.company].insert(period.month);
  }
  return books;
}

Status load_document(Connection& connection, const documents::Document& document, Books& books) {
  books.live.clear();
  books.last_sequence.clear();
  books.referred.clear();
  books.incoming.clear();
  books.written.clear();
  books.undeposited.clear();
  books.paid_out.clear();
  books.opening.reset();
  books.first_opening.reset();
  books.opening_total.clear();
  books.written_off.reset();

  const auto* invoice = std::get_if<documents::Invoice>(&document);
  const auto* payment = std::get_if<documents::CustomerPayment>(&document);
  const auto* deposit = std::get_if<documents::Deposit>(&document);
  if (deposit != nullptr) {
    BERTH_CHECK(load_own_entries(connection, deposit->source, books));
    return load_deposit(connection, *deposit, books);
  }
  if (invoice == nullptr && payment == nullptr) return success();  // master data posts nothing

  const documents::Source& source = documents::source_of(document);
  BERTH_CHECK(load_own_entries(connection, source, books));
  BERTH_CHECK(load_incoming(connection, source, books));
  BERTH_CHECK(load_paid_out(connection, source, books));
  if (invoice != nullptr) {
    BERTH_CHECK(load_opening(connection, source, books));
    BERTH_CHECK(load_written_off(connection, books));
    for (const documents::Line& line : invoice->lines) BERTH_CHECK(load_item(connection, line.item, books));
    for (const documents::Application& row : invoice->applications) {
      BERTH_CHECK(load_referred(connection, source, row.invoice.id, books));
    }
  } else {
    for (const documents::Allocation& row : payment->allocations) {
      BERTH_CHECK(load_referred(connection, source, row.invoice.id, books));
    }
  }
  // In the base currency an amount is its own base, and nobody else's entries matter.
  const bool is_foreign = invoice != nullptr ? is_in_foreign_currency(books, *invoice) : is_in_foreign_currency(books, *payment);
  return is_foreign ? load_written(connection, source, books) : success();
}

Result<Books> load_books(Connection& connection, const documents::Document& document, const BooksContext& context) {
  Books books = BERTH_TRY(load_common(connection, context));
  BERTH_CHECK(load_document(connection, document, books));
  return books;
}

}  // namespace berth::ledger
