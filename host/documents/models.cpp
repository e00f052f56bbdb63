// The table of models and fields. The mapping language is checked against it, parse() obeys it, and the JSON Schemas
// are made from it, so the three cannot disagree.
#include <algorithm>

#include "host/documents/documents.hpp"

namespace berth::documents {
namespace {

Field make(std::string name, FieldType type, std::string help) {
  Field field;
  field.name = std::move(name);
  field.type = type;
  field.help = std::move(help);
  return field;
}
Field text(std::string name, std::string help) { return make(std::move(name), FieldType::kText, std::move(help)); }
Field money(std::string name, std::string help) { return make(std::move(name), FieldType::kMoney, std::move(help)); }
Field date(std::string name, std::string help) { return make(std::move(name), FieldType::kDate, std::move(help)); }
Field reference(std::string name, std::string kind, std::string help) {
  Field field = make(std::move(name), FieldType::kReference, std::move(help));
  field.reference_kind = std::move(kind);
  return field;
}
Field list(std::string name, std::vector<Field> row, std::string help) {
  Field field = make(std::move(name), FieldType::kList, std::move(help));
  field.row = std::move(row);
  return field;
}
Field required(Field field) {
  field.required = true;
  return field;
}
Field of_split(Field field) {
  field.splits_total = true;
  return field;
}
Field split(Field field) { return required(of_split(std::move(field))); }
Field deferrable(Field field) {
  field.may_be_pending = true;
  return field;
}

Field refunds() {
  return list("refunds",
              {required(text("id", "Id of the refund at the remote; part of the event's key.")),
               required(date("date", "Day on which the money went back.")), text("mode", "Payment mode of the refund."),
               required(money("amount", "What went back, in the document's currency.")),
               make("rate", FieldType::kRate, "Base units per document unit on that day; absent: the document's.")},
              "Money that went back to the customer.");
}

Model customer() {
  return {"customer",
          1,
          false,
          {required(text("name", "Name shown for the party of receivables and credits.")),
           text("legal_name", "Registered name; used to find duplicates."),
           text("email", "Address of the main contact; used to find duplicates."),
           make("currency", FieldType::kCurrency, "ISO 4217 code in which the customer is usually billed."),
           make("country", FieldType::kCountry, "ISO 3166 alpha-2 code; a text that no table knows stays as it is."),
           make("active", FieldType::kBoolean, "Whether the remote still uses the customer.")}};
}

Model vendor() {
  return {"vendor",
          1,
          false,
          {required(text("name", "Name of the vendor.")),
           make("currency", FieldType::kCurrency, "ISO 4217 code in which the vendor usually bills.")}};
}

Model item() {
  return {"item",
          1,
          false,
          {required(text("name", "Name of the product or service.")), text("sku", "Stock keeping unit."),
           text("unit", "Unit in which it is sold."),
           make("active", FieldType::kBoolean, "Whether the remote still sells the item."),
           text("remote_account", "Id of the remote account that the item points to."),
           text("type", "Kind of the item here: service."),
           make("income_account", FieldType::kAccount, "Account that the item's sales are credited to."),
           make("expense_account", FieldType::kAccount, "Account that the item's costs are debited to.")}};
}

std::vector<Field> line_fields() {
  return {text("id", "Id of the line at the remote."),
          text("description", "What was sold, in words."),
          reference("item", "item", "The item sold."),
          text("service_line", "Service line of the document; decides the income account."),
          text("remote_account", "Id of the remote account of the line, where the integration uses it."),
          make("quantity", FieldType::kQuantity, "Units sold; shown only."),
          make("unit_price", FieldType::kDecimal, "Price of one unit; shown only."),
          required(money("discount", "Discount of this line; already taken from `amount`.")),
          required(money("amount", "Net of tax and discount; credited to income.")),
          list("taxes",
               {required(text("tax", "Id of the tax at the remote.")), required(text("name", "Name of the tax, which finds the id of the header's rows.")),
                money("amount", "Tax of this line; never posted, the header's amount is.")},
               "Taxes of the line; they give the header's rows their ids.")};
}

std::vector<Field> shared_invoice_fields() {
  return {required(text("number", "Number that people know the document by.")),
          text("reference", "The customer's own reference."),
          required(date("date", "Day of the document; the posting date.")),
          make("modified", FieldType::kTime, "Last change at the remote; the day of events that have no date of their own."),
          required(reference("company", "company", "The company in whose books the document posts.")),
          required(reference("customer", "customer", "Party of the receivable.")),
          reference("location", "classification_line", "Dimension: location."),
          reference("service_type", "classification_line", "Dimension: service type."),
          make("rate", FieldType::kRate, "Base units per document unit; absent only in the base currency."),
          text("rounding_mode", "How the remote rounds; only round_half_up is accepted."),
          split(list("lines", line_fields(), "What was sold.")),
          split(text("discount_kind", "item: the lines are net of it; document: it is taken from the sub-total.")),
          split(money("discount", "Discount of the whole document.")),
          of_split(make("tax_inclusive", FieldType::kBoolean, "Whether prices were shown with tax; shown only.")),
          split(money("shipping", "Shipping without its tax.")),
          split(money("shipping_with_tax", "Shipping with its tax.")),
          of_split(text("shipping_tax", "Id of the tax on shipping.")),
          split(money("adjustment", "Correction with its sign.")),
          split(money("round_off", "Rounding of the total with its sign.")),
          split(list("taxes",
                        {text("tax", "Id of the tax, where the remote gives one."), required(text("name", "Name of the tax.")),
                         required(money("amount", "What posts."))},
                        "Taxes of the document; these amounts post.")),
          split(money("sub_total", "Sum of the lines.")),
          split(money("tax_total", "Sum of the taxes.")),
          required(money("total", "What the customer owes.")),
          make("total_only", FieldType::kBoolean, "True: only the total is known, as with `pull: reduced`; nothing says what it is made up of."),
          make("base_total", FieldType::kDecimal, "Total in base currency by the remote; checked against total times rate."),
          split(make("unsupported", FieldType::kTextList, "Names of amounts at the remote that have no posting rule and are not zero.")),
          money("balance", "What is still open at the remote; compared, never posted.")};
}

Model invoice() {
  Model model{"invoice", 1, true, shared_invoice_fields()};
  model.fields.insert(model.fields.begin() + 3, date("due_date", "Day on which it is due; ageing only."));
  for (Field field : {money("payments_applied", "Payments applied, by the remote; compared only."),
                      money("credits_applied", "Credits applied, by the remote; compared only."),
                      money("withheld", "Tax withheld by the customer, by the remote; compared only.")}) {
    model.fields.push_back(split(std::move(field)));
  }
  model.fields.push_back(required(money("written_off", "Written off as bad debt.")));
  return model;
}

Model credit_note() {
  Model model{"credit_note", 1, true, shared_invoice_fields()};
  model.fields.push_back(list("applications",
                              {required(text("id", "Id of the application at the remote; part of the event's key.")),
                               required(deferrable(reference("invoice", "invoice", "Invoice that the credit pays."))),
                               required(money("amount", "How much of the credit it took.")),
                               date("applied_on", "Day of the application.")},
                              "Invoices that the credit was applied to."));
  model.fields.push_back(refunds());
  return model;
}

Model customer_payment() {
  return {"customer_payment",
          1,
          true,
          {text("number", "Number of the payment at the remote."), text("reference", "Reference of the bank or processor."),
           required(date("date", "Day on which the money came.")),
           required(reference("company", "company", "Company of the share that no invoice claims.")),
           required(reference("customer", "customer", "The customer who paid.")),
           required(text("payment_mode", "Names the row of the account table that the money goes to.")),
           text("retainer", "Id of the retainer invoice that was paid."),
           make("rate", FieldType::kRate, "Base units per document unit; absent only in the base currency."),
           required(money("amount", "What the customer paid.")),
           required(money("bank_charges", "What the bank kept of it.")),
           required(money("unused", "Share that is not applied to an invoice.")),
           make("base_amount", FieldType::kDecimal, "Amount in base currency by the remote; checked against amount times rate."),
           required(list("allocations",
                         {required(text("id", "Id of the allocation at the remote; part of the event's key.")),
                          required(deferrable(reference("invoice", "invoice", "Invoice that was paid."))),
                          required(money("amount", "How much of the payment it took.")),
                          required(money("withheld", "Tax that the customer withheld on top.")),
                          date("applied_on", "Day of the allocation; absent: the payment's.")},
                         "Invoices that the payment was applied to.")),
           refunds()}};
}

Model deposit() {
  return {"deposit",
          1,
          true,
          {text("reference", "Number of the payout; finds it again at the remote."),
           required(text("kind", "payout: of a processor; stand_alone: brought to a bank.")),
           required(date("date", "Day on which the money arrived.")),
           required(reference("company", "company", "The company whose bank it is.")),
           make("rate", FieldType::kRate, "Base units per document unit; absent only in the base currency."),
           required(make("bank_account", FieldType::kAccount, "Account of the bank.")),
           make("fees_account", FieldType::kAccount, "Account of what the processor kept; absent: the role processor_fees."),
           required(list("payments",
                         {required(reference("payment", "customer_payment", "Payment that is paid out.")),
                          required(money("amount", "How much of it."))},
                         "Payments that are paid out, before fees.")),
           required(list("refunds",
                         {required(text("refund", "Id of the refund.")), required(money("amount", "How much went back."))},
                         "Refunds that the payout is smaller by.")),
           required(money("fees", "What the processor kept.")),
           required(money("net", "What arrived: payments less fees and refunds."))},
          false};
}

}  // namespace

const std::vector<Model>& models() {
  static const std::vector<Model> all{customer(), vendor(), item(), invoice(), credit_note(), customer_payment(),
                                      deposit()};
  return all;
}

const Model* find_model(std::string_view name) {
  const auto& all = models();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Model& model) { return model.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string_view to_string(State state) {
  switch (state) {
    case State::kDraft: return "draft";
    case State::kOpen: return "open";
    case State::kVoid: return "void";
    case State::kDeleted: return "deleted";
  }
  return "";
}

std::string_view to_string(FieldType type) {
  switch (type) {
    case FieldType::kText: return "text";
    case FieldType::kMoney: return "money";
    case FieldType::kDecimal: return "decimal";
    case FieldType::kRate: return "rate";
    case FieldType::kQuantity: return "quantity";
    case FieldType::kDate: return "date";
    case FieldType::kTime: return "time";
    case FieldType::kInteger: return "integer";
    case FieldType::kBoolean: return "boolean";
    case FieldType::kCountry: return "country";
    case FieldType::kCurrency: return "currency";
    case FieldType::kReference: return "reference";
    case FieldType::kAccount: return "account";
    case FieldType::kTextList: return "list of text";
    case FieldType::kList: return "list";
  }
  return "";
}

const Source& source_of(const Document& document) {
  return std::visit([](const auto& any) -> const Source& { return any.source; }, document);
}

const Field* find_field(const std::vector<Field>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace berth::documents
