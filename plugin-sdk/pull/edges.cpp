#include "edges.hpp"

#include <algorithm>
#include <utility>

#include "berth/failure.hpp"

namespace berth::pulling {
namespace {

/// So many pages that did not join are dropped in one call, and so often the list is begun anew.
constexpr int kDroppedMax = 8;
constexpr int kRestartsMax = 2;
/// A whole page that came before can be chance (as many rows were added as lie between), so the list is begun again once; then
/// it is a remote that does not turn the page.
constexpr int kRepeatedMax = 1;
constexpr std::size_t kComparedRows = 8;
/// Kept of the page read last: a deletion or two, or an edit, must not cost a step back.
constexpr std::size_t kNewestKept = 64;

/// FNV-1a, 64 bits: the cursor keeps it, so it must not differ from build to build.
std::uint64_t hash_of(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return (hash ^ 0xffU) * 0x100000001b3ULL;
}

}  // namespace

Ask page_reaching(std::int64_t begin_max, std::int64_t size_max) {
  Ask best{1, size_max};
  for (std::int64_t size = size_max; size > 0; --size) {
    const Ask ask{begin_max / size + 1, size};
    if (ask.end() > best.end()) best = ask;
  }
  return best;
}

std::uint64_t row_key(const Ref& ref) {
  return hash_of(hash_of(0xcbf29ce484222325ULL, ref.remote_id), ref.version);
}

bool Edges::is_counted() const {
  return pass().total && pass().asking == Asking::kPlain && session_.plan().mode != Mode::kWindow;
}

bool Edges::is_sizing() const { return is_size_obeyed_ && !session_.phase().page.size_param.empty(); }

bool Edges::needs_proof() const {
  if (session_.plan().limit) return false;  // a pass that is cut is never complete
  const auto& watermark = session_.cursor.watermark_ms;
  if (session_.plan().mode != Mode::kChanges || !watermark) return true;
  return pass().candidate_ms && *pass().candidate_ms > *watermark;
}

Ask Edges::next() const {
  const std::int64_t size = session_.phase().page.size;
  if (!is_sizing()) return {pass().page, size};
  const std::int64_t covered = pass().covered;
  if (back_ > 0) return page_reaching(std::max<std::int64_t>(0, covered - back_), size);
  const bool overlaps = covered > 0 && needs_proof() && !is_counted();
  for (std::int64_t overlap = overlaps ? std::min(overlap_, covered) : 0; overlap > 0; overlap /= 2) {
    const Ask ask = page_reaching(covered - overlap, size);
    if (ask.end() > covered) return ask;  // pages of a few rows cannot always overlap and get on
  }
  return page_reaching(covered, size);
}

bool Edges::is_known(std::uint64_t row) const {
  const auto& seen = pass().seen;
  return std::find(seen.newest.begin(), seen.newest.end(), row) != seen.newest.end() ||
         std::find(seen.older.begin(), seen.older.end(), row) != seen.older.end();
}

bool Edges::joins(const Ask& ask, PageSeen& page) {
  page.came_before.assign(page.rows.size(), false);
  if (!page.is_sized && is_sizing()) {
    is_size_obeyed_ = false;
    back_ = 0;
    if (ask.number != pass().page) return false;  // asked for again, by its number alone
  }
  if (is_repeated(ask, page)) return false;
  if (ask.number == 1) {
    pass().seen = {};
    pass().unproven.reset();
    if (dropped_ == 0 || !is_sizing()) pass().total = page.total;
  } else if (page.rows.empty() && page.more) {
    is_behind_empty_ = true;  // nothing on it can be known again
  } else if (back_ == 0 && is_counted()) {
    if (page.total && *page.total < *pass().total) return drop(ask);
    pass().total = page.total;
  } else if (ask.begin() < pass().covered && is_sizing() && !is_behind_empty_) {
    std::transform(page.rows.begin(), page.rows.end(), page.came_before.begin(), [this](std::uint64_t row) { return is_known(row); });
    if (std::find(page.came_before.begin(), page.came_before.end(), true) == page.came_before.end()) return drop(ask);
  } else if (!needs_proof() && is_sizing() && !pass().unproven) {
    pass().unproven = pass().covered;
  }
  accept(ask, page);
  return true;
}

void Edges::accept(const Ask& ask, const PageSeen& page) {
  back_ = 0;
  if (!page.rows.empty()) is_behind_empty_ = false;
  pass().page = ask.number + 1;
  pass().covered = ask.end();
  // Behind an edge that is not proven nothing is known to be whole.
  if (pass().unproven || page.rows.empty()) return;
  pass().seen.turn_page();
  const std::size_t kept = std::min(page.rows.size(), kNewestKept);
  pass().seen.newest.assign(page.rows.end() - static_cast<std::ptrdiff_t>(kept), page.rows.end());
  pass().seen.middle = page.rows[page.rows.size() / 2];
}

bool Edges::goes_back() {
  if (!pass().unproven || !needs_proof() || !is_sizing()) return false;
  pass().covered = *std::exchange(pass().unproven, std::nullopt);
  pass().page = pass().covered / session_.phase().page.size + 1;
  came_.clear();
  return true;
}

bool Edges::drop(const Ask& ask) {
  const std::int64_t size = session_.phase().page.size;
  const bool is_from_the_beginning = !is_sizing() || back_ >= size;
  restarts_ += is_from_the_beginning ? 1 : 0;
  if (++dropped_ > kDroppedMax || restarts_ > kRestartsMax) {
    session_.cursor.pass.reset();
    session_.checkpoint();
    throw Failure(BERTH_BAD_RESPONSE, "berth.list_unsteady",
                  "Rows of the list of the phase " + session_.phase().id + " were removed faster than it could be read, at page " +
                      std::to_string(ask.number) + "; the next pass reads it again from the beginning.");
  }
  session_.warn("list.shifted", "Rows were removed or moved while the list was read; it is read again from before them.",
                json::Value::object({{"page", ask.number}}));
  // What is removed once is removed again: from now on a few rows may go between two pages, which a count does not allow.
  overlap_ = std::max<std::int64_t>(size / 4, 2);
  pass().total.reset();
  if (is_from_the_beginning) {
    begin_again();
  } else {
    back_ = back_ == 0 ? overlap_ : size;
  }
  return false;
}

void Edges::begin_again() {
  back_ = 0;
  pass().page = 1;
  pass().covered = 0;
  came_.clear();
}

/// Whatever is done about it, the pass begins again: the page that should have come was never read.
bool Edges::is_repeated(const Ask& ask, const PageSeen& page) {
  if (page.rows.empty()) return false;
  Came came{ask.begin(), {page.rows.begin(), page.rows.begin() + static_cast<std::ptrdiff_t>(std::min(page.rows.size(), kComparedRows))}};
  const std::int64_t apart = std::max<std::int64_t>(session_.phase().page.size / 2, 1);
  const bool is_again = std::any_of(came_.begin(), came_.end(), [&](const Came& before) {
    if (before.begin + apart > came.begin) return false;
    const std::size_t both = std::min(before.rows.size(), came.rows.size());
    return std::equal(before.rows.begin(), before.rows.begin() + static_cast<std::ptrdiff_t>(both), came.rows.begin());
  });
  if (!is_again) {
    came_.push_back(std::move(came));
    return false;
  }
  begin_again();
  if (++repeated_ <= kRepeatedMax) return true;
  session_.checkpoint();
  throw Failure(BERTH_BAD_RESPONSE, session_.reason("list.repeated"),
                "The list of the phase " + session_.phase().id + " sends rows of an earlier page again for page " + std::to_string(ask.number) + ".");
}

}  // namespace berth::pulling
