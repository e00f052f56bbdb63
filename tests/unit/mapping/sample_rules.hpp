#pragma once
// A small, valid rules file that tests change in one place, and readings of its outcome.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "host/mapping/case_world.hpp"
#include "host/mapping/mapping.hpp"

namespace berth::mapping {

inline constexpr std::string_view kSampleRules = R"yaml(revision: 1
plugin: demo
settings: {use_remote: {kind: boolean, default: false}}
entities:
  customer:
    from: contact
    key: {path: id}
    ignore: [{when: {path: type, is_not: customer}, reason: demo.contact.other}]
    fields:
      name: {path: name, required: true}
      country: {first_of: [{path: country}, {offered: country}], as: country}
      active: {table: {value: {path: status}, map: {on_sale: true, gone: false}, missing: true}}
  item:
    from: item
    key: {path: id}
    fields:
      name: {path: name, required: true}
      remote_account: {case: [{when: {setting: use_remote, is: true}, value: {path: account}}]}
    on_create: {type: {const: service}, income_account: {account: {kind: default_income}}}
  customer_payment:
    from: payment
    needs: detail
    key: {path: id}
    currency: {path: currency}
    state:
      value: {path: status}
      map: {paid: open, draft: draft, failed: void}
      missing: unknown
      reasons: {draft: demo.draft, void: demo.void, deleted: demo.deleted, unknown: demo.unknown}
    let: {mode: {custom_field: Mode}}
    fields:
      number: {path: number}
      date: {path: date, as: date, required: true}
      company: {first_of: [{lookup: {kind: company, by: name, value: {custom_field: Company}, missing: warn}}, {integration: company}]}
      customer: {lookup: {kind: customer, by: remote_id, value: {path: customer}, missing: park}, required: true}
      payment_mode: {first_of: [{var: mode}, {path: list.mode}, {path: mode}], required: true}
      amount: {path: amount, as: money, required: true}
      bank_charges: {path: charges, as: money, default: "0"}
      unused: {path: unused, as: money, default: "0"}
      rate: {path: rate, as: rate}
      allocations:
        each: invoices
        fields:
          id: {path: id, required: true}
          invoice: {lookup: {kind: invoice, by: remote_id, value: {path: invoice}, missing: defer}}
          amount: {path: amount, as: money, required: true}
          withheld: {path: withheld, as: money, default: "0"}
          applied_on: {first_of: [{path: date}, {path: record.date}], as: date}
        none_posted: park
        none_importable: {fail: demo.payment.nothing_to_pay}
    offers:
      - {to: customer, key: {path: customer}, country: {path: country}}
)yaml";

/// The sample with one piece replaced; the piece must be there.
inline std::string sample_with(std::string_view from, std::string_view to) {
  std::string text(kSampleRules);
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, "the sample has no ", std::string(from));
  return text.replace(at, from.size(), to);
}

inline Rules load(std::string_view text) {
  config::Findings findings;
  auto rules = load_text(text, "rules.yaml", findings);
  REQUIRE_MESSAGE(rules.ok(), findings.print());
  return *rules;
}

inline json::Value value_of(std::string_view text) {
  json::Parsed parsed = json::parse(text);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  return std::move(parsed.value);
}

inline Record detail_of(std::string_view text) {
  Record record;
  record.detail = value_of(text);
  record.version = "v1";
  return record;
}

inline Context sample_context() {
  Context context;
  context.integration = "demo_1";
  context.company = "co_1";
  context.base_currency = "USD";
  return context;
}

/// What the tests' world knows.
inline CaseWorld sample_world() {
  return CaseWorld(value_of(R"json({
    "accounts": {"default_income/-/co_1": "acc_inc"},
    "known": {"customer": {"C1": "cus_1"}, "invoice": {"I1": "inv_1"}, "company": {"Acme West": "co_2"}},
    "stored": {"invoice": ["I7"], "customer": ["C7"]}, "unseen": {"invoice": ["I9"], "customer": ["C9"]}})json"));
}

}  // namespace berth::mapping
