// Filters, sorts and pages one list. Documented filters and sort columns always work; for the others the simulator is
// told whether Zoho honours, ignores or refuses them, because nobody knows. Names it has never heard of are ignored,
// bad values of known ones are refused with code 2.
//
// Used while the caller holds the lock; refusals are thrown as ApiError.
#pragma once

#include "tests/zoho_sim/books.hpp"
#include "tests/zoho_sim/message.hpp"
#include "tests/zoho_sim/org_time.hpp"

#include <algorithm>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zoho_sim {

enum class Undocumented { kHonoured, kIgnored, kRefused };

[[noreturn]] inline void refuse_value(std::string_view name) {
  throw ApiError{400, 2, "Invalid value passed for " + std::string(name)};
}

struct SortKey {
  std::int64_t number = 0;
  std::string text;
  auto operator<=>(const SortKey&) const = default;
};

struct Page {
  std::vector<std::size_t> rows;  // positions in the table
  std::size_t total = 0;
  std::int64_t number = 1, size = 200;
  bool has_more = false;
  std::string sort_column;
  char sort_order = 'A';
};

inline std::int64_t whole_number(const Pairs& query, std::string_view name, std::int64_t otherwise) {
  const auto text = value_of(query, name);
  if (text.empty()) return otherwise;
  const auto number = parse_decimal(text, 0);
  if (!number || *number < 1) refuse_value(name);
  return *number;
}

template <class Record>
class Listing {
 public:
  Listing(const std::vector<Record>& records, const Pairs& query, const OrgTime& zone, Undocumented undocumented)
      : records_(records), query_(query), zone_(zone), undocumented_(undocumented) {}

  using Test = std::function<bool(const Record&)>;

  void keep(Test test) { tests_.push_back(std::move(test)); }

  // The value of a filter that was sent and is to be obeyed.
  std::optional<std::string> sent(const std::string& name, bool documented = true) const {
    if (!has(query_, name)) return std::nullopt;
    if (!documented && undocumented_ == Undocumented::kRefused) refuse_value(name);
    if (!documented && undocumented_ == Undocumented::kIgnored) return std::nullopt;
    return std::string(value_of(query_, name));
  }

  template <class Get>
  void text_filter(const std::string& name, Get get) {
    if (const auto value = sent(name)) keep([v = lower(*value), get](const Record& r) { return lower(get(r)) == v; });
    if (const auto value = sent(name + "_startswith"))
      keep([v = lower(*value), get](const Record& r) { return lower(get(r)).rfind(v, 0) == 0; });
    if (const auto value = sent(name + "_contains"))
      keep([v = lower(*value), get](const Record& r) { return lower(get(r)).find(v) != std::string::npos; });
  }
  template <class Get>
  void id_filter(const std::string& name, Get get) {
    if (const auto value = sent(name)) {
      if (!parse_decimal(*value, 0)) refuse_value(name);
      keep([v = *value, get](const Record& r) { return std::to_string(get(r)) == v; });
    }
  }
  // _start and _end include their day, _before and _after do not.
  template <class Get>
  void date_filter(const std::string& name, Get get, bool documented = true) {
    const auto day = [&](const std::string& key) -> std::optional<Day> {
      const auto value = sent(key, documented);
      if (!value) return std::nullopt;
      const auto parsed = parse_date(*value);
      if (!parsed) refuse_value(key);
      return parsed;
    };
    if (const auto d = day(name)) keep([d, get](const Record& r) { return get(r) == *d; });
    if (const auto d = day(name + "_start")) keep([d, get](const Record& r) { return get(r) >= *d; });
    if (const auto d = day(name + "_end")) keep([d, get](const Record& r) { return get(r) <= *d; });
    if (const auto d = day(name + "_before")) keep([d, get](const Record& r) { return get(r) < *d; });
    if (const auto d = day(name + "_after")) keep([d, get](const Record& r) { return get(r) > *d; });
  }
  template <class Get>
  void amount_filter(const std::string& name, Get get) {
    const auto amount = [&](const std::string& key) -> std::optional<Minor> {
      const auto value = sent(key);
      if (!value) return std::nullopt;
      const auto parsed = parse_decimal(*value, kMoneyScale);
      if (!parsed) refuse_value(key);
      return parsed;
    };
    if (const auto a = amount(name)) keep([a, get](const Record& r) { return get(r) == *a; });
    if (const auto a = amount(name + "_less_than")) keep([a, get](const Record& r) { return get(r) < *a; });
    if (const auto a = amount(name + "_less_equals")) keep([a, get](const Record& r) { return get(r) <= *a; });
    if (const auto a = amount(name + "_greater_than")) keep([a, get](const Record& r) { return get(r) > *a; });
    if (const auto a = amount(name + "_greater_equals")) keep([a, get](const Record& r) { return get(r) >= *a; });
  }
  // Inclusive, as connectors have found. A "+" that was not encoded arrives as a blank and is no timestamp.
  void modified_filter(bool documented) {
    if (const auto value = sent("last_modified_time", documented)) {
      const auto time = zone_.parse_timestamp(*value);
      if (!time) refuse_value("last_modified_time");
      keep([t = *time](const Record& r) { return r.modified >= t; });
    }
  }

  void column(std::string name, std::function<SortKey(const Record&)> key, bool documented = true) {
    columns_.push_back({std::move(name), std::move(key), documented});
  }

  // Sorts what passes; column and order are what page_context will echo.
  std::vector<std::size_t> order(Page& page, const std::string& default_column, char default_order) {
    page.sort_column = default_column;
    page.sort_order = default_order;
    const auto asked = value_of(query_, "sort_column");
    const auto way = value_of(query_, "sort_order");
    if (!way.empty() && way != "A" && way != "D") refuse_value("sort_order");
    const Column* column = nullptr;
    for (const auto& candidate : columns_) {
      if (candidate.name == (asked.empty() ? default_column : std::string(asked))) column = &candidate;
    }
    if (column == nullptr || (!column->documented && undocumented_ == Undocumented::kRefused && !asked.empty()))
      refuse_value("sort_column");
    if (!asked.empty() && !column->documented && undocumented_ == Undocumented::kIgnored) {
      for (const auto& candidate : columns_) column = candidate.name == default_column ? &candidate : column;
    } else {
      page.sort_column = column->name;
      if (!way.empty())
        page.sort_order = way[0];
      else if (!asked.empty())
        page.sort_order = 'A';
    }
    std::vector<std::pair<SortKey, std::size_t>> found;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      const auto& record = records_[i];
      if (is_deleted(record) ||
          !std::all_of(tests_.begin(), tests_.end(), [&](const Test& test) { return test(record); }))
        continue;
      found.emplace_back(column->key(record), i);
    }
    std::sort(found.begin(), found.end());
    if (page.sort_order == 'D') std::reverse(found.begin(), found.end());
    std::vector<std::size_t> rows;
    rows.reserve(found.size());
    for (const auto& [key, index] : found) rows.push_back(index);
    return rows;
  }

  const std::vector<Record>& records() const { return records_; }
  const Pairs& query() const { return query_; }

 private:
  struct Column {
    std::string name;
    std::function<SortKey(const Record&)> key;
    bool documented;
  };
  static bool is_deleted(const Record& record) {
    if constexpr (requires { record.is_deleted; })
      return record.is_deleted;
    else
      return false;
  }

  const std::vector<Record>& records_;
  const Pairs& query_;
  const OrgTime& zone_;
  Undocumented undocumented_;
  std::vector<Test> tests_;
  std::vector<Column> columns_;
};

}  // namespace zoho_sim
