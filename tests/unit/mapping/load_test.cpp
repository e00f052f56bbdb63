#include <algorithm>
#include <set>
#include <vector>

#include "host/mapping/checks.hpp"
#include "sample_rules.hpp"

namespace berth::mapping {
namespace {

/// One mistake: `from` of the sample is replaced by `to`, where § stands before the column that the finding names. Without
/// § the finding is in another place.
struct Mistake {
  std::string_view id, from, to;
};

const Mistake kMistakes[] = {
    {"mapping.key_unknown", "    from: contact", "    from: contact\n    §form: x"},
    {"mapping.key_unknown", "    from: contact", "    from: contact\n    reduced: §total"},   // rows of customers have no total
    {"mapping.key_unknown", "    from: payment\n", "    from: payment\n    reduced: §lines\n"},
    {"mapping.key_unknown", "plugin: demo", "plugin: demo\n§version: 2"},
    {"mapping.key_unknown", "{path: number}", "{path: number, §defualt: x}"},
    {"mapping.key_missing", "  item:\n    from: item\n    key: {path: id}", "  item:\n    §from: item"},
    {"mapping.key_missing", "by: name, value: {custom_field: Company}", "by: name"},
    {"mapping.node_kind", "map: {paid: open, draft: draft, failed: void}", "map: §[paid]"},
    {"mapping.node_kind", "settings: {use_remote: {kind: boolean, default: false}}", "settings: §none"},
    {"mapping.revision", "revision: 1", "revision: §2"},
    {"mapping.plugin_id", "plugin: demo", "plugin: §Demo Books"},
    {"mapping.entity_unknown", "  item:\n", "  §items:\n"},
    {"mapping.operator_none", "number: {path: number}", "number: §number"},
    {"mapping.operator_none", "number: {path: number}", "number: §{as: text}"},
    {"mapping.operator_several", "number: {path: number}", "number: {path: number, §const: x}"},
    {"mapping.key_unknown", "number: {path: number}", "number: {§paht: number}"},
    {"mapping.type_unknown", "as: date, required: true", "as: §day, required: true"},
    {"mapping.type", "customer: {lookup: {kind: customer, by: remote_id, value: {path: customer}, missing: park}, required: true}", "customer: §{path: customer}"},
    {"mapping.type", "customer: {lookup: {kind: customer, by: remote_id", "customer: §{lookup: {kind: item, by: remote_id"},
    {"mapping.type", "number: {path: number}", "number: §{integration: company}"},
    {"mapping.type", "number: {path: number}", "number: §{const: true}"},
    {"mapping.type", "{integration: company}]}", "{integration: company}], as: §text}"},
    {"mapping.type", "default: \"0\"}\n      unused", "default: §true}\n      unused"},
    {"mapping.types_differ", "{integration: company}]}", "§{path: x}]}"},
    {"mapping.types_differ", "missing: true}}", "missing: §maybe}}"},
    {"mapping.path", "{path: number}", "{path: §a..b}"},
    {"mapping.path", "{path: number}", "{path: §record.number}"},
    {"mapping.target_unknown", "      number: {path: number}", "      §nummer: {path: number}"},
    {"mapping.target_unknown", "          id: {path: id, required: true}", "          §idd: {path: id}\n          id: {path: id, required: true}"},
    {"mapping.target_required", "    fields:\n      number: {path: number}\n      date: {path: date, as: date, required: true}",
     "    fields:\n      §number: {path: number}"},
    {"mapping.target_required", "customer: {lookup: {kind: customer, by: remote_id, value: {path: customer}, missing: park}, required: true}",
     "customer: §{lookup: {kind: customer, by: remote_id, value: {path: customer}, missing: omit}}"},
    {"mapping.list_fields", "number: {path: number}", "number: §{each: numbers, fields: {}}"},
    {"mapping.list_fields", "      rate: {path: rate, as: rate}", "      refunds: §{path: refunds}"},
    {"mapping.money_as", "amount: {path: amount, as: money, required: true}\n      bank", "amount: §{path: amount, required: true}\n      bank"},
    {"mapping.money_currency", "    from: payment\n    needs: detail\n    key: {path: id}\n    currency: {path: currency}", "    §from: payment\n    key: {path: id}"},
    {"mapping.money_currency", "      name: {path: name, required: true}\n      country", "      name: {path: name, as: §money}\n      country"},
    {"mapping.kind_unknown", "lookup: {kind: company,", "lookup: {kind: §compny,"},
    {"mapping.ensure_kind", "{integration: company}]}", "{ensure: {kind: §company, in: x, name: {path: y}}}]}"},
    {"mapping.scope_required", "lookup: {kind: company, by", "lookup: §{kind: classification_line, by"},
    {"mapping.lookup_by", "by: name", "by: §label"},
    {"mapping.lookup_missing_required", "customer: {lookup: {kind: customer, by: remote_id, value: {path: customer}, missing: park}",
     "customer: §{lookup: {kind: customer, by: remote_id, value: {path: customer}}"},
    {"mapping.lookup_missing_unknown", "missing: park}", "missing: §prak}"},
    {"mapping.defer_misplaced", "missing: park}", "missing: §defer}"},
    {"mapping.defer_outcomes", "        none_posted: park\n        none_importable: {fail: demo.payment.nothing_to_pay}\n", ""},
    {"mapping.defer_outcomes", "none_posted: park", "none_posted: §wait"},
    {"mapping.drop_row_misplaced", "missing: warn}", "missing: §drop_row}"},
    {"mapping.else_last", "[{when: {setting: use_remote, is: true}, value: {path: account}}]",
     "[§{else: {path: a}}, {when: {setting: use_remote, is: true}, value: {path: account}}]"},
    {"mapping.else_required", "payment_mode: {first_of: [{var: mode}, {path: list.mode}, {path: mode}], required: true}",
     "payment_mode: §{case: [{when: {var: mode, present: true}, value: {path: mode}}]}"},
    {"mapping.unreachable", "[{var: mode}, {path: list.mode}, {path: mode}]", "[{var: mode}, {const: x}, §{path: mode}]"},
    {"mapping.unreachable", "[{when: {setting: use_remote, is: true}, value: {path: account}}]",
     "[{when: {setting: use_remote, is: true}, value: {path: account}}, {when: §{setting: use_remote, is: true}, value: {path: b}}]"},
    {"mapping.condition", "{path: type, is_not: customer}", "§{path: type}"},
    {"mapping.condition", "{path: type, is_not: customer}", "§{path: type, is: a, in: [b]}"},
    {"mapping.condition", "{path: type, is_not: customer}", "§{any: [{path: a, is: b}], path: type}"},
    {"mapping.condition", "key: {path: id}\n    currency", "key: §{account: {kind: x}}\n    currency"},
    {"mapping.setting_unknown", "{setting: use_remote, is", "{setting: §use_remot, is"},
    {"mapping.setting_unused", "settings: {use_remote", "settings: {§other: {kind: text}, use_remote"},
    {"mapping.type", "{kind: boolean, default: false}", "{kind: boolean, default: §none}"},
    {"mapping.var_unknown", "{var: mode}", "{var: §mod}"},
    {"mapping.var_unknown", "country: {path: country}}", "country: {var: §mode}}"},
    {"mapping.node_kind", "let: {mode: {custom_field: Mode}}", "let: §[mode]"},
    {"mapping.let_unused", "let: {mode:", "let: {§spare: {path: x}, mode:"},
    {"mapping.state_required",
     "    from: payment\n    needs: detail\n    key: {path: id}\n    currency: {path: currency}\n    state:\n      value: {path: status}\n"
     "      map: {paid: open, draft: draft, failed: void}\n      missing: unknown\n"
     "      reasons: {draft: demo.draft, void: demo.void, deleted: demo.deleted, unknown: demo.unknown}\n",
     "    §from: payment\n    key: {path: id}\n    currency: {path: currency}\n"},
    {"mapping.state_unexpected", "  item:\n    from: item", "  item:\n    currency: §{path: c}\n    from: item"},
    {"mapping.state_unknown", "draft: draft, failed", "draft: §drafty, failed"},
    {"mapping.reason", "reason: demo.contact.other", "reason: §other.contact"},
    {"mapping.reason", "draft: demo.draft,", "draft: §demo.Draft,"},
    {"mapping.label_spaces", "{custom_field: Mode}", "{custom_field: §\"Mode \"}"},
    {"mapping.label_case", "{custom_field: Mode}", "{custom_field: COMPANY}"},
    {"mapping.like_unknown", "  item:\n    from: item", "  item:\n    like: §itm\n    from: item"},
    {"mapping.without_unknown", "  item:\n    from: item", "  item:\n    like: customer\n    without: [§nam]\n    from: item"},
    {"mapping.offer", "{to: customer, key", "{to: §custmer, key"},
    {"mapping.condition", "country: {path: country}}", "country: §{account: {kind: x}}}"},
    {"mapping.offered_unknown", "{offered: country}", "{offered: §land}"},
    {"mapping.park_cycle", "      name: {path: name, required: true}\n      country",
     "      name: {path: name, required: true}\n      legal_name: {lookup: {kind: customer_payment, by: remote_id, value: {path: p}, missing: park}}\n      country"},
};

TEST_CASE("every mistake in a rules file is found where it stands") {
  std::set<std::string> seen;
  for (const Mistake& mistake : kMistakes) {
    std::string text = sample_with(mistake.from, mistake.to);
    const std::size_t mark = text.find("§");
    const bool has_mark = mark != std::string::npos;
    if (has_mark) text.erase(mark, std::string_view("§").size());
    const std::size_t line = has_mark ? 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(mark), '\n')) : 0;
    const std::size_t line_start = has_mark && mark > 0 ? text.rfind('\n', mark - 1) + 1 : 0;
    const std::size_t column = has_mark ? mark - line_start + 1 : 0;

    config::Findings findings;
    const auto rules = load_text(text, "rules.yaml", findings);
    bool is_found = false;
    for (const config::Finding& finding : findings.all()) {
      is_found = is_found || (finding.id == mistake.id && (!has_mark || (finding.line == line && finding.column == column)));
    }
    CHECK_MESSAGE(is_found, mistake.id, " at ", line, ":", column, " for ", mistake.to, "\n", findings.print());
    const Check* check = find_check(mistake.id);
    REQUIRE(check != nullptr);
    CHECK(rules.ok() != check->is_error);
    if (!rules.ok()) CHECK(rules.error().reason == "mapping.invalid");
    seen.emplace(mistake.id);
  }
  // Deep nesting is tried below; every other check of the table is tried here.
  for (const Check& check : checks()) CHECK_MESSAGE((seen.count(std::string(check.id)) > 0 || check.id == "mapping.depth"), check.id);
  CHECK(std::size(kMistakes) >= 30);
}

TEST_CASE("the sample has no findings, and neither hint nor sentence is missing in the table of checks") {
  config::Findings findings;
  const auto rules = load_text(kSampleRules, "rules.yaml", findings);
  CHECK_MESSAGE(findings.empty(), findings.print());
  REQUIRE(rules.ok());
  CHECK(rules->revision().size() == 12);
  CHECK(rules->plugin() == "demo");
  CHECK(rules->entities() == std::vector<std::string>{"customer", "item", "customer_payment"});
  CHECK(rules->entities_of("payment") == std::vector<std::string>{"customer_payment"});
  CHECK(rules->remote_entity("customer") == "contact");
  CHECK(rules->needs_detail("customer_payment"));
  CHECK_FALSE(rules->needs_detail("customer"));
  CHECK(rules->settings().at(0).name == "use_remote");
  std::set<std::string_view> ids;
  for (const Check& check : checks()) {
    CHECK(ids.insert(check.id).second);
    CHECK(check.id.starts_with("mapping."));
    CHECK(check.what.back() == '.');
    CHECK_FALSE(check.hint.empty());
  }
  for (const OutcomeReason& reason : outcome_reasons()) {
    CHECK_FALSE(reason.hint.empty());
    CHECK(reason.what.back() == '.');
  }
}

TEST_CASE("a finding names the line, the nearest name and what to do") {
  config::Findings findings;
  CHECK_FALSE(load_text(sample_with("missing: park}", "missing: prak}"), "rules.yaml", findings).ok());
  CHECK(findings.print().find("did you mean `park`") != std::string::npos);
  CHECK(findings.print().find("rules.yaml:35:") != std::string::npos);
}

TEST_CASE("values nested without end are refused") {
  std::string deep = "{path: number}";
  for (int i = 0; i < 18; ++i) deep = "{first_of: [" + deep + "]}";
  config::Findings findings;
  CHECK_FALSE(load_text(sample_with("number: {path: number}", "number: " + deep), "rules.yaml", findings).ok());
  CHECK(findings.all().front().id == "mapping.depth");
}

TEST_CASE("all mistakes of a file come at once") {
  std::string text = sample_with("missing: park}", "missing: prak}");
  text.replace(text.find("{path: number}"), 14, "{paht: number}");
  text.replace(text.find("reason: demo.contact.other"), 26, "reason: nothing");
  config::Findings findings;
  CHECK_FALSE(load_text(text, "rules.yaml", findings).ok());
  CHECK(findings.errors() == 4);  // the unknown operator leaves its value without one
}

TEST_CASE("what YAML itself refuses is refused before anything is compiled") {
  for (const std::string_view text : {"revision: 1\nrevision: 1\n", "revision: [", "revision: 1\nplugin: yes\n", "", "- a\n"}) {
    config::Findings findings;
    CHECK_FALSE(load_text(text, "rules.yaml", findings).ok());
    CHECK(findings.has_errors());
  }
  config::Findings findings;
  CHECK(load_file("/nowhere/mapping.yaml", findings).error().reason == "config.file_unreadable");
}

TEST_CASE("like lays own rows over those taken over, and leaves single fields of rows out") {
  const std::string text = R"yaml(revision: 1
plugin: demo
entities:
  invoice:
    from: invoice
    key: {path: id}
    currency: {const: USD}
    state: &state {value: {path: status}, map: {open: open}, missing: unknown, reasons: {draft: demo.a, void: demo.b, deleted: demo.c, unknown: demo.d}}
    fields: &fields
      number: {path: number}
      date: {path: date}
      company: {integration: company}
      customer: {lookup: {kind: customer, by: remote_id, value: {path: customer}, missing: park}}
      lines:
        each: lines
        fields: {id: {path: id}, description: {path: name}, discount: {path: d, as: money, default: 0}, amount: {path: amount, as: money}}
      discount_kind: {const: item}
      discount: {const: 0, as: money}
      shipping: {const: 0, as: money}
      shipping_with_tax: {const: 0, as: money}
      adjustment: {const: 0, as: money}
      round_off: {const: 0, as: money}
      taxes: {each: taxes, fields: {name: {path: name}, amount: {path: amount, as: money}}}
      sub_total: {path: total, as: money}
      tax_total: {const: 0, as: money}
      total: {path: total, as: money}
      unsupported: {nonzero: ["tds_*"]}
      payments_applied: {const: 0, as: money}
      credits_applied: {const: 0, as: money}
      withheld: {const: 0, as: money}
      written_off: {const: 0, as: money}
  credit_note:
    from: credit_note
    like: invoice
    key: {path: id}
    currency: {const: USD}
    state: *state
    without: [payments_applied, credits_applied, withheld, written_off, lines.id]
    fields: {lines: {fields: {description: {path: text}}}}
)yaml";
  CaseWorld world = sample_world();
  const Outcome outcome = evaluate(load(text), "credit_note",
                                   detail_of(R"({"id":"N","status":"open","number":"CN","date":"2026-01-06","customer":"C1","total":1,"lines":[{"id":"L","name":"n","text":"t","amount":1}]})"),
                                   world, sample_context());
  REQUIRE_MESSAGE(outcome.kind == OutcomeKind::kMapped, outcome.message);
  CHECK(json::dump(*outcome.document.find("lines")) == R"([{"description":"t","discount":"0.00","amount":"1.00"}])");
  // A field that the other model lacks must be left out by name.
  std::string missed = text;
  missed.replace(missed.find(", written_off, lines.id]"), 24, "]");
  config::Findings findings;
  CHECK_FALSE(load_text(missed, "rules.yaml", findings).ok());
  CHECK(findings.all().at(0).id == "mapping.target_unknown");
  CHECK(findings.all().at(0).message.find("`credit_note` has no field `written_off`") == 0);
}

TEST_CASE("like takes over fields, rows and variables, without leaves some out, own ones win") {
  const std::string text = std::string(kSampleRules) + R"yaml(  vendor:
    from: contact
    like: customer
    without: [country, active]
    key: {path: id}
    fields:
      name: {path: vendor_name, required: true}
      currency: {path: currency}
)yaml";
  const Rules rules = load(text);
  CHECK(rules.entities_of("contact") == std::vector<std::string>{"customer", "vendor"});
  CaseWorld world = sample_world();
  const Outcome outcome = evaluate(rules, "vendor", detail_of(R"({"id":"V1","vendor_name":"Bolt","name":"x","country":"SE","currency":"USD"})"), world, sample_context());
  CHECK(json::dump(outcome.document) ==
        R"({"model":"vendor/1","source":{"integration":"demo_1","entity":"contact","remote_id":"V1","version":"v1"},"name":"Bolt","currency":"USD"})");
}

}  // namespace
}  // namespace berth::mapping
