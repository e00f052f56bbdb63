#include "host/core/cron.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "host/core/local_time.hpp"
#include "host/core/text.hpp"

namespace berth {

namespace {

/// 29 February of a year before a century without one comes after eight years; nothing that ever comes takes longer.
constexpr int kDaysLookedAt = 366 * 9;
constexpr std::size_t kTextMax = 200;
constexpr int kMinutesOfDay = 24 * 60;

struct Field {
  std::string_view name;
  int min, max;
  std::vector<std::string_view> names;   // of `min` and what follows
};

const Field kMinute{"the minute", 0, 59, {}};
const Field kHour{"the hour", 0, 23, {}};
const Field kDay{"the day of the month", 1, 31, {}};
const Field kMonth{"the month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}};
const Field kWeekday{"the day of the week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}};

struct Macro {
  std::string_view name, text;
};
constexpr Macro kMacros[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                             {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};

Error invalid(std::string message) { return make_error(Code::kInvalidArgument, "core.cron_invalid", std::move(message)); }

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && stop == text.data() + text.size() && !text.empty() && text.front() != '-';
  return is_whole ? std::optional(value) : std::nullopt;
}

Result<int> value_of(std::string_view text, const Field& field) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto name = std::find(field.names.begin(), field.names.end(), small);
  if (name != field.names.end()) return field.min + static_cast<int>(name - field.names.begin());
  const auto number = number_of(text);
  if (!number || *number < field.min || *number > field.max) {
    // "Monday", "monday", "mo", "febr": the name that it begins with, or that begins with it.
    const auto near = std::find_if(field.names.begin(), field.names.end(), [&](std::string_view one) {
      return small.size() > 1 && (small.starts_with(one) || one.starts_with(small));
    });
    if (near != field.names.end()) return invalid(fmt::format("\"{}\" is not {}: write \"{}\"", shortened(text, 20), field.name, *near));
    return invalid(fmt::format("\"{}\" is not {}, which is a number from {} to {}{}", shortened(text, 20), field.name, field.min, field.max,
                               field.names.empty() ? "" : fmt::format(" or a name from {} to {}", field.names.front(), field.names.back())));
  }
  return *number;
}

/// One part of a list: "*", "7", "1-5", each with a step or without.
Result<std::uint64_t> part_of(std::string_view text, const Field& field) {
  int step = 1;
  const std::size_t slash = text.find('/');
  std::string_view range = text.substr(0, slash);
  if (slash != std::string_view::npos) {
    const auto given = number_of(text.substr(slash + 1));
    if (!given || *given < 1 || *given > field.max) {
      return invalid(fmt::format("\"{}\" has a step that is not a number from 1 to {}", shortened(text, 20), field.max));
    }
    step = *given;
  }
  int from = field.min;
  int to = field.max;
  if (range != "*") {
    const std::size_t dash = range.find('-');
    from = BERTH_TRY(value_of(range.substr(0, dash), field));
    if (dash != std::string_view::npos) {
      to = BERTH_TRY(value_of(range.substr(dash + 1), field));
    } else if (slash == std::string_view::npos) {
      to = from;
    }
    if (from > to) return invalid(fmt::format("\"{}\" begins after it ends", shortened(text, 20)));
  }
  std::uint64_t bits = 0;
  for (int value = from; value <= to; value += step) bits |= std::uint64_t{1} << value;
  return bits;
}

Result<std::uint64_t> bits_of(std::string_view text, const Field& field) {
  std::uint64_t bits = 0;
  for (const std::string& part : split(text, ',')) bits |= BERTH_TRY(part_of(part, field));
  return bits;
}

bool has(std::uint64_t bits, int value) { return ((bits >> value) & 1U) != 0; }

/// 0 is Sunday; 1 January 1970 was a Thursday.
int weekday_of(Date day) { return static_cast<int>(((day.day_number() + 4) % 7 + 7) % 7); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::string& word : split(replace_all(std::string(text), "\t", " "), ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

bool Cron::looks_like_one(std::string_view text) { return text.starts_with('@') || words_of(text).size() > 3 || text.find('*') != std::string_view::npos; }

Result<Cron> Cron::parse(std::string_view text) {
  if (text.size() > kTextMax) return invalid(fmt::format("a cron expression is not longer than {} characters", kTextMax));
  std::string_view meant = text;
  if (text.starts_with('@')) {
    const auto macro = std::find_if(std::begin(kMacros), std::end(kMacros), [&](const Macro& one) { return one.name == text; });
    if (macro == std::end(kMacros)) return invalid(fmt::format("\"{}\" is none of @hourly, @daily, @weekly, @monthly and @yearly", shortened(text, 30)));
    meant = macro->text;
  }
  const std::vector<std::string> fields = words_of(meant);
  if (fields.size() != 5) {
    return invalid(fmt::format("\"{}\" has {} fields, not the five of minute, hour, day of the month, month, day of the week", shortened(text, 60), fields.size()));
  }
  Cron cron;
  cron.text_ = std::string(text);
  cron.minutes_ = BERTH_TRY(bits_of(fields[0], kMinute));
  cron.hours_ = BERTH_TRY(bits_of(fields[1], kHour));
  cron.days_ = BERTH_TRY(bits_of(fields[2], kDay));
  cron.months_ = BERTH_TRY(bits_of(fields[3], kMonth));
  cron.weekdays_ = BERTH_TRY(bits_of(fields[4], kWeekday));
  if (has(cron.weekdays_, 7)) cron.weekdays_ |= 1U;
  // As every cron has it: a field that begins with "*" asks for nothing, so that the other one alone decides.
  cron.is_any_day_ = fields[2].starts_with('*');
  cron.is_any_weekday_ = fields[4].starts_with('*');
  cron.is_every_hour_ = fields[1] == "*";
  if (!cron.ever_comes()) return invalid(fmt::format("\"{}\" names a date that never comes", shortened(text, 60)));
  return cron;
}

bool Cron::ever_comes() const {
  if (!is_any_weekday_ && !is_any_day_) return true;   // a day of the week comes in every month
  constexpr int kLongest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int month = 1; month <= 12; ++month) {
    if (!has(months_, month)) continue;
    for (int day = 1; day <= kLongest[month - 1]; ++day) {
      if (has(days_, day)) return true;
    }
  }
  return false;
}

bool Cron::has_day(Date day) const {
  if (!has(months_, day.month)) return false;
  const bool fits_day = has(days_, day.day);
  const bool fits_weekday = has(weekdays_, weekday_of(day));
  if (is_any_day_ || is_any_weekday_) return fits_day && fits_weekday;
  return fits_day || fits_weekday;
}

Result<Instant> Cron::next_after(Instant after, std::string_view zone) const {
  // A day earlier: where a clock is put back at midnight, yesterday's last hour comes once more.
  const Date first = BERTH_TRY(local_time(after, zone)).day.plus_days(-1);
  for (int ahead = 0; ahead <= kDaysLookedAt; ++ahead) {
    const Date day = first.plus_days(ahead);
    if (!has_day(day)) continue;
    if (BERTH_TRY(moments_of(day, kMinutesOfDay - 1, zone)).second <= after) continue;   // all of it is over
    std::optional<Instant> next;
    for (int hour = 0; hour < 24; ++hour) {
      if (!has(hours_, hour) || BERTH_TRY(moments_of(day, hour * 60 + 59, zone)).second <= after) continue;
      for (int minute = 0; minute < 60; ++minute) {
        if (!has(minutes_, minute)) continue;
        const LocalMoments at = BERTH_TRY(moments_of(day, hour * 60 + minute, zone));
        for (const Instant moment : {at.first, is_every_hour_ ? at.second : at.first}) {
          if (moment > after && (!next || moment < *next)) next = moment;
        }
      }
      if (next && !is_every_hour_) break;   // what follows is later, but where an hour comes twice
    }
    if (next) return *next;
  }
  return invalid(fmt::format("\"{}\" names a date that never comes", text_));
}

}  // namespace berth
