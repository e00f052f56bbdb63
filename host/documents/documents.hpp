#pragma once
// The canonical documents: what every connector's mapping fills and what the ledger, REST and exports read. Types only;
// no rules, no I/O. The JSON form is the contract (amounts are decimal strings with the full scale of the currency,
// absent = key left out); these structs are that form, parsed once.
//
//   {"model":"invoice/1","source":{"integration":"zoho_acme","entity":"invoice","remote_id":"46…","version":"…"},
//    "state":"open","company":"acme_us","currency":"USD","number":"INV-1","total":"120.50", ...}
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "berth/json.hpp"
#include "host/core/decimal.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::documents {

/// Where a document came from. `entity` is the remote entity ("invoice", "contact").
struct Source {
  std::string integration;
  std::string entity;
  std::string remote_id;
  std::string version;
};

enum class State { kDraft, kOpen, kVoid, kDeleted };
[[nodiscard]] std::string_view to_string(State state);

/// A reference to a local row, or what it waits for: exactly one of the two is set.
struct Reference {
  std::string id;       // "inv_317"
  std::string pending;  // "invoice/46…": stored here but not posted yet
};

struct Customer {
  Source source;
  std::string name, legal_name, email, currency, country;
  bool active = true;
};
struct Vendor {
  Source source;
  std::string name, currency;
};
struct Item {
  Source source;
  std::string name, sku, unit, type, remote_account, income_account, expense_account;
  bool active = true;
};

struct LineTax {
  std::string tax, name;
  Money amount;
};
struct Line {
  std::string id, description;
  std::string item;            // local item, or ""
  std::string service_line;    // value of the custom field, or ""
  std::string remote_account;  // remote account id, or ""
  std::optional<Decimal> quantity, unit_price;
  Money discount, amount;      // amount: net of tax, may be negative
  std::vector<LineTax> taxes;
};
struct HeaderTax {
  std::string tax;  // id, or "" where the remote gives only a name
  std::string name;
  Money amount;
};
/// A credit note's application to an invoice.
struct Application {
  std::string id;
  Reference invoice;
  Money amount;
  std::optional<Date> applied_on;
};
struct Refund {
  std::string id, mode;
  Date date;
  Money amount;
  std::optional<Decimal> rate;
};

/// An invoice or a credit note (`is_credit_note`). In states other than open only source and state are sure to be set.
struct Invoice {
  bool is_credit_note = false;
  bool is_total_only = false;   // what the total is made up of is not known: `pull: reduced`
  Source source;
  State state = State::kOpen;
  std::string company;
  Currency currency;
  std::optional<Decimal> rate;  // base units per document unit
  std::string number, reference;
  Date date;
  std::optional<Date> due_date;
  std::string modified;         // RFC 3339 with offset
  std::string customer;
  std::string location, service_type;  // classification lines, or ""
  std::string rounding_mode;
  std::vector<Line> lines;
  std::string discount_kind;    // item | document
  Money discount, shipping, shipping_with_tax, adjustment, round_off, sub_total, tax_total, total;
  bool tax_inclusive = false;
  std::string shipping_tax;
  std::vector<HeaderTax> taxes;
  std::optional<Decimal> base_total;
  std::vector<std::string> unsupported;
  Money payments_applied, credits_applied, withheld, written_off;  // invoices only
  std::optional<Money> balance;
  std::vector<Application> applications;  // credit notes only
  std::vector<Refund> refunds;            // credit notes only
};

struct Allocation {
  std::string id;
  Reference invoice;
  Money amount, withheld;
  std::optional<Date> applied_on;
};
struct CustomerPayment {
  Source source;
  State state = State::kOpen;
  std::string company;  // of the unused part
  Currency currency;
  std::optional<Decimal> rate;
  std::string number, reference;
  Date date;
  std::string customer, payment_mode, retainer;
  Money amount, bank_charges, unused;
  std::optional<Decimal> base_amount;
  std::vector<Allocation> allocations;
  std::vector<Refund> refunds;
};

/// A payment, or a refund, that a payout contains.
struct DepositPart {
  std::string reference;  // local payment, or id of the refund
  Money amount;
};
/// What a processor paid out, or what was brought to a bank. Made here, never pulled.
struct Deposit {
  Source source;
  State state = State::kOpen;
  std::string company;
  Currency currency;
  std::optional<Decimal> rate;
  std::string kind;  // payout | stand_alone
  std::string reference, bank_account, fees_account;
  Date date;
  std::vector<DepositPart> payments, refunds;
  Money fees, net;
};

using Document = std::variant<Customer, Vendor, Item, Invoice, CustomerPayment, Deposit>;

/// Reads the JSON form. `model` decides the type. A document that is not open may leave out everything but source and
/// state; amounts that are absent become zero. Errors: documents.invalid with the path of the value,
/// ledger.currency_unknown, mapping.amount_scale, mapping.amount_invalid.
Result<Document> parse(const json::Value& canonical);
[[nodiscard]] const Source& source_of(const Document& document);

/// What a field of a model is; the mapping language is checked against this, and the JSON Schemas are made from it.
enum class FieldType {
  kText, kMoney, kDecimal, kRate, kQuantity, kDate, kTime, kInteger, kBoolean, kCountry, kCurrency,
  kReference,   // `reference_kind` says to what
  kAccount, kTextList, kList
};
struct Field {
  std::string name;
  FieldType type = FieldType::kText;
  bool required = false;
  std::string reference_kind;       // "customer", "invoice", "classification_line", "company", "item"
  bool may_be_pending = false;      // a deferred reference is allowed here
  bool splits_total = false;        // absent where only the total is known (`total_only`)
  std::vector<Field> row;           // of a kList
  std::string help;                 // one sentence
};
struct Model {
  std::string name;                 // "invoice"
  int revision = 1;
  bool has_state = false;           // invoices, credit notes, payments, deposits
  std::vector<Field> fields;        // without model, source, state, currency
  bool is_pulled = true;            // rules can make it from records of a remote
};
/// customer, vendor, item, invoice, credit_note, customer_payment, deposit.
[[nodiscard]] const std::vector<Model>& models();
[[nodiscard]] const Model* find_model(std::string_view name);
[[nodiscard]] const Field* find_field(const std::vector<Field>& fields, std::string_view name);
/// "money", "list of text": as messages name a type.
[[nodiscard]] std::string_view to_string(FieldType type);
/// JSON Schema (draft 2020-12) of one model.
[[nodiscard]] json::Value schema_of(const Model& model);

}  // namespace berth::documents
