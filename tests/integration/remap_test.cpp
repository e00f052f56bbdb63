// Changed rules over stored documents: what `mapping diff` foretells is what `mapping apply` does, and neither calls anybody.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "host/admin/remap_views.hpp"
#include "host/core/text.hpp"
#include "host/runs/scratch.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/mapping_revisions.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

constexpr std::string_view kCompanyRule =
    "{first_of: [{lookup: {kind: company, by: name, value: {custom_field: Company}, missing: warn}}, {integration: company}]}";

std::string plugin_rules() {
  std::ifstream in(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string changed(std::string_view from, std::string_view to) {
  const std::string text = plugin_rules();
  REQUIRE(text.find(from) != std::string::npos);
  return replace_all(text, from, to);
}

/// Every invoice belongs to the integration's company, whatever its custom field says: entries of invoices move from one
/// company's books to the other's, and the payments of these invoices have to follow.
std::string one_company() { return changed(kCompanyRule, "{integration: company}"); }

WorldOptions with_rules_file(WorldOptions options = {}) {
  options.mapping = plugin_rules();
  return options;
}

/// A world whose books are posted, with its rules in a file of its own.
struct Posted : World {
  explicit Posted(WorldOptions options = {.invoices = 60, .payments = 40, .credit_notes = 8}) : World(with_rules_file(std::move(options))) {
    connect();
    sync();
    map_all();
    later(std::chrono::hours(1));
    transport.forget_calls();
  }
  runs::Setup candidate(const std::string& rules) {
    config::Findings findings;
    auto setup = unit().setup.with_rules(rules, "candidate.yaml", findings);
    REQUIRE_MESSAGE(setup.ok(), findings.print());
    return std::move(setup).value();
  }
  /// The file is changed, and a new process begins.
  void change_rules(const std::string& rules) {
    folder.write("mapping.yaml", rules);
    restart();
  }
};

/// What was told of changes: as printed, and each line of each entry on its own.
struct Told {
  std::vector<std::string> changes, lines;
  std::map<std::string, runs::RecordChange> by_ref;
  runs::Remapped counts;
  std::string summary;

  runs::OnRecordChange visitor() {
    return [this](const runs::RecordChange& change) -> Status {
      changes.push_back(json::dump(admin::record_change_view(change)));
      by_ref[change.ref] = change;
      for (const ledger::StoredEntry& entry : change.entries) {
        for (const ledger::StoredLine& line : entry.lines) {
          const std::int64_t minor = line.side == ledger::Side::kDebit ? line.base.minor() : -line.base.minor();
          lines.push_back(fmt::format("{} {} {} {} {} {} {}", change.ref, entry.event, entry.sequence, to_string(entry.date), entry.company, line.account, minor));
        }
      }
      std::sort(lines.begin(), lines.end());
      return success();
    };
  }
};

Told told_by(Told told, Result<runs::Remapped> result) {
  if (!result.ok()) FAIL(result.error().reason << ": " << result.error().message);
  told.counts = *result;
  told.summary = json::dump(admin::remapped_view(*result));
  return told;
}
Told diff(World& world, const runs::Setup& setup, runs::RemapRequest request = {}) {
  Told told;
  auto result = world.engine->foretell(setup, request, told.visitor(), {});
  return told_by(std::move(told), std::move(result));
}
Told apply(World& world, runs::RemapRequest request = {}) {
  Told told;
  auto result = world.engine->remap(world.unit().setup, request, told.visitor(), {});
  return told_by(std::move(told), std::move(result));
}

/// Everything that a person could see of records and books, without times.
std::vector<std::string> state_of(World& world) {
  std::vector<std::string> all = world.journal();
  for (const storage::Record& record : world.records()) {
    all.push_back(fmt::format("{}/{} {} {} {} {} {}", record.entity, record.remote_id, record.state, record.reason, record.detail_json, record.rules_revision,
                              record.document_hash));
  }
  return all;
}

std::vector<std::string> entry_lines_after(World& world, std::int64_t entry) {
  auto lines = world.lines(fmt::format(
      "SELECT e.entity || '/' || e.remote_id || ' ' || e.event || ' ' || e.sequence || ' ' || e.date || ' ' || e.company || ' ' || l.account || ' ' || l.base_minor "
      "FROM entry AS e JOIN entry_line AS l ON l.entry = e.id WHERE e.id > {}",
      entry));
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::filesystem::path folder_of_database(World& world) { return world.database->folder(); }

std::size_t scratch_folders(World& world) {
  std::size_t count = 0;
  for (const auto& one : std::filesystem::directory_iterator(folder_of_database(world))) count += one.path().filename().string().starts_with("scratch-") ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("B1: a payment mode that is mapped releases the waiting payments with no remote call") {
  World world;
  world.connect();
  world.sync();
  world.map("default_income", "-", "acme_us", "sales");
  world.map("default_income", "-", "acme_west", "sales");
  world.map("default_expense", "-", "acme_us", "cogs");
  world.map("default_expense", "-", "acme_west", "cogs");
  world.apply();
  const auto waiting = world.records("customer_payment", "parked").size();
  REQUIRE(waiting > 0);
  world.transport.forget_calls();
  world.map_all();
  CHECK(world.records("customer_payment", "parked").empty());
  CHECK(world.records("customer_payment", "posted").size() >= waiting);
  CHECK(world.transport.calls().empty());
  world.check_books();
}

TEST_CASE("B1: diff tells beforehand, byte for byte, what applying changed rules does, and neither makes a remote call") {
  for (const int foreign : {0, 3000}) {
    CAPTURE(foreign);
    Posted world({.invoices = 60, .payments = 40, .credit_notes = 8, .foreign = foreign});
    const std::int64_t last_entry = world.number("SELECT MAX(id) FROM entry");
    const auto before = state_of(world);
    const Told foretold = diff(world, world.candidate(one_company()));
    // Nothing happened.
    CHECK(state_of(world) == before);
    CHECK(world.number("SELECT MAX(id) FROM entry") == last_entry);
    CHECK(scratch_folders(world) == 0);
    REQUIRE(!foretold.changes.empty());
    CHECK(foretold.counts.entries_reversed > 0);

    world.change_rules(one_company());
    const Told happened = apply(world);
    CHECK(happened.changes == foretold.changes);
    CHECK(happened.summary == foretold.summary);
    // Held against the journal itself and not only against what the same code says of it.
    CHECK(entry_lines_after(world, last_entry) == foretold.lines);
    CHECK(world.number(fmt::format("SELECT COUNT(*) FROM entry WHERE id > {} AND reverses IS NOT NULL", last_entry)) == foretold.counts.entries_reversed);
    CHECK(world.number(fmt::format("SELECT COUNT(*) FROM entry WHERE id > {} AND reverses IS NULL", last_entry)) == foretold.counts.entries_posted);
    CHECK(world.transport.calls().empty());
    world.check_books();
    // A payment is decided anew because its invoice moved, although no rule of payments changed.
    CHECK(std::any_of(foretold.by_ref.begin(), foretold.by_ref.end(),
                      [](const auto& one) { return one.first.starts_with("customer_payment/") && !one.second.entries.empty(); }));
    CHECK(world.number("SELECT COUNT(*) FROM entry AS e WHERE company = 'acme_west' AND reverses IS NULL AND NOT EXISTS "
                       "(SELECT 1 FROM entry AS r WHERE r.reverses = e.id)") == 0);
    // All is decided by these rules now.
    const Told again = diff(world, world.unit().setup);
    CHECK(again.counts.decided == 0);
    CHECK(again.changes.empty());
    const Told all = apply(world, {.all = true});
    CHECK(all.counts.decided > 0);
    CHECK(all.changes.empty());
  }
}

TEST_CASE("B1: the old rules put back bring the old books back, entry by entry") {
  Posted world;
  const auto live = world.journal(true);
  const auto balances = world.balances();
  const auto without_sequence = [](std::vector<std::string> lines) {
    for (std::string& line : lines) line.erase(line.find(" #"), line.find(": ") - line.find(" #"));
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  world.change_rules(one_company());
  apply(world);
  CHECK(world.balances() != balances);
  world.change_rules(plugin_rules());
  apply(world);
  CHECK(without_sequence(world.journal(true)) == without_sequence(live));
  world.check_books();
}

TEST_CASE("B1: documents that changed rules cannot map are told beforehand, keep their entries, and come back with the next rules") {
  Posted world;
  const std::string strict = changed("reference:    {path: reference_number}\n      date:         {path: date, as: date, required: true}\n      due_date",
                                     "reference:    {path: reference_number_2, required: true}\n      date:         {path: date, as: date, required: true}\n      due_date");
  const auto live = world.journal(true);
  const std::size_t posted = world.records("invoice", "posted").size();
  const Told foretold = diff(world, world.candidate(strict));
  CHECK(foretold.counts.failed >= static_cast<std::int64_t>(posted));
  CHECK(foretold.lines.empty());
  const runs::RecordChange& one = foretold.by_ref.begin()->second;
  CHECK(one.after.state == "failed");
  CHECK(one.after.reason == "mapping.required_missing");
  CHECK(one.message.find("reference_number_2") != std::string::npos);

  world.change_rules(strict);
  const Told happened = apply(world);
  CHECK(happened.changes == foretold.changes);
  CHECK(world.records("invoice", "posted").empty());
  CHECK(world.journal(true) == live);

  world.change_rules(plugin_rules());
  const Told back = apply(world);
  CHECK(back.counts.posted >= static_cast<std::int64_t>(posted));
  CHECK(world.records("invoice", "posted").size() == posted);
  CHECK(world.journal(true) == live);
  CHECK(world.transport.calls().empty());
}

TEST_CASE("B1: killed anywhere while it applies, it goes on with the next apply or the next sync, and ends at the same books") {
  Posted whole;
  whole.change_rules(one_company());
  apply(whole);
  const auto wanted = whole.journal();
  int moments = 0;
  for (int commits = 0;; commits += kEvery) {
    CAPTURE(commits);
    Posted world;
    world.change_rules(one_company());
    const runs::Setup setup = world.unit().setup;
    world.database->die_after(commits);
    Told unheard;
    const bool was_done = world.engine->remap(setup, {}, unheard.visitor(), {}).ok();
    world.database->revive();
    world.restart();
    world.later(2 * runs::kLeaseTtl);   // nobody renews the lease of the process that died
    if (commits % 2 == 0) {
      apply(world);
    } else {
      world.sync();
      // The kill may have come before anything was made pending: a sync decides what is pending and what is new.
      apply(world);
    }
    CHECK(world.journal() == wanted);
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE state = 'pending'") == 0);
    world.check_books();
    ++moments;
    if (was_done) break;
  }
  CHECK(moments > 3);
}

TEST_CASE("B1: while somebody runs the integration, apply is refused and changes nothing, and diff works") {
  Posted world;
  world.change_rules(one_company());
  REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) -> Status {
    REQUIRE(BERTH_TRY(storage::leases::acquire(connection, kIntegration, "another", std::chrono::minutes(5), world.clock.now())).has_value());
    return success();
  }).ok());
  const auto before = state_of(world);
  const auto refused = world.engine->remap(world.unit().setup, {}, {}, {});
  REQUIRE(!refused.ok());
  CHECK(refused.error().reason == "runs.busy");
  CHECK(refused.error().message.find(std::string(kIntegration)) != std::string::npos);
  const Told foretold = diff(world, world.unit().setup);
  CHECK(!foretold.changes.empty());
  CHECK(state_of(world) == before);
  CHECK(scratch_folders(world) == 0);
  // The lease of the real books is still another's.
  CHECK(world.number("SELECT COUNT(*) FROM lease WHERE owner = 'another'") == 1);
}

TEST_CASE("B1: a host that serves follows rules that another process applied, and no file that nobody applied") {
  Posted world;
  const std::string old_revision = world.unit().setup.rules->revision();
  world.folder.write("mapping.yaml", one_company());
  // Edited, and not applied by anybody: the host stays with the rules that it began with.
  CHECK(world.unit().setup.rules->revision() == old_revision);
  diff(world, world.candidate(one_company()));
  CHECK(world.unit().setup.rules->revision() == old_revision);

  const std::string new_revision = mapping::revision_of(one_company());
  REQUIRE(world.engine->remap(world.candidate(one_company()), {}, {}, {}).ok());
  CHECK(world.unit().setup.rules->revision() == new_revision);
  const std::string invoice = world.make_invoice("10.00", R"("cf_company":"Acme West")");
  world.sync();
  CHECK(world.record("invoice", invoice).rules_revision == new_revision);
  CHECK(world.number("SELECT COUNT(*) FROM entry WHERE remote_id = '" + invoice + "' AND company = 'acme_us'") == 1);
}

TEST_CASE("a copy of the books that a killed process left is removed with the next one, and one in use is not") {
  Posted world;
  const std::filesystem::path left = folder_of_database(world) / "scratch-killed";
  std::filesystem::create_directory(left);
  std::ofstream(left / "lock").put('\n');
  std::ofstream(left / "books.db").put('\n');
  auto first = runs::Scratch::of(*world.database, world.clock);
  REQUIRE(first.ok());
  CHECK(!std::filesystem::exists(left));
  CHECK(scratch_folders(world) == 1);
  {
    auto second = runs::Scratch::of(*world.database, world.clock);
    REQUIRE(second.ok());
    CHECK(scratch_folders(world) == 2);
    CHECK(second->database().write("test.write", [](storage::Connection& connection) -> Status {
      BERTH_CHECK(connection.execute("UPDATE record SET state = 'failed'"));
      return success();
    }).ok());
  }
  CHECK(scratch_folders(world) == 1);
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE state = 'posted'") > 0);
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE state = 'failed'") == 0);
  CHECK(first->database().check().value().empty());
}

TEST_CASE("rules of another plugin are refused, with both named") {
  Posted world;
  config::Findings findings;
  // Reasons begin with the plugin's id.
  const auto other = world.unit().setup.with_rules(replace_all(plugin_rules(), "zoho_books", "other_books"), "candidate.yaml", findings);
  REQUIRE(!other.ok());
  CHECK(other.error().reason == "mapping.other_plugin");
  CHECK(other.error().message.find("other_books") != std::string::npos);
  CHECK(other.error().message.find("zoho_books") != std::string::npos);
}

TEST_CASE("B1: rules that want details for which nobody asked queue them, and the next sync brings them") {
  Posted world({.invoices = 60, .payments = 20, .drafts = 2000});
  const std::size_t drafts = world.records("invoice", "ignored").size();
  REQUIRE(drafts > 0);
  REQUIRE(world.number("SELECT COUNT(*) FROM detail_queue WHERE want = 1") == 0);
  const std::string rules = changed("map: {draft: draft, pending_approval: draft, approved: draft, rejected: draft, sent: open", "map: {draft: open, pending_approval: draft, approved: draft, rejected: draft, sent: open");
  const Told foretold = diff(world, world.candidate(rules));
  world.change_rules(rules);
  const Told happened = apply(world);
  CHECK(happened.summary == foretold.summary);
  CHECK(happened.counts.asked_for == static_cast<std::int64_t>(drafts));
  CHECK(world.transport.calls().empty());
  world.later(std::chrono::hours(1));
  world.sync();
  world.map_all();
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE entity = 'invoice' AND reason = 'berth.detail_missing'") == 0);
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE want = 1") == 0);
}
