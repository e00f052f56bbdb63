// `berth records archive` and `unarchive`: what a person takes out of the books, and back.
#include <fmt/format.h>

#include "host/admin/archive.hpp"
#include "host/cli/commands.hpp"
#include "host/core/text.hpp"

namespace berth::cli {

namespace {

/// What became of it. A record that waits, because a month is closed or a payment is applied to it, is no failure: it is
/// archived, or posted, when that is gone.
int tell(const Global& global, const json::Value& view, std::string_view wanted, std::string_view count, std::string_view did) {
  if (global.json) {
    print_json(view);
    return kFine;
  }
  const std::string_view ref = view.text_of("ref"), state = view.text_of("state");
  if (!view.find("applied")->boolean()) {
    print_line(fmt::format("{}: a run is under way and does it after its slice", ref));
  } else if (state == wanted) {
    print_line(fmt::format("{} is {}; entries {}: {}", ref, state, did, view.find(count)->text()));
  } else {
    print_line(fmt::format("{} is {}{}{}", ref, state, view.text_of("reason").empty() ? "" : fmt::format(", {}: ", view.text_of("reason")), view.text_of("message")));
    print_ways_out({view});
  }
  return kFine;
}

/// ENTITY/REMOTE_ID, or the two as two words.
std::string name_of(const std::vector<std::string>& record) { return join(record, "/"); }

}  // namespace

int records_archive(const Global& global, const std::string& id, const std::vector<std::string>& record, const std::string& why) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto unit = (*host)->registry().unit(id);
  if (!unit.ok()) return fail(global, unit.error());
  const auto view = admin::archive_record({(*host)->database(), (*host)->engine(), (*host)->clock()}, (*unit)->setup, name_of(record), why, "cli", stop_on_signal());
  if (!view.ok()) return fail(global, view.error());
  return tell(global, *view, "archived", "entries_reversed", "reversed");
}

int records_unarchive(const Global& global, const std::string& id, const std::vector<std::string>& record) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto unit = (*host)->registry().unit(id);
  if (!unit.ok()) return fail(global, unit.error());
  const auto view = admin::unarchive_record({(*host)->database(), (*host)->engine(), (*host)->clock()}, (*unit)->setup, name_of(record), "cli", stop_on_signal());
  if (!view.ok()) return fail(global, view.error());
  return tell(global, *view, "posted", "entries_posted", "posted");
}

}  // namespace berth::cli
