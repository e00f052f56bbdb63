// `berth mapping diff` and `berth mapping apply`: what changed rules do to stored documents, before and after.
#include <fmt/format.h>

#include <thread>

#include "host/admin/remap_views.hpp"
#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/core/one_line.hpp"
#include "host/core/text.hpp"

namespace berth::cli {

namespace {

constexpr std::size_t kNameShown = 60;
constexpr std::chrono::milliseconds kLookAgain{500};   // while somebody else runs the integration

/// "Bowman & Co (cus_1)", or nothing for an entry that names nobody.
std::string customer_text(const ledger::StoredEntry& entry, const std::map<std::string, std::string>& names) {
  const std::string& id = runs::customer_of(entry);
  if (id.empty()) return {};
  const auto name = names.find(id);
  if (name == names.end() || name->second.empty()) return "  " + id;
  return fmt::format("  {} ({})", one_line(name->second, kNameShown), id);
}

std::string lines_of(const ledger::StoredEntry& entry, const std::map<std::string, std::string>& names) {
  std::string text = fmt::format("    {} {} {} {} {}{}\n", entry.reverses != 0 ? "reverses" : "posts   ", to_string(entry.date), entry.company, entry.event,
                                 entry.base_currency.code(), customer_text(entry, names));
  for (const ledger::StoredLine& line : entry.lines) {
    const std::string amount = (line.side == ledger::Side::kDebit ? "" : "-") + line.base.to_string();
    std::string more;
    if (line.document && entry.currency != entry.base_currency) more = fmt::format("  ({} {})", line.document->to_string(), entry.currency.code());
    for (const auto& [what, id] : {std::pair{"location", &line.location}, std::pair{"service type", &line.service_type}}) {
      if (!id->empty()) more += fmt::format("  {} {}", what, *id);
    }
    text += fmt::format("      {:<28} {:>16}{}\n", line.account, amount, more);
  }
  return text;
}

std::string words_of(const runs::RecordFace& face) {
  std::string text = face.state;
  if (!face.reason.empty()) text += fmt::format(" ({})", face.reason);
  if (!face.waits_for.empty()) text += fmt::format(", waits for {}", join(face.waits_for, ", "));
  return text;
}

std::string text_of(const runs::RecordChange& change) {
  std::string text = change.ref;
  if (!change.is_stored) {
    text += ": not stored here, its entries change with the documents that it concerns";
  } else if (change.before == change.after) {
    text += fmt::format(": {}{}", change.after.state, change.has_new_content ? ", with another content" : "");
  } else {
    text += fmt::format(": {} -> {}", words_of(change.before), words_of(change.after));
  }
  text += '\n';
  if (change.is_stored && change.before.reason != change.after.reason && !change.message.empty()) text += fmt::format("    {}\n", change.message);
  for (const ledger::StoredEntry& entry : change.entries) text += lines_of(entry, change.customers);
  return text;
}

/// Prints changes as they come: a hundred thousand of them are never in memory.
class Printer {
 public:
  Printer(const Global& global, std::size_t limit) : global_(global), limit_(limit) {}

  Status operator()(const runs::RecordChange& change) {
    ++seen_;
    bool is_written = true;
    if (global_.json) {
      is_written = print((seen_ == 1 ? "{\"changes\":[\n" : ",\n") + json::dump(admin::record_change_view(change)));
    } else if (limit_ == 0 || seen_ <= limit_) {
      is_written = print(text_of(change));
    }
    // Whoever reads has seen enough, or the disk is full: finish_output() says which. What is applied is applied.
    return is_written ? success() : Status(make_error(Code::kCancelled, "cli.output_failed", "nobody reads what is printed"));
  }

  void finish(const runs::Remapped& remapped, bool is_done) {
    if (global_.json) {
      print(fmt::format("{}],\n\"summary\":{}}}\n", seen_ == 0 ? "{\"changes\":[" : "\n", json::dump(admin::remapped_view(remapped))));
      return;
    }
    if (limit_ != 0 && seen_ > limit_) print_line(fmt::format("... and {} more; --limit 0 shows all", seen_ - limit_));
    if (seen_ > 0) print_line("");
    print(summary(remapped, is_done));
  }

 private:
  static std::string summary(const runs::Remapped& remapped, bool is_done) {
    std::string text = fmt::format("{} decided by rules {}, {}\n", counted(remapped.decided, "record", "records"), remapped.revision,
                                   remapped.changed == 0 ? std::string(is_done ? "none changed" : "none would change")
                                                         : fmt::format("{} {}", remapped.changed, is_done ? "changed" : "would change"));
    const std::pair<std::int64_t, std::string_view> states[] = {{remapped.posted, "came to be posted"},
                                                                {remapped.waiting, "came to wait"},
                                                                {remapped.failed, "came to fail"},
                                                                {remapped.ignored, "came to be ignored"},
                                                                {remapped.skipped, "came to be skipped"},
                                                                {remapped.new_content, "stayed posted with another content"},
                                                                {remapped.entries_reversed, "entries reversed"},
                                                                {remapped.entries_posted, "entries posted"},
                                                                {remapped.asked_for, "documents asked for, which the next sync fetches"}};
    for (const auto& [count, what] : states) {
      if (count > 0) text += fmt::format("  {:>8}  {}\n", count, what);
    }
    if (!remapped.effects.empty()) {
      Table table({"company", "account", "change"}, {2});
      for (const auto& effect : remapped.effects) table.add({effect.company, effect.account, fmt::format("{} {}", effect.net.to_string(), effect.net.currency().code())});
      text += table.text();
    }
    if (remapped.was_stopped) text += "stopped; the rest is pending, and is decided with the next sync or the next `berth mapping apply`\n";
    text += is_done ? "no remote call was made\n" : "nothing was written, and no remote call was made\n";
    return text;
  }

  const Global& global_;
  const std::size_t limit_;
  std::size_t seen_ = 0;
};

}  // namespace

Result<runs::Setup> candidate_of(const Global& global, const runs::Setup& setup, const std::string& file) {
  config::Findings findings;
  auto candidate = setup.with_rules_of(file, findings);
  if (!findings.empty()) note(global, findings.print());
  return candidate;
}

int mapping_diff(const Global& global, const RemapOptions& options) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto unit = (*host)->registry().unit(options.id);
  if (!unit.ok()) return fail(global, unit.error());
  const auto candidate = candidate_of(global, (*unit)->setup, options.file);
  if (!candidate.ok()) return fail(global, candidate.error());
  Printer printer(global, options.limit);
  const auto foretold = (*host)->engine().foretell(*candidate, {.all = options.all}, std::ref(printer), stop_on_signal());
  if (!foretold.ok()) return foretold.error().reason == "cli.output_failed" ? kFine : fail(global, foretold.error());
  printer.finish(*foretold, false);
  return kFine;
}

int mapping_apply(const Global& global, const RemapOptions& options) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto unit = (*host)->registry().unit(options.id);
  if (!unit.ok()) return fail(global, unit.error());
  const std::stop_token stop = stop_on_signal();
  Printer printer(global, options.limit);
  const Instant until = (*host)->clock().now() + std::chrono::seconds(options.wait_seconds);
  bool was_told = false;
  // The books are changed whether or not anybody reads on.
  bool is_reader_gone = false;
  const auto print = [&](const auto& change) -> Status {
    if (is_reader_gone) return success();
    const Status printed = printer(change);
    is_reader_gone = !printed.ok() && printed.error().reason == "cli.output_failed";
    return is_reader_gone ? success() : printed;
  };
  while (true) {
    const auto remapped = (*host)->engine().remap((*unit)->setup, admin::noted_remap(options.all, "cli", options.id, (*host)->clock()), print, stop);
    if (remapped.ok()) {
      if (!is_reader_gone) printer.finish(*remapped, true);
      return kFine;
    }
    if (remapped.error().reason != "runs.busy" || stop.stop_requested() || (*host)->clock().now() >= until) return fail(global, remapped.error());
    if (!std::exchange(was_told, true)) note(global, fmt::format("{} is run by another process; waiting up to {} s for it", options.id, options.wait_seconds));
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace berth::cli
