#include "host/documents/documents.hpp"

#include <doctest/doctest.h>

#include <set>

namespace berth::documents {
namespace {

constexpr std::string_view kCustomer =
    R"json({"model":"customer/1","source":{"integration":"zoho_acme","entity":"contact","remote_id":"4815162342000101001","version":"2026-02-02T11:20:45-05:00"},"name":"Halvorsen Instruments","legal_name":"Halvorsen Instruments AB","email":"ap@halvorsen.example","currency":"EUR","country":"SE","active":true})json";
constexpr std::string_view kVendor =
    R"json({"model":"vendor/1","source":{"integration":"zoho_acme","entity":"contact","remote_id":"4815162342000102002","version":"2026-02-02T11:25:00-05:00"},"name":"Bolt Supplies","currency":"USD"})json";
constexpr std::string_view kItem =
    R"json({"model":"item/1","source":{"integration":"zoho_acme","entity":"item","remote_id":"4815162342000120001","version":"2026-01-20T16:05:00-05:00"},"name":"Flow meter FM-2","sku":"FM-2","unit":"pcs","active":true,"type":"service","income_account":"sales","expense_account":"cogs","remote_account":"4815162342000000388"})json";
constexpr std::string_view kInvoice =
    R"json({"model":"invoice/1","source":{"integration":"zoho_acme","entity":"invoice","remote_id":"4815162342000201001","version":"2026-05-21T08:41:30-04:00"},
 "state":"open","company":"acme_us","currency":"EUR","rate":"1.08","number":"INV-000317","reference":"PO-7741","date":"2026-05-04","due_date":"2026-06-03",
 "modified":"2026-05-21T08:41:30-04:00","customer":"cus_41","service_type":"cl_9","rounding_mode":"round_half_up",
 "lines":[{"id":"4815162342000201007","description":"Flow meter FM-2","item":"itm_90","service_line":"Calibration","quantity":"3","unit_price":"399.5","discount":"0.00",
   "amount":"1198.50","taxes":[{"tax":"4815162342000140003","name":"VAT (10%)","amount":"119.85"}]},
  {"id":"4815162342000201009","description":"On-site calibration, flat fee","item":"itm_90","service_line":"Calibration","quantity":"1","unit_price":"225","discount":"0.00",
   "amount":"225.00","taxes":[]}],
 "discount_kind":"item","discount":"0.00","tax_inclusive":false,"shipping":"15.00","shipping_with_tax":"15.00","adjustment":"-0.35","round_off":"0.00",
 "taxes":[{"name":"VAT (10%)","amount":"119.85"}],"sub_total":"1423.50","tax_total":"119.85","total":"1558.00","base_total":"1682.64","unsupported":[],
 "payments_applied":"558.00","credits_applied":"100.00","withheld":"0.00","written_off":"0.00","balance":"900.00"})json";
constexpr std::string_view kCreditNote =
    R"json({"model":"credit_note/1","source":{"integration":"zoho_acme","entity":"credit_note","remote_id":"4815162342000230001","version":"2026-05-21T08:41:30-04:00"},
 "state":"open","company":"acme_us","currency":"EUR","rate":"1.08","number":"CN-00021","date":"2026-05-18","modified":"2026-05-21T08:41:30-04:00","customer":"cus_41",
 "rounding_mode":"round_half_up","lines":[{"id":"4815162342000230003","description":"Flow meter FM-2, price reduction","item":"itm_12","quantity":"1","unit_price":"90.91",
   "discount":"0.00","amount":"90.91","taxes":[{"tax":"4815162342000140003","name":"VAT (10%)","amount":"9.09"}]}],
 "discount_kind":"item","discount":"0.00","tax_inclusive":false,"shipping":"0.00","shipping_with_tax":"0.00","adjustment":"0.00","round_off":"0.00",
 "taxes":[{"tax":"4815162342000140003","name":"VAT (10%)","amount":"9.09"}],"sub_total":"90.91","tax_total":"9.09","total":"100.00","base_total":"108","unsupported":[],
 "balance":"0.00","applications":[{"id":"4815162342000230007","invoice":"inv_317","amount":"100.00","applied_on":"2026-05-21"}],"refunds":[]})json";
constexpr std::string_view kPayment =
    R"json({"model":"customer_payment/1","source":{"integration":"zoho_acme","entity":"customer_payment","remote_id":"4815162342000220001","version":"2026-05-21T08:41:30-04:00"},
 "state":"open","company":"acme_us","currency":"EUR","rate":"1.09","number":"84","reference":"SEPA-20260521-17","date":"2026-05-21","customer":"cus_41",
 "payment_mode":"Bank Transfer","amount":"558.00","base_amount":"608.22","bank_charges":"4.00","unused":"0.00",
 "allocations":[{"id":"4815162342000220005","invoice":"inv_317","amount":"558.00","withheld":"0.00","applied_on":"2026-05-21"}],"refunds":[]})json";

json::Value value_of(std::string_view text) {
  json::Parsed parsed = json::parse(text);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  return std::move(parsed.value);
}

template <class T>
T parse_as(std::string_view text) {
  auto document = parse(value_of(text));
  REQUIRE_MESSAGE(document.ok(), document.error().message);
  REQUIRE(std::holds_alternative<T>(*document));
  return std::get<T>(*document);
}

Money eur(std::string_view text) { return *Money::parse(text, *Currency::of("EUR")); }

struct Damage {
  std::string_view what, base, from, to, reason, path;
};

TEST_CASE("a damaged document is refused, and the message names the place") {
  const Damage damages[] = {
      {"unknown model", kVendor, "vendor/1", "vendor/9", "documents.invalid", "`model`"},
      {"no source", kVendor, "\"source\":{\"integration\":\"zoho_acme\"", "\"source\":{\"x\":1", "documents.invalid", "`source.integration`"},
      {"number instead of text", kPayment, "\"amount\":\"558.00\",\"base", "\"amount\":558.00,\"base", "documents.invalid", "`amount`"},
      {"more decimals than the currency", kInvoice, "\"total\":\"1558.00\"", "\"total\":\"1558.001\"", "mapping.amount_scale", "total"},
      {"no number", kInvoice, "\"amount\":\"225.00\"", "\"amount\":\"much\"", "mapping.amount_invalid", "lines[1].amount"},
      {"exponent in a rate", kInvoice, "\"rate\":\"1.08\"", "\"rate\":\"1.08e0\"", "documents.invalid", "`rate`"},
      {"unknown currency", kInvoice, "\"currency\":\"EUR\"", "\"currency\":\"EUX\"", "ledger.currency_unknown", "EUX"},
      {"no currency", kInvoice, "\"currency\":\"EUR\",", "", "documents.invalid", "`currency`"},
      {"a gate's amount is absent", kInvoice, "\"tax_total\":\"119.85\",", "", "documents.invalid", "`tax_total`"},
      {"no such day", kInvoice, "2026-06-03", "2026-02-30", "documents.invalid", "`due_date`"},
      {"no such state", kInvoice, "\"state\":\"open\"", "\"state\":\"paid\"", "documents.invalid", "`state`"},
      {"unknown key", kInvoice, "\"reference\":", "\"refrence\":", "documents.invalid", "`refrence`"},
      {"unknown key in a row", kInvoice, "\"service_line\":\"Calibration\",\"quantity\":\"3\"", "\"quantities\":\"3\"", "documents.invalid", "`lines[0].quantities`"},
      {"tax without a name", kInvoice, "\"taxes\":[{\"name\":\"VAT (10%)\",", "\"taxes\":[{", "documents.invalid", "`taxes[0].name`"},
      {"neither invoice nor pending", kPayment, "\"invoice\":\"inv_317\",", "", "documents.invalid", "`allocations[0].invoice`"},
      {"both invoice and pending", kPayment, "\"invoice\":\"inv_317\",", "\"invoice\":\"inv_317\",\"pending\":\"invoice/I1\",", "documents.invalid", "`allocations[0].pending`"},
      {"pending of another kind", kPayment, "\"invoice\":\"inv_317\",", "\"pending\":\"customer/I1\",", "documents.invalid", "`allocations[0].pending`"},
      {"lines are no list", kCreditNote, "\"refunds\":[]", "\"refunds\":{}", "documents.invalid", "`refunds`"},
      {"empty text", kCustomer, "\"name\":\"Halvorsen Instruments\"", "\"name\":\"\"", "documents.invalid", "`name`"},
      {"no truth value", kCustomer, "\"active\":true", "\"active\":\"yes\"", "documents.invalid", "`active`"},
      {"a text list with a number", kInvoice, "\"unsupported\":[]", "\"unsupported\":[1]", "documents.invalid", "`unsupported`"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.what);
    std::string text(damage.base);
    const auto at = text.find(damage.from);
    REQUIRE(at != std::string::npos);
    text.replace(at, damage.from.size(), damage.to);
    const auto document = parse(value_of(text));
    REQUIRE_FALSE(document.ok());
    CHECK(document.error().reason == damage.reason);
    CHECK_MESSAGE(document.error().message.find(damage.path) != std::string::npos, document.error().message);
  }
  CHECK(parse(json::Value("text")).error().reason == "documents.invalid");
}

TEST_CASE("A3: an invoice is read exactly, every amount in minor units of its currency") {
  const auto invoice = parse_as<Invoice>(kInvoice);
  CHECK_FALSE(invoice.is_credit_note);
  CHECK(invoice.source.remote_id == "4815162342000201001");
  CHECK(invoice.source.version == "2026-05-21T08:41:30-04:00");
  CHECK(invoice.state == State::kOpen);
  CHECK(invoice.company == "acme_us");
  CHECK(invoice.rate->to_string() == "1.08");
  CHECK(invoice.date == Date{2026, 5, 4});
  CHECK(invoice.due_date == Date{2026, 6, 3});
  CHECK(invoice.service_type == "cl_9");
  CHECK(invoice.location.empty());
  REQUIRE(invoice.lines.size() == 2);
  CHECK(invoice.lines[0].item == "itm_90");
  CHECK(invoice.lines[0].unit_price->to_string() == "399.5");
  CHECK(invoice.lines[0].amount == eur("1198.50"));
  REQUIRE(invoice.lines[0].taxes.size() == 1);
  CHECK(invoice.lines[0].taxes[0].tax == "4815162342000140003");
  CHECK(invoice.lines[1].taxes.empty());
  CHECK(invoice.adjustment == eur("-0.35"));
  CHECK(invoice.taxes[0].tax.empty());
  CHECK(invoice.total.minor() == 155800);
  CHECK(invoice.base_total->to_string() == "1682.64");
  CHECK(invoice.balance == eur("900"));
  CHECK(invoice.credits_applied == eur("100"));
}

TEST_CASE("A3: a credit note is an invoice's mirror with applications") {
  const auto note = parse_as<Invoice>(kCreditNote);
  CHECK(note.is_credit_note);
  CHECK(note.taxes[0].tax == "4815162342000140003");
  REQUIRE(note.applications.size() == 1);
  CHECK(note.applications[0].invoice.id == "inv_317");
  CHECK(note.applications[0].applied_on == Date{2026, 5, 21});
  CHECK(note.payments_applied == eur("0"));
}

TEST_CASE("A3: a payment keeps posted and pending allocations apart") {
  std::string text(kPayment);
  text.replace(text.find("\"refunds\":[]"), 12, R"("refunds":[{"id":"R1","date":"2026-05-22","mode":"Cash","amount":"1.00","rate":"1.1"}])");
  const std::string posted = "\"invoice\":\"inv_317\"";
  const auto whole = parse_as<CustomerPayment>(text);
  CHECK(whole.allocations[0].invoice.id == "inv_317");
  CHECK(whole.allocations[0].invoice.pending.empty());
  CHECK(whole.refunds[0].amount == eur("1"));
  CHECK(whole.base_amount->to_string() == "608.22");
  text.replace(text.find(posted), posted.size(), "\"pending\":\"invoice/I7\"");
  const auto waiting = parse_as<CustomerPayment>(text);
  CHECK(waiting.allocations[0].invoice.id.empty());
  CHECK(waiting.allocations[0].invoice.pending == "invoice/I7");
}

TEST_CASE("A3: master data is read without a state") {
  const auto customer = parse_as<Customer>(kCustomer);
  CHECK(customer.country == "SE");
  CHECK(customer.active);
  CHECK(parse_as<Vendor>(kVendor).currency == "USD");
  const auto item = parse_as<Item>(kItem);
  CHECK(item.type == "service");
  CHECK(item.remote_account == "4815162342000000388");
  CHECK(source_of(Document(item)).entity == "item");
}

TEST_CASE("C5: of an invoice of which only the total is known nothing says what it is made up of, and nothing may") {
  constexpr std::string_view kTotal =
      R"json({"model":"invoice/1","source":{"integration":"i","entity":"invoice","remote_id":"1","version":"1"},"state":"open","company":"acme_us","currency":"USD",
 "number":"INV-1","date":"2026-05-04","customer":"cus_1","written_off":"0.00","total_only":true,"total":"10.00"})json";
  const Invoice invoice = parse_as<Invoice>(kTotal);
  CHECK(invoice.is_total_only);
  CHECK(invoice.lines.empty());
  CHECK(invoice.total.to_string() == "10.00");
  for (const char* field : {"lines", "taxes", "unsupported"}) {
    json::Value with = value_of(kTotal);
    with.set(field, json::Value::array());
    CHECK(parse(with).error().message.find(field) != std::string::npos);
  }
  json::Value with = value_of(kTotal);
  with.set("sub_total", "10.00");
  CHECK(parse(with).error().message.find("only the total is known") != std::string::npos);
  json::Value whole = value_of(kTotal);
  whole.set("total_only", false);
  CHECK(parse(whole).error().message.find("is missing") != std::string::npos);
}

TEST_CASE("a void document needs nothing but its source and state") {
  const auto invoice = parse_as<Invoice>(
      R"({"model":"invoice/1","source":{"integration":"zoho_acme","entity":"invoice","remote_id":"I1","version":"1"},"state":"void"})");
  CHECK(invoice.state == State::kVoid);
  CHECK(invoice.lines.empty());
}

TEST_CASE("an amount of a currency without minor units has no point") {
  std::string text(kPayment);
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string, std::string>>{
           {"EUR", "JPY"}, {"\"558.00\",\"base", "\"10001\",\"base"}, {"\"4.00\"", "\"0\""}, {"\"0.00\",\n", "\"0\",\n"}, {"\"558.00\"", "\"10001\""}}) {
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
  }
  CHECK(parse_as<CustomerPayment>(text).amount.to_string() == "10001");
}

void check_help(const std::vector<Field>& fields, const std::string& path) {
  std::set<std::string> names;
  for (const Field& field : fields) {
    CAPTURE(path + "." + field.name);
    CHECK(names.insert(field.name).second);
    CHECK(field.help.size() > 10);
    CHECK(field.help.back() == '.');
    CHECK((field.type == FieldType::kReference) == !field.reference_kind.empty());
    CHECK((field.type == FieldType::kList) == !field.row.empty());
    CHECK((!field.may_be_pending || field.type == FieldType::kReference));
    check_help(field.row, path + "." + field.name);
  }
}

TEST_CASE("A3: there are six models, and every field says what it is for") {
  CHECK(models().size() == 7);
  for (const Model& model : models()) check_help(model.fields, model.name);
  CHECK(find_model("invoice")->has_state);
  CHECK_FALSE(find_model("item")->has_state);
  CHECK(find_model("bill") == nullptr);
}

TEST_CASE("A3: the schema of a model names every field, and only open documents must be whole") {
  const json::Value schema = schema_of(*find_model("customer_payment"));
  CHECK(schema.at_pointer("/properties/amount/pattern") != nullptr);
  CHECK(schema.at_pointer("/properties/allocations/items/oneOf/1/required/0")->text() == "pending");
  CHECK(schema.at_pointer("/properties/allocations/items/properties/pending/pattern")->text() == "^invoice/.+$");
  CHECK(schema.at_pointer("/required")->size() == 3);
  CHECK(schema.at_pointer("/if/properties/state/const")->text() == "open");
  bool names_amount = false;
  for (const json::Value& name : schema.at_pointer("/then/required")->items()) names_amount = names_amount || name.text() == "amount";
  CHECK(names_amount);
  const json::Value customer = schema_of(*find_model("customer"));
  CHECK(customer.find("if") == nullptr);
  CHECK(customer.at_pointer("/properties/model/const")->text() == "customer/1");
  for (const Model& model : models()) CHECK(json::parse(json::dump(schema_of(model))).ok());
}

}  // namespace
}  // namespace berth::documents
