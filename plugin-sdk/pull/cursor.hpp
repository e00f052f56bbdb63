#pragma once
// What the engine keeps between calls (the cursor) and what the host asks for (the plan), read from and written as
// JSON.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "berth/times.hpp"

namespace berth::pulling {

enum class Mode { kChanges, kFull, kSweep, kWindow, kIds };

struct Plan {
  Mode mode = Mode::kChanges;
  std::optional<std::int64_t> floor_ms;
  std::optional<times::Moment> from;  // of a window; none: the whole list, whatever the floor
  std::optional<times::Moment> to;
  std::vector<std::string> ids;
  std::optional<std::int64_t> limit;
  bool queue_only = false;  // the list is not read
  bool goes_on = false;     // an earlier slice of the same run was cut, and this one takes over
};

/// How a pass asks for its list.
enum class Asking {
  kOrdered,   // with the sort, filter and probe of the phase, whose effect page 1 has shown
  kStripped,  // without them, because the remote did not obey: the list is read whole
  kPlain      // nothing depends on them in this pass
};

/// Rows by which a page is known to join what was read before (edges.hpp), as row_key() gives them.
struct SeenRows {
  std::vector<std::uint64_t> older;   // of each page before the last: the row in its middle and its last one
  std::vector<std::uint64_t> newest;  // the end of the page that was read last, in order
  std::uint64_t middle = 0;           // the row in its middle

  /// The newest page becomes one of the older ones.
  void turn_page();
};

/// Whether the remote gives pages the size that they are asked for in.
enum class Sizes { kUnknown, kObeyed, kIgnored };

/// What went wrong with the list in this run. It stands in the cursor, for a slow remote gets through a page or two of it in
/// a slice, and a run has any number of slices.
struct Trouble {
  std::int64_t dropped = 0;   // pages that did not join
  std::int64_t restarts = 0;  // of those, after which the list was begun anew
  std::int64_t repeated = 0;  // pages that had come before
  std::int64_t empty = 0;     // pages without a row that promised more
};

/// A page of this pass, to recognise it when it comes again.
struct CamePage {
  std::int64_t begin = 0;
  std::uint64_t rows = 0;  // its first ones
};

struct Pass {
  std::int64_t page = 1;     // the next one to read, where all have the same size
  std::int64_t covered = 0;  // so many rows from the first one on are read
  std::optional<std::int64_t> unproven;  // covered at the first edge that was not proven
  SeenRows seen;
  std::int64_t started_ms = 0;
  std::optional<std::int64_t> since_ms;
  std::optional<std::int64_t> candidate_ms;  // latest change seen; becomes the watermark when the pass is complete
  std::optional<std::int64_t> total;         // rows of the whole list, when it was last said
  Asking asking = Asking::kPlain;
  Sizes sizes = Sizes::kUnknown;
  Trouble trouble;
  std::vector<CamePage> came;

  /// Remembers it; of many, the first and the last ones.
  void note(CamePage page);
};

/// A document that was fetched and not all of its parts: what is paid for is kept until the rest can be had.
struct Unfinished {
  std::string id;
  std::string version;  // that was wanted; another one is fetched anew
  json::Value document;
  json::Value parts = json::Value::object();  // by name, those that came
};

struct Cursor {
  std::optional<std::int64_t> watermark_ms;
  std::optional<std::int64_t> disobeyed_until_ms;  // until then sort, filter and probe are not tried
  std::optional<std::int64_t> draining_ms;         // the list is done, the queue was being worked off then; holds for the run
  std::optional<Pass> pass;
  std::vector<Unfinished> unfinished;

  [[nodiscard]] json::Value to_json() const;
};

/// Throws Failure: BERTH_UNSUPPORTED for a mode that is not known, BERTH_INTERNAL for what is not a plan.
Plan read_plan(std::string_view plan_json);
/// Throws Failure (BERTH_UNSUPPORTED) for a cursor that this engine has not written.
Cursor read_cursor(std::string_view cursor_json);

}  // namespace berth::pulling
