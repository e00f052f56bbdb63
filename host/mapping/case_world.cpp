#include "host/mapping/case_world.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/text.hpp"

namespace berth::mapping {

json::Value laid_over(json::Value base, const json::Value& over) {
  if (!over.is_object()) return over;
  if (!base.is_object()) base = json::Value::object();
  for (const auto& [key, value] : over.members()) {
    if (value.is_null()) {
      base.erase(key);
      continue;
    }
    const json::Value* before = base.find(key);
    json::Value merged = laid_over(before == nullptr ? json::Value() : *before, value);
    base.set(key, std::move(merged));
  }
  return base;
}

const json::Value* CaseWorld::rows(std::string_view group, std::string_view kind, std::string_view scope) const {
  const json::Value* all = given_.find(group);
  if (all == nullptr) return nullptr;
  return all->find(scope.empty() ? std::string(kind) : fmt::format("{}/{}", kind, scope));
}

LookupAnswer CaseWorld::find(std::string_view kind, std::string_view scope, std::string_view /*by*/, std::string_view value) {
  if (const json::Value* known = rows("known", kind, scope)) {
    if (const json::Value* id = known->find(value)) return {Known::kPosted, std::string(id->text())};
  }
  // A case names lines; that their classification is there goes without saying.
  if (kind == "classification") return {rows("known", "classification_line", value) != nullptr ? Known::kPosted : Known::kUnknown, ""};
  const auto lists = [&](std::string_view group) {
    const json::Value* all = rows(group, kind, scope);
    return all != nullptr && std::any_of(all->items().begin(), all->items().end(), [&](const json::Value& one) { return one.text() == value; });
  };
  if (lists("stored")) return {Known::kStored, ""};
  if (lists("unseen")) return {Known::kUnseen, ""};
  return {Known::kNotImportable, ""};
}

std::optional<std::string> CaseWorld::account(std::string_view kind, std::string_view key, std::string_view company) {
  const json::Value* all = given_.find("accounts");
  const json::Value* found = all == nullptr ? nullptr : all->find(fmt::format("{}/{}/{}", kind, key, company));
  if (found == nullptr || found->text().empty()) return std::nullopt;
  return std::string(found->text());
}

std::string CaseWorld::nearest(std::string_view kind, std::string_view scope, std::string_view value) {
  std::vector<std::string> names;
  if (const json::Value* known = rows("known", kind, scope)) {
    for (const auto& [name, id] : known->members()) names.push_back(name);
  }
  return berth::nearest(value, names);
}

Context CaseWorld::context() const {
  Context context;
  if (const json::Value* integration = given_.find("integration")) {
    context.integration = integration->text_of("id");
    context.company = integration->text_of("company");
    context.base_currency = integration->text_of("base_currency");
  }
  if (const json::Value* settings = given_.find("settings")) {
    for (const auto& [name, value] : settings->members()) context.settings.emplace(name, value);
  }
  return context;
}

std::map<std::string, std::string> CaseWorld::texts(std::string_view key) const {
  std::map<std::string, std::string> all;
  if (const json::Value* map = given_.find(key)) {
    for (const auto& [name, value] : map->members()) all.emplace(name, value.text());
  }
  return all;
}

void CaseWorld::apply(Record& record) const {
  const auto is_set = [&](std::string_view key, bool otherwise) {
    const json::Value* value = given_.find(key);
    return value == nullptr ? otherwise : value->boolean();
  };
  record.posted = is_set("posted", false);
  record.deleted = is_set("deleted", false);
  // A record that is given by its list row alone is one whose phase fetches no detail for it.
  record.detail_expected = is_set("detail_expected", record.detail.has_value());
  record.is_reduced = is_set("reduced", false);
  record.offered = texts("offered");
}

}  // namespace berth::mapping
