#include "cursor.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "berth/failure.hpp"

namespace berth::pulling {
namespace {

constexpr std::int64_t kCursorRevision = 1;
constexpr std::int64_t kMaxPage = 10'000'000;
constexpr std::int64_t kMaxCovered = kMaxPage * 1000;
/// Two of each of 500 pages, 16 KiB of the 64 that a cursor may have; unfinished records have up to 40.
constexpr std::size_t kOlderKept = 1000;
constexpr std::size_t kHexOfRow = 16;

/// Pages that are recognised when they come again, 4 KiB; a remote that goes round over more of them is not noticed.
constexpr std::size_t kCameKept = 120;

constexpr std::array<std::pair<Asking, std::string_view>, 3> kAskings = {
    {{Asking::kOrdered, "ordered"}, {Asking::kStripped, "stripped"}, {Asking::kPlain, "plain"}}};
constexpr std::array<std::pair<Sizes, std::string_view>, 3> kSizes = {
    {{Sizes::kUnknown, ""}, {Sizes::kObeyed, "obeyed"}, {Sizes::kIgnored, "ignored"}}};
/// The members of Trouble, by name.
constexpr std::array<std::pair<std::string_view, std::int64_t Trouble::*>, 4> kTroubles = {
    {{"dropped", &Trouble::dropped}, {"restarts", &Trouble::restarts}, {"repeated", &Trouble::repeated}, {"empty", &Trouble::empty}}};

[[noreturn]] void refuse_plan(const std::string& what) {
  throw Failure(BERTH_INTERNAL, "sdk.plan_invalid", "The plan of the run " + what);
}

[[noreturn]] void refuse_cursor(const std::string& what) {
  throw Failure(BERTH_UNSUPPORTED, "sdk.cursor_unknown", "The cursor was not written by this pull engine: " + what);
}

std::optional<times::Moment> plan_time(const json::Value& plan, std::string_view key) {
  const json::Value* found = plan.find(key);
  if (found == nullptr || found->is_null()) return std::nullopt;
  const auto moment = times::parse(found->text());
  if (!moment)
    refuse_plan("has \"" + std::string(found->text()) + "\" under \"" + std::string(key) + "\", which is not a time.");
  return moment;
}

std::optional<std::int64_t> cursor_time(const json::Value& object, std::string_view key) {
  const json::Value* found = object.find(key);
  if (found == nullptr) return std::nullopt;
  const auto moment = times::parse(found->text());
  if (!moment) refuse_cursor("\"" + std::string(key) + "\" is not a time.");
  return moment->unix_ms;
}

std::optional<std::int64_t> cursor_rows(const json::Value& object, std::string_view key) {
  const json::Value* found = object.find(key);
  if (found == nullptr) return std::nullopt;
  const auto rows = found->integer();
  if (!rows || *rows < 0 || *rows > kMaxCovered) refuse_cursor("\"" + std::string(key) + "\" is not a number of rows.");
  return rows;
}

std::string hex_of(const std::vector<std::uint64_t>& rows) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(rows.size() * kHexOfRow);
  for (const std::uint64_t row : rows) {
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[(row >> static_cast<unsigned>(shift)) & 0xfU]);
  }
  return text;
}

std::vector<std::uint64_t> rows_of_hex(const json::Value& object, std::string_view key) {
  const std::string_view text = object.text_of(key);
  std::vector<std::uint64_t> rows;
  for (std::size_t at = 0; at < text.size(); at += kHexOfRow) {
    std::uint64_t row = 0;
    const std::string_view one = text.substr(at, kHexOfRow);
    const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), row, 16);
    if (one.size() != kHexOfRow || error != std::errc() || end != one.data() + one.size()) refuse_cursor("its rows are not written by it.");
    rows.push_back(row);
  }
  return rows;
}

void only_keys(const json::Value& object, std::initializer_list<std::string_view> keys) {
  for (const auto& [key, value] : object.members()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      refuse_cursor("the key \"" + key.substr(0, 40) + "\" is not known.");
  }
}

Trouble read_trouble(const json::Value& pass) {
  Trouble trouble;
  const json::Value* said = pass.find("trouble");
  if (said == nullptr) return trouble;
  only_keys(*said, {"dropped", "restarts", "repeated", "empty"});
  for (const auto& [name, member] : kTroubles) trouble.*member = cursor_rows(*said, name).value_or(0);
  return trouble;
}

std::vector<CamePage> read_came(const json::Value& pass) {
  const std::vector<std::uint64_t> numbers = rows_of_hex(pass, "came");
  if (numbers.size() % 2 != 0) refuse_cursor("its pages are not written by it.");
  std::vector<CamePage> came;
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    if (numbers[i] > static_cast<std::uint64_t>(kMaxCovered)) refuse_cursor("its pages are not written by it.");
    came.push_back({static_cast<std::int64_t>(numbers[i]), numbers[i + 1]});
  }
  return came;
}

void put_trouble(json::Value& pass, const Trouble& trouble) {
  json::Value said = json::Value::object();
  for (const auto& [name, member] : kTroubles) {
    if (trouble.*member > 0) said.set(std::string(name), trouble.*member);
  }
  if (said.size() > 0) pass.set("trouble", std::move(said));
}

void put_came(json::Value& pass, const std::vector<CamePage>& came) {
  std::vector<std::uint64_t> numbers;
  for (const CamePage& page : came) {
    numbers.push_back(static_cast<std::uint64_t>(page.begin));
    numbers.push_back(page.rows);
  }
  if (!numbers.empty()) pass.set("came", hex_of(numbers));
}

void put_time(json::Value& object, std::string key, const std::optional<std::int64_t>& time_ms) {
  if (time_ms) object.set(std::move(key), times::format_utc(*time_ms));
}

Unfinished read_unfinished(const json::Value& kept) {
  only_keys(kept, {"id", "version", "document", "parts"});
  const json::Value* document = kept.find("document");
  const json::Value* parts = kept.find("parts");
  if (document == nullptr || !document->is_object() || parts == nullptr || !parts->is_object())
    refuse_cursor("its unfinished record has no document or no parts.");
  return {std::string(kept.text_of("id")), std::string(kept.text_of("version")), *document, *parts};
}

}  // namespace

Plan read_plan(std::string_view plan_json) {
  const json::Parsed parsed = json::parse(plan_json);
  if (!parsed.ok() || !parsed.value.is_object()) refuse_plan("is not a JSON object.");
  const json::Value& value = parsed.value;
  static constexpr std::array<std::pair<std::string_view, Mode>, 5> kModes = {{{"changes", Mode::kChanges},
                                                                               {"full", Mode::kFull},
                                                                               {"sweep", Mode::kSweep},
                                                                               {"window", Mode::kWindow},
                                                                               {"ids", Mode::kIds}}};
  const std::string_view mode = value.text_of("mode");
  const auto* known = std::find_if(kModes.begin(), kModes.end(), [&](const auto& one) { return one.first == mode; });
  if (known == kModes.end()) {
    throw Failure(BERTH_UNSUPPORTED, "sdk.plan_mode_unknown",
                  "The plan mode \"" + std::string(mode.substr(0, 40)) + "\" is not known.");
  }
  Plan plan;
  plan.mode = known->second;
  if (const auto floor = plan_time(value, "floor")) plan.floor_ms = floor->unix_ms;
  plan.from = plan_time(value, "from");
  plan.to = plan_time(value, "to");
  const bool has_window = plan.from.has_value() || plan.to.has_value();
  if (plan.mode == Mode::kWindow && has_window && (!plan.from || !plan.to || plan.from->unix_ms >= plan.to->unix_ms)) {
    refuse_plan("needs a \"from\" that lies before its \"to\" in mode window, or neither.");
  }
  if (const json::Value* ids = value.find("ids")) {
    for (const json::Value& id : ids->items()) plan.ids.emplace_back(id.text());
  }
  if (const json::Value* limit = value.find("limit"); limit != nullptr && !limit->is_null()) {
    plan.limit = limit->integer();
    if (!plan.limit || *plan.limit < 0) refuse_plan("has a \"limit\" that is not a whole number.");
  }
  const json::Value* queue_only = value.find("queue_only");
  plan.queue_only = queue_only != nullptr && queue_only->boolean();
  const json::Value* goes_on = value.find("goes_on");
  plan.goes_on = goes_on != nullptr && goes_on->boolean();
  return plan;
}

void SeenRows::turn_page() {
  if (newest.empty()) return;
  older.push_back(middle);
  older.push_back(newest.back());
  if (older.size() > kOlderKept) older.erase(older.begin(), older.begin() + 2);
  newest.clear();
}

void Pass::note(CamePage seen_page) {
  came.push_back(seen_page);
  if (came.size() > kCameKept) came.erase(came.begin() + 1);  // the first one stays: a remote that does not turn the page sends it
}

json::Value Cursor::to_json() const {
  json::Value out = json::Value::object({{"v", kCursorRevision}});
  put_time(out, "watermark", watermark_ms);
  put_time(out, "disobeyed_until", disobeyed_until_ms);
  put_time(out, "draining", draining_ms);
  if (pass) {
    json::Value inner = json::Value::object({{"page", pass->page}, {"covered", pass->covered}});
    if (pass->unproven) inner.set("unproven", *pass->unproven);
    if (!pass->seen.newest.empty()) {
      inner.set("seen", json::Value::object({{"older", hex_of(pass->seen.older)}, {"newest", hex_of(pass->seen.newest)}, {"middle", hex_of({pass->seen.middle})}}));
    }
    put_time(inner, "started", pass->started_ms);
    put_time(inner, "since", pass->since_ms);
    put_time(inner, "candidate", pass->candidate_ms);
    if (pass->total) inner.set("total", *pass->total);
    const auto* asking =
        std::find_if(kAskings.begin(), kAskings.end(), [&](const auto& one) { return one.first == pass->asking; });
    inner.set("asking", asking->second);
    const auto* sizes = std::find_if(kSizes.begin(), kSizes.end(), [&](const auto& one) { return one.first == pass->sizes; });
    if (!sizes->second.empty()) inner.set("sizes", sizes->second);
    put_trouble(inner, pass->trouble);
    put_came(inner, pass->came);
    out.set("pass", std::move(inner));
  }
  if (!unfinished.empty()) {
    json::Value list = json::Value::array();
    for (const Unfinished& one : unfinished) {
      list.push_back(json::Value::object({{"id", one.id}, {"version", one.version}, {"document", one.document}, {"parts", one.parts}}));
    }
    out.set("unfinished", std::move(list));
  }
  return out;
}

Cursor read_cursor(std::string_view cursor_json) {
  Cursor cursor;
  if (cursor_json.empty()) return cursor;
  const json::Parsed parsed = json::parse(cursor_json);
  const json::Value& value = parsed.value;
  if (!parsed.ok() || !value.is_object()) refuse_cursor("it is not a JSON object.");
  const json::Value* revision = value.find("v");
  if (revision == nullptr || revision->integer() != kCursorRevision) refuse_cursor("its revision \"v\" is not 1.");
  only_keys(value, {"v", "watermark", "disobeyed_until", "draining", "pass", "unfinished"});
  cursor.watermark_ms = cursor_time(value, "watermark");
  cursor.disobeyed_until_ms = cursor_time(value, "disobeyed_until");
  cursor.draining_ms = cursor_time(value, "draining");
  if (const json::Value* inner = value.find("pass")) {
    only_keys(*inner, {"page", "covered", "unproven", "seen", "started", "since", "candidate", "total", "asking", "sizes", "trouble", "came"});
    Pass pass;
    const json::Value* page = inner->find("page");
    pass.page = page == nullptr ? 0 : page->integer().value_or(0);
    const auto started = cursor_time(*inner, "started");
    if (pass.page < 1 || pass.page > kMaxPage || !started) refuse_cursor("its pass has no page or no start.");
    pass.started_ms = *started;
    pass.covered = cursor_rows(*inner, "covered").value_or(0);
    pass.unproven = cursor_rows(*inner, "unproven");
    if (const json::Value* seen = inner->find("seen")) {
      only_keys(*seen, {"older", "newest", "middle"});
      pass.seen = {rows_of_hex(*seen, "older"), rows_of_hex(*seen, "newest"), 0};
      const auto middle = rows_of_hex(*seen, "middle");
      if (middle.size() != 1) refuse_cursor("its rows are not written by it.");
      pass.seen.middle = middle.front();
    }
    // Of an engine that kept only the number of the page: begun again.
    if (pass.covered == 0) pass.page = 1;
    pass.since_ms = cursor_time(*inner, "since");
    pass.candidate_ms = cursor_time(*inner, "candidate");
    if (const json::Value* total = inner->find("total")) pass.total = total->integer();
    const std::string_view asking = inner->text_of("asking");
    const auto* known =
        std::find_if(kAskings.begin(), kAskings.end(), [&](const auto& one) { return one.second == asking; });
    if (known == kAskings.end()) refuse_cursor("its pass does not say how it asks.");
    pass.asking = known->first;
    const std::string_view sizes = inner->text_of("sizes");
    const auto* said = std::find_if(kSizes.begin(), kSizes.end(), [&](const auto& one) { return one.second == sizes; });
    if (said == kSizes.end()) refuse_cursor("its pass does not say what sizes its pages have.");
    pass.sizes = said->first;
    pass.trouble = read_trouble(*inner);
    pass.came = read_came(*inner);
    cursor.pass = pass;
  }
  if (const json::Value* list = value.find("unfinished")) {
    if (list->is_object()) {
      cursor.unfinished.push_back(read_unfinished(*list));  // of an engine that kept one at most
    } else {
      for (const json::Value& kept : list->items()) cursor.unfinished.push_back(read_unfinished(kept));
    }
  }
  return cursor;
}

}  // namespace berth::pulling
