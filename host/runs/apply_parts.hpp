#pragma once
// What the parts of apply (apply.cpp, apply_master.cpp, apply_document.cpp) share and nobody else needs.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/json.hpp"
#include "host/runs/apply.hpp"
#include "host/storage/hand_archives.hpp"

namespace berth::runs {

/// What is written for a record at the end, whatever became of it.
struct Applier::Decision {
  std::string state, reason, message;
  std::vector<std::string> waits_for;
  json::Value facts = json::Value::object();     // detail_json of the record
  std::optional<std::string> local_id, document_hash;
  std::optional<storage::HandArchive> by_hand;   // a person has archived it, and the remote has it still
};

[[nodiscard]] inline json::Value list_of(const std::vector<std::string>& values) {
  json::Value list = json::Value::array();
  for (const std::string& value : values) list.push_back(value);
  return list;
}

/// "invoice/46…" → {"invoice", "46…"}.
[[nodiscard]] inline std::pair<std::string, std::string> split_reference(std::string_view reference) {
  const auto slash = reference.find('/');
  if (slash == std::string_view::npos) return {std::string(reference), {}};
  return {std::string(reference.substr(0, slash)), std::string(reference.substr(slash + 1))};
}

/// "invoice" → "inv": what ids of such rows begin with.
[[nodiscard]] inline std::string_view id_prefix(std::string_view entity) {
  if (entity == "customer") return "cus";
  if (entity == "vendor") return "ven";
  if (entity == "item") return "itm";
  if (entity == "invoice") return "inv";
  if (entity == "credit_note") return "crn";
  if (entity == "customer_payment") return "pay";
  if (entity == "classification_line") return "cl";
  return "row";
}

/// Whether its records become rows that documents name; the others become entries.
[[nodiscard]] inline bool is_master(std::string_view entity) { return entity == "customer" || entity == "vendor" || entity == "item"; }

}  // namespace berth::runs
