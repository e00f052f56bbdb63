// Serves a Simulator over HTTP on a loopback port, faults of delivery included.
//
//   zoho_sim::HttpFace face(simulator);          // any free port
//   const auto origin = face.origin();           // "http://127.0.0.1:43211"
//
// Owns its server and its pool of threads; does not own the simulator, which must outlive it. The constructor throws
// std::runtime_error when the port is taken. stop() and the destructor end hanging answers too.
#pragma once

#include "tests/zoho_sim/simulator.hpp"

#include <memory>

namespace zoho_sim {

class HttpFace {
 public:
  explicit HttpFace(Simulator& simulator, int port = 0, int threads = 64);
  ~HttpFace();
  HttpFace(const HttpFace&) = delete;
  HttpFace& operator=(const HttpFace&) = delete;

  int port() const;
  std::string origin() const;
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zoho_sim
