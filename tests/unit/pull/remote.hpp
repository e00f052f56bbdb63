#pragma once
// A small remote with one list and one detail per record, for the tests of the pull engine. It can obey, ignore or
// refuse order and filter, and says so in page_context in the three forms that were seen in the wild.
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "berth/pull.hpp"
#include "berth/testing/fake_host.hpp"
#include "berth/times.hpp"

namespace pull_test {

namespace json = berth::json;
using berth::Request;
using berth::testing::Answer;
using berth::testing::FakeHost;
using berth::testing::Outcome;

enum class Obeys { kAll, kNothing, kRefuses, kEchoOnly };
enum class Context { kObject, kArray, kAbsent };

/// 2026-05-01T00:00:00Z
inline constexpr std::int64_t kMay1 = 1777593600000;
inline constexpr std::int64_t kMinute = 60'000;
inline constexpr std::int64_t kDay = 24 * 60 * kMinute;

struct Doc {
  std::string id;
  std::int64_t changed_ms = 0;
  std::string status = "open";
  std::string name = "a";
  std::string balance = "10.00";
};

class Remote {
 public:
  std::vector<Doc> docs;  // in order of creation
  Obeys obeys = Obeys::kAll;
  Context context = Context::kObject;
  std::string root = "things";
  std::size_t page_size = 5;           // the largest it gives
  bool obeys_size = true;              // of a page; else it has always that one
  bool lies_about_size = false;        // says that the page has the size that was asked for
  bool says_total = false;             // in page_context
  bool is_by_name = false;             // the order where none is asked for: by name; else that of creation
  bool is_stuck = false;               // always page 1, with another page promised
  std::map<std::size_t, std::function<void()>> before_page;  // what happens to the records before that page is served
  std::map<std::string, Answer> special;  // by path: this instead

  /// Made a minute apart, so that the order of change is the order of creation.
  void fill(std::size_t count, std::int64_t from_ms = kMay1) {
    for (std::size_t i = 0; i < count; ++i) {
      docs.push_back({"T" + std::to_string(100 + docs.size()), from_ms + static_cast<std::int64_t>(i) * kMinute, "open",
                      "a", "10.00"});
    }
  }
  Doc& doc(std::string_view id) {
    return *std::find_if(docs.begin(), docs.end(), [&](const Doc& one) { return one.id == id; });
  }

  Answer serve(const Request& request) {
    if (const auto found = special.find(request.path); found != special.end()) return found->second;
    if (request.path == "/things") return list(request);
    const std::string id = request.path.substr(8, request.path.find('/', 8) - 8);
    const auto found = std::find_if(docs.begin(), docs.end(), [&](const Doc& one) { return one.id == id; });
    if (found == docs.end()) return Answer::gone();
    if (request.path.ends_with("/parts")) return Answer::json(R"({"code":0,"applied":[{"amount":1.50}]})");
    json::Value detail = row(*found);
    detail.set("lines", json::Value(json::Array{json::Value::number("12.10")}));
    return Answer::json(json::dump(json::Value::object({{"code", 0}, {"thing", detail}})));
  }

  static std::string query(const Request& request, std::string_view name) {
    for (const auto& [key, value] : request.query) {
      if (key == name) return value;
    }
    return {};
  }

 private:
  /// Offsets differ from row to row: only who reads them as times gets the order right.
  static std::string time_text(const Doc& doc) {
    if (doc.id.back() % 2 == 0) return berth::times::format_utc(doc.changed_ms);
    return berth::times::format_utc(doc.changed_ms - 7 * 60 * kMinute).substr(0, 19) + "-0700";
  }
  static json::Value row(const Doc& doc) {
    return json::Value::object({{"thing_id", doc.id},
                                {"changed", time_text(doc)},
                                {"status", doc.status},
                                {"name", doc.name},
                                {"total", json::Value::number("10")},
                                {"balance", json::Value::number(doc.balance)}});
  }

  Answer list(const Request& request) {
    if (const auto found = before_page.find(std::stoul(query(request, "page"))); found != before_page.end()) {
      const auto happen = std::move(found->second);
      before_page.erase(found);
      happen();
    }
    const std::string column = query(request, "sort_column");
    const std::string since = query(request, "changed");
    if (obeys == Obeys::kRefuses && !column.empty()) return Answer::refused("2");
    std::vector<Doc> rows = docs;
    const bool obeyed = obeys == Obeys::kAll;
    if (is_by_name) {
      std::stable_sort(rows.begin(), rows.end(), [](const Doc& a, const Doc& b) { return a.name < b.name; });
    }
    if (obeyed && column == "created") {
      rows = docs;
      std::reverse(rows.begin(), rows.end());
    }
    if (obeyed && column == "changed") {
      std::stable_sort(rows.begin(), rows.end(),
                       [](const Doc& a, const Doc& b) { return a.changed_ms > b.changed_ms; });
    }
    if (obeyed && !since.empty()) {
      const auto from = berth::times::parse(since);
      std::erase_if(rows, [&](const Doc& one) { return one.changed_ms < from->unix_ms; });
    }
    const std::size_t page = is_stuck ? 1 : std::stoul(query(request, "page"));
    const std::size_t size = obeys_size ? std::min(page_size, std::stoul(query(request, "per_page"))) : page_size;
    const std::size_t begin = std::min(rows.size(), (page - 1) * size);
    const std::size_t end = std::min(rows.size(), begin + size);
    json::Value answer = json::Value::object({{"code", 0}});
    json::Value list = json::Value::array();
    for (std::size_t i = begin; i < end; ++i) list.push_back(row(rows[i]));
    answer.set(root, list);
    json::Value said = json::Value::object({{"page", page}, {"per_page", lies_about_size ? std::stoul(query(request, "per_page")) : size}, {"has_more_page", is_stuck || end < rows.size()}});
    if (says_total) said.set("total", rows.size());
    const bool echoes = obeyed || obeys == Obeys::kEchoOnly;
    said.set("sort_column", echoes && !column.empty() ? column : "name");
    said.set("sort_order", echoes && !column.empty() ? query(request, "sort_order") : "A");
    if (context == Context::kObject) answer.set("page_context", said);
    if (context == Context::kArray) answer.set("page_context", json::Value(json::Array{said}));
    return Answer::json(json::dump(answer));
  }
};

/// The phase file of these tests with one phase; `list` and `more` are added to the phase.
inline berth::PullConfig config_of(
    const std::string& list_more,
    const std::string& phase_more = R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"things.detail"})",
    const std::string& floor = "") {
  const std::string text = R"({"integration":{"id":"i1")" +
                           (floor.empty() ? "" : R"(,"backfill_floor":")" + floor + "\"") +
                           R"(},"connection":{"organization_id":"927000001"},"phases":{"revision":1,"plugin":"shop",
    "defaults":{"request":{"method":"GET","query":{"organization_id":"{connection.organization_id}"}},
      "page":{"by":"number","param":"page","size_param":"per_page","size":5,"more":"page_context.has_more_page","echo":"page_context","total":"page_context.total"},
      "until":{"field":"changed","older_than":"{integration.backfill_floor}"},"overlap":"10m"},
    "phases":[{"id":"things","entity":"thing","list":{"path":"/things","rows":["things","thing_list"],"id":"thing_id","version":"changed")" +
                           (list_more.empty() ? "" : "," + list_more) + "}," + phase_more + "}]}}";
  return berth::read_pull_config(text);
}

inline const std::string kSortedProbe = R"("probe":{"sort_column":"changed","sort_order":"D"})";
inline const std::string kSortedQuery = R"("query":{"sort_column":"changed","sort_order":"D"})";
inline const std::string kFiltered = R"("query":{"changed":"{since}"})";

/// A remote, a host and a configuration that belong together.
struct Fixture {
  explicit Fixture(berth::PullConfig with) : config(std::move(with)) {
    host.now_ms = kMay1 + 30 * kDay;
    host.serve = [this](const Request& request) { return remote.serve(request); };
  }
  Outcome run(std::string_view mode = "changes", const json::Value& plan = json::Value::object(),
              std::int64_t deadline_ms = 0) {
    return host.run([this](const berth::Run& run) { berth::pull(host.host(), config, run); }, "things", mode, plan,
                    deadline_ms);
  }
  json::Value cursor(const std::string& mode = "changes") { return json::parse(host.cursors[{"things", mode}]).value; }
  std::size_t lists() const { return host.count(berth::CallKind::kList); }
  std::size_t details() const { return host.count(berth::CallKind::kDetail); }
  std::size_t with_detail() const {
    return static_cast<std::size_t>(std::count_if(host.records.begin(), host.records.end(),
                                                  [](const auto& one) { return !one.second.detail.empty(); }));
  }

  Remote remote;
  FakeHost host;
  berth::PullConfig config;
};

}  // namespace pull_test
