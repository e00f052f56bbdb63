#include "session.hpp"

#include <algorithm>

namespace berth::pulling {
namespace {

/// Statuses that are about one record, or may be; all others end the phase.
bool is_about_one(std::int32_t status) {
  return status == BERTH_UNAVAILABLE || status == BERTH_BAD_RESPONSE;
}

}  // namespace

Session::Session(const Host& host, const PullConfig& config, const phases::Phase& phase, const Run& run,
                 const PullHooks& hooks)
    : cursor(read_cursor(run.cursor_json)),
      host_(host),
      config_(config),
      phase_(phase),
      run_(run),
      hooks_(hooks),
      plan_(read_plan(run.plan_json)) {
  if (!phase_.until) return;  // no floor: the list is small and read whole
  floor_ms_ = plan_.floor_ms;
  if (floor_ms_) return;
  const auto text = expand(phase_.until->older_than, "", std::nullopt);
  if (!text) return;
  const auto moment = times::parse(*text);
  if (!moment)
    throw Failure(BERTH_INVALID_CONFIG, reason("floor"),
                  "The floor \"" + *text + "\" of the phase " + phase_.id + " is not a time.");
  floor_ms_ = moment->unix_ms;
}

std::string Session::reason(std::string_view rest) const {
  return config_.file.plugin + "." + std::string(rest);
}

void Session::warn(std::string_view rest, std::string_view message, json::Value fields) const {
  fields.set("reason", reason(rest));
  fields.set("phase", phase_.id);
  host_.log(Level::kWarn, message, fields);
}

void Session::emit(const Record& record) {
  if (record.json.size() > kMaxRecordBytes) {
    warn("record.too_large", "A record is larger than the host takes; it is skipped.",
         json::Value::object({{"id", record.ref.remote_id}, {"bytes", record.json.size()}}));
    return;
  }
  if (records_ >= kRecordsPerCheckpoint || (records_ > 0 && bytes_ + record.json.size() > kBytesPerCheckpoint))
    checkpoint();
  host_.emit(record);
  ++records_;
  bytes_ += record.json.size();
}

void Session::checkpoint(bool pass_complete) {
  host_.checkpoint(cursor.to_json(), pass_complete);
  records_ = 0;
  bytes_ = 0;
  unavailable_ = 0;
}

void Session::stop_if_asked() {
  const bool is_over = run_.deadline_unix_ms > 0 && host_.now_unix_ms() >= run_.deadline_unix_ms;
  if (!is_over && !host_.should_stop()) return;
  checkpoint();
  throw Failure(
      BERTH_CANCELLED, is_over ? "sdk.deadline" : "sdk.stopped",
      is_over ? "The slice of the run is over; the phase goes on in the next one." : "The host asked to stop.");
}

std::optional<std::string> Session::expand(std::string_view text, std::string_view id,
                                           const std::optional<std::int64_t>& since_ms) const {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t shut = text.find('}', open);
    const std::string_view name = text.substr(open + 1, shut == std::string_view::npos ? shut : shut - open - 1);
    text = shut == std::string_view::npos ? std::string_view{} : text.substr(shut + 1);
    if (name == "id") {
      out += id;
    } else if (name == "since") {
      if (!since_ms) return std::nullopt;
      out += times::format_utc(*since_ms);
    } else if (const auto found = config_.values.find(name); found != config_.values.end() && !found->second.empty()) {
      out += found->second;
    } else if (name == "integration.backfill_floor") {
      return std::nullopt;
    } else {
      throw Failure(BERTH_INVALID_CONFIG, "sdk.placeholder_empty",
                    "The phase " + phase_.id + " needs " + std::string(name) +
                        ", which has no value; is the integration connected?");
    }
  }
  return out;
}

Request Session::request(std::string_view path, std::span<const phases::Param> query, std::string_view id,
                         const std::optional<std::int64_t>& since_ms) const {
  Request out;
  out.method = phase_.request.method;
  out.path = expand(path, id, since_ms).value_or(std::string(path));
  const auto add = [&](std::span<const phases::Param> params) {
    for (const phases::Param& param : params) {
      if (auto value = expand(param.value, id, since_ms)) out.query.emplace_back(param.name, std::move(*value));
    }
  };
  add(phase_.request.query);
  add(query);
  return out;
}

std::optional<Failure> Session::send_all(std::span<const Request> requests,
                                         const std::function<void(std::size_t index, Reply&& reply)>& consume) {
  std::vector<std::size_t> todo(requests.size());
  for (std::size_t i = 0; i < todo.size(); ++i) todo[i] = i;
  std::optional<Failure> ended;
  while (!todo.empty() && !ended) {
    std::vector<Request> round;
    round.reserve(todo.size());
    for (const std::size_t index : todo) round.push_back(requests[index]);
    std::vector<std::pair<std::size_t, Reply>> answers;
    std::vector<std::size_t> unsent;
    std::size_t held = 0;
    bool is_full = false;
    const auto on_reply = [&](Reply reply) {
      const std::size_t index = todo.at(reply.index);
      if (reply.failure && reply.failure->status() == BERTH_CANCELLED && is_full) {
        unsent.push_back(index);  // our own stop, to work on what is held: sent in the next round
        return false;
      }
      if (reply.failure) {
        if (reply.failure->status() == BERTH_UNAVAILABLE) ++unavailable_;
        if (!ended && (!is_about_one(reply.failure->status()) || unavailable_ >= kMaxUnavailable))
          ended = *reply.failure;
      } else {
        held += reply.response->body.size();
        is_full = is_full || held > kMaxHeldBytes;
      }
      answers.emplace_back(index, std::move(reply));
      // A spent budget refuses the others by itself; a stop would also reach calls that were granted and wait for their turn.
      return !is_full && (!ended || ended->reason() == "berth.budget");
    };
    std::optional<Failure> batch_failure;
    try {
      host_.send_batch(round, on_reply);
    } catch (const Failure& failure) {
      batch_failure = failure;
    }
    // A batch that we stopped ourselves is no failure; any other is, unless a reply has already said why.
    const bool is_own_stop = batch_failure && batch_failure->status() == BERTH_CANCELLED && (is_full || ended);
    if (batch_failure && !is_own_stop && !ended && !is_about_one(batch_failure->status())) ended = batch_failure;
    for (auto& [index, reply] : answers) consume(index, std::move(reply));
    todo = std::move(unsent);
  }
  return ended;
}

const json::Value* first_of(const json::Value& object, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (const json::Value* found = object.find(key)) return found;
  }
  return nullptr;
}

}  // namespace berth::pulling
