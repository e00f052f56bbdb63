#pragma once
// The edges between the pages of a list. A remote pages by offset: page n is rows (n-1)*size and on of the list as it is
// at that moment. Between two calls rows come, move and go. Whatever pushes others down brings rows twice, which costs
// nothing. Whatever pulls others up (a row that is removed, or moves behind) brings a row from page n+1 onto page n, which
// was read already: nobody would ever see it. Page n+1 alone does not show that. Two things do:
//
// - Overlap. The next page is asked for with another size, so that it begins before the last row that was read:
//   200 rows from 0, then 199 from 199, 198 from 396 and so on. A row of a page read before that stands there unchanged
//   (same id, same version) has kept its place among all rows that did not change, so everything behind it is on this
//   page or on a later one. One more call for lists of up to about ten pages, every tenth call for longer ones.
// - The count. Where the remote says how many rows the list has, and rows can be added at its front only, rows were pulled
//   up only if the count went down. Costs nothing. The phase file names the place of the count only for such a list, and it is
//   believed only in a pass that filters nothing.
//
// Neither is needed while a pass has met nothing newer than the watermark: then the watermark stays where it is, and what
// was not seen is listed by the next pass. So a sync without changes costs what its pages cost. When something newer comes
// after an edge that was not proven, the pass goes back to that edge.
//
// A page without a count, of a list whose pages had one, is asked for again so that it overlaps.
//
// A page that does not join what was read before is dropped, and the list is read again from a quarter of a page before, then
// from a whole one, then from its beginning. A list that moves faster than it can be read ends the phase as incomplete; its pass is forgotten, so
// that the watermark stays and the next run reads it from the beginning.
//
// A remote may have a size of pages of its own. Longer pages than asked for show it, and so does what it echoes; a last page
// that is short and does not join shows nothing. Then the list is begun again with pages that are shorter by a row: one that
// comes longer settles it. Of such a remote the pages are read side by side, with no proof but a count.
//
// Belongs to one call of run_phase, like the session; what it has to know in the next one stands in the cursor. That it
// gives up on a list is a matter of the whole run.
#include <cstdint>
#include <optional>
#include <vector>

#include "session.hpp"

namespace berth::pulling {

/// One page as it is asked for.
struct Ask {
  std::int64_t number = 1;
  std::int64_t size = 0;
  [[nodiscard]] std::int64_t begin() const { return (number - 1) * size; }
  [[nodiscard]] std::int64_t end() const { return number * size; }
};

/// Of the pages that begin at that row or before, the one that reaches furthest.
[[nodiscard]] Ask page_reaching(std::int64_t begin_max, std::int64_t size_max);

/// One page as it came.
struct PageSeen {
  std::vector<std::uint64_t> rows;    // row_key() of each
  std::optional<std::int64_t> total;  // rows of the whole list, where the remote says so
  bool more = false;
  bool is_sized = true;               // it has the size that was asked for, or may have: a shorter one can be the last
  bool is_echoed = false;             // the remote says that it has
  std::vector<bool> came_before;      // for each row, set by joins(): it was on a page before, and nothing is to be done with it
};

/// What a row is recognised by: its id and its version.
[[nodiscard]] std::uint64_t row_key(const Ref& ref);

class Edges {
 public:
  explicit Edges(Session& session) : session_(session) {}

  /// The page that comes next.
  [[nodiscard]] Ask next() const;
  /// Whether nothing was lost between what was read before and this page, which counts as read then. If not, it is to be
  /// dropped: next() is another page now. Throws Failure when there is no sense in asking on: list.repeated, berth.list_unsteady.
  [[nodiscard]] bool joins(const Ask& ask, PageSeen& page);
  /// To be asked when the rows of a page were taken: the pass goes back to an edge that has to be proven now.
  [[nodiscard]] bool goes_back();

 private:
  [[nodiscard]] Pass& pass() const { return *session_.cursor.pass; }
  [[nodiscard]] bool is_sizing() const;
  /// The list was begun again to learn whether the remote obeys the size of pages.
  [[nodiscard]] bool is_trying_sizes() const;
  [[nodiscard]] bool is_counted() const;
  [[nodiscard]] bool needs_proof() const;
  [[nodiscard]] bool is_known(std::uint64_t row) const;
  [[nodiscard]] std::int64_t overlap() const;
  void learn_sizes(const Ask& ask, const PageSeen& page);
  bool is_repeated(const Ask& ask, const PageSeen& page);
  bool drop(const Ask& ask, const PageSeen& page);
  void warn_shifted(const Ask& ask) const;
  void begin_again();
  void accept(const Ask& ask, const PageSeen& page);

  Session& session_;
  std::int64_t back_ = 0;  // rows to step back; 0: not now
  bool is_behind_empty_ = false;
};

}  // namespace berth::pulling
