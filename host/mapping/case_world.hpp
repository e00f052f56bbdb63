#pragma once
// The world of one case: what `defaults:` and `given:` say is known, mapped and set.
#include <map>
#include <optional>
#include <string>

#include "host/mapping/mapping.hpp"

namespace berth::mapping {

/// `over` laid over `base`: maps are merged at every depth, null removes, everything else replaces.
[[nodiscard]] json::Value laid_over(json::Value base, const json::Value& over);

/// Reads {integration, settings, accounts, known, stored, unseen, company_of, posted, deleted, detail_expected, reduced, offered}.
class CaseWorld final : public Lookups {
 public:
  explicit CaseWorld(json::Value given) : given_(std::move(given)) {}

  LookupAnswer find(std::string_view kind, std::string_view scope, std::string_view by, std::string_view value) override;
  std::optional<std::string> account(std::string_view kind, std::string_view key, std::string_view company) override;
  std::string nearest(std::string_view kind, std::string_view scope, std::string_view value) override;

  [[nodiscard]] Context context() const;
  [[nodiscard]] std::map<std::string, std::string> accounts() const { return texts("accounts"); }
  [[nodiscard]] std::map<std::string, std::string> company_of() const { return texts("company_of"); }
  /// Fills what the world says of the record itself.
  void apply(Record& record) const;

 private:
  [[nodiscard]] const json::Value* rows(std::string_view group, std::string_view kind, std::string_view scope) const;
  [[nodiscard]] std::map<std::string, std::string> texts(std::string_view key) const;
  json::Value given_;
};

}  // namespace berth::mapping
