// Why something that a record waits for is not there.
#include <fmt/format.h>

#include "berth/json.hpp"
#include "host/core/edit_distance.hpp"
#include "host/core/text.hpp"
#include "host/runs/apply_parts.hpp"
#include "host/runs/explain.hpp"
#include "host/runs/lookups.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/references.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

namespace {

std::string because(const storage::Record& record) {
  if (record.reason.empty()) return {};
  return record.message.empty() ? fmt::format(": {}", record.reason) : fmt::format(": {}: {}", record.reason, record.message);
}

std::string state_of(const storage::Record& record) {
  const std::string ref = record.entity + "/" + record.remote_id;
  if (record.remote_state == "deleted") return fmt::format("{} is gone at the remote", ref);
  if (record.state == "pending" && record.reason.empty()) return fmt::format("{} is stored and not decided yet; the next run does that", ref);
  if (record.state == "pending") return fmt::format("{} is listed, and its detail is not here yet; the next sync fetches it", ref);
  if (record.state == "parked") {
    const json::Parsed facts = json::parse(record.detail_json);
    std::vector<std::string> waits;
    if (const json::Value* keys = facts.value.find("waits_for")) {
      for (const json::Value& key : keys->items()) waits.emplace_back(key.text());
    }
    return fmt::format("{} is stored, and waits itself{}{}", ref, waits.empty() ? "" : " for " + join(waits, ", "), waits.empty() ? because(record) : "");
  }
  if (record.state == "posted") return fmt::format("{} is posted by now; the next run decides again", ref);
  return fmt::format("{} is stored, and {}{}", ref, record.state == "failed" ? "failed" : record.state, because(record));
}

/// A document or a row that a record of the remote becomes.
Result<std::string> why_no_record(storage::Connection& connection, const Setup& setup, const std::string& entity, const std::string& remote_id) {
  if (const auto record = BERTH_TRY(storage::records::find(connection, setup.id, entity, remote_id))) return state_of(*record);
  if (const auto queued = BERTH_TRY(storage::detail_queue::find(connection, setup.id, entity, remote_id, storage::kWantDetail))) {
    if (queued->attempts == 0) return fmt::format("{}/{} is not stored; it is asked for, and the next sync fetches it", entity, remote_id);
    const json::Parsed error = json::parse(queued->last_error_json);
    return fmt::format("{}/{} is not stored; it was asked for {} times in vain, the last time: {}", entity, remote_id, queued->attempts, error.value.text_of("message"));
  }
  const Phase* phase = setup.phase_of_entity(entity);
  if (phase == nullptr) return fmt::format("no phase of the plugin {} brings records of {}", setup.manifest->id, entity);
  if (!phase->enabled) return fmt::format("{}/{} is not stored, and the phase {} is off; name it in `schedule:` to pull it", entity, remote_id, phase->id);
  if (BERTH_TRY(storage::cursors::passes_complete(connection, setup.id, phase->id)) == 0) {
    return fmt::format("{}/{} is not stored; the phase {} has not listed everything yet, and the next sync goes on", entity, remote_id, phase->id);
  }
  if (BERTH_TRY(storage::references::was_asked(connection, setup.id, entity, remote_id))) {
    return fmt::format("{}/{} is in no list of the remote; it was asked for by its id once, and did not come", entity, remote_id);
  }
  return fmt::format("{}/{} is in no list of the remote", entity, remote_id);
}

Result<std::string> why_no_account(storage::Connection& connection, const Setup& setup, std::string_view rest) {
  const auto name = storage::account_rows::parse_name(rest);
  if (!name) return fmt::format("there is no row account/{}", rest);
  const auto& [kind, label, company] = *name;
  const auto row = BERTH_TRY(storage::account_rows::find(connection, setup.id, kind, label == "-" ? "" : label, company));
  if (row && row->is_mapped()) return fmt::format("the row is mapped to {} by now; the next run decides again", row->account);
  std::vector<std::string> names;
  std::map<std::string, std::string> mapped;
  for (const storage::AccountRow& other : BERTH_TRY(storage::account_rows::list(connection, setup.id))) {
    if (other.kind != kind || other.company != company || !other.is_mapped() || other.label == label) continue;
    names.push_back(other.label);
    mapped[other.label] = other.account;
  }
  const std::string near = near_miss(label, names);
  return fmt::format("{}; `berth accounts map {} {} ACCOUNT`{}", row ? "the row is there, and nobody has mapped it to an account" : "nobody has mapped that row", setup.id, rest,
                     near.empty() ? "" : fmt::format("; {}, which is mapped to {}", near_miss_hint(label, near), mapped[near]));
}

}  // namespace

Result<std::string> why_not_there(storage::Connection& connection, const Setup& setup, std::string_view awaited) {
  const auto [kind, rest] = split_reference(awaited);
  if (kind == "account") return why_no_account(connection, setup, rest);
  if (kind == "period") {
    const auto [company, month] = split_reference(rest);
    return fmt::format("the month is closed in the books of {0}; `berth ledger period open {0} {1}` opens it", company, month);
  }
  if (kind == "detail") {
    const auto [entity, remote_id] = split_reference(rest);
    return why_no_record(connection, setup, entity, remote_id);
  }
  if (awaited == "ledger/intercompany") return std::string("it needs entries between companies, and its company has none (policies.intercompany)");
  const std::string entity = setup.remote_entity_of(kind);
  const auto row = BERTH_TRY(storage::rows::find_by_remote(connection, kind, setup.id, rest));
  if (row && row->state == "open") return fmt::format("{} is there by now; the next run decides again", awaited);
  if (row) {
    const auto record = entity.empty() ? std::nullopt : BERTH_TRY(storage::records::find(connection, setup.id, entity, rest));
    return record && record->state == "archived" ? state_of(*record) : fmt::format("{} is {}", awaited, row->state);
  }
  if (!entity.empty()) return why_no_record(connection, setup, entity, rest);
  // A row that goes by its name, within a classification or not.
  const bool has_scope = kind == "classification_line";
  const auto [scope, name] = has_scope ? split_reference(rest) : std::pair(std::string(), rest);
  StoreLookups lookups(connection, setup);
  const std::string near = lookups.nearest(kind, scope, name);
  if (lookups.failure()) return *lookups.failure();
  return fmt::format("no {} is named exactly \"{}\"{}{}", has_scope ? "line of " + scope : kind, name, near.empty() ? "" : "; ", near_miss_hint(name, near));
}

}  // namespace berth::runs
