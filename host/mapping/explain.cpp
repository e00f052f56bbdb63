#include "host/mapping/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/text.hpp"

namespace berth::mapping {

namespace {

constexpr std::size_t kFieldWidthMax = 28;  // longer names push their own line only

/// "zoho_books/mapping.yaml:57:21" → "mapping.yaml:57": the file is named in full above.
std::string short_place(const std::string& place) {
  const std::size_t column = place.rfind(':');
  const std::size_t slash = place.rfind('/', column);
  return place.substr(slash == std::string::npos ? 0 : slash + 1, column - (slash == std::string::npos ? 0 : slash + 1));
}

std::string_view word_of(Known known) {
  switch (known) {
    case Known::kPosted: return "posted";
    case Known::kStored: return "stored";
    case Known::kNotImportable: return "not_importable";
    case Known::kUnseen: return "unseen";
    case Known::kUnknown: return "unknown";
  }
  return "";
}

json::Value list_of(const std::vector<std::string>& texts) {
  json::Value list = json::Value::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

}  // namespace

Judgement judgement_of(const Outcome& outcome) {
  Judgement judgement{std::string(to_string(outcome.kind)), outcome.reason, outcome.message, {}};
  for (const std::string& key : outcome.waits_for) judgement.waits_for.push_back({key, {}});
  return judgement;
}

std::string explain(const Rules& rules, std::string_view entity, const Record& record, const Outcome& outcome, const Judgement& judgement) {
  std::size_t width = 0;
  for (const TraceLine& line : outcome.trace) width = std::max(width, std::min(line.field.size(), kFieldWidthMax));

  std::string text = fmt::format("{} {} (version {}, rules {}, would be: {})\n", entity, record.remote_id.empty() ? "?" : record.remote_id,
                                 record.version.empty() ? "?" : record.version, rules.revision(), judgement.state);
  for (const TraceLine& line : outcome.trace) text += fmt::format("  {:<{}} {}  [{}]\n", line.field, width, line.text, short_place(line.place));
  if (!judgement.reason.empty()) text += fmt::format("reason: {}: {}\n", judgement.reason, judgement.message);
  if (!outcome.at.empty()) text += fmt::format("at: {}\n", join(outcome.at, ", "));
  for (std::size_t i = 0; i < outcome.warnings.size(); ++i) {
    const std::string& hint = outcome.warning_hints[i];
    text += fmt::format("warning: {}{}\n", outcome.warnings[i], hint.empty() ? "" : fmt::format(" ({})", hint));
  }
  for (const std::string& flag : outcome.flags) text += fmt::format("flag: {}\n", flag);
  for (const AwaitedThing& wait : judgement.waits_for) {
    text += fmt::format("waits for: {}\n", wait.key);
    if (!wait.why.empty()) text += fmt::format("  {}\n", wait.why);
  }
  return text;
}

json::Value explain_json(const Rules& rules, std::string_view entity, const Record& record, const Outcome& outcome, const Judgement& judgement) {
  json::Value fields = json::Value::array();
  for (const TraceLine& line : outcome.trace) {
    json::Value field = json::Value::object({{"field", line.field}, {"rule", line.place}, {"how", line.text}});
    if (line.value) field.set("value", *line.value);
    fields.push_back(std::move(field));
  }
  json::Value lookups = json::Value::array();
  for (const AskedLookup& asked : outcome.asked) {
    json::Value lookup = json::Value::object({{"kind", asked.kind}, {"in", asked.scope}, {"by", asked.by}, {"value", asked.value}, {"answer", word_of(asked.answer.known)}});
    if (!asked.answer.id.empty()) lookup.set("id", asked.answer.id);
    lookups.push_back(std::move(lookup));
  }
  json::Value warnings = json::Value::array();
  for (std::size_t i = 0; i < outcome.warnings.size(); ++i) warnings.push_back(json::Value::object({{"what", outcome.warnings[i]}, {"hint", outcome.warning_hints[i]}}));
  json::Value waits = json::Value::array();
  for (const AwaitedThing& wait : judgement.waits_for) waits.push_back(json::Value::object({{"key", wait.key}, {"why", wait.why}}));
  return json::Value::object({{"entity", entity},
                              {"remote_id", record.remote_id},
                              {"version", record.version},
                              {"rules", rules.revision()},
                              {"rules_file", rules.file()},
                              {"would_be", judgement.state},
                              {"reason", judgement.reason},
                              {"message", judgement.message},
                              {"fields", std::move(fields)},
                              {"lookups", std::move(lookups)},
                              {"at", list_of(outcome.at)},
                              {"warnings", std::move(warnings)},
                              {"flags", list_of(outcome.flags)},
                              {"waits_for", std::move(waits)},
                              {"document", outcome.kind == OutcomeKind::kMapped ? outcome.document : json::Value()}});
}

}  // namespace berth::mapping
