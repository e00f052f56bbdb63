#pragma once
// What the mapping asks of the stored world: is this customer posted, only stored, or never seen? Reads through the
// connection of the transaction in which a record is applied, so that it sees rows made a moment ago.
#include "host/mapping/mapping.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

class StoreLookups final : public mapping::Lookups {
 public:
  /// Both outlive the lookups.
  StoreLookups(storage::Connection& connection, const Setup& setup) : connection_(connection), setup_(setup) {}

  mapping::LookupAnswer find(std::string_view kind, std::string_view scope, std::string_view by, std::string_view value) override;
  std::optional<std::string> account(std::string_view kind, std::string_view key, std::string_view company) override;
  std::string nearest(std::string_view kind, std::string_view scope, std::string_view value) override;
  /// The first storage error of any question; the answers after it mean nothing.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
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
  std::optional<Error> failure_;
};

}  // namespace berth::runs
