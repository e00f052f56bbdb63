#include <algorithm>
#include <utility>

#include "host/core/text.hpp"
#include "host/reasons/reasons.hpp"

namespace berth::reasons {

namespace {

bool has(std::span<const std::string> all, std::string_view one) { return std::find(all.begin(), all.end(), one) != all.end(); }

/// One of `all` begins with one of `beginnings`.
bool any_begins(std::span<const std::string> all, std::span<const std::string> beginnings) {
  return std::any_of(all.begin(), all.end(), [&](const std::string& each) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& beginning) { return each.starts_with(beginning); });
  });
}

bool shows(const Signs& signs, const Symptom& symptom) {
  if (!symptom.reasons.empty() && !has(symptom.reasons, signs.reason)) return false;
  if (!symptom.states.empty() && !has(symptom.states, signs.state)) return false;
  if (!symptom.waits_for.empty() && !any_begins(signs.waits_for, symptom.waits_for)) return false;
  return symptom.warnings.empty() || any_begins(signs.warnings, symptom.warnings);
}

}  // namespace

void Catalogue::add(const File& file) {
  const std::lock_guard lock(mutex_);
  add_locked(file);
}

void Catalogue::add_locked(const File& file) {
  for (const Entry& entry : file.entries) entries_.emplace(entry.id, entry);
  for (const Symptom& symptom : file.symptoms) {
    const auto [known, is_new] = symptoms_.emplace(symptom.id, symptom);
    if (is_new) in_order_.push_back(&known->second);
  }
}

void Catalogue::add_later(std::function<std::vector<File>()> source) {
  const std::lock_guard lock(mutex_);
  sources_.push_back(std::move(source));
}

void Catalogue::ask_sources() {
  for (const auto& source : std::exchange(sources_, {})) {
    for (const File& file : source()) add_locked(file);
  }
}

const Entry* Catalogue::find(std::string_view id) {
  const std::lock_guard lock(mutex_);
  auto found = entries_.find(id);
  if (found == entries_.end() && !sources_.empty() && is_reason_id(id)) {
    ask_sources();
    found = entries_.find(id);
  }
  return found == entries_.end() ? nullptr : &found->second;
}

const Symptom* Catalogue::recognise(const Signs& signs) {
  const std::lock_guard lock(mutex_);
  ask_sources();
  const auto found = std::find_if(in_order_.begin(), in_order_.end(), [&](const Symptom* symptom) { return shows(signs, *symptom); });
  return found == in_order_.end() ? nullptr : *found;
}

std::optional<Explanation> Catalogue::explain(const Signs& signs) {
  const Symptom* symptom = recognise(signs);
  const Entry* entry = signs.reason.empty() ? nullptr : find(signs.reason);
  if (symptom != nullptr && (symptom->is_specific() || entry == nullptr)) {
    return Explanation{symptom->cause, symptom->resolution, symptom->who, symptom->link, symptom->symptom};
  }
  if (entry == nullptr) return std::nullopt;
  Explanation explanation{entry->cause, entry->resolution, entry->who, entry->link, {}};
  if (symptom != nullptr) {
    explanation.symptom = symptom->symptom;
    if (explanation.link.empty()) explanation.link = symptom->link;
  }
  return explanation;
}

std::vector<const Symptom*> Catalogue::symptoms_of(std::string_view id) {
  const std::lock_guard lock(mutex_);
  ask_sources();
  std::vector<const Symptom*> found;
  for (const Symptom* symptom : in_order_) {
    if (has(symptom->reasons, id)) found.push_back(symptom);
  }
  return found;
}

std::vector<std::string> Catalogue::ids() {
  const std::lock_guard lock(mutex_);
  ask_sources();
  std::vector<std::string> all;
  all.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) all.push_back(id);
  return all;
}

Catalogue& catalogue() {
  // Never destroyed: threads that outlive main may still explain an error.
  static Catalogue& one = *[] {
    auto* made = new Catalogue;  // NOLINT: on purpose
    made->add_later([] { return own_files(); });
    return made;
  }();
  return one;
}

std::vector<File> own_files() {
  std::vector<File> files;
  for (const Embedded& each : embedded()) {
    if (auto file = read(std::string(each.text), std::string(each.name) + ".yaml", {}); file.ok()) files.push_back(std::move(file).value());
  }
  return files;
}

std::vector<std::string> nearest_ids(std::string_view id, std::vector<std::string> ids, std::size_t most) {
  std::vector<std::string> found;
  const auto take = [&](const std::string& one) {
    found.push_back(one);
    std::erase(ids, found.back());
  };
  // A part of an id, such as "unmapped", is what people remember.
  for (bool is_more = true; is_more && id.size() >= 3 && found.size() < most;) {
    const auto inside = std::find_if(ids.begin(), ids.end(), [&](const std::string& each) { return each.find(id) != std::string::npos; });
    is_more = inside != ids.end();
    if (is_more) take(std::string(*inside));
  }
  while (found.size() < most) {
    const std::string near = nearest(id, ids);
    if (near.empty()) break;
    take(near);
  }
  return found;
}

}  // namespace berth::reasons
