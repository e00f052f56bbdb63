#include "host/telemetry/log.hpp"

#include <algorithm>
#include <array>

#include "berth/json.hpp"
#include "host/core/text.hpp"

namespace berth::telemetry {
namespace {

constexpr std::string_view kReservedKeys[] = {"time", "level", "message"};

/// Valid UTF-8 of limited length: what a remote sent may be neither.
std::string clean(std::string_view text) {
  auto cut = shortened(text, kFieldBytesMax);
  if (!is_valid_utf8(cut)) {
    std::ranges::replace_if(
        cut, [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; }, '?');
  }
  return cut;
}

json::Value to_json(const Field::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  return clean(std::get<std::string>(value));
}

/// A line for a terminal cannot be forged or coloured by what is logged: control characters are written as escapes.
std::string escape_controls(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char character : clean(text)) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4u], kHex[byte & 15u]};
    } else {
      out += character;
    }
  }
  return out;
}

std::string human_value(const Field::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  const auto& text = std::get<std::string>(value);
  const bool plain = !text.empty() && text.find_first_of(" \"=\t\n") == std::string::npos;
  return escape_controls(plain ? text : json::quote(clean(text)));
}

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

std::string to_json_line(const Entry& entry) {
  auto line = json::Value::object(
      {{"time", to_string(entry.time)}, {"level", to_string(entry.level)}, {"message", clean(entry.message)}});
  for (const auto& field : entry.fields) {
    auto key = clean(field.key);
    if (std::ranges::find(kReservedKeys, key) != std::end(kReservedKeys)) key += '_';
    line.set(std::move(key), to_json(field.value));
  }
  return json::dump(line);
}

std::string to_human_line(const Entry& entry) {
  auto line = to_string(entry.time).substr(11, 8) + " ";
  const auto level = to_string(entry.level);
  line.append(level).append(8 - level.size(), ' ').append(escape_controls(entry.message));
  for (const auto& field : entry.fields) line += "  " + escape_controls(field.key) + "=" + human_value(field.value);
  return line;
}

void MemorySink::write(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(entry);
}

std::vector<Entry> MemorySink::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

std::string MemorySink::text() const {
  std::string lines;
  for (const auto& entry : entries()) lines += to_json_line(entry) + "\n";
  return lines;
}

Log::Log(std::shared_ptr<Sink> sink, const Clock& clock, Level least)
    : sink_(std::move(sink)), clock_(&clock), least_(least) {}

Log Log::with(std::initializer_list<Field> fields) const {
  Log copy = *this;
  copy.bound_.insert(copy.bound_.end(), fields.begin(), fields.end());
  return copy;
}

void Log::write(Level level, std::string_view message, std::span<const Field> fields) const {
  if (!enabled(level)) return;
  Entry entry{clock_->now(), level, std::string(message), bound_};
  entry.fields.insert(entry.fields.end(), fields.begin(), fields.end());
  sink_->write(entry);
}

void Log::write(Level level, std::string_view message, std::initializer_list<Field> fields) const {
  write(level, message, std::span<const Field>(fields.begin(), fields.size()));
}

void Log::error(std::string_view message, const Error& error, std::initializer_list<Field> fields) const {
  if (!enabled(Level::kError)) return;
  std::vector<Field> all(fields);
  all.emplace_back("code", to_string(error.code));
  all.emplace_back("reason", error.reason);
  all.emplace_back("error", error.message);
  write(Level::kError, message, all);
}

}  // namespace berth::telemetry
