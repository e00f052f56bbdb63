#include "host/runs/made_rows.hpp"

#include <map>

#include "host/runs/apply_parts.hpp"
#include "host/storage/account_rows.hpp"

namespace berth::runs {

namespace {

/// Replaces every "new:…" text of the document by the id it stands for.
void put_ids(json::Value& value, const std::map<std::string, std::string>& ids) {
  if (value.is_string()) {
    const auto found = ids.find(std::string(value.text()));
    if (found != ids.end()) value = json::Value(found->second);
  } else if (value.is_array()) {
    for (json::Value& item : value.make_array()) put_ids(item, ids);
  } else if (value.is_object()) {
    for (json::Member& member : value.make_object()) put_ids(member.second, ids);
  }
}

/// An item made from the value of a field is a service, as one of the remote's list is, with the accounts that are mapped now.
Status add_item_defaults(storage::Connection& connection, const Setup& setup, std::string_view company, json::Value& fields) {
  fields.set("type", "service");
  for (const auto& [field, kind] : {std::pair{"income_account", "default_income"}, std::pair{"expense_account", "default_expense"}}) {
    const auto row = BERTH_TRY(storage::account_rows::find(connection, setup.id, kind, "", company));
    if (row && row->is_mapped()) fields.set(field, row->account);
  }
  return success();
}

}  // namespace

Result<MadeRows> with_made_rows(storage::Connection& connection, const Setup& setup, const mapping::Outcome& outcome, Instant now, const MakeId& make_id) {
  MadeRows made;
  std::map<std::string, std::string> ids;
  for (const mapping::Ensure& ensure : outcome.ensured) {
    const auto there = BERTH_TRY(storage::rows::find_by_name(connection, ensure.kind, ensure.scope, ensure.name));
    if (there) {
      ids[ensure.placeholder()] = there->id;
      continue;
    }
    storage::LocalRow row;
    row.id = BERTH_TRY(make_id(id_prefix(ensure.kind), {ensure.kind, ensure.scope, ensure.name}));
    row.kind = ensure.kind;
    row.scope = ensure.scope;
    row.name = ensure.name;
    json::Value fields = json::Value::object({{"name", ensure.name}, {"origin", setup.id}});
    if (ensure.kind == "item") BERTH_CHECK(add_item_defaults(connection, setup, outcome.document.text_of("company"), fields));
    row.document_json = json::dump(fields);
    row.created = now;
    ids[ensure.placeholder()] = row.id;
    made.rows.push_back(std::move(row));
  }
  made.document = outcome.document;
  put_ids(made.document, ids);
  return made;
}

}  // namespace berth::runs
