#pragma once
// Mapping turns one stored record into a canonical document by rules in YAML. Pure: rules + record + lookups → outcome;
// no I/O, the same input gives the same outcome. It never names a debit, a credit or a posting error.
//
//   auto rules = BERTH_TRY(mapping::load_file("mapping.yaml", findings));
//   mapping::Outcome outcome = mapping::evaluate(rules, "invoice", record, lookups, context);
//   if (outcome.kind == mapping::OutcomeKind::kMapped) use(outcome.document);
//
// Threads: Rules are immutable and shared freely. Lookups are called on the caller's thread, at most once per distinct key.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/json.hpp"
#include "host/config/findings.hpp"
#include "host/core/result.hpp"
#include "host/documents/documents.hpp"

namespace berth::mapping {

class Points;
class Coverage;

/// A checked rules file. Cheap to copy (shared, immutable).
class Rules {
 public:
  struct Data;
  explicit Rules(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  [[nodiscard]] const Data& data() const { return *data_; }
  /// Hash of the text, 12 hex digits: what every posted record remembers.
  [[nodiscard]] std::string revision() const;
  /// The name under which it was loaded, "" for none.
  [[nodiscard]] std::string file() const;
  /// Where an evaluation goes one way or another; see points.hpp.
  [[nodiscard]] const Points& points() const;
  [[nodiscard]] std::string plugin() const;
  /// Names of the rule entities ("customer", "invoice", ...) in file order, and the remote entity each is made from.
  [[nodiscard]] std::vector<std::string> entities() const;
  [[nodiscard]] std::string remote_entity(std::string_view entity) const;
  /// Rule entities made from that remote entity ("contact" → customer, vendor).
  [[nodiscard]] std::vector<std::string> entities_of(std::string_view remote_entity) const;
  [[nodiscard]] bool needs_detail(std::string_view entity) const;
  /// What evaluating a record of that remote entity reads of its answers: whoever loads it need not build the rest.
  struct Reads {
    std::vector<std::string> members;    // of the list row or the detail, outermost; sorted
    std::vector<std::string> patterns;   // the same, with *
    bool list_beside_detail = false;     // the list row even where there is a detail
    std::vector<std::string> classifications;  // whose lines it looks up, and does not make; sorted
    [[nodiscard]] bool has(std::string_view member) const;
  };
  [[nodiscard]] const Reads& reads_of(std::string_view remote_entity) const;
  struct Derived {
    std::string name;            // "locations"
    std::string kind, scope;     // classification_line, Location
  };
  [[nodiscard]] std::vector<Derived> derived() const;
  /// What an integration may set under `settings:`.
  struct Setting {
    std::string name;
    documents::FieldType kind = documents::FieldType::kText;  // text, boolean, integer or decimal
    std::optional<json::Value> otherwise;                     // its default
    std::string help;
  };
  [[nodiscard]] const std::vector<Setting>& settings() const;

 private:
  std::shared_ptr<const Data> data_;
};

/// The revision of a file with that text.
[[nodiscard]] std::string revision_of(std::string_view text);

/// Loads and checks. Every problem becomes a finding (file:line:column, id, hint); an Error (mapping.invalid) only when
/// there is at least one error finding. `file` is the name shown.
Result<Rules> load_text(std::string_view text, std::string_view file, config::Findings& findings);
Result<Rules> load_file(const std::string& path, config::Findings& findings);

/// A stored record in the three places it is kept in.
struct Record {
  std::optional<json::Value> list;            // newest list row
  std::optional<json::Value> detail;          // newest detail
  std::map<std::string, json::Value> parts;   // further answers by name
  std::string remote_id, version;             // of the document
  bool posted = false;                        // has live entries or a row here
  bool deleted = false;                       // gone at the remote, confirmed; or archived by a person
  bool detail_expected = true;                // false where the phase never fetches a detail for it
  bool is_reduced = false;                    // its list row stands for it, because the operator pulls no more (`pull: reduced`)
  std::map<std::string, std::string> offered; // values other documents offered for it, newest first won
};

enum class Known { kPosted, kStored, kNotImportable, kUnseen, kUnknown };
struct LookupAnswer {
  Known known = Known::kUnknown;   // kUnseen: never seen, and one fetch of it may help; kUnknown: certainly not there
  std::string id;                  // local id when posted
};
/// The world outside, implemented by the run engine and by the case files.
class Lookups {
 public:
  virtual ~Lookups() = default;
  /// kind: company customer vendor item invoice customer_payment credit_note classification_line. scope: classification
  /// name or "". by: remote_id | name.
  virtual LookupAnswer find(std::string_view kind, std::string_view scope, std::string_view by, std::string_view value) = 0;
  /// The account of the row (kind, key "-" or text, company), or nothing while unmapped.
  virtual std::optional<std::string> account(std::string_view kind, std::string_view key, std::string_view company) = 0;
  /// Names near to `value`, for hints; may be empty.
  virtual std::string nearest(std::string_view kind, std::string_view scope, std::string_view value) = 0;
};

struct Context {
  std::string integration;     // id
  std::string company;         // of the integration
  std::string base_currency;
  std::map<std::string, json::Value> settings;
};

enum class OutcomeKind { kMapped, kIgnored, kParked, kFailed };
[[nodiscard]] std::string_view to_string(OutcomeKind kind);

/// A row to create, when the document posts, if it is not there: {"classification_line","Location","Austin, TX"}.
struct Ensure {
  std::string kind, scope, name;
  /// "new:classification_line/Location/Austin, TX": the placeholder that stands in the document.
  [[nodiscard]] std::string placeholder() const { return "new:" + kind + "/" + scope + "/" + name; }
};
struct TraceLine {
  std::string field;           // "customer", "lines[0].item"
  std::string text;            // how its value came about
  std::string place;           // of the rule: "mapping.yaml:55:21"
  std::optional<json::Value> value;   // what it came to; nothing: absent, or not known yet. Not of lists: their rows have lines
};
/// A question that was asked, with its answer.
struct AskedLookup {
  std::string kind, scope, by, value;
  LookupAnswer answer;
};
struct Outcome {
  OutcomeKind kind = OutcomeKind::kFailed;
  json::Value document;                   // kMapped: canonical JSON, with placeholders of `ensured`
  json::Value on_create;                  // kMapped master data: fields written only when the row is made
  std::string state;                      // draft | open | void | deleted | unknown, "" for master data
  bool state_only = false;                // mapped, but only source and state are set: the ledger reverses
  std::string reason, message;            // kIgnored, kParked, kFailed
  std::vector<std::string> waits_for;     // kParked: "customer/C404", "account/default_income/-/acme_us"
  std::vector<std::string> unseen;        // references worth one fetch: "customer/C404"
  std::vector<std::string> at;            // kFailed: fields, "sub_total", "lines[2].amount"
  std::vector<Ensure> ensured;
  std::vector<std::string> warnings;      // "company/Acme Wast"
  std::vector<std::string> warning_hints; // parallel: "nearest: \"Acme West\"" or ""
  std::vector<std::string> flags;         // "mapping.country_unknown"
  struct Offer { std::string entity, remote_id, name, value; };
  std::vector<Offer> offers;
  std::vector<TraceLine> trace;           // filled only with tracing
  std::vector<AskedLookup> asked;         // the same
};

/// Decides what a record becomes, with every blocker collected. `entity` is a rule entity ("invoice").
[[nodiscard]] Outcome evaluate(const Rules& rules, std::string_view entity, const Record& record, Lookups& lookups,
                               const Context& context, bool with_trace = false, Coverage* coverage = nullptr);

/// Values the record offers to other entities' rows; needs no lookups.
[[nodiscard]] std::vector<Outcome::Offer> offers_of(const Rules& rules, std::string_view entity, const Record& record);

}  // namespace berth::mapping
