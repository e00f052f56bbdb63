#include "sample_rules.hpp"

namespace berth::mapping {
namespace {

constexpr std::string_view kPayment =
    R"({"id":"P1","status":"paid","currency":"USD","number":"84","date":"2026-01-06","customer":"C1","mode":"Check","amount":10,"invoices":[]})";

Outcome run(std::string_view entity, const Record& record, std::string_view rules = kSampleRules, bool with_trace = false) {
  CaseWorld world = sample_world();
  return evaluate(load(rules), entity, record, world, sample_context(), with_trace);
}
Outcome run_payment(std::string_view from = "", std::string_view to = "", std::string_view rules = kSampleRules) {
  std::string text(kPayment);
  if (!from.empty()) {
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
  }
  return run("customer_payment", detail_of(text), rules);
}
/// The sample with a field of the payment replaced, over the payment with a member added.
Outcome run_field(std::string_view from, std::string_view to, std::string_view member = "") {
  return run_payment("\"invoices\":[]", std::string("\"invoices\":[]") + std::string(member), sample_with(from, to));
}
std::string text_at(const Outcome& outcome, std::string_view field) {
  const json::Value* value = outcome.document.find(field);
  return value == nullptr ? "absent" : json::dump(*value);
}
using Texts = std::vector<std::string>;

TEST_CASE("a failure names every field, and wins over waiting") {
  std::string text(kPayment);
  text.replace(text.find("\"C1\""), 4, "\"C404\"");
  text.replace(text.find("2026-01-06"), 10, "2026-02-30");
  text.replace(text.find("\"amount\":10,"), 12, "\"amount\":10.001,\"charges\":\"much\",");
  const Outcome outcome = run("customer_payment", detail_of(text));
  CHECK(outcome.kind == OutcomeKind::kFailed);
  CHECK(outcome.reason == "mapping.type");
  CHECK(outcome.at == Texts{"date", "amount", "bank_charges"});
  CHECK(outcome.message.find("2026-02-30") != std::string::npos);
  CHECK(outcome.message.find("and 2 more") != std::string::npos);
  CHECK(outcome.waits_for.empty());
  CHECK(outcome.document.is_null());
}

TEST_CASE("more decimals than the currency has are refused, in rows too") {
  const Outcome outcome = run_payment("\"invoices\":[]", R"("invoices":[{"id":"A1","invoice":"I1","amount":"1.00"},{"id":"A2","invoice":"I1","amount":"1.005"}])");
  CHECK(outcome.reason == "mapping.amount_scale");
  CHECK(outcome.at == Texts{"allocations[1].amount"});
}

TEST_CASE("a required value that is absent, null or empty fails, and the message says where it was looked for") {
  for (const std::string_view number : {"", R"("mode":null,)", R"("mode":"",)"}) {
    const Outcome outcome = run_payment(R"("mode":"Check",)", number);
    CHECK(outcome.reason == "mapping.required_missing");
    CHECK(outcome.at == Texts{"payment_mode"});
    CHECK(outcome.message.find("list.mode or mode") != std::string::npos);
  }
}

TEST_CASE("what the model requires is required although the rule does not say so") {
  const Outcome outcome = run_payment("\"invoices\":[]", R"("invoices":[{"id":"A1","amount":"1.00"}])");
  CHECK(outcome.reason == "mapping.required_missing");
  CHECK(outcome.at == Texts{"allocations[0].invoice"});
}

TEST_CASE("T5: an unknown currency fails and no amount is read") {
  const Outcome outcome = run_payment("\"USD\"", "\"USX\"");
  CHECK(outcome.reason == "ledger.currency_unknown");
  CHECK(outcome.at == Texts{"currency"});
  const Outcome none = run_payment("\"currency\":\"USD\",", "");
  CHECK(none.reason == "mapping.required_missing");
  CHECK(none.at == Texts{"currency"});
}

TEST_CASE("a value of the wrong shape fails with its place") {
  CHECK(run_payment("\"84\"", "[1]").at == Texts{"number"});
  CHECK(run_payment("\"invoices\":[]", "\"invoices\":{}").at == Texts{"allocations"});
  CHECK(run_payment("\"invoices\":[]", "\"invoices\":[5]").at == Texts{"allocations[0]"});
  CHECK(run_payment("\"C1\"", "{}").at == Texts{"customer"});
  CHECK(run_payment("\"paid\"", "[]").at == Texts{"state"});
  CHECK(run_payment("\"USD\"", "[]").at == Texts{"currency"});
  for (const std::string_view text : {"[1]", "{}"}) CHECK(run_payment("\"84\"", text).reason == "mapping.type");
}

TEST_CASE("a record without key or without anything fails") {
  CHECK(run_payment("\"id\":\"P1\",", "").at == Texts{"key"});
  CHECK(run("item", Record{}).reason == "mapping.required_missing");
  CHECK(run("bill", Record{}).reason == "mapping.entity_unknown");
}

TEST_CASE("the state comes before every other rule and needs no detail") {
  Record draft;
  draft.list = value_of(R"({"id":"P1","status":"draft"})");
  Outcome outcome = run("customer_payment", draft);
  CHECK(outcome.kind == OutcomeKind::kIgnored);
  CHECK(outcome.reason == "demo.draft");
  CHECK(outcome.state == "draft");
  draft.posted = true;
  outcome = run("customer_payment", draft);
  CHECK(outcome.kind == OutcomeKind::kMapped);
  CHECK(outcome.state_only);
  CHECK(json::dump(outcome.document) ==
        R"({"model":"customer_payment/1","source":{"integration":"demo_1","entity":"payment","remote_id":"P1","version":""},"state":"draft"})");
  draft.list = value_of(R"({"id":"P1","status":"failed"})");
  CHECK(run("customer_payment", draft).state == "void");
}

TEST_CASE("a deleted document is reversed when it posted and ignored when not, even without any data") {
  Record record;
  record.remote_id = "P1";
  record.deleted = true;
  CHECK(run("customer_payment", record).reason == "demo.deleted");
  record.posted = true;
  const Outcome outcome = run("customer_payment", record);
  CHECK(outcome.state_only);
  CHECK(outcome.document.text_of("state") == "deleted");
  CHECK(run("customer", record).reason == "berth.record_deleted");
}

TEST_CASE("an unknown status parks, whatever else is wrong") {
  const Outcome outcome = run_payment("\"paid\"", "\"ready_to_push\"");
  CHECK(outcome.kind == OutcomeKind::kParked);
  CHECK(outcome.reason == "demo.unknown");
  CHECK(outcome.message.find("ready_to_push") != std::string::npos);
  CHECK(outcome.state == "unknown");
}

TEST_CASE("an open document waits for its detail, unless the phase fetches none for it") {
  Record record;
  record.list = value_of(R"({"id":"P1","status":"paid","mode":"Check","date":"2026-01-06"})");
  Outcome outcome = run("customer_payment", record);
  CHECK(outcome.kind == OutcomeKind::kParked);
  CHECK(outcome.reason == "berth.detail_missing");
  CHECK(outcome.waits_for == Texts{"detail/payment/P1"});
  record.detail_expected = false;
  outcome = run("customer_payment", record);
  CHECK(outcome.kind == OutcomeKind::kFailed);
  CHECK(outcome.at == Texts{"customer", "amount"});
}

TEST_CASE("ignore rules give their reason") {
  const Outcome outcome = run("customer", detail_of(R"({"id":"V1","type":"vendor"})"));
  CHECK(outcome.kind == OutcomeKind::kIgnored);
  CHECK(outcome.reason == "demo.contact.other");
}

TEST_CASE("every blocker is collected before a record parks") {
  std::string text(kPayment);
  text.replace(text.find("\"C1\""), 4, "\"C9\"");
  text.replace(text.find("\"invoices\":[]"), 13,
               R"("invoices":[{"id":"A1","invoice":"I7","amount":"1"},{"id":"A2","invoice":"I404","amount":"1"},{"id":"A3","invoice":"I9","amount":"1"}])");
  const Outcome outcome = run("customer_payment", detail_of(text));
  CHECK(outcome.kind == OutcomeKind::kParked);
  CHECK(outcome.reason == "mapping.waits");
  CHECK(outcome.waits_for == Texts{"customer/C9", "invoice/I7", "invoice/I9"});
  CHECK(outcome.unseen == Texts{"customer/C9", "invoice/I9"});
  CHECK(outcome.document.is_null());
  CHECK(outcome.ensured.empty());
}

TEST_CASE("P1: a row with defer stays with what it waits for, and the document posts") {
  const Outcome outcome = run_payment("\"invoices\":[]",
                                      R"("invoices":[{"id":"A1","invoice":"I1","amount":"7","date":"2026-01-07"},{"id":"A2","invoice":"I7","amount":"3"}])");
  REQUIRE(outcome.kind == OutcomeKind::kMapped);
  CHECK(text_at(outcome, "allocations") ==
        R"([{"id":"A1","invoice":"inv_1","amount":"7.00","withheld":"0.00","applied_on":"2026-01-07"},)"
        R"({"id":"A2","pending":"invoice/I7","amount":"3.00","withheld":"0.00","applied_on":"2026-01-06"}])");
  CHECK(documents::parse(outcome.document).ok());
}

TEST_CASE("T10: none posted and none importable are different things, and no rows are neither") {
  const auto with_invoice = [](std::string_view id) {
    return run_payment("\"invoices\":[]", R"("invoices":[{"id":"A1","amount":"1","invoice":")" + std::string(id) + "\"}]");
  };
  CHECK(with_invoice("I404").kind == OutcomeKind::kFailed);
  CHECK(with_invoice("I404").reason == "demo.payment.nothing_to_pay");
  CHECK(with_invoice("I404").at == Texts{"allocations"});
  CHECK(with_invoice("I7").kind == OutcomeKind::kParked);
  CHECK(with_invoice("I1").kind == OutcomeKind::kMapped);
  CHECK(run_payment().kind == OutcomeKind::kMapped);
  const std::string posts = sample_with("none_posted: park\n        none_importable: {fail: demo.payment.nothing_to_pay}",
                                        "none_posted: post\n        none_importable: post");
  const Outcome outcome = run("customer_payment", detail_of(std::string(kPayment).replace(kPayment.find("\"invoices\":[]"), 13,
                              R"("invoices":[{"id":"A1","invoice":"I404","amount":"1"}])")), posts);
  CHECK(outcome.kind == OutcomeKind::kMapped);
}

TEST_CASE("D3: a lookup that warns leaves the value out with the exact text and the nearest name") {
  const Outcome outcome = run_payment("\"invoices\":[]", R"("custom_fields":[{"label":"Company","value":"acme west"}])");
  REQUIRE(outcome.kind == OutcomeKind::kMapped);
  CHECK(outcome.document.text_of("company") == "co_1");
  CHECK(outcome.warnings == Texts{"company/acme west"});
  CHECK(outcome.warning_hints == Texts{"nearest: \"Acme West\" (differs in case)"});
}

TEST_CASE("D3: labels match byte for byte, and two of one label are flagged") {
  const auto company = [](std::string_view fields) { return run_payment("\"invoices\":[]", "\"custom_fields\":" + std::string(fields)); };
  CHECK(company(R"([{"label":"Company","value":"Acme West"}])").document.text_of("company") == "co_2");
  CHECK(company(R"([{"label":"company","value":"Acme West"}])").document.text_of("company") == "co_1");
  CHECK(company(R"([{"label":"Company ","value":"Acme West"}])").document.text_of("company") == "co_1");
  CHECK(company(R"([{"label":"Company","value":""}])").warnings.empty());
  const Outcome twice = company(R"([{"label":"Company","value":"Acme West"},{"label":"Company","value":"Other"}])");
  CHECK(twice.document.text_of("company") == "co_2");
  CHECK(twice.flags == Texts{"mapping.label_duplicate"});
  CHECK(twice.warnings == Texts{"custom_field/Company"});
  const Outcome number = run_field("number: {path: number}", "number: {custom_field: {api_name: cf_n}}", R"(,"custom_fields":[{"api_name":"cf_n","label":"N","value":7}])");
  CHECK(number.document.text_of("number") == "7");
}

TEST_CASE("lookups answer by their way to go on") {
  const auto with = [](std::string_view missing) {
    return run_payment("\"C1\"", "\"C404\"", sample_with("missing: park}", "missing: " + std::string(missing) + "}"));
  };
  CHECK(with("park").waits_for == Texts{"customer/C404"});
  CHECK(with("fail").reason == "mapping.lookup_failed");
  CHECK(with("fail").at == Texts{"customer"});
  CHECK(with("omit").reason == "mapping.required_missing");  // the field is required
  CHECK(with("warn").warnings == Texts{"customer/C404"});
  CHECK(run_payment("\"customer\":\"C1\",", "").reason == "mapping.required_missing");  // no value, no search
}

TEST_CASE("drop_row drops the row with all that it said") {
  const std::string rules = sample_with("value: {path: invoice}, missing: defer}}", "value: {path: invoice}, missing: drop_row}}");
  std::string text = rules;
  text.replace(text.find("        none_posted: park\n        none_importable: {fail: demo.payment.nothing_to_pay}\n"), 86, "");
  const Outcome outcome = run("customer_payment", detail_of(std::string(kPayment).replace(kPayment.find("\"invoices\":[]"), 13,
                              R"("invoices":[{"id":"A1","invoice":"I404","amount":"bad"},{"id":"A2","invoice":"I1","amount":"1"}])")), text);
  REQUIRE_MESSAGE(outcome.kind == OutcomeKind::kMapped, outcome.message);
  CHECK(outcome.document.find("allocations")->size() == 1);
}

TEST_CASE("ensure finds the row or stands for it, once per name") {
  const std::string text = R"yaml(revision: 1
plugin: demo
entities:
  item:
    from: item
    key: {path: id}
    fields:
      name: {path: name, required: true}
  credit_note:
    from: note
    key: {path: id}
    currency: {const: USD}
    state: {value: {const: x}, map: {x: open}, missing: unknown, reasons: {draft: demo.a, void: demo.b, deleted: demo.c, unknown: demo.d}}
    fields:
      number: {path: id}
      date: {path: date}
      company: {integration: company}
      customer: {lookup: {kind: customer, by: remote_id, value: {path: customer}, missing: park}}
      location: {ensure: {kind: classification_line, in: Location, name: {path: place}}}
      lines:
        each: lines
        where: {not: {path: kind, in: [kit, 5]}}
        fields:
          item: {ensure: {kind: item, in: service_line, name: {path: line}}}
          discount: {const: 0, as: money}
          amount: {path: amount, as: money}
          quantity: {path: n}
          taxes: {each: taxes, fields: {tax: {path: id}, name: {path: name}, amount: {path: record.rate, as: money}}}
      discount_kind: {const: item}
      discount: {path: x, as: money, default: 0}
      shipping: {path: x, as: money, default: 0}
      shipping_with_tax: {path: x, as: money, default: 0}
      adjustment: {path: x, as: money, default: 0}
      round_off: {path: x, as: money, default: 0}
      taxes: {each: list.taxes, fields: {name: {path: name}, amount: {path: amount, as: money}}}
      sub_total: {path: total, as: money}
      tax_total: {path: x, as: money, default: 0}
      total: {path: total, as: money}
      base_total: {path: total}
      unsupported: {nonzero: ["tds_*", "*reverse*", late_fee]}
      applications:
        each: parts.applications
        fields: {id: {path: id}, invoice: {lookup: {kind: invoice, by: remote_id, value: {path: invoice}, missing: defer}}, amount: {path: amount, as: money}}
        none_posted: post
        none_importable: post
)yaml";
  Record record = detail_of(R"json({"id":"N1","date":"2026-01-06","customer":"C1","place":"Austin, TX","total":"1.25e1","rate":"0.5",
    "tds_total":"0.00","tds_name":"none","tds_tax_id":"55","tds_amount":"1","is_reverse":true,"reverse_x":false,"late_fee":12345678901234567890123456789012345678901234567890,
    "lines":[{"line":"Consulting","amount":1,"n":"3.50","taxes":[{"id":"T1","name":"VAT"}]},{"kind":"kit","amount":"bad"},{"kind":5,"amount":"bad"},{"line":"Consulting","amount":"2"}]})json");
  record.list = value_of(R"({"taxes":[{"name":"VAT","amount":"-1"}]})");
  record.parts.emplace("applications", value_of(R"([{"id":"X1","invoice":"I7","amount":"1"}])"));
  const Outcome outcome = run("credit_note", record, text);
  REQUIRE_MESSAGE(outcome.kind == OutcomeKind::kMapped, outcome.message);
  CHECK(text_at(outcome, "location") == R"("new:classification_line/Location/Austin, TX")");
  CHECK(text_at(outcome, "lines") ==
        R"([{"item":"new:item/service_line/Consulting","discount":"0.00","amount":"1.00","quantity":"3.5","taxes":[{"tax":"T1","name":"VAT","amount":"0.50"}]},)"
        R"({"item":"new:item/service_line/Consulting","discount":"0.00","amount":"2.00","taxes":[]}])");
  CHECK(text_at(outcome, "taxes") == R"([{"name":"VAT","amount":"-1.00"}])");
  CHECK(text_at(outcome, "total") == R"("12.50")");
  CHECK(text_at(outcome, "base_total") == R"("12.5")");
  CHECK(text_at(outcome, "unsupported") == R"(["tds_amount","is_reverse","late_fee"])");
  CHECK(text_at(outcome, "applications") == R"([{"id":"X1","pending":"invoice/I7","amount":"1.00"}])");
  REQUIRE(outcome.ensured.size() == 2);
  CHECK(outcome.ensured[0].placeholder() == "new:classification_line/Location/Austin, TX");
  CHECK(outcome.ensured[1].placeholder() == "new:item/service_line/Consulting");
  CHECK(documents::parse(outcome.document).ok());
}

TEST_CASE("the account of a default is that of its row, and an unmapped one parks") {
  Outcome outcome = run("item", detail_of(R"({"id":"IT1","name":"Support"})"));
  REQUIRE(outcome.kind == OutcomeKind::kMapped);
  CHECK(json::dump(outcome.on_create) == R"({"type":"service","income_account":"acc_inc"})");
  CHECK(outcome.document.find("type") == nullptr);
  CHECK(outcome.state.empty());
  const std::string rules = sample_with("{kind: default_income}", "{kind: default_other}");
  Record record = detail_of(R"({"id":"IT1","name":"Support"})");
  outcome = run("item", record, rules);
  CHECK(outcome.kind == OutcomeKind::kParked);
  CHECK(outcome.waits_for == Texts{"account/default_other/-/co_1"});
  record.posted = true;  // the row is there: what is written on creation does not matter any more
  CHECK(run("item", record, rules).kind == OutcomeKind::kMapped);
}

TEST_CASE("case, setting and table") {
  CaseWorld world = sample_world();
  Context context = sample_context();
  const Record record = detail_of(R"({"id":"IT1","name":"Support","account":"A9"})");
  CHECK(evaluate(load(kSampleRules), "item", record, world, context).document.find("remote_account") == nullptr);
  context.settings.emplace("use_remote", true);
  CHECK(evaluate(load(kSampleRules), "item", record, world, context).document.text_of("remote_account") == "A9");
  context.settings["use_remote"] = json::Value("maybe");
  CHECK(evaluate(load(kSampleRules), "item", record, world, context).reason == "mapping.type");
  const auto active = [](std::string_view status) { return text_at(run("customer", detail_of(R"({"id":"C","type":"customer","name":"x","status":")" + std::string(status) + "\"}")), "active"); };
  CHECK(active("gone") == "false");
  CHECK(active("on_sale") == "true");
  CHECK(active("other") == "true");
  CHECK(active("") == "true");
  const Outcome outcome = run("customer", detail_of(R"({"id":"C","type":"customer","name":"x","status":"other"})"), sample_with("missing: true}}", "missing: fail}}"));
  CHECK(outcome.reason == "mapping.table_missing");
  CHECK(outcome.at == Texts{"active"});
}

TEST_CASE("D6: a country is read by the table of ISO 3166, or kept and flagged, offers of other documents count") {
  const auto country = [](std::string_view text, std::string_view offered = "") {
    Record record = detail_of(R"({"id":"C","type":"customer","name":"x","country":")" + std::string(text) + "\"}");
    if (!offered.empty()) record.offered.emplace("country", offered);
    return run("customer", record);
  };
  CHECK(country("USA").document.text_of("country") == "US");
  CHECK(country("sweden").document.text_of("country") == "SE");
  CHECK(country("", "Sweden").document.text_of("country") == "SE");
  CHECK(country("USA", "Sweden").document.text_of("country") == "US");
  CHECK(country("").document.find("country") == nullptr);
  CHECK(country("Atlantis").document.text_of("country") == "Atlantis");
  CHECK(country("Atlantis").flags == Texts{"mapping.country_unknown"});
}

TEST_CASE("D6: a record offers values to other rows, in every state and without lookups") {
  const Rules rules = load(kSampleRules);
  const auto offers = offers_of(rules, "customer_payment", detail_of(R"({"customer":"C1","country":"SE","status":"draft"})"));
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].entity == "customer");
  CHECK(offers[0].remote_id == "C1");
  CHECK(offers[0].name == "country");
  CHECK(offers[0].value == "SE");
  CHECK(offers_of(rules, "customer_payment", detail_of(R"({"customer":"C1"})")).empty());
  CHECK(offers_of(rules, "customer_payment", detail_of(R"({"country":["x"],"customer":"C1"})")).empty());
  CHECK(offers_of(rules, "item", Record{}).empty());
  CHECK(run_payment("\"invoices\":[]", "\"country\":\"SE\"").offers.size() == 1);
}

TEST_CASE("values are read exactly in their types") {
  const auto as = [](std::string_view rule, std::string_view value) {
    const Outcome outcome = run_field("rate: {path: rate, as: rate}", "rate: {path: rate}\n      base_amount: " + std::string(rule), ",\"x\":" + std::string(value));
    return outcome.kind == OutcomeKind::kMapped ? text_at(outcome, "base_amount") : outcome.reason;
  };
  CHECK(as("{path: x, as: decimal}", "1.25e1") == "\"12.5\"");
  CHECK(as("{path: x, as: rate}", "\"1.080000\"") == "\"1.08\"");
  CHECK(as("{path: x, as: decimal}", "1234567890123456789.123456789") == "\"1234567890123456789.123456789\"");
  CHECK(as("{path: x, as: decimal}", "\"1,5\"") == "mapping.amount_invalid");
  CHECK(as("{path: x, as: integer}", "7.0") == "\"7\"");
  CHECK(as("{path: x, as: integer}", "7.5") == "mapping.type");
  CHECK(as("{path: x}", "true") == "mapping.amount_invalid");
  const Outcome amount = run_payment("\"amount\":10,", "\"amount\":\"1e1\",");
  CHECK(text_at(amount, "amount") == "\"10.00\"");
  CHECK(text_at(run_payment("\"USD\"", "\"JPY\""), "amount") == "\"10\"");
  const auto text = [](std::string_view value) { return text_at(run_payment("\"84\"", value), "number"); };
  CHECK(text("84") == "\"84\"");
  CHECK(text("84.10") == "\"84.10\"");
  CHECK(text("true") == "\"true\"");
  CHECK(text("\"\"") == "absent");
}

TEST_CASE("conditions compare as people read") {
  const auto holds = [](std::string_view condition, std::string_view value) {
    const Outcome outcome = run_field("number: {path: number}", "number: {case: [{when: " + std::string(condition) + ", value: {const: \"yes\"}}, {else: {const: \"no\"}}]}",
                                      ",\"x\":" + std::string(value));
    return outcome.document.text_of("number") == "yes";
  };
  CHECK(holds("{path: x, is: 5}", "5.0"));
  CHECK(holds("{path: x, is: 5}", "\"5\""));
  CHECK_FALSE(holds("{path: x, is: 5}", "\"5.0\""));
  CHECK(holds("{path: x, is: true}", "true"));
  CHECK(holds("{path: x, is_not: a}", "null"));
  CHECK_FALSE(holds("{path: x, is: a}", "null"));
  CHECK(holds("{path: x, in: [a, b]}", "\"b\""));
  CHECK_FALSE(holds("{path: x, in: [a, b]}", "\"B\""));
  CHECK(holds("{path: x, present: false}", "\"\""));
  CHECK(holds("{path: x, present: true}", "0"));
  CHECK(holds("{path: x, matches: \"INV-*\"}", "\"INV-7\""));
  CHECK_FALSE(holds("{path: x, matches: \"INV-*\"}", "\"CN-INV-7\""));
  CHECK(holds("{all: [{path: x, present: true}, {not: {path: x, is: b}}]}", "\"a\""));
  CHECK(holds("{any: [{path: x, is: b}, {path: x, is: a}]}", "\"a\""));
  CHECK_FALSE(holds("{all: [{path: x, is: b}, {path: x, is: a}]}", "\"a\""));
}

class CountingLookups final : public Lookups {
 public:
  LookupAnswer find(std::string_view, std::string_view, std::string_view, std::string_view) override {
    ++calls;
    return {Known::kPosted, "id_1"};
  }
  std::optional<std::string> account(std::string_view, std::string_view, std::string_view) override {
    ++accounts;
    return "acc";
  }
  std::string nearest(std::string_view, std::string_view, std::string_view) override { return ""; }
  int calls = 0;
  int accounts = 0;
};

TEST_CASE("a row is looked up once, however many lines name it") {
  std::string rows;
  for (int i = 0; i < 50; ++i) rows += std::string(i == 0 ? "" : ",") + R"({"id":"A","invoice":"I1","amount":"1"})";
  CountingLookups lookups;
  const Outcome outcome = evaluate(load(kSampleRules), "customer_payment",
                                   detail_of(std::string(kPayment).replace(kPayment.find("\"invoices\":[]"), 13, "\"invoices\":[" + rows + "]")), lookups, sample_context());
  REQUIRE(outcome.kind == OutcomeKind::kMapped);
  CHECK(lookups.calls == 2);  // the customer and the invoice
  CHECK(evaluate(load(sample_with("{kind: default_income}}", "{kind: default_income}}, expense_account: {account: {kind: default_income}}")), "item",
                 detail_of(R"({"id":"I","name":"N"})"), lookups, sample_context())
            .on_create.text_of("expense_account") == "acc");
  CHECK(lookups.accounts == 1);
}

TEST_CASE("the same input gives the same outcome, with tracing and without") {
  const Record record = detail_of(kPayment);
  const Outcome plain = run("customer_payment", record);
  const Outcome traced = run("customer_payment", record, kSampleRules, true);
  CHECK(json::dump(plain.document) == json::dump(traced.document));
  CHECK(plain.trace.empty());
  CHECK_FALSE(traced.trace.empty());
}

}  // namespace
}  // namespace berth::mapping
