// A lineage for a terminal: what it is, what was received, what the rules made of it, and what was posted.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "host/lineage/lineage.hpp"
#include "host/core/text.hpp"
#include "host/runs/hand_archive.hpp"

namespace berth::lineage {

namespace {

constexpr std::size_t kValueShown = 60;
constexpr std::size_t kDifferencesInText = 25;

std::string_view text_at(const json::Value& view, std::string_view path) {
  const json::Value* found = view.at_path(path);
  return found == nullptr ? std::string_view() : found->text();
}

const json::Array& list_at(const json::Value& view, std::string_view name) {
  static const json::Array kNothing;
  const json::Value* found = view.find(name);
  return found == nullptr ? kNothing : found->items();
}

bool is_there(const json::Value& view, std::string_view name) {
  const json::Value* found = view.find(name);
  return found != nullptr && !found->is_null();
}

std::string value_text(const json::Value* value) { return value == nullptr ? "(none)" : shortened(json::dump(*value), kValueShown); }

std::string by_run(const json::Value& view) { return is_there(view, "run") ? fmt::format(", {}", view.text_of("run")) : std::string(", by a command"); }

/// "/srv/books/mapping.yaml:45:20" as "mapping.yaml:45".
std::string_view short_place(std::string_view place) {
  if (const auto slash = place.rfind('/'); slash != std::string_view::npos) place.remove_prefix(slash + 1);
  const auto line = place.find(':');
  const auto column = line == std::string_view::npos ? line : place.find(':', line + 1);
  return place.substr(0, column);
}

class Text {
 public:
  explicit Text(const json::Value& view) : view_(view) {}

  std::string write() {
    heading();
    waiting();
    versions();
    mapping();
    entries();
    open_items();
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    add(fmt::format(format, std::forward<Args>(args)...));
  }
  /// Names, messages and values are the remote's: nothing of them moves a terminal's cursor or begins another line. Not
  /// one_line(), which would take the columns out of it.
  void add(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
      if (is_c1) ++i;
      out_ += byte < 0x20 || byte == 0x7f || is_c1 ? '?' : text[i];
    }
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    out_ += '\n';
  }
  /// A heading, with an empty line before it.
  template <class... Args>
  void title(fmt::format_string<Args...> format, Args&&... args) {
    out_ += '\n';
    line(format, std::forward<Args>(args)...);
  }

  void heading() {
    line("{} of {}{}{}", view_.text_of("ref"), view_.text_of("integration"), text_at(view_, "row.name").empty() ? "" : ": ", text_at(view_, "row.name"));
    const json::Value* record = view_.find("record");
    if (record == nullptr) {
      line("  no document of the remote: its entries were made here");
      return;
    }
    line("  {} since {} (record {}{})", record->text_of("state"), record->text_of("since"), record->text_of("record"), by_run(*record));
    if (!record->text_of("reason").empty()) line("  {}: {}", record->text_of("reason"), record->text_of("message"));
    // While something keeps it from being archived, the line above says that.
    if (is_there(*record, "archived_by_hand") && record->text_of("reason") != runs::kArchivedByHand) {
      line("  is to be archived: by {} on {}: {}", text_at(*record, "archived_by_hand.by"), text_at(*record, "archived_by_hand.at"), text_at(*record, "archived_by_hand.why"));
    }
    if (record->text_of("remote_state") != "alive") line("  at the remote: {}", record->text_of("remote_state"));
    if (const json::Value* attention = record->find("attention")) {
      line("  attention: what is posted stays, but its newest version is {} ({})", attention->text_of("state"), attention->text_of("reason"));
    }
    if (is_there(view_, "row")) {
      line("  became {} {}{}{}, {}", text_at(view_, "row.kind"), text_at(view_, "row.id"), text_at(view_, "row.company").empty() ? "" : " in ",
           text_at(view_, "row.company"), text_at(view_, "row.state"));
    }
    for (const json::Value& warning : list_at(*record, "warnings")) {
      line("  warning: {}{}{}", warning.text_of("what"), warning.text_of("hint").empty() ? "" : ", ", warning.text_of("hint"));
    }
    for (const json::Value& flag : list_at(*record, "flags")) line("  flag: {}", flag.text());
    for (const json::Value& file : list_at(view_, "missing_files")) {
      line("  {}: {}", file.text_of("reason"), file.text_of("message"));
      line("    cause: {}", file.text_of("cause"));
      line("    do:    {}", file.text_of("resolution"));
    }
  }

  void waiting() {
    for (const json::Value& wait : list_at(view_, "waits_for")) {
      line("  waits for {}", wait.text_of("key"));
      if (!wait.text_of("why").empty()) line("    {}", wait.text_of("why"));
    }
    for (const json::Value& waiter : list_at(view_, "waited_for_by")) {
      line("  {} waits for it ({}{}{})", waiter.text_of("ref"), waiter.text_of("state"), waiter.text_of("reason").empty() ? "" : ": ", waiter.text_of("reason"));
    }
  }

  void versions() {
    if (list_at(view_, "versions").empty()) return;
    title("received");
    for (const json::Value& version : list_at(view_, "versions")) {
      line("  {:<10} version {}, fetched {}{}", version.text_of("kind"), version.text_of("version").empty() ? "-" : version.text_of("version"),
           version.text_of("fetched"), by_run(version));
      std::size_t shown = 0;
      for (const json::Value& change : list_at(version, "differences")) {
        if (shown++ == kDifferencesInText) break;
        line("    {}: {} → {}", change.text_of("path"), value_text(change.find("before")), value_text(change.find("after")));
      }
      const json::Value* total = version.find("differences_total");
      const auto all = static_cast<std::size_t>(total == nullptr ? 0 : total->integer().value_or(0));
      if (all > kDifferencesInText) line("    and {} more differences (--json has {})", all - kDifferencesInText, std::min(all, kDifferencesShown));
    }
    for (const json::Value& file : list_at(view_, "files")) {
      line("  file {} ({}, {} bytes, sha256 {}), of version {}", file.text_of("name"), file.text_of("media_type"), file.text_of("size"), file.text_of("sha256"),
           file.text_of("version"));
    }
  }

  void mapping() {
    const json::Value* mapping = view_.find("mapping");
    if (mapping == nullptr) return;
    if (is_there(*mapping, "unavailable")) {
      title("mapped");
      line("  not shown: {}", mapping->text_of("unavailable"));
      return;
    }
    const bool is_current = mapping->find("is_current")->boolean();
    title("mapped to {} by rules {}{}", mapping->text_of("entity"), mapping->text_of("rules"), is_current ? "" : ", which are not the newest ones");
    std::size_t width = 0;
    constexpr std::size_t kWidthMax = 28;
    for (const json::Value& field : list_at(*mapping, "fields")) width = std::max(width, std::min(field.text_of("field").size(), kWidthMax));
    for (const json::Value& field : list_at(*mapping, "fields")) {
      line("  {:<{}} {}{}{}", field.text_of("field"), width, field.text_of("how"), field.text_of("rule").empty() ? "" : "   ", short_place(field.text_of("rule")));
    }
  }

  void entry(const json::Value& entry) {
    const std::string_view state = entry.text_of("state");
    std::string fate(state);
    if (state == "reversal") fate = fmt::format("reverses {}", entry.text_of("reverses"));
    if (state == "reversed") fate = fmt::format("reversed by {}", entry.text_of("reversed_by"));
    if (is_there(entry, "replaced_by")) fate += fmt::format(", replaced by {}", entry.text_of("replaced_by"));
    if (is_there(entry, "replaces")) fate += fmt::format(", replaces {}", entry.text_of("replaces"));
    const bool is_redated = entry.text_of("date") != entry.text_of("document_date");
    line("  entry {}  {}{}  {}  {}  {}", entry.text_of("id"), entry.text_of("date"),
         is_redated ? fmt::format(" (dated {}, in a closed month)", entry.text_of("document_date")) : "", entry.text_of("company"), entry.text_of("event"), fate);
    line("    from version {} by rules {}, made {}{}", entry.text_of("version"), entry.text_of("rules_revision"), entry.text_of("created"), by_run(entry));
    if (list_at(entry, "lines").empty()) line("    no lines: it only moves open items");
    for (const json::Value& one : list_at(entry, "lines")) {
      const bool is_debit = one.text_of("side") == "debit";
      const bool is_asked = text_at(view_, "asked.entry") == entry.text_of("id") && text_at(view_, "asked.line") == one.text_of("line");
      const std::string amount = fmt::format("{} {}", one.text_of("amount"), entry.text_of("base_currency"));
      std::string rest;
      if (is_there(one, "document_amount") && entry.text_of("currency") != entry.text_of("base_currency")) {
        rest += fmt::format("  = {} {}", one.text_of("document_amount"), entry.text_of("currency"));
      }
      for (const char* dimension : {"party", "location", "service_type"}) {
        const std::string_view id = one.text_of(dimension);
        const std::string_view name = one.text_of(std::string(dimension) + "_name");
        if (!id.empty()) rest += fmt::format("  {}", name.empty() ? id : name);
      }
      if (!one.text_of("description").empty()) rest += fmt::format("  \"{}\"", shortened(one.text_of("description"), kValueShown));
      line("    {}{:>2}  {:<24} {:>18} {:>18}{}", is_asked ? ">" : " ", one.text_of("line"), one.text_of("account"), is_debit ? amount : "", is_debit ? "" : amount, rest);
    }
  }

  void entries() {
    if (list_at(view_, "entries").empty()) {
      title("no entries");
      return;
    }
    title("posted");
    for (const json::Value& one : list_at(view_, "entries")) entry(one);
    if (view_.find("has_more_entries")->boolean()) line("  and more: `berth ledger entries --source {}`", view_.text_of("ref"));
  }

  void open_items() {
    const auto list = [&](const char* name, const char* heading, const char* other) {
      if (list_at(view_, name).empty()) return;
      title("{}", heading);
      for (const json::Value& one : list_at(view_, name)) {
        line("  entry {}  {}  {}  {}  {} {}{}", one.text_of("entry"), one.text_of("date"), one.text_of(other), one.text_of("event"), one.text_of("amount"),
             one.text_of("currency"), one.find("is_reversal")->boolean() ? "  (reversal)" : "");
      }
    };
    list("moved_by", "what is open of it was moved by", "by");
    list("moves", "it moved what is open of", "item");
  }

  const json::Value& view_;
  std::string out_;
};

}  // namespace

std::string to_text(const json::Value& view) { return Text(view).write(); }

}  // namespace berth::lineage
