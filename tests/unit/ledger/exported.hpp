#pragma once
// The journal of a fixture in one of the formats, and the programs that judge it. For test programs: it checks by itself.
#include <sys/wait.h>

#include <cstdio>
#include <string>

#include "host/ledger/export.hpp"
#include "unit/ledger/fixture.hpp"

namespace berth::ledger::testing {

inline std::string exported(Fixture& fixture, ExportFormat format, EntryOrder order = EntryOrder::kRecording) {
  std::string text;
  const Status status = fixture.database().read([&](storage::Connection& c) {
    return export_journal(c, format, {fixture.context.companies, {}, order}, [&](std::string_view piece) {
      text += piece;
      return true;
    });
  });
  REQUIRE(status.ok());
  return text;
}

/// What a program printed, on both of its outputs, and how it ended.
struct Output {
  int code = -1;
  std::string text;
};
inline Output run(const std::string& command) {
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.text.append(buffer, n);
  const int status = pclose(pipe);
  output.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

}  // namespace berth::ledger::testing
