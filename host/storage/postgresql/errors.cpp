#include "host/storage/postgresql/errors.hpp"

namespace berth::storage {

// PostgreSQL, "Error Codes": the first two characters are the class.
Error postgresql_error(const PostgresqlFailure& failure, std::string_view doing) {
  const std::string_view state = failure.state;
  const std::string said = failure.message + (state.empty() ? "" : " (PostgreSQL " + failure.state + ")");
  const auto later = [](Error error) {
    error.retry_after_ms = 1000;
    return error;
  };
  if (!failure.is_connected || state.starts_with("08") || state.starts_with("57P")) {
    return later(make_error(Code::kUnavailable, "storage.unreachable", "there is no connection to the PostgreSQL server: " + said));
  }
  // A lock that was not free in time, a deadlock, a transaction that another one overtook, too many connections.
  if (state == "55P03" || state.starts_with("40") || state == "53300")
    return later(make_error(Code::kUnavailable, "storage.busy", "the database is in use by others for too long: " + said));
  // Ended by an administrator or by a limit of time.
  if (state.starts_with("57")) return later(make_error(Code::kUnavailable, "storage.busy", "the server ended the statement: " + said));
  if (state == "25P03" || state == "25P02")
    return later(make_error(Code::kUnavailable, "storage.busy", "the transaction was ended by the server: " + said));
  if (state == "53100") return make_error(Code::kEnvironment, "storage.full", "the disk of the PostgreSQL server is full: " + said);
  // Out of memory, locks or another resource; files of the server that cannot be read or written.
  if (state.starts_with("53") || state.starts_with("58"))
    return make_error(Code::kEnvironment, "storage.failed", "the PostgreSQL server cannot do its work: " + said);
  if (state == "25006") return make_error(Code::kEnvironment, "storage.read_only", "the database cannot be written: " + said);
  if (state == "42501") return make_error(Code::kEnvironment, "storage.forbidden", "this user of the database may not do that: " + said);
  if (state.starts_with("XX")) return make_error(Code::kEnvironment, "storage.damaged", "the database is damaged: " + said);
  if (state == "23505") return make_error(Code::kConflict, "storage.unique", failure.message);
  // P0001 is RAISE in a trigger: its text is the message.
  if (state.starts_with("23") || state == "P0001") return make_error(Code::kConflict, "storage.refused", failure.message);
  return make_error(Code::kInternal, "storage.failed", std::string(doing) + ": " + said);
}

}  // namespace berth::storage
