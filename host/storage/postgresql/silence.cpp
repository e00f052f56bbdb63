#include "host/storage/postgresql/silence.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace berth::storage {
namespace {

using Steady = std::chrono::steady_clock;

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

/// False where the time is over.
bool wait_for(PGconn* connection, short events, Steady::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now()).count();
    if (left <= 0) return false;
    pollfd one{PQsocket(connection), events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0) return false;
  }
}

/// CONNECTION_OK, CONNECTION_BAD where it was refused, or something between where the time is over.
ConnStatusType connect(PGconn* connection, Steady::time_point until) {
  for (;;) {
    switch (PQconnectPoll(connection)) {
      case PGRES_POLLING_OK: return CONNECTION_OK;
      case PGRES_POLLING_FAILED: return CONNECTION_BAD;
      case PGRES_POLLING_READING:
        if (!wait_for(connection, POLLIN, until)) return CONNECTION_STARTED;
        break;
      default:
        if (!wait_for(connection, POLLOUT, until)) return CONNECTION_STARTED;
    }
  }
}

/// The same server, by the address that the waiting session found: asking for its name again could take long.
std::string same_server(const std::string& address, const PGconn* waiting) {
  std::string text = address;
  const auto add = [&](std::string_view key, const char* value) {
    if (value != nullptr && *value != '\0' && std::string_view(value).find_first_of("'\\") == std::string_view::npos) text += " " + std::string(key) + "='" + value + "'";
  };
  add("host", PQhost(waiting));
  add("hostaddr", PQhostaddr(waiting));
  add("port", PQport(waiting));
  return text;
}

}  // namespace

std::string silence_of(const PGconn* waiting, std::int64_t backend, const std::string& address, std::chrono::milliseconds limit) {
  const auto until = Steady::now() + limit;
  const std::string within = " within " + std::to_string(limit.count() / 1000) + " s";
  const std::unique_ptr<PGconn, Finish> probe(PQconnectStart(same_server(address, waiting).c_str()));
  if (probe == nullptr || PQstatus(probe.get()) == CONNECTION_BAD) return "no new connection to it can be made";
  const ConnStatusType connected = connect(probe.get(), until);
  if (connected == CONNECTION_BAD) {
    // Refused by the server itself, such as for too many connections: it is there. Anything else is the network's.
    return std::string_view(PQerrorMessage(probe.get())).find("FATAL") != std::string_view::npos ? "" : "no new connection to it can be made";
  }
  if (connected != CONNECTION_OK) return "a new connection to it was not made" + within;
  if (backend == 0) return "";
  const std::string question = "SELECT state FROM pg_stat_activity WHERE state = 'active' AND pid = " + std::to_string(backend);
  if (PQsetnonblocking(probe.get(), 1) != 0 || PQsendQuery(probe.get(), question.c_str()) == 0) return "a new connection to it ended at once";
  for (;;) {
    const int unsent = PQflush(probe.get());
    if (unsent < 0 || (unsent == 0 && PQisBusy(probe.get()) == 0)) break;
    if (!wait_for(probe.get(), static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), until)) return "it did not answer on a new connection" + within;
    if (PQconsumeInput(probe.get()) == 0) break;
  }
  const std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQgetResult(probe.get()), &PQclear);
  if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK) return "";
  return PQntuples(answer.get()) > 0 ? "" : "it does not work on what it was asked: the connection is lost on the way";
}

}  // namespace berth::storage
