#include "host/admin/remap_views.hpp"

#include "host/admin/views.hpp"
#include "host/views/stored.hpp"

namespace berth::admin {

namespace {

json::Value face_view(const runs::RecordFace& face) {
  json::Value waits = json::Value::array();
  for (const std::string& key : face.waits_for) waits.push_back(key);
  return json::Value::object({{"state", face.state}, {"reason", face.reason}, {"waits_for", std::move(waits)}});
}

/// Whose document it is, where its entry names a customer.
json::Value customer_of(const ledger::StoredEntry& entry, const std::map<std::string, std::string>& names) {
  const std::string& id = runs::customer_of(entry);
  if (id.empty()) return {};
  const auto name = names.find(id);
  return json::Value::object({{"id", id}, {"name", name == names.end() ? std::string() : name->second}});
}

json::Value entry_change_view(const ledger::StoredEntry& entry, const std::map<std::string, std::string>& names) {
  return json::Value::object({{"kind", entry.reverses != 0 ? "reversal" : "posting"},
                              {"event", entry.event},
                              {"sequence", entry.sequence},
                              {"company", entry.company},
                              {"date", to_string(entry.date)},
                              {"currency", entry.currency.code()},
                              {"base_currency", entry.base_currency.code()},
                              {"description", entry.description},
                              {"customer", customer_of(entry, names)},
                              {"lines", views::lines_view(entry)}});
}

}  // namespace

json::Value record_change_view(const runs::RecordChange& change) {
  json::Value entries = json::Value::array();
  for (const ledger::StoredEntry& entry : change.entries) entries.push_back(entry_change_view(entry, change.customers));
  json::Value view = json::Value::object({{"ref", change.ref}});
  if (change.is_stored) {
    view.set("before", face_view(change.before));
    view.set("after", face_view(change.after));
    view.set("message", change.message);
    view.set("has_new_content", change.has_new_content);
  }
  view.set("entries", std::move(entries));
  return view;
}

json::Value remapped_view(const runs::Remapped& remapped) {
  json::Value effects = json::Value::array();
  for (const runs::Remapped::Effect& effect : remapped.effects) {
    effects.push_back(json::Value::object({{"company", effect.company},
                                           {"account", effect.account},
                                           {"currency", effect.net.currency().code()},
                                           {"net", effect.net.to_string()}}));
  }
  return json::Value::object({{"rules", remapped.revision},
                              {"decided", remapped.decided},
                              {"changed", remapped.changed},
                              {"posted", remapped.posted},
                              {"waiting", remapped.waiting},
                              {"failed", remapped.failed},
                              {"ignored", remapped.ignored},
                              {"skipped", remapped.skipped},
                              {"new_content", remapped.new_content},
                              {"entries_reversed", remapped.entries_reversed},
                              {"entries_posted", remapped.entries_posted},
                              {"asked_for", remapped.asked_for},
                              {"stopped", remapped.was_stopped},
                              {"accounts", std::move(effects)}});
}

runs::RemapRequest noted_remap(bool all, std::string_view actor, std::string_view integration, const Clock& clock) {
  runs::RemapRequest request;
  request.all = all;
  request.on_begin = [all, actor = std::string(actor), integration = std::string(integration), &clock](storage::Connection& connection, const std::string& revision,
                                                                                                      std::int64_t decided) {
    return note(connection, actor, "mapping.apply", integration, clock.now(), json::dump(json::Value::object({{"rules", revision}, {"all", all}, {"records", decided}})));
  };
  return request;
}

runs::OnRecordChange first_changes(json::Value& list, std::size_t limit) {
  return [&list, limit](const runs::RecordChange& change) -> Status {
    if (list.size() < limit) list.push_back(record_change_view(change));
    return success();
  };
}

}  // namespace berth::admin
