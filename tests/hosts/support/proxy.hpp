#pragma once
// What lies between a host and its database: a TCP port that hands everything on to the socket of a PostgreSQL server, until it
// is cut. Then nothing comes through in either direction and nobody is told, as with a cable that was pulled behind a firewall;
// new connections are made and stay silent. Healed, it ends what is old and hands on what is new.
//
//   Proxy proxy("/tmp/berth-postgresql-x/.s.PGSQL.5432");
//   ... proxy.port() ...   proxy.cut();   ...   proxy.heal();
//
// One thread of its own; the rest any thread.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace hosts {

class Proxy {
 public:
  explicit Proxy(std::string socket_path);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  void cut() { is_cut_ = true; }
  void heal() { is_cut_ = false; }

 private:
  struct Pair {
    int client = -1, server = -1;
  };
  void run(const std::stop_token& stop);
  void accept_one();
  static bool hand_on(int from, int to);
  static void end(Pair& pair);

  const std::string socket_path_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> is_cut_{false};
  std::vector<Pair> pairs_;   // of the thread
  std::jthread thread_;
};

}  // namespace hosts
