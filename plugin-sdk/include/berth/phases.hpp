#pragma once
// The phase file of a connector (phases.yaml, handed over as JSON): what to pull and how. The pull engine executes it,
// the host checks it when the configuration is loaded. Plain data, pure functions; nothing throws except
// std::bad_alloc.
//
//   const auto parsed = berth::phases::parse(json);
//   for (const auto& problem : parsed.problems) complain(problem.path, problem.message);   // "/phases/0/list/rows",
//   "…"
//
// `errors` and `limits` are carried out by the host's HTTP layer; here they are only checked and kept as JSON.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/json.hpp"

namespace berth::phases {

/// What may stand in braces in a query value or path; anything else is refused when the file is read. `{since}` belongs
/// to list queries, `{id}` to paths of one record.
inline constexpr std::string_view kPlaceholders[] = {"since",
                                                     "id",
                                                     "integration.id",
                                                     "integration.company",
                                                     "integration.base_currency",
                                                     "integration.backfill_floor",
                                                     "connection.organization_id"};

struct Param {
  std::string name;
  std::string value;  // may hold placeholders
};

/// True or false of one document.
struct Condition {
  enum class Kind { kIn, kPresent, kDiffersFrom, kOffered };
  Kind kind = Kind::kIn;
  std::string field;                // dotted; of kOffered: the offered name
  std::vector<std::string> values;  // kIn
  bool present = true;              // kPresent
  std::string other;                // kDiffersFrom: the other field
};

struct RequestDefaults {
  std::string method = "GET";
  std::vector<Param> query;
};

struct Page {
  std::string param = "page";
  std::string size_param;  // empty: the size is the remote's
  std::int64_t size = 200;
  std::string more;  // dotted path of "there is another page"
  std::string echo;  // dotted path of what the remote says it has applied; may be empty
  std::string total;  // dotted path of how many rows the whole list has; only of lists whose new rows come first. May be empty
};

/// Rows that were last changed before the floor are not pulled.
struct Until {
  std::string field;       // change marker in a list row
  std::string older_than;  // a placeholder or a moment
};

struct List {
  std::string path;
  std::vector<std::string> rows;  // spellings of the root key, the first that is there
  std::string id;
  std::string version;
  std::vector<Param> query;  // documented by the remote
  std::vector<Param> probe;  // not documented: tried, and given up when not obeyed
};

struct Window {
  std::string from;  // query parameter: first day
  std::string to;    // query parameter: last day
};

/// Which documents come first when calls are short: those that the condition names, then by their day, the newest first.
struct Priority {
  std::string date;                // field of a list row
  std::optional<Condition> first;
};

struct Detail {
  std::string path;
  std::vector<std::string> row;
  std::string version;  // empty: the one of the list
  std::string cost;
  std::vector<Param> query;
  bool once_per_record = false;  // the host asks for it once in the life of a record
  std::optional<Condition> when;
  std::optional<Condition> unless;
};

/// With `pull: reduced` a list row stands for its document, which is not fetched: what an operator may wish who has few calls.
struct Reduced {
  std::vector<std::string> needs;    // fields of the row; a document whose row has nothing in one of them is fetched
  std::optional<Condition> unless;   // documents that are fetched all the same
  std::vector<std::string> missing;  // what such a document lacks, for people: "line_items"
};

struct Part {
  std::string name;
  std::string path;
  std::vector<std::string> rows;
  std::string cost;
  std::vector<Param> query;
  std::optional<Condition> when;
  std::optional<Condition> unless;
};

struct Attachment {
  std::string name;
  std::string path;
  std::vector<Param> query;
  std::string accept;  // media type
  std::string cost;
  std::string must_start;
  std::string must_contain_end;  // within the last 1,024 bytes
  std::optional<Condition> when;
  std::optional<Condition> unless;
};

/// A number of calls per run, or a share of what is left of the day.
struct Budget {
  std::string cost;
  std::int64_t calls = -1;  // -1: `percent` counts
  std::int64_t percent = -1;
};

struct Sweep {
  std::string schedule;
  std::int64_t brake_rows = 20;
  std::int64_t brake_percent = 1;
};

struct Phase {
  std::string id;
  std::string entity;
  bool optional = false;
  List list;
  std::optional<Window> window;
  std::optional<Priority> priority;
  std::int64_t overlap_ms = 0;
  std::optional<Until> until;  // none: no floor
  RequestDefaults request;
  Page page;
  std::optional<Detail> detail;  // none: "never", the list row is all there is
  std::optional<Reduced> reduced;  // none: details are fetched whatever is set
  std::vector<Part> parts;
  std::vector<Attachment> attachments;
  std::vector<std::string> volatile_keys;
  std::vector<Budget> budget;
  Sweep sweep;
};

struct File {
  std::int64_t revision = 1;
  std::string plugin;
  json::Value errors;  // checked; carried out by the host
  json::Value limits;
  std::vector<Phase> phases;

  /// The phase of that id, or nullptr.
  [[nodiscard]] const Phase* find(std::string_view id) const;
};

struct Problem {
  std::string path;     // JSON pointer into the file, "/phases/0/list/rows"
  std::string message;  // one sentence
};

struct Parsed {
  File file;
  std::vector<Problem> problems;
  [[nodiscard]] bool ok() const { return problems.empty(); }
};

/// Reads and checks a whole file; every problem is reported, not only the first.
[[nodiscard]] Parsed parse(const json::Value& value);

/// True or false for a document. kOffered is the host's to judge: it counts as not met.
[[nodiscard]] bool holds(const Condition& condition, const json::Value& document);

/// Whether the document of that list row is not fetched with `pull: reduced`.
[[nodiscard]] bool suffices(const Reduced& reduced, const json::Value& row);

/// The member `reduced` of a phase that was checked by parse(), for hosts; nothing where it has none.
[[nodiscard]] std::optional<Reduced> reduced_of(const json::Value& phase);

}  // namespace berth::phases
