// What becomes of documents that were asked for and did not come.
#include <fmt/format.h>

#include <algorithm>

#include "host/runs/capture.hpp"
#include "host/storage/records.hpp"
#include "host/storage/reduced.hpp"

namespace berth::runs {

Status CaptureSession::settle_queue() {
  BERTH_CHECK(settle(Settle::kAll));
  return success();
}

Status CaptureSession::settle_refused() {
  BERTH_CHECK(settle(Settle::kRefused));
  return success();
}

Result<bool> CaptureSession::put_off_failed() { return settle(Settle::kRemoteFailing); }

std::set<std::string, std::less<>> CaptureSession::answered() const {
  auto all = committed_ids_;
  for (const auto& [id, note] : noticed_) all.insert(id);
  return all;
}

Result<bool> CaptureSession::settle(Settle which) {
  const bool is_remote_failing = which == Settle::kRemoteFailing;
  if (open_entries_.empty()) return false;
  const http::CallReport calls = dependencies_.api.report();
  bool is_any_counted = false;
  if (which == Settle::kRefused && noticed_.empty()) return false;
  const Status settled = dependencies_.database.write("capture.unanswered", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, dependencies_.lease, now()));
    for (const auto& [key, entry] : open_entries_) {
      json::Value remote_error = json::Value::object();
      const auto last = std::find_if(calls.errors.rbegin(), calls.errors.rend(), [&](const http::RemoteError& error) {
        return error.request.find("/" + entry.remote_id) != std::string::npos;
      });
      if (last != calls.errors.rend()) {
        remote_error = json::Value::object(
            {{"status", last->status}, {"code", last->code}, {"message", last->message}, {"reason", last->reason}});
      }
      // Handed out and not asked for any more, because others had failed: that is no attempt.
      const bool was_asked = last != calls.errors.rend() || noticed_.contains(entry.remote_id);
      if (!was_asked && (is_remote_failing || entry.want == storage::kWantAttachments)) continue;
      if (which == Settle::kRefused && !noticed_.contains(entry.remote_id)) continue;
      is_any_counted = true;
      dependencies_.refused.insert(entry);
      // A file never ends a run: that the remote fails at all of them shows only here.
      const bool is_file_failing = entry.want == storage::kWantAttachments && last != calls.errors.rend() && (last->status == 0 || last->status >= 500);
      const auto count = is_remote_failing || is_file_failing ? storage::detail_queue::put_off : storage::detail_queue::fail;
      const auto effect = BERTH_TRY(count(connection, entry.integration, entry.entity, entry.remote_id, entry.want, json::dump(remote_error)));
      if (effect == storage::detail_queue::FailEffect::kKept || entry.want == storage::kWantAttachments) continue;
      if (storage::detail_queue::is_confirming(entry)) {
        // Nothing is known of it, so it stays what it was. If it is still missing, the next comparison asks anew.
        BERTH_CHECK(storage::records::mark_alive(connection, entry.integration, entry.entity, entry.remote_id));
        continue;
      }
      const auto record = BERTH_TRY(storage::records::find(connection, entry.integration, entry.entity, entry.remote_id));
      if (!record || record->remote_state == "deleted" || record->state == "archived") continue;   // by hand, or because it is gone
      BERTH_TRY(storage::reduced::remove(connection, record->id));   // its row alone does not stand for it any more
      storage::RecordOutcome outcome;
      outcome.state = "failed";
      outcome.reason = std::string(remote_error.text_of("reason"));
      std::string said(remote_error.text_of("message"));
      const auto noticed = noticed_.find(entry.remote_id);
      // An answer that the remote calls good and the connector cannot use.
      if (outcome.reason.empty() && noticed != noticed_.end()) {
        outcome.reason = noticed->second.reason;
        said = noticed->second.message + " " + noticed->second.about;
      }
      if (outcome.reason.empty()) outcome.reason = "berth.detail_unavailable";
      outcome.message = fmt::format("the document could not be fetched in {} runs; the last answer: {}",
                                    is_remote_failing ? storage::detail_queue::kPutOffMax : storage::detail_queue::kAttemptsMax, said);
      outcome.detail_json = json::dump(json::Value::object({{"remote_error", remote_error}, {std::string(kGaveUp), entry.version}}));
      BERTH_CHECK(storage::records::set_state(connection, record->id, outcome, now()));
    }
    return success();
  });
  open_entries_.clear();
  if (!settled.ok()) return settled.error();
  return is_any_counted;
}

}  // namespace berth::runs
