#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "host/config/yaml.hpp"
#include "host/core/text.hpp"
#include "host/core/time.hpp"

namespace berth::config {
namespace {

/// The grammar of RFC 8259 section 6.
bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - start;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const std::size_t first = at;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

Error with_key(Error error, std::string_view key, const Node& value) {
  // "berth.yaml:8:14: expected ..." becomes "berth.yaml:8:14: `port`: expected ..."
  const std::string place = value.place.to_string();
  const std::size_t at = place.empty() || !error.message.starts_with(place) ? 0 : place.size() + 2;
  error.message.insert(at, fmt::format("`{}`: ", key));
  return error;
}

template <class Read>
auto read_member(const Node& map, std::string_view key, Read read) -> decltype(read(map)) {
  const Node* value = map.find(key);
  if (value == nullptr) {
    const std::string place = map.place.to_string();
    return make_error(Code::kInvalidConfig, "config.missing_key",
                      fmt::format("{}{}the key `{}` is missing", place, place.empty() ? "" : ": ", key));
  }
  auto result = read(*value);
  if (!result) return with_key(std::move(result).error(), key, *value);
  return result;
}

}  // namespace

Error type_error(const Node& node, std::string_view expected) {
  const std::string place = node.place.to_string();
  return make_error(
      Code::kInvalidConfig, "config.type",
      fmt::format("{}{}expected {}, found {}", place, place.empty() ? "" : ": ", expected, node.describe()));
}

const Member* Node::member(std::string_view key) const {
  for (const Member& candidate : members) {
    if (candidate.key == key) return &candidate;
  }
  return nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Member* found = member(key);
  return found == nullptr ? nullptr : &found->value;
}

std::vector<std::string> Node::keys() const {
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const Member& each : members) names.push_back(each.key);
  return names;
}

std::string Node::describe() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      break;
  }
  return fmt::format("\"{}\"{}", shortened(scalar, 60), is_quoted ? " in quotes" : "");
}

Result<std::string> Node::text() const {
  if (!is_scalar()) return type_error(*this, "text");
  return scalar;
}

Result<bool> Node::boolean() const {
  if (is_scalar() && !is_quoted && (scalar == "true" || scalar == "false")) return scalar == "true";
  return type_error(*this, "true or false");
}

Result<std::int64_t> Node::integer() const {
  std::int64_t value = 0;
  if (is_scalar() && !is_quoted && is_json_number(scalar)) {
    const char* end = scalar.data() + scalar.size();
    const auto read = std::from_chars(scalar.data(), end, value);
    if (read.ec == std::errc() && read.ptr == end) return value;
  }
  return type_error(*this, "a whole number");
}

Result<std::chrono::milliseconds> Node::duration() const {
  constexpr std::string_view kExpected = "a duration like 30s, 5m, 1h or 5d";
  if (!is_scalar()) return type_error(*this, kExpected);
  auto parsed = parse_duration(scalar);
  if (!parsed) return type_error(*this, kExpected);
  return parsed;
}

Result<std::vector<std::string>> Node::text_list() const {
  if (!is_list()) return type_error(*this, "a list");
  std::vector<std::string> texts;
  for (const Node& item : items) texts.push_back(BERTH_TRY(item.text()));
  return texts;
}

Result<std::string> Node::text_of(std::string_view key) const {
  return read_member(*this, key, [](const Node& value) { return value.text(); });
}
Result<bool> Node::boolean_of(std::string_view key) const {
  return read_member(*this, key, [](const Node& value) { return value.boolean(); });
}
Result<std::int64_t> Node::integer_of(std::string_view key) const {
  return read_member(*this, key, [](const Node& value) { return value.integer(); });
}
Result<std::chrono::milliseconds> Node::duration_of(std::string_view key) const {
  return read_member(*this, key, [](const Node& value) { return value.duration(); });
}
Result<std::vector<std::string>> Node::text_list_of(std::string_view key) const {
  return read_member(*this, key, [](const Node& value) { return value.text_list(); });
}

Result<Node> load_yaml(const std::filesystem::path& path, Findings& findings, const YamlLimits& limits,
                       std::string shown) {
  if (shown.empty()) shown = path.string();
  const auto unreadable = [&](std::string_view why) -> Error {
    findings.add({Severity::kError, "config.file_unreadable", shown, 0, 0,
                  fmt::format("the file cannot be read: {}", why), "", ""});
    return make_error(Code::kEnvironment, "config.file_unreadable", fmt::format("{} cannot be read: {}", shown, why));
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return unreadable("there is no such file");
  // Anything else would open a folder, or wait for ever for the other end of a pipe.
  if (!std::filesystem::is_regular_file(status)) return unreadable("it is not a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return unreadable(std::strerror(errno));
  // Not the limit first and the size then: a string keeps its capacity, and that of a few files would be most of our memory.
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::string text(error ? limits.bytes_max + 1 : static_cast<std::size_t>(std::min<std::uintmax_t>(size, limits.bytes_max + 1)), '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return unreadable("a read failed");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse_yaml(std::move(text), std::move(shown), findings, limits);
}

json::Value to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return nullptr;
    case Node::Kind::kScalar:
      if (!node.is_quoted && (node.scalar == "true" || node.scalar == "false")) return node.scalar == "true";
      if (!node.is_quoted && is_json_number(node.scalar)) return json::Value::number(node.scalar);
      return node.scalar;
    case Node::Kind::kList: {
      json::Array items;
      for (const Node& item : node.items) items.push_back(to_json(item));
      return items;
    }
    case Node::Kind::kMap:
      break;
  }
  json::Object members;
  for (const Member& each : node.members) members.emplace_back(each.key, to_json(each.value));
  return members;
}

}  // namespace berth::config
