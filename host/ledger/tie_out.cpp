#include "host/ledger/tie_out.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "berth/json.hpp"
#include "host/ledger/queries.hpp"
#include "host/storage/records.hpp"
#include "host/storage/waiting.hpp"

namespace berth::ledger {
namespace {

using storage::Connection;
using storage::Record;

/// What the answer about a document says.
struct Said {
  std::optional<Money> balance;
  Currency currency;
  std::string number;
};
/// What the books have open of a customer in one currency.
struct CustomerSums {
  Money outstanding, unused;
  Instant last;  // when the newest entry of it was recorded
};

void add(Money& sum, Money amount) {
  sum = sum.is_zero() ? amount : sum + amount;
}

/// Every text or number under that name, at any depth.
void collect(const json::Value& value, std::string_view name, std::set<std::string>& found) {
  for (const json::Value& item : value.is_array() ? value.items() : json::Array{}) collect(item, name, found);
  if (!value.is_object()) return;
  for (const auto& [key, member] : value.members()) {
    if (key == name && (member.is_string() || member.is_number())) found.insert(std::string(member.text()));
    collect(member, name, found);
  }
}

class Comparison {
 public:
  Comparison(Connection& connection, std::string integration, const TieOutFields& fields)
      : connection_(connection), integration_(std::move(integration)), fields_(fields) {}
  Result<TieOut> run();

 private:
  Status load_books();
  Status load_related();
  Result<json::Value> body_of(const Record& record);
  Result<Said> said_by(const json::Value& body, std::string_view field) const;
  Status compare_document(const Record& record, bool is_note);
  Status compare_customer(const Record& record);
  void add_difference(TieOutDifference difference);
  void explain(TieOutDifference& difference, const Record& record);
  void add_missing();

  Connection& connection_;
  const std::string integration_;
  const TieOutFields fields_;
  TieOut found_;
  std::map<std::pair<std::string, std::string>, Receivable> items_;  // by entity and remote id; what is compared is taken out
  std::map<std::pair<std::string, std::string>, CustomerSums> sums_;  // by customer and currency
  std::map<std::string, Record> related_;                            // by remote id of the invoice: what names it and is not posted
  std::map<std::pair<std::string, std::string>, Money> of_documents_;  // differences, by customer and kind
};

Status Comparison::load_books() {
  for (const char* entity : {"invoice", "credit_note"}) {
    for (Receivable& row : BERTH_TRY(receivables(connection_, integration_, entity))) {
      CustomerSums& sums = sums_[{row.customer, std::string(row.open.currency().code())}];
      if (row.entity == "invoice") {
        add(sums.outstanding, row.open);
      } else {
        add(sums.unused, row.open.negated());
      }
      items_.emplace(std::pair{row.entity, row.remote_id}, std::move(row));
    }
  }
  for (const storage::Row& row : BERTH_TRY(connection_.query(
           "SELECT customer, currency, -SUM(open_minor) FROM open_item WHERE integration = ? AND control = 'credits' "
           "GROUP BY customer, currency",
           {integration_}))) {
    add(sums_[{row.text(0), row.text(1)}].unused, Money(row.integer(2), BERTH_TRY(Currency::of(row.text(1)))));
  }
  for (const storage::Row& row : BERTH_TRY(connection_.query(
           "SELECT m.customer, m.currency, MAX(e.created_ms) FROM open_item_match AS m JOIN entry AS e ON e.id = m.entry "
           "WHERE m.integration = ? GROUP BY m.customer, m.currency",
           {integration_}))) {
    sums_[{row.text(0), row.text(1)}].last = Instant{row.integer(2)};
  }
  return success();
}

// Payments and credit notes that are stored and not posted, by the invoices that they name.
Status Comparison::load_related() {
  return storage::records::each(connection_, integration_, [&](const Record& record) -> Status {
    if (record.entity != fields_.payment && record.entity != fields_.credit_note) return success();
    const json::Parsed facts = json::parse(record.detail_json);
    const bool is_refused = facts.ok() && facts.value.find("attention") != nullptr;
    const bool is_done = record.state == "posted" || record.state == "ignored" || record.state == "archived";
    if (is_done && !is_refused) return success();
    std::set<std::string> invoices;
    collect(BERTH_TRY(body_of(record)), "invoice_id", invoices);
    for (const std::string& invoice : invoices) related_.emplace(invoice, record);
    return success();
  });
}

Result<json::Value> Comparison::body_of(const Record& record) {
  const storage::Bodies bodies = BERTH_TRY(storage::records::load(connection_, record.id));
  // The newest of both: a list row can be newer than the detail.
  const storage::StoredBody* body = bodies.detail ? &*bodies.detail : bodies.row ? &*bodies.row : nullptr;
  if (bodies.row && bodies.detail && bodies.row->fetched.unix_ms > bodies.detail->fetched.unix_ms) body = &*bodies.row;
  if (body == nullptr) return json::Value();
  json::Parsed parsed = json::parse(body->body);
  return std::move(parsed.value);
}

Result<Said> Comparison::said_by(const json::Value& body, std::string_view field) const {
  Said said;
  const auto currency = Currency::of(body.text_of(fields_.currency));
  if (!currency.ok()) return said;
  said.currency = *currency;
  const json::Value* balance = body.find(field);
  if (balance == nullptr || !(balance->is_number() || balance->is_string())) return said;
  const auto amount = Money::parse(balance->text(), *currency);
  if (amount.ok()) said.balance = *amount;
  return said;
}

void Comparison::add_difference(TieOutDifference difference) {
  if (difference.kind == "invoice" || difference.kind == "credit_note")
    add(of_documents_[{difference.customer, difference.kind == "invoice" ? "outstanding" : "unused_credits"}],
        difference.difference());
  found_.differences.push_back(std::move(difference));
}

void Comparison::explain(TieOutDifference& difference, const Record& record) {
  difference.reason = record.reason;
  difference.message = record.message;
  if (record.state == "parked") {
    difference.cause = TieOutCause::kWaits;
  } else if (record.state == "failed") {
    difference.cause = TieOutCause::kFailed;
  } else if (record.state == "skipped") {
    difference.cause = TieOutCause::kSkipped;
  } else if (record.state == "pending") {
    difference.cause = TieOutCause::kPending;
  }
  if (difference.cause != TieOutCause::kUnexplained) return;
  const json::Parsed facts = json::parse(record.detail_json);
  if (const json::Value* attention = facts.ok() ? facts.value.find("attention") : nullptr; attention != nullptr) {
    difference.cause = TieOutCause::kAttention;
    difference.reason = attention->text_of("reason");
    return;
  }
  if (const auto related = related_.find(record.remote_id); related != related_.end()) {
    difference.cause = TieOutCause::kRelated;
    difference.related = related->second.entity + "/" + related->second.remote_id;
    difference.reason = related->second.reason;
    difference.message = related->second.message;
    return;
  }
  if (record.has_row() && record.has_detail() && record.row_version != record.detail_version)
    difference.cause = TieOutCause::kNotFetched;
}

Status Comparison::compare_document(const Record& record, bool is_note) {
  const char* entity = is_note ? "credit_note" : "invoice";
  const auto item = items_.find({entity, record.remote_id});
  const json::Value body = BERTH_TRY(body_of(record));
  Said said = BERTH_TRY(said_by(body, fields_.balance));
  // A draft, or what is void or gone, is no receivable, whatever its balance says.
  const bool is_none = record.state == "ignored" || record.state == "archived" || record.remote_state == "deleted";
  if (is_none && item == items_.end()) return success();
  TieOutDifference difference;
  difference.kind = entity;
  difference.remote_id = record.remote_id;
  if (item != items_.end()) {
    difference.currency = item->second.open.currency();
    difference.ours = is_note ? item->second.open.negated() : item->second.open;
    difference.number = item->second.number;
    difference.customer = item->second.customer;
  } else {
    difference.currency = said.currency;
    difference.ours = Money::zero(said.currency);
    difference.number = body.text_of(is_note ? "creditnote_number" : "invoice_number");
    const auto customer = BERTH_TRY(connection_.first(
        "SELECT local_id FROM record WHERE integration = ? AND entity = ? AND remote_id = ?",
        {integration_, fields_.customer, body.text_of("customer_id")}));
    if (customer) difference.customer = customer->text(0);
  }
  if (is_none) {
    said.balance = Money::zero(difference.currency);
  } else if (!said.balance) {
    ++found_.without_balance;
    if (item != items_.end()) items_.erase(item);
    return success();
  }
  ++(is_note ? found_.credit_notes : found_.invoices);
  if (item != items_.end()) items_.erase(item);
  const bool is_same_currency = said.balance->is_zero() || difference.currency == said.balance->currency();
  if (is_same_currency && difference.ours.minor() == said.balance->minor()) return success();
  if (is_same_currency) difference.remote = Money(said.balance->minor(), difference.currency);
  explain(difference, record);
  if (!is_same_currency) difference.message = fmt::format("the remote's balance is in {}", said.balance->currency().code());
  add_difference(std::move(difference));
  return success();
}

Status Comparison::compare_customer(const Record& record) {
  if (record.local_id.empty()) return success();
  const json::Value body = BERTH_TRY(body_of(record));
  bool has_balance = false;
  for (const auto& [kind, field] : {std::pair{"outstanding", &fields_.outstanding}, std::pair{"unused_credits", &fields_.unused}}) {
    const Said said = BERTH_TRY(said_by(body, *field));
    if (!said.balance) continue;
    has_balance = true;
    const auto sums = sums_.find({record.local_id, std::string(said.currency.code())});
    TieOutDifference difference;
    difference.kind = kind;
    difference.remote_id = record.remote_id;
    difference.number = body.text_of("contact_name");
    difference.customer = record.local_id;
    difference.currency = said.currency;
    difference.ours = Money::zero(said.currency);
    if (sums != sums_.end()) {
      const Money ours = difference.kind == "outstanding" ? sums->second.outstanding : sums->second.unused;
      if (!ours.is_zero()) difference.ours = ours;
    }
    if (difference.ours == *said.balance) continue;
    difference.remote = said.balance;
    const auto documents = of_documents_.find({record.local_id, difference.kind});
    const bool is_theirs = documents != of_documents_.end() && documents->second.currency() == said.currency &&
                           documents->second == difference.difference();
    const Instant fetched{std::max(record.row_fetched.unix_ms, record.detail_fetched.unix_ms)};
    if (is_theirs) {
      difference.cause = TieOutCause::kDocuments;
    } else if (sums != sums_.end() && sums->second.last.unix_ms > fetched.unix_ms) {
      difference.cause = TieOutCause::kOlder;
    } else {
      explain(difference, record);
    }
    add_difference(std::move(difference));
  }
  ++(has_balance ? found_.customers : found_.without_balance);
  return success();
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
    difference.ours = key.first == "credit_note" ? item.open.negated() : item.open;
    difference.cause = TieOutCause::kNotStored;
    add_difference(std::move(difference));
  }
}

Result<TieOut> Comparison::run() {
  BERTH_CHECK(load_books());
  BERTH_CHECK(load_related());
  BERTH_CHECK(storage::records::each(connection_, integration_, [&](const Record& record) -> Status {
    if (record.entity == fields_.invoice) return compare_document(record, false);
    return record.entity == fields_.credit_note ? compare_document(record, true) : success();
  }));
  add_missing();
  // Customers last: whether their documents explain a difference is known now.
  BERTH_CHECK(storage::records::each(connection_, integration_, [&](const Record& record) -> Status {
    return record.entity == fields_.customer ? compare_customer(record) : success();
  }));
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

Result<TieOut> tie_out_with_remote(Connection& connection, const std::string& integration, const TieOutFields& fields) {
  return Comparison(connection, integration, fields).run();
}

}  // namespace berth::ledger
