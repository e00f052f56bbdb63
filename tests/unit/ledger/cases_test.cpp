// Runs the worked examples of docs/accounting.md that stand in cases/*.json. The form of a case is explained in
// cases/README.md.
#include <fstream>
#include <sstream>

#include "host/ledger/opening.hpp"
#include "host/ledger/revaluation.hpp"
#include "unit/ledger/fixture.hpp"

namespace berth::ledger::testing {
namespace {

std::vector<std::string> texts_of(const json::Value& list) {
  std::vector<std::string> texts;
  for (const json::Value& item : list.items()) texts.emplace_back(item.text());
  std::sort(texts.begin(), texts.end());
  return texts;
}
std::string sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  return join(texts, ", ");
}

void apply_books(Fixture& fixture, const json::Value& books) {
  for (const auto& [id, policies] : books.members()) {
    Policies& target = fixture.context.companies.at(id).policies;
    const std::string_view periods = policies.text_of("periods");
    target.periods = periods == "hold"   ? PeriodPolicy::kHold
                     : periods == "skip" ? PeriodPolicy::kSkip
                                         : PeriodPolicy::kRedate;
    if (policies.text_of("presentation") == "gross") target.presentation = Presentation::kGross;
    target.intercompany = policies.text_of("intercompany");
    if (const json::Value* relief = policies.find("bad_debt_relief")) target.bad_debt_relief = relief->boolean();
  }
}

void expect_refusal(const Posted& posted, const json::Value& step) {
  REQUIRE_MESSAGE(posted.planned.refusal.has_value(), "it was posted");
  const Refusal& refusal = *posted.planned.refusal;
  CHECK(refusal.reason == step.text_of("refused"));
  static constexpr std::string_view kNames[] = {"failed", "parked", "skipped"};
  CHECK(kNames[static_cast<std::size_t>(refusal.consequence)] == step.text_of("becomes"));
  if (const json::Value* waits = step.find("waits_for"))
    CHECK(sorted(refusal.waits_for) == join(texts_of(*waits), ", "));
  if (const json::Value* fetch = step.find("fetched_again"))
    CHECK(sorted(refusal.forced_fetch) == join(texts_of(*fetch), ", "));
  CHECK(refusal.message.find(step.text_of("says")) != std::string::npos);
}

void expect_entries(const std::vector<StoredEntry>& entries, const json::Value& step) {
  std::map<std::string, std::string> expected;
  for (const auto& [event, lines] : step.find("posts")->members()) expected[event] = lines_of(lines.text());
  std::map<std::string, std::string> found;
  for (const StoredEntry& entry : entries) {
    const bool has_own_key = entry.reverses == 0 || entry.event == "void";
    const std::string key = (has_own_key ? "" : "reversal of ") + entry.event;
    CHECK_MESSAGE(!found.contains(key), key);
    found[key] = lines_of(entry);
    if (const json::Value* dates = step.find("dates")) {
      if (const json::Value* date = dates->find(key)) CHECK(to_string(entry.date) == date->text());
    }
    if (const json::Value* dates = step.find("document_dates")) {
      if (const json::Value* date = dates->find(key)) CHECK(to_string(entry.document_date) == date->text());
    }
  }
  const auto shown = [](const std::map<std::string, std::string>& by_event) {
    std::string text;
    for (const auto& [event, lines] : by_event) text += fmt::format("\n  {}: {}", event, lines);
    return text;
  };
  CHECK(shown(found) == shown(expected));
}

void expect_plan(const Posted& posted, const json::Value& step) {
  const std::string message = posted.planned.refusal ? posted.planned.refusal->message : "";
  REQUIRE_MESSAGE(posted.planned.plan.has_value(), message);
  expect_entries(posted.entries, step);
  const Plan& plan = *posted.planned.plan;
  if (const json::Value* pending = step.find("pending")) CHECK(sorted(plan.pending) == join(texts_of(*pending), ", "));
  if (const json::Value* flags = step.find("flags")) CHECK(sorted(plan.flags) == join(texts_of(*flags), ", "));
  if (const json::Value* again = step.find("replan")) CHECK(sorted(plan.replan) == join(texts_of(*again), ", "));
}

/// What is no document: it fails with a reason, or writes entries.
void expect_written(const Fixture::Written& written, const json::Value& step) {
  if (step.find("refused") != nullptr) {
    CHECK(written.error.reason == step.text_of("refused"));
    CHECK_MESSAGE(written.error.message.find(step.text_of("says")) != std::string::npos, written.error.message);
    CHECK(written.entries.empty());
    return;
  }
  CHECK_MESSAGE(written.error.reason.empty(), written.error.message);
  expect_entries(written.entries, step);
}

Fixture::Written import_opening(Fixture& fixture, const json::Value& file) {
  return fixture.record([&](storage::Connection& c) -> Result<Committed> {
    std::string text;
    for (const json::Value& line : file.items()) text += std::string(line.text()) + "\n";
    Committed all;
    for (const OpeningReceivable& opening : BERTH_TRY(parse_openings(text, fixture.context.companies))) {
      const PostedOpening posted =
          BERTH_TRY(post_opening(c, opening, fixture.context, "inv_" + opening.invoice, kNow));
      all.entries.insert(all.entries.end(), posted.committed.entries.begin(), posted.committed.entries.end());
    }
    return all;
  });
}

Fixture::Written revalue(Fixture& fixture, const json::Value& what) {
  return fixture.record([&](storage::Connection& c) -> Result<Committed> {
    const Currency currency = BERTH_TRY(Currency::of(what.text_of("currency")));
    const Decimal rate = BERTH_TRY(Decimal::parse(what.text_of("rate")));
    const Date period_end = BERTH_TRY(parse_date(what.text_of("period_end")));
    const Revaluation loaded = BERTH_TRY(load_revaluation(c, kIntegration, "acme_us", currency, rate, period_end));
    return post_revaluation(c, loaded, fixture.context, kNow);
  });
}

/// Takes a live entry back as somebody would who did not look first (T12), or records what a document plans under a key
/// that is taken (T13).
Fixture::Written reverse(Fixture& fixture, std::int64_t entry) {
  return fixture.record([&](storage::Connection& c) {
    Plan plan;
    plan.reversals.push_back({entry, "post", 9, Date{2026, 5, 31}});
    CommitContext context;
    context.integration = kIntegration;
    context.source = {std::string(kIntegration), "invoice", "I1", "1"};
    context.now = kNow;
    return commit(c, plan, context);
  });
}
Fixture::Written record_as(Fixture& fixture, const json::Value& brief) {
  return fixture.record([&](storage::Connection& c) -> Result<Committed> {
    const documents::Document document = fixture.parse(*brief.find("document"));
    Planned planned = plan(document, BERTH_TRY(load_books(c, document, fixture.context)));
    Plan forced = std::move(*planned.plan);
    forced.reversals.clear();
    for (Entry& entry : forced.entries) entry.sequence = brief.find("sequence")->integer().value_or(1);
    return commit(c, forced, Fixture::commit_context(document));
  });
}

void run_step(Fixture& fixture, const json::Value& step) {
  if (const json::Value* month = step.find("close")) {
    fixture.write([&](storage::Connection& c) -> Status {
      for (const auto& [id, text] : month->members()) {
        BERTH_CHECK(close_period(c, id, BERTH_TRY(parse_month(text.text())), kNow, "test"));
      }
      return success();
    });
  }
  for (const json::Value& row : step.find("map") != nullptr ? step.find("map")->items() : json::Array{}) {
    fixture.context.accounts->set(row.text_of("kind"), row.text_of("key"), row.text_of("company"),
                                  std::string(row.text_of("account")));
  }
  if (const json::Value* books = step.find("books")) apply_books(fixture, *books);
  fixture.context.current_data_confirmed = step.find("current_data_confirmed") != nullptr;
  const std::size_t entries_before = fixture.entry_count();
  if (const json::Value* file = step.find("opening")) expect_written(import_opening(fixture, *file), step);
  if (const json::Value* what = step.find("revalue")) expect_written(revalue(fixture, *what), step);
  if (const json::Value* entry = step.find("reverse")) expect_written(reverse(fixture, entry->integer().value_or(0)), step);
  if (const json::Value* what = step.find("record_as")) expect_written(record_as(fixture, *what), step);
  if (const json::Value* document = step.find("unreadable")) {
    const auto read = documents::parse(complete(*document));
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().reason == step.text_of("refused"));
    CHECK_MESSAGE(read.error().message.find(step.text_of("says")) != std::string::npos, read.error().message);
  }
  if (step.find("refused") != nullptr) CHECK(fixture.entry_count() == entries_before);
  if (const json::Value* document = step.find("document")) {
    const std::size_t before = fixture.entry_count();
    const Posted posted = fixture.post(*document);
    if (step.find("refused") != nullptr) {
      expect_refusal(posted, step);
      CHECK(fixture.entry_count() == before);
    } else {
      expect_plan(posted, step);
    }
  }
  for (const auto& [id, text] : step.find("balances") != nullptr ? step.find("balances")->members() : json::Object{}) {
    CHECK(fixture.balances(id) == text.text());
  }
  for (const auto& [document, amount] : step.find("open") != nullptr ? step.find("open")->members() : json::Object{}) {
    const auto parts = split(document, '/');
    CHECK(fixture.open_of(parts.at(0), parts.at(1)) == amount.text());
  }
}

void run_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const json::Parsed parsed = json::parse(text.str());
  REQUIRE_MESSAGE(parsed.ok(), path << ": " << parsed.error.message);
  for (const json::Value& one : parsed.value.items()) {
    SUBCASE(std::string(one.text_of("case")).c_str()) {
      Fixture fixture;
      if (const json::Value* books = one.find("books")) apply_books(fixture, *books);
      std::size_t number = 0;
      for (const json::Value& step : one.find("steps")->items()) {
        CAPTURE(++number);
        run_step(fixture, step);
        // The same document again: fingerprints are equal, nothing happens.
        if (step.find("document") != nullptr && step.find("refused") == nullptr && step.find("replan") == nullptr) {
          const Posted again = fixture.post(*step.find("document"));
          CHECK(again.entries.empty());
        }
      }
      fixture.check_sound();
    }
  }
}

const std::string kCases = std::string(BERTH_SOURCE_DIR) + "/tests/unit/ledger/cases/";

TEST_CASE("the worked examples of invoices post as docs/accounting.md says") {
  run_file(kCases + "invoices.json");
}
TEST_CASE("the worked examples of payments post as docs/accounting.md says") {
  run_file(kCases + "payments.json");
}
TEST_CASE("the worked examples of credit notes post as docs/accounting.md says") {
  run_file(kCases + "credit_notes.json");
}
TEST_CASE("the worked examples of corrections, voids and closed months post as docs/accounting.md says") {
  run_file(kCases + "corrections.json");
}
TEST_CASE("the worked examples in foreign currency post as docs/accounting.md says") {
  run_file(kCases + "foreign_currency.json");
}
TEST_CASE("the worked examples of write-offs post as docs/accounting.md says") {
  run_file(kCases + "write_offs.json");
}
TEST_CASE("C5: the worked examples of documents of which only the total is known post as docs/accounting.md says") {
  run_file(kCases + "total_only.json");
}
TEST_CASE("the worked examples of several companies post as docs/accounting.md says") {
  run_file(kCases + "companies.json");
}
TEST_CASE("the worked examples of opening receivables and revaluation post as docs/accounting.md says") {
  run_file(kCases + "opening_and_revaluation.json");
}
TEST_CASE("the worked examples of payouts post as docs/accounting.md says") {
  run_file(kCases + "payouts.json");
}
TEST_CASE("what must not post is refused with its own reason, and nothing of it posts") {
  run_file(kCases + "refusals.json");
}

}  // namespace
}  // namespace berth::ledger::testing
