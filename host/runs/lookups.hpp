#pragma once
// What the mapping asks of the stored world: is this customer posted, only stored, or never seen? Reads through the
// connection of the transaction in which a record is applied, so that it sees rows made a moment ago.
#include <unordered_map>

#include "host/mapping/mapping.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

/// Rows that were found in the transaction under way, by question: the same few customers, items and places are asked for by
/// one document after the other. Holds no kind that the records being applied make or change.
struct FoundRows {
  std::unordered_map<std::string, mapping::LookupAnswer> answers;
};

class StoreLookups final : public mapping::Lookups {
 public:
  /// All outlive the lookups. `found` may be null: nothing is remembered.
  StoreLookups(storage::Connection& connection, const Setup& setup, FoundRows* found = nullptr)
      : connection_(connection), setup_(setup), found_(found) {}

  mapping::LookupAnswer find(std::string_view kind, std::string_view scope, std::string_view by, std::string_view value) override;
  std::optional<std::string> account(std::string_view kind, std::string_view key, std::string_view company) override;
  std::string nearest(std::string_view kind, std::string_view scope, std::string_view value) override;
  /// The first storage error of any question; the answers after it mean nothing.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  mapping::LookupAnswer ask(std::string_view kind, std::string_view scope, std::string_view by, std::string_view value);
  mapping::LookupAnswer find_remote(std::string_view kind, std::string_view remote_id);
  /// The value, or `fallback` with the error kept.
  template <class T>
  T kept(Result<T> result, T fallback = {}) {
    if (result.ok()) return std::move(result).value();
    if (!failure_) failure_ = std::move(result).error();
    return fallback;
  }
  storage::Connection& connection_;
  const Setup& setup_;
  FoundRows* const found_;
  std::optional<Error> failure_;
};

}  // namespace berth::runs
