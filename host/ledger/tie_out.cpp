#include "host/ledger/tie_out.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <tuple>

#include "berth/json.hpp"
#include "host/core/text.hpp"
#include "host/ledger/queries.hpp"
#include "host/ledger/remote_answer.hpp"
#include "host/storage/records.hpp"

namespace berth::ledger {
namespace {

using storage::Connection;
using storage::Record;

constexpr const char* kInvoice = "invoice";
constexpr const char* kCreditNote = "credit_note";
constexpr const char* kOutstanding = "outstanding";
constexpr const char* kUnused = "unused_credits";

/// Of a customer in one currency.
struct InBooks {
  MoneyTotal outstanding, unused;
  Instant last;  // when the newest entry of it was recorded
};
/// One of the remote's contacts that are linked to a customer.
struct Contact {
  Record record;
  std::string name;
  std::optional<Money> outstanding, unused;
};

std::optional<Money> amount_at(const RemoteAnswer& answer, const std::string& path, Currency currency) {
  const std::string text = answer.text(path);
  if (text.empty() || currency == Currency()) return std::nullopt;
  const auto amount = Money::parse(text, currency);
  return amount ? std::optional(*amount) : std::nullopt;
}

Currency currency_at(const RemoteAnswer& answer, const std::string& path) {
  const auto currency = Currency::of(answer.text(path));
  return currency ? *currency : Currency();
}

class Comparison {
 public:
  Comparison(Connection& connection, std::string integration, const documents::RemoteBalances& remote)
      : connection_(connection), integration_(std::move(integration)), remote_(remote) {}
  Result<TieOut> run();

 private:
  Status load_books();
  Status load_unposted();
  Status load_contact(const Record& record);
  Status compare_document(const Record& record, std::string_view kind, const documents::RemoteBalances::Document& where);
  void compare_customer(const std::string& customer, Currency currency, const std::vector<Contact>& contacts);
  void add_difference(TieOutDifference difference);
  void explain(TieOutDifference& difference, const Record& record) const;
  /// By another record, if that is among `unposted`.
  using Unposted = std::map<std::string, Record>;
  static void explain(TieOutDifference& difference, const Unposted& unposted, const std::string& key);
  void add_missing();
  InBooks& in_books(const std::string& customer, Currency currency);

  Connection& connection_;
  const std::string integration_;
  const documents::RemoteBalances& remote_;
  TieOut found_;
  std::map<std::pair<std::string, std::string>, Receivable> items_;  // by entity and remote id; what is compared is taken out
  std::map<std::pair<std::string, std::string>, InBooks> books_;     // by customer and currency
  // What is stored and not posted: invoices by remote id; payments and credit notes by the invoices that they name, and by customer.
  Unposted invoices_, by_invoice_, by_customer_;
  std::map<std::string, std::map<std::string, std::vector<Contact>>> contacts_;             // by customer, then currency
  std::map<std::tuple<std::string, std::string, std::string>, MoneyTotal> of_documents_;    // differences: customer, kind, currency
};

InBooks& Comparison::in_books(const std::string& customer, Currency currency) {
  const auto [found, is_new] = books_.try_emplace({customer, std::string(currency.code())});
  if (is_new) found->second.outstanding = found->second.unused = MoneyTotal(currency);
  return found->second;
}

Status Comparison::load_books() {
  for (const char* entity : {kInvoice, kCreditNote}) {
    for (Receivable& row : BERTH_TRY(receivables(connection_, integration_, entity))) {
      InBooks& sums = in_books(row.customer, row.open.currency());
      if (row.entity == kInvoice) {
        sums.outstanding += row.open;
      } else {
        sums.unused += row.open.negated();
      }
      items_.emplace(std::pair{row.entity, row.remote_id}, std::move(row));
    }
  }
  // Row by row: as many as there are payments.
  Status outcome = success();
  const auto each = [&](std::string_view sql, const std::function<Status(const storage::Row&)>& add) -> Status {
    BERTH_CHECK(connection_.each(sql, {integration_}, [&](const storage::Row& row) {
      outcome = add(row);
      return outcome.ok();
    }));
    return outcome;
  };
  BERTH_CHECK(each("SELECT customer, currency, open_minor FROM open_item WHERE integration = ? AND control = 'credits'",
                   [&](const storage::Row& row) -> Status {
                     const Currency currency = BERTH_TRY(Currency::of(row.text(1)));
                     in_books(row.text(0), currency).unused += Money(-row.integer(2), currency);
                     return success();
                   }));
  return each("SELECT m.customer, m.currency, MAX(e.created_ms) FROM open_item_match AS m JOIN entry AS e ON e.id = m.entry "
              "WHERE m.integration = ? GROUP BY m.customer, m.currency",
              [&](const storage::Row& row) -> Status {
                in_books(row.text(0), BERTH_TRY(Currency::of(row.text(1)))).last = Instant{row.integer(2)};
                return success();
              });
}

Status Comparison::load_unposted() {
  return storage::records::each(connection_, integration_, [&](const Record& record) -> Status {
    const bool is_payment = record.entity == remote_.payment.entity;
    const bool is_note = record.entity == remote_.credit_note.entity;
    if (!is_payment && !is_note && record.entity != remote_.invoice.entity) return success();
    const json::Parsed facts = json::parse(record.detail_json);
    const bool is_refused = facts.ok() && facts.value.find("attention") != nullptr;
    const bool is_done = record.state == "posted" || record.state == "ignored" || (record.state == "archived" && record.remote_state == "deleted");
    if (is_done && !is_refused) return success();
    if (is_payment || is_note) {
      const RemoteAnswer answer = BERTH_TRY(RemoteAnswer::load(connection_, record));
      for (const std::string& invoice : answer.texts(is_payment ? remote_.payment.invoices : remote_.credit_note.invoices)) {
        by_invoice_.emplace(invoice, record);
      }
      by_customer_.emplace(answer.text(is_payment ? remote_.payment.customer : remote_.credit_note.customer), record);
    } else {
      invoices_.emplace(record.remote_id, record);
    }
    return success();
  });
}

void Comparison::add_difference(TieOutDifference difference) {
  if (difference.kind == kInvoice || difference.kind == kCreditNote) {
    const MoneyTotal amount = difference.difference();
    of_documents_
        .try_emplace({difference.customer, difference.kind == kInvoice ? kOutstanding : kUnused, std::string(amount.currency().code())},
                     MoneyTotal(amount.currency()))
        .first->second += amount;
  }
  found_.differences.push_back(std::move(difference));
}

void Comparison::explain(TieOutDifference& difference, const Record& record) const {
  difference.reason = record.reason;
  difference.message = record.message;
  const json::Parsed facts = json::parse(record.detail_json);
  if (const json::Value* attention = facts.ok() ? facts.value.find("attention") : nullptr; attention != nullptr) {
    difference.cause = TieOutCause::kAttention;
    difference.reason = attention->text_of("reason");
  } else if (record.state == "parked") {
    difference.cause = TieOutCause::kWaits;
  } else if (record.state == "failed") {
    difference.cause = TieOutCause::kFailed;
  } else if (record.state == "skipped") {
    difference.cause = TieOutCause::kSkipped;
  } else if (record.state == "archived" && record.remote_state != "deleted") {
    difference.cause = TieOutCause::kArchived;
  } else if (record.state == "pending") {
    difference.cause = TieOutCause::kPending;
  }
}

void Comparison::explain(TieOutDifference& difference, const Unposted& unposted, const std::string& key) {
  if (difference.cause != TieOutCause::kUnexplained) return;
  const auto found = unposted.find(key);
  if (found == unposted.end()) return;
  difference.cause = TieOutCause::kRelated;
  difference.related = found->second.entity + "/" + found->second.remote_id;
  difference.reason = found->second.reason;
  difference.message = found->second.message;
}

Status Comparison::compare_document(const Record& record, std::string_view kind, const documents::RemoteBalances::Document& where) {
  const auto item = items_.extract({std::string(kind), record.remote_id});
  // A draft, or what is void or gone, is no receivable, whatever its balance says.
  const bool is_archived_unposted = record.state == "archived" && record.local_id.empty();   // it may have been a draft
  const bool is_none = record.state == "ignored" || record.remote_state == "deleted" || is_archived_unposted;
  if (is_none && item.empty()) return success();
  const RemoteAnswer answer = BERTH_TRY(RemoteAnswer::load(connection_, record));
  const Currency currency = currency_at(answer, where.currency);
  std::optional<Money> said = amount_at(answer, where.balance, currency);
  TieOutDifference difference;
  difference.kind = kind;
  difference.remote_id = record.remote_id;
  if (!item.empty()) {
    const Receivable& row = item.mapped();
    difference.currency = row.open.currency();
    difference.ours = MoneyTotal(kind == kCreditNote ? row.open.negated() : row.open);
    difference.number = row.number;
    difference.customer = row.customer;
  } else {
    difference.currency = currency;
    difference.ours = MoneyTotal(currency);
    difference.number = answer.text(where.number);
    const auto customer = BERTH_TRY(storage::records::find(connection_, integration_, remote_.customer.entity, answer.text(where.customer)));
    if (customer) difference.customer = customer->local_id;
  }
  if (is_none) {
    said = Money::zero(difference.currency);
  } else if (!said) {
    ++found_.without_balance;
    return success();
  }
  ++(kind == kCreditNote ? found_.credit_notes : found_.invoices);
  const bool is_same_currency = said->is_zero() || difference.currency == said->currency();
  if (is_same_currency) difference.remote = MoneyTotal(Money(said->minor(), difference.currency));
  if (is_same_currency && difference.ours == *difference.remote) return success();
  explain(difference, record);
  if (kind == kInvoice) explain(difference, by_invoice_, record.remote_id);
  for (const std::string& invoice : answer.texts(where.invoices)) explain(difference, invoices_, invoice);
  const bool is_detail_older = record.has_row() && record.has_detail() && record.row_version != record.detail_version;
  const bool is_next = difference.cause == TieOutCause::kUnexplained || difference.cause == TieOutCause::kPending;
  if (is_next && is_detail_older) difference.cause = TieOutCause::kNotFetched;
  if (!is_same_currency) difference.message = fmt::format("the remote's balance is in {}", said->currency().code());
  add_difference(std::move(difference));
  return success();
}

// Several contacts of the remote can be one customer here: they are compared as one.
Status Comparison::load_contact(const Record& record) {
  if (record.local_id.empty()) return success();
  const RemoteAnswer answer = BERTH_TRY(RemoteAnswer::load(connection_, record));
  const Currency currency = currency_at(answer, remote_.customer.currency);
  const std::string code(currency == Currency() ? std::string_view() : currency.code());
  contacts_[record.local_id][code].push_back({record, answer.text(remote_.customer.name),
                                                                      amount_at(answer, remote_.customer.outstanding, currency),
                                                                      amount_at(answer, remote_.customer.unused, currency)});
  return success();
}

void Comparison::compare_customer(const std::string& customer, Currency currency, const std::vector<Contact>& contacts) {
  std::size_t compared = 0;
  for (const char* kind : {kOutstanding, kUnused}) {
    const bool is_outstanding = kind == std::string_view(kOutstanding);
    MoneyTotal remote(currency);
    bool is_whole = true;
    Instant fetched{std::numeric_limits<std::int64_t>::max()};
    std::vector<std::string> ids, names;
    for (const Contact& contact : contacts) {
      const std::optional<Money>& said = is_outstanding ? contact.outstanding : contact.unused;
      is_whole = is_whole && said.has_value();
      if (said) remote += *said;
      fetched.unix_ms = std::min(fetched.unix_ms, std::max(contact.record.row_fetched.unix_ms, contact.record.detail_fetched.unix_ms));
      ids.push_back(contact.record.remote_id);
      names.push_back(contact.name);
    }
    if (!is_whole) continue;
    compared = contacts.size();
    const InBooks& books = in_books(customer, currency);
    TieOutDifference difference;
    difference.ours = is_outstanding ? books.outstanding : books.unused;
    if (difference.ours == remote) continue;
    difference.remote = remote;
    difference.kind = kind;
    difference.remote_id = ids.front();
    difference.also.assign(ids.begin() + 1, ids.end());
    difference.number = join(names, ", ");
    difference.customer = customer;
    difference.currency = currency;
    const auto documents = of_documents_.find({customer, kind, std::string(currency.code())});
    if (documents != of_documents_.end() && documents->second == difference.difference()) {
      difference.cause = TieOutCause::kDocuments;
    } else if (books.last.unix_ms > fetched.unix_ms) {
      difference.cause = TieOutCause::kOlder;
    }
    for (const Contact& contact : contacts) {
      if (difference.cause == TieOutCause::kUnexplained) explain(difference, contact.record);
      explain(difference, by_customer_, contact.record.remote_id);
    }
    add_difference(std::move(difference));
  }
  found_.customers += compared;
  found_.without_balance += contacts.size() - compared;
}

/// What is open here and of which no answer is stored.
void Comparison::add_missing() {
  for (const auto& [key, item] : items_) {
    if (item.open.is_zero()) continue;
    TieOutDifference difference;
    difference.kind = key.first;
    difference.remote_id = key.second;
    difference.number = item.number;
    difference.customer = item.customer;
    difference.currency = item.open.currency();
    difference.ours = MoneyTotal(key.first == kCreditNote ? item.open.negated() : item.open);
    difference.cause = TieOutCause::kNotStored;
    add_difference(std::move(difference));
  }
}

Result<TieOut> Comparison::run() {
  BERTH_CHECK(load_books());
  BERTH_CHECK(load_unposted());
  BERTH_CHECK(storage::records::each(connection_, integration_, [&](const Record& record) -> Status {
    if (record.entity == remote_.invoice.entity) return compare_document(record, kInvoice, remote_.invoice);
    if (record.entity == remote_.credit_note.entity) return compare_document(record, kCreditNote, remote_.credit_note);
    return record.entity == remote_.customer.entity ? load_contact(record) : success();
  }));
  add_missing();
  // Customers last: whether their documents explain a difference is known now.
  for (const auto& [customer, by_currency] : contacts_) {
    // A contact without a currency may owe in any: what the others say is not the whole.
    const bool is_whole = by_currency.count("") == 0;
    for (const auto& [code, contacts] : by_currency) {
      if (is_whole) {
        compare_customer(customer, BERTH_TRY(Currency::of(code)), contacts);
      } else {
        found_.without_balance += contacts.size();
      }
    }
  }
  std::sort(found_.differences.begin(), found_.differences.end(), [](const TieOutDifference& a, const TieOutDifference& b) {
    return std::tie(a.kind, a.remote_id) < std::tie(b.kind, b.remote_id);
  });
  return std::move(found_);
}

}  // namespace

std::string_view to_string(TieOutCause cause) {
  switch (cause) {
    case TieOutCause::kWaits: return "waits";
    case TieOutCause::kFailed: return "failed";
    case TieOutCause::kSkipped: return "skipped";
    case TieOutCause::kArchived: return "archived";
    case TieOutCause::kPending: return "pending";
    case TieOutCause::kAttention: return "attention";
    case TieOutCause::kNotFetched: return "not_fetched";
    case TieOutCause::kRelated: return "related";
    case TieOutCause::kNotStored: return "not_stored";
    case TieOutCause::kDocuments: return "documents";
    case TieOutCause::kOlder: return "older";
    case TieOutCause::kUnexplained: return "unexplained";
  }
  return "unexplained";
}

std::string_view meaning(TieOutCause cause) {
  switch (cause) {
    case TieOutCause::kWaits: return "the document is parked; its record says what it waits for";
    case TieOutCause::kFailed: return "the document was refused";
    case TieOutCause::kSkipped: return "the document was skipped for good";
    case TieOutCause::kArchived: return "a person has archived the document; the remote has it still";
    case TieOutCause::kPending: return "the document is stored and applied with the next run";
    case TieOutCause::kAttention: return "the document is posted, but a newer version of it waits or was refused";
    case TieOutCause::kNotFetched: return "the remote's list shows a newer version than the one that was fetched";
    case TieOutCause::kRelated: return "a document that goes with it is not posted: which one is named";
    case TieOutCause::kNotStored: return "no answer about it is stored: an opening receivable, or older than the window";
    case TieOutCause::kDocuments: return "the differences of the customer's documents";
    case TieOutCause::kOlder: return "the remote's balance was stored before documents that have posted since";
    case TieOutCause::kUnexplained: return "nothing that is stored explains it";
  }
  return "";
}

Result<TieOut> tie_out_with_remote(Connection& connection, const std::string& integration, const documents::RemoteBalances& remote) {
  return Comparison(connection, integration, remote).run();
}

}  // namespace berth::ledger
