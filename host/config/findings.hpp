#pragma once
// Findings: what is wrong with files that people write, collected and not thrown, so that one run shows every mistake.
//
//   Findings findings;
//   findings.error(node.place, "config.unknown_key", "`shedule` is not a key of integrations", "did you mean
//   `schedule`?"); std::cout << findings.print();
//
// prints
//
//   berth.yaml:12:5: error[config.unknown_key] `shedule` is not a key of integrations
//      12 |     shedule: {invoices: 1h}
//         |     ^ did you mean `schedule`?
//   1 error, 0 warnings
//
// Plain data; one thread at a time. At most kFindingsMax are kept, the rest are counted.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"

namespace berth::config {

/// A file as it was read.
struct Source {
  std::string file;  // as printed: "berth.yaml"
  std::string text;
  /// The text of a line from 1, without its end; empty if there is none.
  [[nodiscard]] std::string_view line(std::size_t number) const;
};

/// Where something stands. Line and column count from 1, the column in bytes. The source is shared, because nodes of a
/// file are kept (in compiled rules, in findings) after the file was read.
struct Place {
  std::shared_ptr<const Source> source;
  std::size_t line = 0;
  std::size_t column = 0;
  /// "berth.yaml:8:14", or "" without a source.
  [[nodiscard]] std::string to_string() const;
};

enum class Severity { kError, kWarning };

struct Finding {
  Severity severity = Severity::kError;
  std::string id;  // "config.unknown_key"
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string message;  // one sentence
  std::string excerpt;  // the line; empty if there is none
  std::string hint;     // what to do; may be empty
};

class Findings {
 public:
  static constexpr std::size_t kFindingsMax = 500;

  void error(const Place& place, std::string id, std::string message, std::string hint = "");
  void warning(const Place& place, std::string id, std::string message, std::string hint = "");
  void add(Finding finding);
  /// Puts *** for a secret that somebody wrote into a file, in all findings so far. Texts below 4 bytes stay.
  void mask(std::string_view secret);

  [[nodiscard]] const std::vector<Finding>& all() const { return findings_; }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] std::size_t warnings() const { return warnings_; }
  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] bool empty() const { return errors_ + warnings_ == 0; }

  /// As a compiler prints them, errors first, then by file and line, and a count at the end. "" if there are none.
  [[nodiscard]] std::string print() const;
  /// [{"severity":"error","id":"…","file":"…","line":12,"column":5,"message":"…","hint":"…"}] in the same order.
  [[nodiscard]] json::Value to_json() const;

 private:
  void add_at(Severity severity, const Place& place, std::string id, std::string message, std::string hint);
  [[nodiscard]] std::vector<const Finding*> sorted() const;
  std::vector<Finding> findings_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

/// "did you mean `schedule`?" with the candidate nearest to `text`, or "" if none is near.
[[nodiscard]] std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace berth::config
