#include "host/lineage/missing_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "host/views/explain.hpp"
#include "host/storage/attachments.hpp"
#include "host/storage/detail_queue.hpp"

namespace berth::lineage {
namespace {

/// What the last attempt at it ended with; "" where nobody said.
std::string last_answer(const storage::QueuedDetail& queued) {
  const json::Parsed error = json::parse(queued.last_error_json);
  if (!error.ok()) return {};
  const std::string_view said = error.value.text_of("message");
  const std::string_view status = error.value.text_of("status");
  if (said.empty() && (status.empty() || status == "0")) return {};
  return fmt::format("; the last answer: {}{}{}", status.empty() || status == "0" ? "" : fmt::format("HTTP {}", status), said.empty() || status.empty() ? "" : " ", said);
}

json::Value shown(const runs::Setup& setup, const runs::Phase::File& file, const std::optional<storage::QueuedDetail>& queued, const storage::Attachment* earlier) {
  std::string reason = "berth.files_missing", message;
  const auto budget = setup.declared->budgets.find(file.cost);
  const bool is_unwanted = budget != setup.declared->budgets.end() && !budget->second.is_share && budget->second.value == 0;
  if (!queued) {
    reason = "berth.file_given_up";
    message = fmt::format("the file {} could not be taken, and is not tried again", file.name);
  } else if (is_unwanted) {
    message = fmt::format("the file {} is not fetched: `budgets:` gives {} no calls", file.name, file.cost);
  } else if (queued->attempts == 0) {
    message = fmt::format("the file {} is not fetched yet", file.name);
  } else {
    message = fmt::format("the file {} could not be taken in {} run{}{}", file.name, queued->attempts, queued->attempts == 1 ? "" : "s", last_answer(*queued));
  }
  if (earlier != nullptr) message += fmt::format("; the one that is here is of version {}", earlier->version);
  json::Value view = json::Value::object({{"name", file.name}, {"reason", reason}, {"message", message}, {"attempts", queued ? queued->attempts : 0}});
  views::add_explanation(view, {.reason = reason});
  return view;
}

}  // namespace

Result<json::Value> missing_files(storage::Connection& connection, const runs::Setup& setup, const storage::Record& record) {
  json::Value list = json::Value::array();
  const runs::Phase* phase = setup.phase_of_entity(record.entity);
  if (phase == nullptr || phase->files.empty() || !record.has_detail() || record.remote_state == "deleted") return list;
  const storage::Bodies bodies = BERTH_TRY(storage::records::load(connection, record.id, storage::records::Wanted::kWithoutRow));
  const json::Parsed detail = json::parse(bodies.detail ? bodies.detail->body : "{}");
  const std::vector<storage::Attachment> here = BERTH_TRY(storage::attachments::list(connection, record.id));
  const auto queued = BERTH_TRY(storage::detail_queue::find(connection, setup.id, record.entity, record.remote_id, storage::kWantAttachments));
  for (const runs::Phase::File& file : phase->files) {
    const std::string_view value = detail.value.text_of(file.unless_field);
    if (std::find(file.unless_values.begin(), file.unless_values.end(), value) != file.unless_values.end()) continue;
    const auto found = std::find_if(here.begin(), here.end(), [&](const storage::Attachment& one) { return one.name == file.name; });
    const bool is_here = found != here.end();
    if (is_here && (found->version == record.detail_version || !queued)) continue;
    list.push_back(shown(setup, file, queued, is_here ? &*found : nullptr));
  }
  return list;
}

}  // namespace berth::lineage
