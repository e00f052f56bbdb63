// Rules and what they make of a record: loading ends with findings inside the file, evaluating gives the same outcome
// every time, asks the world each question once, and with or without a trace says the same. Input: a rules file, a line
// "%%", and the record's detail; rules that do not load are replaced by a sample, so that records are tried either way.
#include <set>
#include <tuple>

#include "fuzz/findings.hpp"
#include "fuzz/fuzz.hpp"
#include "host/documents/documents.hpp"
#include "host/mapping/mapping.hpp"

namespace berth::fuzz {
namespace {

/// A world in which what is known depends on the question alone; a question that comes twice is a bug.
class World final : public mapping::Lookups {
 public:
  mapping::LookupAnswer find(std::string_view kind, std::string_view scope, std::string_view by,
                             std::string_view value) override {
    const bool is_new =
        asked_.insert({std::string(kind), std::string(scope), std::string(by), std::string(value)}).second;
    FUZZ_CHECK(is_new, "asked twice: " + std::string(kind) + " " + std::string(value));
    switch (value.size() % 5) {
      case 0:
        return {mapping::Known::kStored, ""};
      case 1:
        return {mapping::Known::kUnseen, ""};
      case 2:
        return {mapping::Known::kPosted, "id_" + std::string(kind)};
      case 3:
        return {mapping::Known::kNotImportable, ""};
      default:
        return {mapping::Known::kUnknown, ""};
    }
  }
  std::optional<std::string> account(std::string_view kind, std::string_view key, std::string_view company) override {
    const bool is_new =
        asked_.insert({"account/" + std::string(kind), std::string(key), std::string(company), ""}).second;
    FUZZ_CHECK(is_new, "asked twice: account " + std::string(kind) + " " + std::string(key));
    if (key.size() % 2 == 0) return std::nullopt;
    return "account_" + std::string(kind);
  }
  std::string nearest(std::string_view, std::string_view, std::string_view value) override {
    return value.size() % 2 == 0 ? "" : "Near";
  }

 private:
  std::set<std::tuple<std::string, std::string, std::string, std::string>> asked_;
};

const mapping::Rules& sample() {
  static const mapping::Rules made = [] {
    config::Findings findings;
    auto rules = mapping::load_text(repository_file("plugins/zoho_books/mapping.yaml"), "mapping.yaml", findings);
    FUZZ_CHECK(rules.ok(), findings.print());
    return *rules;
  }();
  return made;
}

/// Everything of an outcome but the trace, as text.
std::string text_of(const mapping::Outcome& outcome) {
  std::string text(mapping::to_string(outcome.kind));
  const auto add = [&](std::string_view piece) { text += "\n" + std::string(piece); };
  add(json::dump(outcome.document));
  add(json::dump(outcome.on_create));
  for (const auto* piece : {&outcome.state, &outcome.reason, &outcome.message}) add(*piece);
  for (const auto* list :
       {&outcome.waits_for, &outcome.unseen, &outcome.at, &outcome.warnings, &outcome.warning_hints, &outcome.flags}) {
    add("-");
    for (const auto& piece : *list) add(piece);
  }
  for (const auto& each : outcome.ensured) add(each.placeholder());
  for (const auto& each : outcome.offers) add(each.entity + "/" + each.remote_id + "/" + each.name + "/" + each.value);
  return text;
}

void check_outcome(const mapping::Outcome& outcome) {
  using mapping::OutcomeKind;
  const std::string shown = text_of(outcome);
  FUZZ_CHECK(outcome.warnings.size() == outcome.warning_hints.size(), shown);
  FUZZ_CHECK((outcome.kind == OutcomeKind::kMapped) == outcome.document.is_object(), shown);
  if (outcome.kind != OutcomeKind::kMapped) {
    FUZZ_CHECK(!outcome.reason.empty() && !outcome.message.empty(), shown);
    FUZZ_CHECK(outcome.ensured.empty() || outcome.kind == OutcomeKind::kParked, shown);
    return;
  }
  FUZZ_CHECK(outcome.reason.empty() && outcome.waits_for.empty() && outcome.at.empty(), shown);
  // What is mapped is a document of its model; only what the ledger judges may still be wrong with it.
  const auto document = documents::parse(outcome.document);
  FUZZ_CHECK(document.ok(), shown + "\n" + document.error().message);
}

void check_evaluation(const mapping::Rules& rules, const mapping::Record& record) {
  mapping::Context context;
  context.integration = "demo_1";
  context.company = "co_1";
  context.base_currency = "USD";
  for (const std::string& entity : rules.entities()) {
    World first;
    World second;
    World third;
    const auto outcome = mapping::evaluate(rules, entity, record, first, context);
    FUZZ_CHECK(text_of(outcome) == text_of(mapping::evaluate(rules, entity, record, second, context)), entity);
    const auto traced = mapping::evaluate(rules, entity, record, third, context, true);
    FUZZ_CHECK(text_of(outcome) == text_of(traced) && outcome.trace.empty(), entity);
    check_outcome(outcome);
    (void)mapping::offers_of(rules, entity, record);
  }
}

}  // namespace

void fuzz_mapping_expression(std::string_view input) {
  Input in(input);
  const std::string_view text = in.section();
  config::Findings findings;
  const auto loaded = mapping::load_text(text, "rules.yaml", findings);
  check_findings(findings, text, "rules.yaml");
  FUZZ_CHECK(loaded.ok() != findings.has_errors(), findings.print());
  const auto parsed = json::parse(in.rest());
  mapping::Record record;
  record.version = "v1";
  record.remote_id = "R1";
  if (parsed.ok()) record.detail = parsed.value;
  check_evaluation(loaded.ok() ? *loaded : sample(), record);
  if (!parsed.ok()) return;
  mapping::Record listed;
  listed.list = parsed.value;
  listed.detail_expected = false;
  listed.posted = true;
  check_evaluation(loaded.ok() ? *loaded : sample(), listed);
}

}  // namespace berth::fuzz
