#include "session.hpp"

#include <algorithm>

namespace berth::pulling {
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
}

void Session::stop_if_asked() {
  const auto over = slice_over();
  if (!over && !host_.should_stop()) return;
  checkpoint();
  throw over ? *over : stop_failure();
}

std::optional<Failure> Session::slice_over() const {
  if (run_.deadline_unix_ms <= 0 || host_.now_unix_ms() < run_.deadline_unix_ms) return std::nullopt;
  return Failure(BERTH_CANCELLED, "sdk.deadline", "The slice of the run is over; the phase goes on in the next one.");
}

Failure Session::stop_failure() const {
  return slice_over().value_or(Failure(BERTH_CANCELLED, "sdk.stopped", "The host asked to stop."));
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

const json::Value* first_of(const json::Value& object, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (const json::Value* found = object.find(key)) return found;
  }
  return nullptr;
}

std::size_t values_in(std::string_view text) {
  std::size_t count = 1;  // each but the first comes behind a comma or a bracket
  bool is_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_string) {
      if (c == '\\') ++i;
      is_string = c != '"';
    } else if (c == '"') {
      is_string = true;
    } else if (c == ',' || c == '[' || c == '{') {
      ++count;
    }
  }
  return count;
}

}  // namespace berth::pulling
