#include "host/ledger/remote_answer.hpp"

#include <utility>

namespace berth::ledger {
namespace {

constexpr std::string_view kParts = "parts.";

/// A damaged body has no members; `berth db check` is where it is found.
json::Value parsed(const storage::StoredBody& stored) { return std::move(json::parse(stored.body).value); }

void collect(const json::Value& value, std::string_view path, std::vector<std::string>& found) {
  if (value.is_array()) {
    for (const json::Value& item : value.items()) collect(item, path, found);
  } else if (path.empty()) {
    if (value.is_string() || value.is_number()) found.emplace_back(value.text());
  } else if (value.is_object()) {
    const auto dot = path.find('.');
    const json::Value* member = value.find(path.substr(0, dot));
    if (member != nullptr) collect(*member, dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1), found);
  }
}

}  // namespace

Result<RemoteAnswer> RemoteAnswer::load(storage::Connection& connection, const storage::Record& record) {
  const storage::Bodies bodies = BERTH_TRY(storage::records::load(connection, record.id));
  RemoteAnswer answer;
  // A row of a list can be newer than the detail.
  const bool is_row = bodies.row && (!bodies.detail || bodies.row->fetched.unix_ms > bodies.detail->fetched.unix_ms);
  if (is_row) {
    answer.body_ = parsed(*bodies.row);
  } else if (bodies.detail) {
    answer.body_ = parsed(*bodies.detail);
  }
  for (const auto& [name, part] : bodies.parts) answer.parts_.emplace(name, parsed(part));
  return answer;
}

std::vector<std::string> RemoteAnswer::texts(std::string_view path) const {
  std::vector<std::string> found;
  if (path.empty()) return found;
  if (!path.starts_with(kParts)) {
    collect(body_, path, found);
    return found;
  }
  path.remove_prefix(kParts.size());
  const auto dot = path.find('.');
  const auto part = parts_.find(path.substr(0, dot));
  if (part != parts_.end() && dot != std::string_view::npos) collect(part->second, path.substr(dot + 1), found);
  return found;
}

std::string RemoteAnswer::text(std::string_view path) const {
  std::vector<std::string> found = texts(path);
  return found.empty() ? std::string() : std::move(found.front());
}

}  // namespace berth::ledger
