// The control interface under /_control/: counters, clock, faults, limits, tokens, and every change to the books, as
// JSON over the same server. Calls to it are neither counted nor limited. README.md lists the paths.
//
// Called by the Simulator under its lock; refusals are thrown as ApiError.
#pragma once

#include "tests/zoho_sim/message.hpp"

namespace zoho_sim {

class Simulator;

class Control {
 public:
  static bool serves(std::string_view path) { return path.rfind("/_control/", 0) == 0; }
  explicit Control(Simulator& simulator) : simulator_(simulator) {}
  Response handle(const Request& request);
  std::string books() const;
  std::string counters() const;

 private:
  Response system(const Request& request, const std::string& what, const std::string& action);
  Response invoices(const Request& request, const std::string& id, const std::string& action);
  Response payments(const Request& request, const std::string& id, const std::string& action);
  Response credit_notes(const Request& request, const std::string& id, const std::string& action);
  Response contacts(const Request& request, const std::string& id, const std::string& action);
  Response items(const Request& request, const std::string& id, const std::string& action);

  Simulator& simulator_;
};

}  // namespace zoho_sim
