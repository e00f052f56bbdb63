// Reading a file of reasons.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/config/yaml.hpp"
#include "host/core/one_line.hpp"
#include "host/core/text.hpp"
#include "host/reasons/reasons.hpp"

namespace berth::reasons {

namespace {

using config::Node;

constexpr std::array<std::pair<Who, std::string_view>, 6> kWords = {{{Who::kOperator, "operator"},
                                                                     {Who::kHostAdmin, "host_admin"},
                                                                     {Who::kPluginAuthor, "plugin_author"},
                                                                     {Who::kBerth, "berth"},
                                                                     {Who::kTime, "time"},
                                                                     {Who::kNobody, "nobody"}}};

Error wrong(const config::Place& place, std::string reason, std::string_view message) {
  return make_error(Code::kInvalidConfig, std::move(reason), fmt::format("{}: {}", place.to_string(), message));
}

Status check_keys(const Node& map, const std::vector<std::string>& known, std::string_view of) {
  if (!map.is_map()) return config::type_error(map, "a map");
  for (const config::Member& member : map.members) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const std::string hint = config::did_you_mean(member.key, known);
    return wrong(member.key_place, "config.unknown_key", fmt::format("`{}` is not a key of {}{}{}", member.key, of, hint.empty() ? "" : "; ", hint));
  }
  return success();
}

Result<std::string> sentence_of(const Node& map, std::string_view key) {
  const std::string text = BERTH_TRY(map.text_of(key));
  if (text.empty() || text.size() > kTextBytesMax) {
    return wrong(map.find(key)->place, "config.range", fmt::format("`{}` must have 1 to {} bytes, found {}", key, kTextBytesMax, text.size()));
  }
  return one_line(text, kTextBytesMax);
}

Result<Who> who_of(const Node& map) {
  const std::string word = BERTH_TRY(map.text_of("who"));
  std::vector<std::string> words;
  for (const auto& [who, name] : kWords) {
    if (name == word) return who;
    words.emplace_back(name);
  }
  const std::string hint = config::did_you_mean(word, words);
  return wrong(map.find("who")->place, "config.choice",
               fmt::format("`who` must be one of {}, found \"{}\"{}{}", join(words, ", "), shortened(word, 60), hint.empty() ? "" : "; ", hint));
}

Result<std::string> link_of(const Node& map) {
  if (map.find("link") == nullptr) return std::string();
  std::string link = BERTH_TRY(map.text_of("link"));
  const bool is_plain = std::all_of(link.begin(), link.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!link.starts_with("https://") || !is_plain || link.size() > kTextBytesMax) {
    return wrong(map.find("link")->place, "config.url", fmt::format("`link` must be an https address, found \"{}\"", one_line(link, 80)));
  }
  return link;
}

Result<std::vector<std::string>> texts_of(const Node& map, std::string_view key) {
  if (map.find(key) == nullptr) return std::vector<std::string>();
  return map.find(key)->text_list();
}

Result<Symptom> symptom_of(const config::Member& member) {
  const Node& map = member.value;
  BERTH_CHECK(check_keys(map, {"symptom", "cause", "resolution", "who", "link", "when"}, "a symptom"));
  Symptom symptom;
  symptom.id = member.key;
  symptom.symptom = BERTH_TRY(sentence_of(map, "symptom"));
  symptom.cause = BERTH_TRY(sentence_of(map, "cause"));
  symptom.resolution = BERTH_TRY(sentence_of(map, "resolution"));
  symptom.who = BERTH_TRY(who_of(map));
  symptom.link = BERTH_TRY(link_of(map));
  const Node* when = map.find("when");
  if (when == nullptr) return wrong(map.place, "config.missing_key", fmt::format("the symptom {} has no `when`", symptom.id));
  BERTH_CHECK(check_keys(*when, {"reasons", "states", "waits_for", "warnings"}, "when"));
  symptom.reasons = BERTH_TRY(texts_of(*when, "reasons"));
  symptom.states = BERTH_TRY(texts_of(*when, "states"));
  symptom.waits_for = BERTH_TRY(texts_of(*when, "waits_for"));
  symptom.warnings = BERTH_TRY(texts_of(*when, "warnings"));
  if (symptom.reasons.empty() && !symptom.is_specific()) {
    return wrong(when->place, "config.missing_key", fmt::format("the symptom {} would be seen everywhere: `when` names nothing", symptom.id));
  }
  return symptom;
}

Result<Entry> entry_of(const config::Member& member, std::string_view owner) {
  if (!is_reason_id(member.key) || (!owner.empty() && !member.key.starts_with(std::string(owner) + "."))) {
    return wrong(member.key_place, "config.id",
                 fmt::format("\"{}\" must be a reason id{}", shortened(member.key, 80), owner.empty() ? "" : fmt::format(" that begins with {}.", owner)));
  }
  const Node& map = member.value;
  BERTH_CHECK(check_keys(map, {"cause", "resolution", "who", "link"}, "a reason"));
  Entry entry;
  entry.id = member.key;
  entry.cause = BERTH_TRY(sentence_of(map, "cause"));
  entry.resolution = BERTH_TRY(sentence_of(map, "resolution"));
  entry.who = BERTH_TRY(who_of(map));
  entry.link = BERTH_TRY(link_of(map));
  return entry;
}

}  // namespace

std::string_view to_string(Who who) {
  return std::find_if(kWords.begin(), kWords.end(), [&](const auto& word) { return word.first == who; })->second;
}

std::string_view shown(Who who) {
  if (who == Who::kHostAdmin) return "host admin";
  if (who == Who::kPluginAuthor) return "plugin author";
  return who == Who::kBerth ? "Berth" : to_string(who);
}

namespace {

config::YamlLimits limits() {
  config::YamlLimits all;
  all.bytes_max = kFileBytesMax;
  return all;
}

Result<File> file_of(const Node& root, const config::Findings& findings, std::string_view owner) {
  for (const config::Finding& finding : findings.all()) {
    if (finding.severity != config::Severity::kError) continue;
    return make_error(Code::kInvalidConfig, finding.id, fmt::format("{}:{}:{}: {}", finding.file, finding.line, finding.column, finding.message));
  }
  BERTH_CHECK(check_keys(root, {"title", "about", "symptoms", "reasons"}, "a file of reasons"));
  File file;
  file.title = BERTH_TRY(sentence_of(root, "title"));
  if (root.find("about") != nullptr) file.about = BERTH_TRY(root.text_of("about"));
  if (const Node* symptoms = root.find("symptoms")) {
    if (!symptoms->is_map()) return config::type_error(*symptoms, "a map of symptoms");
    for (const config::Member& member : symptoms->members) file.symptoms.push_back(BERTH_TRY(symptom_of(member)));
  }
  const Node* entries = root.find("reasons");
  if (entries == nullptr || !entries->is_map()) return wrong(root.place, "config.missing_key", "`reasons` must be a map of reason ids");
  if (entries->members.size() > kEntriesMax) return wrong(entries->place, "config.range", fmt::format("`reasons` has more than {} entries", kEntriesMax));
  for (const config::Member& member : entries->members) file.entries.push_back(BERTH_TRY(entry_of(member, owner)));
  return file;
}

}  // namespace

std::string shown(std::string_view word) {
  const auto known = std::find_if(kWords.begin(), kWords.end(), [&](const auto& each) { return each.second == word; });
  if (known == kWords.end()) return std::string(word);
  const std::string name(shown(known->first));
  switch (known->first) {
    case Who::kOperator: return name + ": whoever edits files, maps accounts and connects";
    case Who::kHostAdmin: return name + ": whoever looks after machine, disk and network";
    case Who::kPluginAuthor:
    case Who::kBerth: return name + ": this is a bug, please report it";
    case Who::kTime: return "nobody: it goes on by itself";
    case Who::kNobody: break;
  }
  return name;
}

Result<File> read(std::string text, const std::string& shown, std::string_view owner) {
  config::Findings findings;
  const Node root = BERTH_TRY(config::parse_yaml(std::move(text), shown, findings, limits()));
  return file_of(root, findings, owner);
}

Result<File> load(const std::filesystem::path& path, std::string_view owner) {
  config::Findings findings;
  const Node root = BERTH_TRY(config::load_yaml(path, findings, limits()));
  return file_of(root, findings, owner);
}

}  // namespace berth::reasons
