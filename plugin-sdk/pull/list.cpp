// The list of a phase. Two things are not taken on trust: the order of the rows and the filter by time. Page 1 shows
// whether the remote obeys; where it does not, the list is asked for again without them and read whole, for a week.
//
// Nor are the pages, which rows leave and enter while they are read: edges.hpp.
#include <algorithm>
#include <limits>
#include <utility>

#include "edges.hpp"
#include "session.hpp"

namespace berth::pulling {
namespace {

/// The names that remotes of this kind use for the order of a list, in the query and in what they echo.
constexpr std::string_view kSortColumn = "sort_column";
constexpr std::string_view kSortOrder = "sort_order";
constexpr std::string_view kDescending = "D";

constexpr std::int64_t kDisobeyedForMs = std::int64_t{7} * 24 * 60 * 60 * 1000;
/// Versions have whole seconds, and so has the filter.
constexpr std::int64_t kFilterToleranceMs = 1000;
/// Pages that promise more but have no row: a remote that never ends is stopped here.
constexpr std::int64_t kMaxEmptyPages = 3;
/// Clocks that differ by less are no news; answers take their time.
constexpr std::int64_t kClocksApartMs = std::int64_t{5} * 60 * 1000;
constexpr std::size_t kRefsPerQuestion = 1000;
/// Details of what changed come before those of the history, each in the order of rank().
constexpr std::int32_t kFreshPriority = 200;
constexpr std::int32_t kHistoryPriority = 0;
constexpr std::int32_t kFirstRank = 199;
constexpr std::int32_t kNewestRank = 198;
constexpr std::int64_t kDayMs = std::int64_t{24} * 60 * 60 * 1000;
constexpr std::int64_t kMonthMs = std::int64_t{30} * 24 * 60 * 60 * 1000;

struct Row {
  const json::Value* value = nullptr;
  Ref ref;
  std::optional<std::int64_t> changed_ms;
};

struct PageRead {
  json::Value document;
  json::Value echo;  // an object, or null
  std::vector<Row> rows;
  PageSeen seen;
  bool more = false;
};

std::optional<std::int64_t> time_at(const json::Value& row, std::string_view field) {
  const json::Value* found = field.empty() ? nullptr : row.at_path(field);
  if (found == nullptr) return std::nullopt;
  const auto moment = times::parse(found->text());
  return moment ? std::optional<std::int64_t>(moment->unix_ms) : std::nullopt;
}

bool is_since(const phases::Param& param) {
  return param.value.find("{since}") != std::string::npos;
}

const std::string* value_of(const std::vector<phases::Param>& params, std::string_view name) {
  const auto found =
      std::find_if(params.begin(), params.end(), [&](const phases::Param& param) { return param.name == name; });
  return found == params.end() ? nullptr : &found->value;
}

/// "30 days", "2 hours", "7 minutes".
std::string rounded(std::int64_t ms) {
  constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
  const auto in = [&](std::int64_t unit, const char* name) {
    const std::int64_t count = (ms + unit / 2) / unit;
    return std::to_string(count) + name + (count == 1 ? "" : "s");
  };
  return ms >= kDay ? in(kDay, " day") : ms >= kHour ? in(kHour, " hour") : in(kMinute, " minute");
}

class ListPass {
 public:
  explicit ListPass(Session& session)
      : session_(session),
        phase_(session.phase()),
        mode_(session.plan().mode),
        edges_(session),
        changed_field_(phase_.until ? phase_.until->field : phase_.list.version) {}

  bool run() {
    if (!session_.cursor.pass) begin();
    if (!session_.plan().goes_on) {
      pass().trouble = {};  // what an earlier run met
      pass().came.clear();
    }
    while (true) {
      session_.stop_if_asked();
      ask_ = edges_.next();
      PageRead page = read_page();
      if (!edges_.joins(ask_, page.seen)) continue;
      if (page.rows.empty() && page.more && ++pass().trouble.empty > kMaxEmptyPages) {
        session_.cursor.pass.reset();  // what stands on pages that came empty was never read
        session_.checkpoint();
        throw Failure(BERTH_BAD_RESPONSE, session_.reason("list.endless"),
                      "The list of the phase " + phase_.id + " promises more pages, but they are empty.");
      }
      const bool is_end = is_last(page);
      forget_known(page);
      const std::size_t taken = take(page);
      const bool is_cut = taken < page.rows.size();
      const bool goes_back = edges_.goes_back();
      // A limit (of a dry run) that falls on the end of a list has cut nothing off.
      if (!is_cut && !goes_back && is_end) {
        end();
        return true;
      }
      if (is_cut) session_.cursor.pass.reset();  // the rest of the page was not taken
      session_.checkpoint();
      if (is_cut || limit_reached()) return false;
    }
  }

 private:
  Pass& pass() { return *session_.cursor.pass; }

  void begin() {
    Pass fresh;
    fresh.started_ms = session_.host().now_unix_ms();
    if (mode_ == Mode::kChanges) fresh.since_ms = since();
    const auto& until = session_.cursor.disobeyed_until_ms;
    if (until && *until <= fresh.started_ms) session_.cursor.disobeyed_until_ms.reset();
    if (fresh.since_ms && asks_for_order()) {
      fresh.asking = session_.cursor.disobeyed_until_ms ? Asking::kStripped : Asking::kOrdered;
    }
    session_.cursor.draining_ms.reset();
    session_.cursor.pass = fresh;
  }

  /// The later one of the floor and the watermark less the overlap.
  std::optional<std::int64_t> since() const {
    std::optional<std::int64_t> out = session_.floor_ms();
    if (const auto& watermark = session_.cursor.watermark_ms) {
      const std::int64_t overlapped = *watermark - phase_.overlap_ms;
      out = out ? std::max(*out, overlapped) : overlapped;
    }
    return out;
  }

  static bool is_order_or_filter(const phases::Param& param) {
    return param.name == kSortColumn || param.name == kSortOrder || is_since(param);
  }
  bool asks_for_order() const {
    return !phase_.list.probe.empty() ||
           std::any_of(phase_.list.query.begin(), phase_.list.query.end(), is_order_or_filter);
  }

  std::vector<phases::Param> params() {
    std::vector<phases::Param> out;
    for (const phases::Param& param : phase_.list.query) {
      if (pass().asking != Asking::kStripped || !is_order_or_filter(param)) out.push_back(param);
    }
    if (pass().asking == Asking::kOrdered) out.insert(out.end(), phase_.list.probe.begin(), phase_.list.probe.end());
    return out;
  }

  Response fetch(const std::vector<phases::Param>& query) {
    Request request = session_.request(phase_.list.path, query, "", pass().since_ms);
    request.kind = CallKind::kList;
    if (mode_ == Mode::kWindow && session_.plan().from) {
      // Days are inclusive on both sides, the plan ends before its `to`.
      const Plan& plan = session_.plan();
      request.query.emplace_back(phase_.window->from, times::format_date(*plan.from));
      request.query.emplace_back(phase_.window->to,
                                 times::format_date({plan.to->unix_ms - 1, plan.to->offset_minutes}));
    }
    request.query.emplace_back(phase_.page.param, std::to_string(ask_.number));
    if (!phase_.page.size_param.empty()) request.query.emplace_back(phase_.page.size_param, std::to_string(ask_.size));
    return session_.host().send(request);
  }

  PageRead read_page() {
    const std::vector<phases::Param> query = params();
    const bool is_proving = ask_.number == 1 && pass().asking == Asking::kOrdered;
    const Response answer = fetch(query);
    const bool is_refused = answer.verdict != Verdict::kNone || answer.status < 200 || answer.status > 299;
    // An address that the remote does not know is no refused order or filter: asking without them would not find it either.
    const bool is_unknown_address = answer.status == 404;
    if (is_refused && is_proving && answer.status < 500 && !is_unknown_address) {
      disobeyed("refused with HTTP " + std::to_string(answer.status) +
                (answer.remote_code.empty() ? "" : ", code " + answer.remote_code));
      return read_page();
    }
    if (is_refused) {
      throw Failure(BERTH_BAD_RESPONSE, session_.reason("list.refused"),
                    "The list of the phase " + phase_.id + " was refused with HTTP " + std::to_string(answer.status) +
                        (answer.remote_code.empty() ? "" : " and code " + answer.remote_code) + ".");
    }
    PageRead page = understand(answer.body);
    see_window(page);
    if (ask_.number == 1 && !std::exchange(is_compared_, true)) compare_clocks(answer);
    if (is_proving) {
      if (const auto what = disobedience(page, query)) {
        disobeyed(*what);
        return read_page();
      }
    }
    return page;
  }

  PageRead understand(std::string_view body) {
    PageRead page;
    if (const std::size_t values = values_in(body); values > kMaxValues) {
      throw Failure(BERTH_BAD_RESPONSE, session_.reason("list.too_dense"),
                    "A page of the list of the phase " + phase_.id + " has " + std::to_string(values) + " values, more than the " +
                        std::to_string(kMaxValues) + " that can be read.");
    }
    json::Parsed parsed = json::parse(body);
    if (!parsed.ok()) {
      throw Failure(BERTH_BAD_RESPONSE, session_.reason("list.not_json"),
                    "The list of the phase " + phase_.id + " is not JSON (" + parsed.error.message + ").");
    }
    page.document = std::move(parsed.value);
    const json::Value* rows = first_of(page.document, phase_.list.rows);
    const bool is_nothing = rows != nullptr && (rows->is_null() || (rows->is_string() && rows->text().empty()));
    if (rows == nullptr || (!rows->is_array() && !is_nothing)) {
      throw Failure(BERTH_BAD_RESPONSE, session_.reason("list.shape"),
                    "The list of the phase " + phase_.id + " has no rows under \"" + phase_.list.rows.front() + "\".");
    }
    page.echo = context_at(page.document, phase_.page.echo);
    for (const json::Value& row : rows->items()) add_row(page, row);
    page.more = page.seen.more = says_more(page.document, rows->items().size());
    if (!phase_.page.total.empty()) {
      if (const json::Value total = said(page.document, phase_.page.total); total.is_number()) page.seen.total = total.integer();
    }
    const auto echoed = phase_.page.size_param.empty() ? std::nullopt : echoed_size(page.echo);
    page.seen.is_echoed = echoed == ask_.size;
    page.seen.is_sized = rows->items().size() <= static_cast<std::size_t>(ask_.size) && (!echoed || page.seen.is_echoed);
    return page;
  }

  /// The size that the page has by what the remote says about it.
  std::optional<std::int64_t> echoed_size(const json::Value& echo) const {
    const json::Value* said = echo.find(phase_.page.size_param);
    return said == nullptr ? std::nullopt : said->integer();
  }

  /// The watermark must not pass what the remote has by its own clock, and a clock that is wrong should be noticed.
  void compare_clocks(const Response& answer) {
    const auto header = answer.header("date");
    const auto theirs = header ? times::parse_http_date(*header) : std::nullopt;
    if (!theirs) return;
    const std::int64_t ahead = session_.host().now_unix_ms() - *theirs;
    pass().started_ms = std::min(pass().started_ms, *theirs);
    if (ahead > -kClocksApartMs && ahead < kClocksApartMs) return;
    session_.warn("list.clock", "This machine's clock is " + rounded(ahead < 0 ? -ahead : ahead) + (ahead > 0 ? " ahead of" : " behind") + " the remote's.");
  }

  /// What the remote says about the page: an object, a list of one object, or nothing at all.
  static json::Value context_at(const json::Value& document, std::string_view field) {
    const json::Value* found = field.empty() ? nullptr : document.at_path(field);
    if (found != nullptr && found->is_array() && !found->items().empty()) found = &found->items().front();
    return found != nullptr && found->is_object() ? *found : json::Value();
  }

  /// A member of what the remote says about the page, by its dotted path; null where it says nothing.
  static json::Value said(const json::Value& document, std::string_view field) {
    const std::size_t dot = field.rfind('.');
    const json::Value owner = dot == std::string_view::npos ? document : context_at(document, field.substr(0, dot));
    const json::Value* found = owner.find(dot == std::string_view::npos ? field : field.substr(dot + 1));
    return found == nullptr ? json::Value() : *found;
  }

  bool says_more(const json::Value& document, std::size_t rows) {
    const json::Value more = said(document, phase_.page.more);
    if (!more.is_null()) return more.boolean() || more.text() == "true";
    // Not said: a page that is as long as it was asked to be is not taken for the last one.
    const bool is_full = !phase_.page.size_param.empty() && rows >= static_cast<std::size_t>(ask_.size);
    if (is_full && !std::exchange(is_said_, true)) {
      session_.warn("list.no_page_context",
                    "The list does not say whether there are more pages; it is read until a page is not full.");
    }
    return is_full;
  }

  void add_row(PageRead& page, const json::Value& value) {
    Row row;
    row.value = &value;
    const json::Value* id = value.at_path(phase_.list.id);
    row.ref.remote_id =
        session_.hooks().row_id ? session_.hooks().row_id(phase_, value) : std::string(id == nullptr ? "" : id->text());
    if (row.ref.remote_id.empty()) {
      session_.warn("list.row_without_id", "A row of the list has no id; it is skipped.");
      return;
    }
    row.ref.entity = phase_.entity;
    const json::Value* version = phase_.list.version.empty() ? nullptr : value.at_path(phase_.list.version);
    if (version != nullptr) row.ref.version = version->text();
    row.changed_ms = time_at(value, changed_field_);
    page.seen.rows.push_back(row_key(row.ref));
    page.rows.push_back(std::move(row));
  }

  // ---- does the remote obey?

  void disobeyed(const std::string& what) {
    session_.warn("list.disobeyed",
                  "The remote did not obey the order or filter of the list (" + what +
                      "); the list is read whole for seven days.",
                  json::Value::object({{"what", what}}));
    pass().asking = Asking::kStripped;
    session_.cursor.disobeyed_until_ms = session_.host().now_unix_ms() + kDisobeyedForMs;
  }

  /// A row of another day than was asked for: windows would each bring the whole list. The host asks for it once, without them.
  void see_window(const PageRead& page) {
    if (mode_ != Mode::kWindow || !session_.plan().from || !phase_.priority) return;
    const Plan& plan = session_.plan();
    for (const Row& row : page.rows) {
      const auto date = time_at(*row.value, phase_.priority->date);
      // Where a day begins is the remote's affair.
      if (!date || (*date >= plan.from->unix_ms - kDayMs && *date < plan.to->unix_ms + kDayMs)) continue;
      const std::string what = "a row of " + times::format_date({*date, 0}) + ", asked from " + times::format_date(*plan.from) + " to before " + times::format_date(*plan.to);
      session_.warn("list.disobeyed", "The remote did not obey the days that the list was asked for (" + what + "); the history is read whole, once.",
                    json::Value::object({{"what", what}}));
      session_.cursor.pass.reset();
      session_.checkpoint();
      throw Failure(BERTH_BAD_RESPONSE, "berth.window_ignored", "The list of the phase " + phase_.id + " shows other days than it was asked for: " + what + ".");
    }
  }

  std::optional<std::string> disobedience(const PageRead& page, const std::vector<phases::Param>& query) {
    const std::string* column = value_of(query, kSortColumn);
    const std::string* order = value_of(query, kSortOrder);
    if (!phase_.page.echo.empty()) {
      for (const auto& [name, wanted] : {std::pair{kSortColumn, column}, std::pair{kSortOrder, order}}) {
        if (wanted == nullptr) continue;
        const std::string_view echoed = page.echo.text_of(name);
        if (echoed != *wanted) {
          return std::string(name) + "=" + *wanted + " asked, " + (echoed.empty() ? "nothing" : std::string(echoed)) +
                 " echoed";
        }
      }
    }
    if (column != nullptr && !is_in_order(page, *column, order == nullptr || *order == kDescending)) {
      return "rows are not in the order of " + *column;
    }
    for (const phases::Param& param : query) {
      if (!is_since(param) || !pass().since_ms) continue;
      for (const Row& row : page.rows) {
        const auto changed = time_at(*row.value, param.name);
        if (changed && *changed < *pass().since_ms - kFilterToleranceMs)
          return "rows lie before the filter " + param.name;
      }
    }
    return std::nullopt;
  }

  /// Only times are compared: how a remote sorts texts is its own affair.
  static bool is_in_order(const PageRead& page, std::string_view column, bool descending) {
    std::optional<std::int64_t> last;
    for (const Row& row : page.rows) {
      const auto time = time_at(*row.value, column);
      if (!time) continue;
      if (last && (descending ? *time > *last : *time < *last)) return false;
      last = time;
    }
    return true;
  }

  /// Newest change first, and shown to be so: older pages hold only older changes.
  bool is_newest_first() {
    if (pass().asking != Asking::kOrdered) return false;
    const std::vector<phases::Param> query = params();
    const std::string* column = value_of(query, kSortColumn);
    const std::string* order = value_of(query, kSortOrder);
    return column != nullptr && *column == changed_field_ && order != nullptr && *order == kDescending;
  }

  bool is_last(const PageRead& page) {
    if (!page.more) return true;
    if (!pass().since_ms || !is_newest_first()) return false;
    return std::any_of(page.rows.begin(), page.rows.end(),
                       [&](const Row& row) { return row.changed_ms && *row.changed_ms < *pass().since_ms; });
  }

  // ---- what is done with the rows

  bool limit_reached() const { return session_.plan().limit && listed_ >= *session_.plan().limit; }

  /// Rows by which the page joined the one before were taken with that one.
  static void forget_known(PageRead& page) {
    std::vector<Row> fresh;
    fresh.reserve(page.rows.size());
    for (std::size_t i = 0; i < page.rows.size(); ++i) {
      if (!page.seen.came_before[i]) fresh.push_back(std::move(page.rows[i]));
    }
    page.rows = std::move(fresh);
  }

  /// Returns how many rows were taken; fewer than there are only where the plan has a limit.
  std::size_t take(const PageRead& page) {
    std::size_t count = page.rows.size();
    if (const auto& limit = session_.plan().limit) {
      count = std::min(count, static_cast<std::size_t>(std::max<std::int64_t>(0, *limit - listed_)));
    }
    for (std::size_t from = 0; from < count; from += kRefsPerQuestion) {
      take_some(std::span(page.rows).subspan(from, std::min(kRefsPerQuestion, count - from)));
    }
    listed_ += static_cast<std::int64_t>(count);
    session_.host().progress(listed_, page.seen.total.value_or(-1));
    return count;
  }

  void take_some(std::span<const Row> rows) {
    std::vector<Ref> refs;
    refs.reserve(rows.size());
    for (const Row& row : rows) refs.push_back(row.ref);
    // Who is asked about counts as seen, and that is all that a sweep wants.
    const std::vector<Known> known = session_.host().known(refs);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Row& row = rows[i];
      if (row.changed_ms)
        pass().candidate_ms = std::max(pass().candidate_ms.value_or(*row.changed_ms), *row.changed_ms);
      if (mode_ == Mode::kSweep) continue;
      if (mode_ != Mode::kWindow && session_.floor_ms() && row.changed_ms && *row.changed_ms < *session_.floor_ms())
        continue;
      if (known[i] == Known::kNone) {
        Record record;
        record.ref = row.ref;
        record.json = json::dump(*row.value);
        record.list_only = true;
        session_.emit(record);
      }
      if (known[i] != Known::kDetail && wants_detail(*row.value)) session_.host().need_detail(row.ref, priority_of(*row.value));
    }
  }

  std::int32_t priority_of(const json::Value& row) const {
    const bool is_history = mode_ == Mode::kWindow;
    if (!phase_.priority) return is_history ? kHistoryPriority : kFreshPriority + kFirstRank / 2;
    return (is_history ? kHistoryPriority : kFreshPriority) + rank(row);
  }

  /// From 0 to kFirstRank: what the phase names first, then a step down for each month of its age.
  std::int32_t rank(const json::Value& row) const {
    if (phase_.priority->first && phases::holds(*phase_.priority->first, row)) return kFirstRank;
    const auto date = time_at(row, phase_.priority->date);
    if (!date) return 0;
    const std::int64_t months = (session_.host().now_unix_ms() - *date) / kMonthMs;
    return kNewestRank - static_cast<std::int32_t>(std::clamp<std::int64_t>(months, 0, kNewestRank));
  }

  bool wants_detail(const json::Value& row) const {
    if (!phase_.detail) return false;
    if (session_.hooks().needs_detail) return session_.hooks().needs_detail(phase_, row);
    if (phase_.detail->when && !phases::holds(*phase_.detail->when, row)) return false;
    return !(phase_.detail->unless && phases::holds(*phase_.detail->unless, row));
  }

  /// The watermark moves to the latest change seen, but never past the start of the pass: what changed on pages already
  /// read lies behind it.
  void end() {
    if (mode_ == Mode::kChanges || mode_ == Mode::kFull) {
      if (const auto& candidate = pass().candidate_ms) {
        const std::int64_t reached = std::min(*candidate, pass().started_ms);
        session_.cursor.watermark_ms = std::max(session_.cursor.watermark_ms.value_or(reached), reached);
      }
    }
    session_.cursor.pass.reset();
    if (mode_ != Mode::kSweep && phase_.detail) session_.cursor.draining_ms = session_.host().now_unix_ms();
    session_.checkpoint(true);
  }

  Session& session_;
  const phases::Phase& phase_;
  Mode mode_;
  Edges edges_;
  Ask ask_;  // the page that is being read
  std::string changed_field_;
  std::int64_t listed_ = 0;
  bool is_compared_ = false;        // the clocks
  bool is_said_ = false;            // that the remote does not say whether there are more pages
};

}  // namespace

bool run_list(Session& session) {
  return ListPass(session).run();
}

}  // namespace berth::pulling
