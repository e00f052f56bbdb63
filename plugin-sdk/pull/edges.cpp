#include "edges.hpp"

#include <algorithm>
#include <utility>

#include "berth/failure.hpp"

namespace berth::pulling {
namespace {

/// So many pages that did not join are dropped in one run, and so often the list is begun anew.
constexpr std::int64_t kDroppedMax = 8;
constexpr std::int64_t kRestartsMax = 2;
/// Pages that do not join before it is tried whether a remote that says so obeys the size of pages.
constexpr std::int64_t kBelievedMax = 2;
/// A whole page that came before can be chance (as many rows were added as lie between), so the list is begun again once; then
/// it is a remote that does not turn the page.
constexpr std::int64_t kRepeatedMax = 1;
/// Of a page that may come again, its first rows; of small pages half of them, for pages overlap.
constexpr std::int64_t kComparedRows = 8;
/// Kept of the page read last: a deletion or two, or an edit, must not cost a step back.
constexpr std::size_t kNewestKept = 64;

constexpr std::uint64_t kHashBegin = 0xcbf29ce484222325ULL;
/// FNV-1a, 64 bits: the cursor keeps it, so it must not differ from build to build.
std::uint64_t hash_of(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return (hash ^ 0xffU) * 0x100000001b3ULL;
}

std::uint64_t hash_of(std::uint64_t hash, std::uint64_t number) {
  for (unsigned shift = 0; shift < 64; shift += 8) hash = (hash ^ ((number >> shift) & 0xffU)) * 0x100000001b3ULL;
  return hash;
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
  return hash_of(hash_of(kHashBegin, ref.remote_id), ref.version);
}

bool Edges::is_counted() const {
  return pass().total && pass().asking == Asking::kPlain && session_.plan().mode != Mode::kWindow;
}

bool Edges::is_sizing() const { return pass().sizes != Sizes::kIgnored && !session_.phase().page.size_param.empty(); }

bool Edges::is_trying_sizes() const {
  return is_sizing() && pass().sizes == Sizes::kUnknown && pass().trouble.dropped > 0 && pass().covered == 0 && session_.phase().page.size > 1;
}

/// What is removed once is removed again: then a few rows may go between two pages, which a count does not allow.
std::int64_t Edges::overlap() const {
  return pass().trouble.dropped == 0 ? 1 : std::max<std::int64_t>(session_.phase().page.size / 4, 2);
}

bool Edges::needs_proof() const {
  if (session_.plan().limit) return false;  // a pass that is cut is never complete
  // What a sweep does not see is asked for by itself before anything is believed of it.
  if (session_.plan().mode == Mode::kSweep) return false;
  const auto& watermark = session_.cursor.watermark_ms;
  if (session_.plan().mode != Mode::kChanges || !watermark) return true;
  return pass().candidate_ms && *pass().candidate_ms > *watermark;
}

Ask Edges::next() const {
  const std::int64_t size = session_.phase().page.size;
  if (!is_sizing()) return {pass().page, size};
  if (is_trying_sizes()) return {1, size - 1};
  const std::int64_t covered = pass().covered;
  if (back_ > 0) return page_reaching(std::max<std::int64_t>(0, covered - back_), size);
  const bool overlaps = covered > 0 && needs_proof() && !is_counted();
  for (std::int64_t rows = overlaps ? std::min(overlap(), covered) : 0; rows > 0; rows /= 2) {
    const Ask ask = page_reaching(covered - rows, size);
    if (ask.end() > covered) return ask;  // pages of a few rows cannot always overlap and get on
  }
  return page_reaching(covered, size);
}

bool Edges::is_known(std::uint64_t row) const {
  const auto& seen = pass().seen;
  return std::find(seen.newest.begin(), seen.newest.end(), row) != seen.newest.end() ||
         std::find(seen.older.begin(), seen.older.end(), row) != seen.older.end();
}

/// Only a page that came shorter than pages are otherwise, and whole, shows that it was made so.
void Edges::learn_sizes(const Ask& ask, const PageSeen& page) {
  const auto asked = static_cast<std::size_t>(ask.size);
  if (!page.is_sized || (is_trying_sizes() && page.rows.size() < asked && page.more)) {
    pass().sizes = Sizes::kIgnored;
  } else if (is_trying_sizes() && page.rows.size() == asked) {
    pass().sizes = Sizes::kObeyed;
    warn_shifted(ask);
  }
}

bool Edges::joins(const Ask& ask, PageSeen& page) {
  page.came_before.assign(page.rows.size(), false);
  if (is_sizing()) {
    learn_sizes(ask, page);
    if (!is_sizing()) {
      back_ = 0;
      if (ask.number != pass().page) return false;  // asked for again, by its number alone
    }
  }
  if (is_repeated(ask, page)) return false;
  if (ask.number == 1) {
    pass().seen = {};
    pass().unproven.reset();
    if (pass().trouble.dropped == 0 || !is_sizing()) pass().total = page.total;
  } else if (page.rows.empty() && page.more) {
    is_behind_empty_ = true;  // nothing on it can be known again
  } else if (back_ == 0 && is_counted() && (page.total || !is_sizing())) {
    if (page.total && *page.total < *pass().total) return drop(ask, page);
    if (page.total) pass().total = page.total;
  } else if (back_ == 0 && is_counted() && needs_proof()) {
    pass().total.reset();  // it was asked for without an overlap, because the count would have told
    return false;
  } else if (ask.begin() < pass().covered && is_sizing() && !is_behind_empty_) {
    std::transform(page.rows.begin(), page.rows.end(), page.came_before.begin(), [this](std::uint64_t row) { return is_known(row); });
    if (std::find(page.came_before.begin(), page.came_before.end(), true) == page.came_before.end()) return drop(ask, page);
    if (ask.size < session_.phase().page.size && page.rows.size() == static_cast<std::size_t>(ask.size)) pass().sizes = Sizes::kObeyed;
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
  pass().came.clear();
  return true;
}

void Edges::warn_shifted(const Ask& ask) const {
  session_.warn("list.shifted", "Rows were removed or moved while the list was read; it is read again from before them.",
                json::Value::object({{"page", ask.number}}));
}

bool Edges::drop(const Ask& ask, const PageSeen& page) {
  const std::int64_t size = session_.phase().page.size;
  // It may have another size than asked for. What the remote says about that is believed for a few pages.
  const bool is_size_unknown = is_sizing() && pass().sizes == Sizes::kUnknown && size > 1;
  const bool is_try = is_size_unknown && (!page.is_echoed || pass().trouble.dropped >= kBelievedMax);
  const bool is_from_the_beginning = !is_sizing() || back_ >= size || is_try;
  Trouble& trouble = pass().trouble;
  trouble.restarts += is_from_the_beginning && !is_try ? 1 : 0;
  if (++trouble.dropped > kDroppedMax || trouble.restarts > kRestartsMax) {
    session_.cursor.pass.reset();
    session_.checkpoint();
    throw Failure(BERTH_BAD_RESPONSE, "berth.list_unsteady",
                  "Rows of the list of the phase " + session_.phase().id + " were removed faster than it could be read, at page " +
                      std::to_string(ask.number) + "; the next pass reads it again from the beginning.");
  }
  if (!is_try) warn_shifted(ask);
  pass().total.reset();
  if (is_from_the_beginning) {
    begin_again();
  } else {
    back_ = back_ == 0 ? overlap() : size;
  }
  return false;
}

void Edges::begin_again() {
  back_ = 0;
  pass().page = 1;
  pass().covered = 0;
  pass().came.clear();
}

/// Whatever is done about it, the pass begins again: the page that should have come was never read.
bool Edges::is_repeated(const Ask& ask, const PageSeen& page) {
  if (page.rows.empty()) return false;
  const std::int64_t size = session_.phase().page.size;
  const std::size_t compared = std::min(page.rows.size(), static_cast<std::size_t>(std::clamp<std::int64_t>(size / 2, 1, kComparedRows)));
  CamePage came{ask.begin(), kHashBegin};
  for (std::size_t i = 0; i < compared; ++i) came.rows = hash_of(came.rows, page.rows[i]);
  const std::int64_t apart = std::max<std::int64_t>(size / 2, 1);
  const bool is_again = std::any_of(pass().came.begin(), pass().came.end(), [&](const CamePage& before) {
    return before.begin + apart <= came.begin && before.rows == came.rows;
  });
  if (!is_again) {
    pass().note(came);
    return false;
  }
  begin_again();
  if (++pass().trouble.repeated <= kRepeatedMax) return true;
  session_.cursor.pass.reset();
  session_.checkpoint();
  throw Failure(BERTH_BAD_RESPONSE, session_.reason("list.repeated"),
                "The list of the phase " + session_.phase().id + " sends rows of an earlier page again for page " + std::to_string(ask.number) + ".");
}

}  // namespace berth::pulling
