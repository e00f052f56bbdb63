#include "host/mapping/checks.hpp"

#include <algorithm>

namespace berth::mapping {

const std::vector<Check>& checks() {
  static const std::vector<Check> all{
      {"mapping.key_unknown", true, "A key that the language does not have here.", "remove it, or see the reference for the keys of this place"},
      {"mapping.key_missing", true, "A key that must be there is missing.", "add it"},
      {"mapping.node_kind", true, "A text stands where a map or a list must stand, or the other way round.", "see the reference for the form"},
      {"mapping.revision", true, "The revision of the language is not one that this program reads.", "write `revision: 1`"},
      {"mapping.plugin_id", true, "The id of the plugin is not lower case with digits and underscores.", "write the id of the plugin, for example zoho_books"},
      {"mapping.entity_unknown", true, "An entity that is no canonical model.",
       "the models are customer, vendor, item, invoice, credit_note and customer_payment"},
      {"mapping.operator_none", true, "A value without an operator.", "a value is a map with one operator, for example {path: name}"},
      {"mapping.operator_several", true, "A value with more than one operator.", "keep one; first_of and case combine several values"},
      {"mapping.type_unknown", true, "A type that does not exist.",
       "text, money, decimal, rate, quantity, date, time, integer, boolean and country are types"},
      {"mapping.type", true, "A value that cannot be of the type that its place needs.", "see the type of the field in the reference of the model"},
      {"mapping.types_differ", true, "The values of one first_of, case or table are of different types.", "make them all alike"},
      {"mapping.path", true, "A path that is empty or starts where it cannot start.", "write names with points between them: billing_address.country"},
      {"mapping.target_unknown", true, "A field that the canonical model does not have.", "see the fields of the model in the reference"},
      {"mapping.target_required", true, "A field that the canonical model needs and that no rule sets, or that a rule may leave out.",
       "set it, and give the value an end that always holds"},
      {"mapping.list_fields", true, "A list without fields, or a list where a single value must stand.", "write {each: path, fields: {...}}"},
      {"mapping.money_as", true, "An amount whose rule does not say that it is one.", "add `as: money`"},
      {"mapping.money_currency", true, "Amounts in an entity that does not say which currency they are in.", "add `currency: {path: ...}` to the entity"},
      {"mapping.kind_unknown", true, "A kind of row that does not exist.",
       "company, customer, vendor, item, invoice, customer_payment, credit_note and classification_line are kinds"},
      {"mapping.ensure_kind", true, "`ensure` of a kind that cannot be made from a name.", "only classification_line and item can be made from a name"},
      {"mapping.scope_required", true, "A classification line without the classification it belongs to.", "add `in:`"},
      {"mapping.lookup_by", true, "A lookup by something else than remote_id or name.", "write `by: remote_id` or `by: name`"},
      {"mapping.lookup_missing_required", true, "A lookup that does not say what happens when the row is not known.",
       "say what happens when the row is not known: park, omit, warn, fail, defer or drop_row"},
      {"mapping.lookup_missing_unknown", true, "A `missing:` that is none of the ways to go on.", "park, omit, warn, fail, defer or drop_row"},
      {"mapping.defer_misplaced", true, "`defer` outside a row whose reference may stay pending.",
       "only the invoice of allocations and applications may be deferred"},
      {"mapping.defer_outcomes", true, "A list with `defer` that does not say what happens when no row can post, or one without `defer` that does.",
       "give `none_posted: park` or `post`, and `none_importable: post` or {fail: reason}, exactly where a row is deferred"},
      {"mapping.drop_row_misplaced", true, "`drop_row` outside an `each`.", "use omit, or move the lookup into the rows of an `each`"},
      {"mapping.else_last", true, "An `else` that is not the last branch.", "move it to the end"},
      {"mapping.else_required", true, "A `case` without `else` in a field that must be set.", "add {else: value}"},
      {"mapping.unreachable", true, "A branch, a value or a rule that can never be reached.", "remove it, or move it up"},
      {"mapping.condition", true, "A condition that is not one value with exactly one test.",
       "write for example {path: status, is: draft}; tests are is, is_not, in, present and matches"},
      {"mapping.setting_unknown", true, "A setting that `settings:` does not declare.", "declare it under `settings:` with kind and default"},
      {"mapping.setting_unused", false, "A setting that no rule reads.", "remove it"},
      {"mapping.var_unknown", true, "A variable that `let:` does not set before this place.", "set it under `let:`"},
      {"mapping.let_unused", false, "A variable that no rule reads.", "remove it"},
      {"mapping.state_required", true, "An entity of documents without `state:`.", "translate the remote status: {value, map, missing, reasons}"},
      {"mapping.state_unexpected", true, "A `state:` or `currency:` in an entity of master data, which has none.", "remove it"},
      {"mapping.state_unknown", true, "A state that does not exist.", "draft, open, void and unknown are states; deleted comes from the sweep"},
      {"mapping.reason", true, "A reason that is not dotted, lower case and prefixed with the plugin's id.", "write for example zoho_books.invoice.draft"},
      {"mapping.label_spaces", false, "A label with blanks at its ends; labels match byte for byte.", "check the label at the remote, and remove the blanks"},
      {"mapping.label_case", false, "A label that differs from another one only in case; labels match byte for byte.", "write both as the remote does"},
      {"mapping.like_unknown", true, "`like` names an entity that is not there, or that leads back here.", "name another entity of this file"},
      {"mapping.without_unknown", true, "`without` names a field that the other entity does not have.", "remove it"},
      {"mapping.offer", true, "An offer that names an entity that is not there, or needs rows to be known.", "offers are made of the record alone"},
      {"mapping.offered_unknown", true, "A value is read as offered, but no entity offers it.", "add it to `offers:` of another entity"},
      {"mapping.park_cycle", true, "Entities that wait for each other, so that neither can ever post.", "let one of them omit or defer"},
      {"mapping.depth", true, "Values nested deeper than anybody can read.", "name parts of it under `let:`"},
  };
  return all;
}

const std::vector<OutcomeReason>& outcome_reasons() {
  static const std::vector<OutcomeReason> all{
      {"mapping.waits", "parked", "The record needs rows that are not there yet; all of them are named.", "it wakes when they appear"},
      {"berth.detail_missing", "parked", "The detail of an open document is not here yet.", "the next run with budget fetches it"},
      {"berth.record_deleted", "ignored", "A record of master data is gone at the remote.", "nothing to do"},
      {"mapping.required_missing", "failed", "A value that must be there is absent.", "complete the record at the remote, or change the rule"},
      {"mapping.type", "failed", "A value cannot be read in the type it must have.", "correct the record at the remote, or change the rule"},
      {"mapping.amount_invalid", "failed", "An amount is not a number, or has too many digits.", "correct the record at the remote"},
      {"mapping.amount_scale", "failed", "An amount has more decimals than its currency.", "correct the record at the remote"},
      {"ledger.currency_unknown", "failed", "A currency code is not one of ISO 4217.", "correct the record at the remote"},
      {"mapping.table_missing", "failed", "A value is in no entry of a table with `missing: fail`.", "add the entry to the rules"},
      {"mapping.lookup_failed", "failed", "A row is not known, and the rule says `missing: fail`.", "make the row, or change the rule"},
      {"mapping.country_unknown", "flag", "A country is in no table of ISO 3166 and stays as it is.", "correct it at the remote"},
      {"mapping.label_duplicate", "flag", "Two custom fields have the same name; the first one is used.", "go by {api_name: ...} in the rules"},
  };
  return all;
}

const Check* find_check(std::string_view id) {
  const auto& all = checks();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Check& check) { return check.id == id; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace berth::mapping
