#include "host/runs/lookups.hpp"

#include "host/core/text.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/links.hpp"
#include "host/storage/records.hpp"
#include "host/storage/references.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

using mapping::Known;
using mapping::LookupAnswer;

namespace {
/// Made and changed by the documents that are being applied.
bool is_document(std::string_view kind) { return kind == "invoice" || kind == "credit_note" || kind == "customer_payment"; }
}  // namespace

LookupAnswer StoreLookups::find(std::string_view kind, std::string_view scope, std::string_view by, std::string_view value) {
  if (found_ == nullptr || is_document(kind)) return ask(kind, scope, by, value);
  std::string question;
  question.reserve(kind.size() + scope.size() + by.size() + value.size() + 3);
  for (const std::string_view part : {kind, scope, by}) (question += part) += '\n';
  question += value;
  if (const auto known = found_->answers.find(question); known != found_->answers.end()) return known->second;
  LookupAnswer answer = ask(kind, scope, by, value);
  // What is not there yet may be there a moment later.
  if (answer.known == Known::kPosted && !failure_) found_->answers.emplace(std::move(question), answer);
  return answer;
}

LookupAnswer StoreLookups::ask(std::string_view kind, std::string_view scope, std::string_view by, std::string_view value) {
  if (kind == "company") {
    for (const config::Company* company : setup_.companies) {
      if (company->name == value || (by == "remote_id" && company->id == value)) return {Known::kPosted, company->id};
    }
    return {Known::kUnknown, {}};
  }
  if (by == "name") {
    const auto row = kept(storage::rows::find_by_name(connection_, kind, scope, value));
    return row ? LookupAnswer{Known::kPosted, row->id} : LookupAnswer{Known::kUnknown, {}};
  }
  return find_remote(kind, value);
}

LookupAnswer StoreLookups::find_remote(std::string_view kind, std::string_view remote_id) {
  if (kind == "customer") {
    // What a person said counts before what a pull made.
    if (const auto linked = kept(storage::links::find(connection_, kind, setup_.id, remote_id))) {
      return {linked->state == "open" ? Known::kPosted : Known::kNotImportable, linked->id};
    }
  }
  const auto row = kept(storage::rows::find_by_remote(connection_, kind, setup_.id, remote_id));
  if (row && row->state == "open") return {Known::kPosted, row->id};
  const std::string entity = setup_.remote_entity_of(kind);
  const auto record = entity.empty() ? std::nullopt : kept(storage::records::find(connection_, setup_.id, entity, remote_id));
  // What a person archived may be unarchived: what names it waits for that.
  if (record && record->state == "archived" && record->remote_state != "deleted") return {Known::kStored, {}};
  if (row) return {Known::kNotImportable, row->id};
  if (entity.empty()) return {Known::kUnknown, {}};
  if (record) {
    const bool gone = record->remote_state == "deleted";
    const bool never = record->state == "ignored" || record->state == "skipped" || record->state == "archived";
    return {gone || never ? Known::kNotImportable : Known::kStored, {}};
  }
  const Phase* phase = setup_.phase_of_entity(entity);
  if (phase == nullptr || !phase->enabled) return {Known::kUnknown, {}};
  // Before its phase has listed everything once, an unseen row is on its way.
  if (kept(storage::cursors::passes_complete(connection_, setup_.id, phase->id)) == 0) return {Known::kStored, {}};
  const bool was_asked = kept(storage::references::was_asked(connection_, setup_.id, entity, remote_id));
  return {was_asked ? Known::kUnknown : Known::kUnseen, {}};
}

std::optional<std::string> StoreLookups::account(std::string_view kind, std::string_view key, std::string_view company) {
  const auto row = kept(storage::account_rows::find(connection_, setup_.id, kind, key, company));
  if (!row || !row->is_mapped()) return std::nullopt;
  return row->account;
}

std::string StoreLookups::nearest(std::string_view kind, std::string_view scope, std::string_view value) {
  if (kind == "company") {
    std::vector<std::string> names;
    for (const config::Company* company : setup_.companies) names.push_back(company->name);
    return berth::nearest(value, names);
  }
  const auto row = kept(storage::rows::find_nearest_name(connection_, kind, scope, value));
  return row ? row->name : std::string();
}

}  // namespace berth::runs
