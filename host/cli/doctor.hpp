#pragma once
// `berth doctor`: what is wrong with an installation, and what to do about it. Looks at everything in the order in which
// it would stop a run: configuration, data folder, database, books, vault, plugins, integrations.
//
// Nothing is sent to a remote unless `online` is set. Each library that is trusted is opened in a worker, as for a run.
// What stands on something that is broken is not examined, and says so. One thread. Cannot fail: what fails is a symptom.
#include <stop_token>
#include <string>
#include <vector>

#include "berth/json.hpp"
#include "host/cli/output.hpp"
#include "host/core/result.hpp"

namespace berth::cli {

struct Symptom {
  bool is_warning = false;   // nothing stops because of it
  std::string reason, message;
  std::string what_to_do;    // better than what the page of reasons says, if not empty
};

/// One thing that was looked at.
struct Examined {
  std::string what;          // "database", "integration zoho"
  std::string detail;        // when all is well, what was seen; else what could be seen
  bool is_examined = true;   // false: something before it is broken
  std::vector<Symptom> symptoms = {};   // errors first

  /// "ok", "warning", "wrong" or "not examined".
  [[nodiscard]] std::string_view state() const;
};

[[nodiscard]] std::vector<Examined> examine(const Global& global, bool online, std::stop_token stop);

}  // namespace berth::cli
