// Runs the worked examples of docs/accounting.md that stand in cases/*.json. The form of a case is explained in
// cases/README.md.
#include <fstream>
#include <sstream>

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

void expect_entries(const Posted& posted, const json::Value& step) {
  const std::string message = posted.planned.refusal ? posted.planned.refusal->message : "";
  REQUIRE_MESSAGE(posted.planned.plan.has_value(), message);
  std::map<std::string, std::string> expected;
  for (const auto& [event, lines] : step.find("posts")->members()) expected[event] = lines_of(lines.text());
  std::map<std::string, std::string> found;
  for (const StoredEntry& entry : posted.entries) {
    const bool has_own_key = entry.reverses == 0 || entry.event == "void";
    const std::string key = (has_own_key ? "" : "reversal of ") + entry.event;
    CHECK_MESSAGE(!found.contains(key), key);
    found[key] = lines_of(entry);
    if (const json::Value* dates = step.find("dates")) {
      if (const json::Value* date = dates->find(key)) CHECK(to_string(entry.date) == date->text());
    }
  }
  const auto shown = [](const std::map<std::string, std::string>& entries) {
    std::string text;
    for (const auto& [event, lines] : entries) text += fmt::format("\n  {}: {}", event, lines);
    return text;
  };
  CHECK(shown(found) == shown(expected));
  const Plan& plan = *posted.planned.plan;
  if (const json::Value* pending = step.find("pending")) CHECK(sorted(plan.pending) == join(texts_of(*pending), ", "));
  if (const json::Value* flags = step.find("flags")) CHECK(sorted(plan.flags) == join(texts_of(*flags), ", "));
  if (const json::Value* again = step.find("replan")) CHECK(sorted(plan.replan) == join(texts_of(*again), ", "));
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
  if (const json::Value* document = step.find("document")) {
    const std::size_t before = fixture.entry_count();
    const Posted posted = fixture.post(*document);
    if (step.find("refused") != nullptr) {
      expect_refusal(posted, step);
      CHECK(fixture.entry_count() == before);
    } else {
      expect_entries(posted, step);
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
TEST_CASE("the worked examples of several companies post as docs/accounting.md says") {
  run_file(kCases + "companies.json");
}
TEST_CASE("what must not post is refused with its own reason, and nothing of it posts") {
  run_file(kCases + "refusals.json");
}

}  // namespace
}  // namespace berth::ledger::testing
