#pragma once
// What lies between a host and its database: a TCP port that hands everything on to the socket of a PostgreSQL server, until it
// is cut. Then nothing comes through in either direction and nobody is told, as with a cable that was pulled behind a firewall;
// new connections are made and stay silent. Healed, it ends what is old and hands on what is new.
//
//   Proxy proxy("/tmp/berth-postgresql-x/.s.PGSQL.5432");
//   ... proxy.port() ...   proxy.cut();   ...   proxy.heal();
//
// Muted, it hands on what a host asks and nothing of what the server answers. One thread of its own; the rest any thread.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace hosts {

struct Ends {
  std::string listen = "127.0.0.1";
  int port = 0;                // 0: any free one
  std::string socket_path{};   // what is handed on to; empty: the TCP address that follows
  std::string to{};
  int to_port = 0;
};

class Proxy {
 public:
  explicit Proxy(std::string socket_path) : Proxy(Ends{.socket_path = std::move(socket_path)}) {}
  explicit Proxy(Ends ends);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& address() const { return ends_.listen; }
  void mute() { is_muted_ = true; }
  void cut() { is_cut_ = true; }
  void heal() { is_cut_ = is_muted_ = false; }

 private:
  struct Pair {
    int client = -1, server = -1;
  };
  void run(const std::stop_token& stop);
  void accept_one();
  static bool hand_on(int from, int to);
  static void end(Pair& pair);

  [[nodiscard]] int reach() const;
  const Ends ends_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> is_cut_{false}, is_muted_{false};
  std::vector<Pair> pairs_;   // of the thread
  std::jthread thread_;
};

}  // namespace hosts
