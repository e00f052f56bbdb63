#include "host/views/stored.hpp"

#include <string>
#include <vector>

#include "host/views/explain.hpp"

namespace berth::views {

json::Value record_view(const storage::Record& record) {
  json::Value view = json::Value::object({{"ref", record.entity + "/" + record.remote_id},
                                          {"integration", record.integration},
                                          {"entity", record.entity},
                                          {"remote_id", record.remote_id},
                                          {"state", record.state},
                                          {"reason", record.reason},
                                          {"message", record.message},
                                          {"since", record.state_since.unix_ms == 0 ? json::Value() : json::Value(berth::to_string(record.state_since))},
                                          {"remote_state", record.remote_state},
                                          {"local_id", record.local_id},
                                          {"version", record.has_detail() ? record.detail_version : record.row_version},
                                          {"rules_revision", record.rules_revision}});
  const json::Parsed parsed = json::parse(record.detail_json);
  const json::Value facts = parsed.ok() ? parsed.value : json::Value::object();
  for (const json::Member& fact : facts.members()) view.set(fact.first, fact.second);
  std::vector<std::string> waits_for, warnings;
  if (const json::Value* keys = facts.find("waits_for")) {
    for (const json::Value& key : keys->items()) waits_for.emplace_back(key.text());
  }
  if (const json::Value* all = facts.find("warnings")) {
    for (const json::Value& warning : all->items()) warnings.emplace_back(warning.text_of("what"));
  }
  if (!record.reason.empty() || !waits_for.empty() || !warnings.empty()) {
    add_explanation(view, {.reason = record.reason, .state = record.state, .waits_for = waits_for, .warnings = warnings});
  }
  return view;
}

json::Value lines_view(const ledger::StoredEntry& entry) {
  json::Value lines = json::Value::array();
  for (const ledger::StoredLine& line : entry.lines) {
    json::Value one = json::Value::object({{"account", line.account},
                                           {"side", line.side == ledger::Side::kDebit ? "debit" : "credit"},
                                           {"amount", line.base.to_string()},
                                           {"party", line.party},
                                           {"location", line.location},
                                           {"service_type", line.service_type},
                                           {"description", line.description}});
    if (line.document) one.set("document_amount", line.document->to_string());
    lines.push_back(std::move(one));
  }
  return lines;
}

json::Value entry_view(const ledger::StoredEntry& entry) {
  return json::Value::object({{"id", entry.id},
                              {"company", entry.company},
                              {"date", to_string(entry.date)},
                              {"document_date", to_string(entry.document_date)},
                              {"event", entry.event},
                              {"sequence", entry.sequence},
                              {"description", entry.description},
                              {"integration", entry.source.integration},
                              {"entity", entry.source.entity},
                              {"remote_id", entry.source.remote_id},
                              {"version", entry.source.version},
                              {"currency", entry.currency.code()},
                              {"base_currency", entry.base_currency.code()},
                              {"reverses", entry.reverses},
                              {"reversed_by", entry.reversed_by},
                              {"rules_revision", entry.rules_revision},
                              {"lines", lines_view(entry)}});
}

}  // namespace berth::views
