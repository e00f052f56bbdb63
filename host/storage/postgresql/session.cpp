#include "host/storage/postgresql/session.hpp"

#include <Poco/Data/PostgreSQL/Connector.h>
#include <Poco/Data/PostgreSQL/SessionHandle.h>
#include <Poco/Data/PostgreSQL/Utility.h>
#include <Poco/Data/Session.h>
#include <Poco/Exception.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <mutex>

#include "host/core/text.hpp"
#include "host/storage/postgresql/errors.hpp"

namespace berth::storage {
namespace {

constexpr std::size_t kPreparedMax = 300;
constexpr std::size_t kQueryRowsMax = 1'000'000;  // of query(); larger answers are read by each()
constexpr int kRowsInBatch = 500;                 // of each()
constexpr std::size_t kSqlShown = 120;
constexpr int kOnItsWayMs = 1'000;                 // an answer that came while the server was asked about it

// PostgreSQL, catalog pg_type: the numbers of the types that are used.
enum Type : Oid { kAny = 0, kBool = 16, kBytes = 17, kInteger8 = 20, kInteger2 = 21, kInteger4 = 23, kText = 25, kNumeric = 1700 };

std::string doing(std::string_view sql) { return "running \"" + shortened(trim(sql), kSqlShown) + "\""; }

/// "?" outside of quotes becomes $1, $2, ...
Result<std::string> with_numbers(std::string_view sql, int parameters) {
  std::string out;
  out.reserve(sql.size() + 32);
  int number = 0;
  bool is_quoted = false;
  for (const char c : sql) {
    if (c == '\'') is_quoted = !is_quoted;
    if (c == '?' && !is_quoted) {
      out += '$';
      out += std::to_string(++number);
    } else {
      out += c;
    }
  }
  if (number == parameters) return out;
  return make_error(Code::kInternal, "storage.failed",
                    "A statement wants " + std::to_string(number) + " parameters and got " + std::to_string(parameters) + ": " + doing(sql));
}

bool starts_with_word(std::string_view sql, std::string_view word) {
  sql = trim(sql);
  return sql.size() > word.size() && sql.starts_with(word) && (sql[word.size()] == ' ' || sql[word.size()] == '\n');
}

Value read_column(const PGresult* answer, int row, int column) {
  if (PQgetisnull(answer, row, column) != 0) return std::monostate{};
  const char* text = PQgetvalue(answer, row, column);
  const auto size = static_cast<std::size_t>(PQgetlength(answer, row, column));
  switch (PQftype(answer, column)) {
    case kBool:
      return static_cast<std::int64_t>(*text == 't');
    case kInteger2:
    case kInteger4:
    case kInteger8:
    case kNumeric: {  // what SUM gives; one that does not fit stays text
      std::int64_t number = 0;
      const auto read = std::from_chars(text, text + size, number);
      if (read.ec == std::errc() && read.ptr == text + size) return number;
      return std::string(text, size);
    }
    case kBytes: {
      std::size_t bytes = 0;
      unsigned char* raw = PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &bytes);
      if (raw == nullptr) throw std::bad_alloc();
      Blob blob{std::string(reinterpret_cast<const char*>(raw), bytes)};
      PQfreemem(raw);
      return blob;
    }
    default:
      return std::string(text, size);
  }
}

Row read_row(const PGresult* answer, int row) {
  const int count = PQnfields(answer);
  std::vector<Value> columns;
  columns.reserve(static_cast<std::size_t>(count));
  for (int column = 0; column < count; ++column) columns.push_back(read_column(answer, row, column));
  return Row(std::move(columns));
}

std::string quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// The address with what is not said in it. What the network takes is noticed within half a minute, not after two hours, where a
/// session lies idle; one that waits for an answer looks for itself (silence.hpp).
Result<std::string> connection_text(const PostgresqlOptions& options) {
  struct Free {
    void operator()(PQconninfoOption* list) const { PQconninfoFree(list); }
  };
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, Free> list(PQconninfoParse(options.url.c_str(), &message));
  if (list == nullptr) {
    PQfreemem(message);  // not shown: it repeats the address, in which there may be a password
    return make_error(Code::kInvalidConfig, "storage.address",
                      "the address of the PostgreSQL server cannot be read; it is written like postgresql://user@host:5432/name?sslmode=verify-full");
  }
  std::string text = "client_encoding=UTF8";
  const std::pair<std::string_view, std::string_view> wanted[] = {{"connect_timeout", "10"},    {"application_name", "berth"},
                                                                  {"keepalives_idle", "10"},    {"keepalives_interval", "5"},
                                                                  {"keepalives_count", "3"},    {"tcp_user_timeout", "30000"}};
  for (const auto& [key, value] : wanted) text += " " + std::string(key) + "=" + std::string(value);
  for (const PQconninfoOption* option = list.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) text += " " + std::string(option->keyword) + "=" + quoted(option->val);  // the later one counts
  }
  if (!options.password.empty()) text += " password=" + quoted(options.password.reveal());
  return text;
}

/// libpq writes a text of several lines with tabs, and the same one again where it failed twice.
std::string said_once(std::string_view text) {
  std::vector<std::string_view> lines;
  std::string said;
  while (!text.empty()) {
    const std::string_view line = trim(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), text.find('\n') == std::string_view::npos ? text.size() : text.find('\n') + 1));
    const bool is_news = !line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end();
    if (!is_news || (line == "invalid socket" && !said.empty())) continue;   // what comes of an end that was told before it
    lines.push_back(line);
    said += (said.empty() ? "" : " ") + std::string(line);
  }
  return replace_all(std::move(said), "\t", " ");
}

/// What the server says has a code. What libpq says of a connection that has ended has none, and for a moment it still takes the
/// connection for a good one: it could not send, and has not tried to receive since. Only misuse is told without an answer.
bool is_over(const PGconn* connection, const PGresult* answer, std::string_view state, std::string_view message) {
  if (PQstatus(connection) != CONNECTION_OK) return true;
  return state.empty() && (answer != nullptr || message.find("connection") != std::string_view::npos);
}

PostgresqlFailure failure_of(const PGconn* connection, const PGresult* answer) {
  const auto field = [&](int which) {
    const char* text = answer == nullptr ? nullptr : PQresultErrorField(answer, which);
    return text == nullptr ? std::string() : std::string(text);
  };
  PostgresqlFailure failure{field(PG_DIAG_SQLSTATE), said_once(field(PG_DIAG_MESSAGE_PRIMARY)), true};
  if (failure.message.empty()) failure.message = said_once(PQerrorMessage(connection));
  failure.is_connected = !is_over(connection, answer, failure.state, failure.message);
  return failure;
}

}  // namespace

struct PostgresqlSession::PocoSession {
  Poco::Data::Session session;
};

void PostgresqlSession::Clear::operator()(pg_result* result) const { PQclear(result); }

/// The parameters of a statement as libpq takes them; refers to their texts.
class PostgresqlSession::Bound {
 public:
  static Result<Bound> of(std::span<const Parameter> parameters, std::string_view sql) {
    Bound bound;
    const std::size_t count = parameters.size();
    bound.numbers_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      const Parameter::Held& value = parameters[i].value();
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        auto rest = static_cast<std::uint64_t>(*number);
        for (std::size_t byte = 8; byte-- > 0; rest >>= 8U) bound.numbers_[i][byte] = static_cast<char>(rest & 0xffU);
        bound.add(kInteger8, bound.numbers_[i].data(), bound.numbers_[i].size());
      } else if (const auto* owned = std::get_if<std::string>(&value)) {
        BERTH_CHECK(bound.add_text(*owned, i, sql));
      } else if (const auto* seen = std::get_if<std::string_view>(&value)) {
        BERTH_CHECK(bound.add_text(*seen, i, sql));
      } else if (const auto* blob = std::get_if<Blob>(&value)) {
        bound.add(kBytes, blob->bytes.empty() ? "" : blob->bytes.data(), blob->bytes.size());
      } else {
        bound.add(kAny, nullptr, 0);
      }
    }
    return bound;
  }
  [[nodiscard]] int count() const { return static_cast<int>(types_.size()); }
  [[nodiscard]] const Oid* types() const { return types_.data(); }
  [[nodiscard]] const char* const* values() const { return values_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }
  [[nodiscard]] std::string key() const {
    std::string key;
    for (const Oid type : types_) key += type == kInteger8 ? 'i' : type == kText ? 't' : type == kBytes ? 'b' : '0';
    return key + ' ';
  }

 private:
  void add(Oid type, const char* bytes, std::size_t size) {
    types_.push_back(type);
    values_.push_back(bytes);
    lengths_.push_back(static_cast<int>(size));
    formats_.push_back(1);  // binary: as it lies in memory, integers with the highest byte first
  }
  Status add_text(std::string_view text, std::size_t place, std::string_view sql) {
    if (text.find('\0') != std::string_view::npos) {
      return make_error(Code::kInvalidArgument, "storage.text_with_nul",
                        "Parameter " + std::to_string(place + 1) + " has a NUL byte in its text: " + doing(sql));
    }
    add(kText, text.empty() ? "" : text.data(), text.size());  // without an address it would be NULL
    return success();
  }
  std::vector<std::array<char, 8>> numbers_;
  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_, formats_;
};

void ServerTime::saw(std::int64_t server_ms) {
  // A moment that one host writes and another one reads again must not tremble with the time that an answer takes.
  constexpr std::int64_t kTremblesMs = 500;
  const std::int64_t ahead = server_ms - clock_.now().unix_ms;
  if (std::abs(ahead - ahead_ms_.load()) > kTremblesMs) ahead_ms_.store(ahead);
}

PostgresqlSession::PostgresqlSession(PostgresqlOptions options, SilenceLimits limits, std::unique_ptr<PocoSession> session, pg_conn* handle, std::shared_ptr<ServerTime> time)
    : options_(std::move(options)), limits_(limits), time_(std::move(time)), session_(std::move(session)), handle_(handle) {}

PostgresqlSession::~PostgresqlSession() {
  // Poco leaves a connection alone that the server has ended, with its descriptor and its memory.
  const bool is_left = is_dead();
  session_.reset();
  if (is_left) PQfinish(handle_);
}

Result<std::unique_ptr<PostgresqlSession>> PostgresqlSession::open(const PostgresqlOptions& options, std::shared_ptr<ServerTime> time, SilenceLimits limits) {
  const std::string text = BERTH_TRY(connection_text(options));
  try {
    static std::once_flag registered;
    std::call_once(registered, [] { Poco::Data::PostgreSQL::Connector::registerConnector(); });
    // Tried by hand first: every session of Poco that cannot connect costs a file descriptor for good.
    struct Finish {
      void operator()(PGconn* connection) const { PQfinish(connection); }
    };
    const std::unique_ptr<PGconn, Finish> trial(PQconnectdb(text.c_str()));
    if (trial == nullptr) return make_error(Code::kInternal, "storage.failed", "there is no memory for a connection");
    if (PQstatus(trial.get()) != CONNECTION_OK) {
      PostgresqlFailure failure = failure_of(trial.get(), nullptr);
      return postgresql_error(failure, "connecting");
    }
    auto poco = std::make_unique<PocoSession>(PocoSession{Poco::Data::Session("PostgreSQL", text)});
    auto* poco_handle = Poco::Data::PostgreSQL::Utility::handle(poco->session);
    PGconn* handle = poco_handle == nullptr ? nullptr : static_cast<PGconn*>(*poco_handle);
    if (handle == nullptr) return make_error(Code::kInternal, "storage.failed", "Poco gave no handle of PostgreSQL");
    PQsetNoticeProcessor(handle, [](void*, const char*) {}, nullptr);
    std::unique_ptr<PostgresqlSession> session(new PostgresqlSession(options, limits, std::move(poco), handle, std::move(time)));
    if (PQsetnonblocking(handle, 1) != 0) return make_error(Code::kInternal, "storage.failed", "libpq cannot send without waiting");
    // The server notices within half a minute that a host is gone.
    BERTH_CHECK(session->run_script(
        "SET standard_conforming_strings = on; SET lock_timeout = " + std::to_string(options.busy_limit.count()) +
        "; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
        "SET tcp_keepalives_count = 3"));
    const auto backend = BERTH_TRY(session->first_row("SELECT pg_backend_pid()", {}));
    session->backend_ = backend ? backend->integer(0) : 0;
    return session;
  } catch (const Poco::Exception& exception) {
    return make_error(Code::kUnavailable, "storage.unreachable", "there is no connection to the PostgreSQL server: " + exception.message());
  }
}

bool PostgresqlSession::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(handle_);
  return status != PQTRANS_IDLE && status != PQTRANS_UNKNOWN;
}

bool PostgresqlSession::is_dead() const { return PQstatus(handle_) != CONNECTION_OK; }

Result<PostgresqlSession::Answer> PostgresqlSession::checked(pg_result* raw, std::string_view sql) const {
  Answer answer(raw);
  const ExecStatusType status = answer == nullptr ? PGRES_FATAL_ERROR : PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return answer;
  const PostgresqlFailure failure = failure_of(handle_, answer.get());
  if (!failure.is_connected) give_up();
  return postgresql_error(failure, doing(sql));
}

/// libpq takes the connection for ended from now on, and so does whoever asks whether this session is dead.
void PostgresqlSession::give_up() const {
  if (PQstatus(handle_) != CONNECTION_OK) return;
  ::shutdown(PQsocket(handle_), SHUT_RDWR);
  static_cast<void>(PQconsumeInput(handle_));
}

Result<PostgresqlSession::Answer> PostgresqlSession::ask(const std::function<int()>& send, std::string_view sql) {
  if (send() == 0) return checked(nullptr, sql);
  Answer last;
  for (;;) {
    BERTH_CHECK(wait_for_answer(sql));
    Answer next(PQgetResult(handle_));
    if (next == nullptr) return checked(last.release(), sql);
    last = std::move(next);
    if (PQstatus(handle_) != CONNECTION_OK) return checked(last.release(), sql);
  }
}

/// Until libpq has a whole answer, or the connection is over, of which the answer then tells.
Status PostgresqlSession::wait_for_answer(std::string_view sql) {
  auto heard = std::chrono::steady_clock::now();
  for (;;) {
    const int unsent = PQflush(handle_);
    if (unsent < 0 || PQstatus(handle_) != CONNECTION_OK || (unsent == 0 && PQisBusy(handle_) == 0)) return success();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(heard + limits_.silence_max - std::chrono::steady_clock::now());
    pollfd one{PQsocket(handle_), static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready > 0) {
      heard = std::chrono::steady_clock::now();
      if ((one.revents & ~POLLOUT) != 0 && PQconsumeInput(handle_) == 0) return success();
      continue;
    }
    if (left.count() > 0) continue;
    const std::string silence = silence_of(handle_, backend_, BERTH_TRY(connection_text(options_)), limits_.probe_max);
    heard = std::chrono::steady_clock::now();
    if (silence.empty()) continue;
    // What it had said in the meantime counts.
    if (::poll(&one, 1, kOnItsWayMs) > 0) continue;
    give_up();   // nobody waits to end it in order
    PostgresqlFailure failure{"", "it did not answer for " + std::to_string(limits_.silence_max.count() / 1000) + " s, and " + silence, false};
    return postgresql_error(failure, doing(sql));
  }
}

Status PostgresqlSession::run_script(std::string_view sql) {
  const std::string text(sql);
  const Answer answer = BERTH_TRY(ask([&] { return PQsendQuery(handle_, text.c_str()); }, sql));
  if (time_ == nullptr || PQntuples(answer.get()) != 1 || PQfnumber(answer.get(), kServerTimeColumn) != 0) return success();
  const Value told = read_column(answer.get(), 0, 0);
  if (const auto* server_ms = std::get_if<std::int64_t>(&told)) {
    time_->saw(*server_ms);
    seen_ = Seen{*server_ms, std::chrono::steady_clock::now()};
  }
  return success();
}

Instant PostgresqlSession::shared_now(Instant of_machine) const {
  if (time_ == nullptr || !seen_) return of_machine;
  return Instant{seen_->server_ms} + std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - seen_->at);
}

std::chrono::milliseconds PostgresqlSession::shared_ahead() const {
  return time_ == nullptr ? std::chrono::milliseconds(0) : time_->ahead();
}

Status PostgresqlSession::commit() {
  const Answer answer = BERTH_TRY(ask([this] { return PQsendQuery(handle_, "COMMIT"); }, "COMMIT"));
  if (std::string_view(PQcmdStatus(answer.get())) == "COMMIT") return success();
  return make_error(Code::kInternal, "storage.failed", "a statement of the transaction failed; nothing was stored");
}

Result<std::string> PostgresqlSession::prepared(std::string_view sql, const Bound& bound) {
  std::string key = bound.key() + std::string(sql);
  if (const auto found = prepared_.find(key); found != prepared_.end()) return found->second;
  // All texts are constants of the code or vary in a few lengths of lists, so emptying it is rare and cheap.
  if (prepared_.size() >= kPreparedMax) {
    BERTH_CHECK(run_script("DEALLOCATE ALL"));
    prepared_.clear();
  }
  const std::string text = BERTH_TRY(with_numbers(sql, bound.count()));
  std::string name = "b" + std::to_string(++names_);
  BERTH_TRY(ask([&] { return PQsendPrepare(handle_, name.c_str(), text.c_str(), bound.count(), bound.types()); }, sql));
  return prepared_.emplace(std::move(key), std::move(name)).first->second;
}

Result<PostgresqlSession::Answer> PostgresqlSession::run(std::string_view sql, std::span<const Parameter> parameters) {
  const Bound bound = BERTH_TRY(Bound::of(parameters, sql));
  const std::string name = BERTH_TRY(prepared(sql, bound));
  return ask([&] { return PQsendQueryPrepared(handle_, name.c_str(), bound.count(), bound.values(), bound.lengths(), bound.formats(), 0); }, sql);
}

Result<std::int64_t> PostgresqlSession::execute(std::string_view sql, std::span<const Parameter> parameters) {
  const Answer answer = BERTH_TRY(run(sql, parameters));
  const std::string_view changed = PQcmdTuples(answer.get());
  std::int64_t count = 0;
  if (std::string_view(PQcmdStatus(answer.get())).starts_with("SELECT")) return count;  // those that it has read
  std::from_chars(changed.data(), changed.data() + changed.size(), count);
  return count;
}

Result<Rows> PostgresqlSession::query(std::string_view sql, std::span<const Parameter> parameters) {
  const Answer answer = BERTH_TRY(run(sql, parameters));
  const int count = PQntuples(answer.get());
  if (static_cast<std::size_t>(count) > kQueryRowsMax)
    return make_error(Code::kInternal, "storage.failed", "More than " + std::to_string(kQueryRowsMax) + " rows " + doing(sql));
  Rows rows;
  rows.reserve(static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) rows.push_back(read_row(answer.get(), row));
  return rows;
}

Result<std::optional<Row>> PostgresqlSession::first_row(std::string_view sql, std::span<const Parameter> parameters) {
  const Answer answer = BERTH_TRY(run(sql, parameters));
  return PQntuples(answer.get()) == 0 ? std::optional<Row>() : read_row(answer.get(), 0);
}

Status PostgresqlSession::each(std::string_view sql, std::span<const Parameter> parameters,
                               const std::function<bool(const Row&)>& visit) {
  if (!starts_with_word(sql, "SELECT") && !starts_with_word(sql, "WITH")) {
    for (const Row& row : BERTH_TRY(query(sql, parameters))) {
      if (!visit(row)) break;
    }
    return success();
  }
  const Bound bound = BERTH_TRY(Bound::of(parameters, sql));
  const std::string cursor = "c" + std::to_string(++names_);
  const std::string declare = "DECLARE " + cursor + " NO SCROLL CURSOR FOR " + BERTH_TRY(with_numbers(sql, bound.count()));
  BERTH_TRY(ask([&] { return PQsendQueryParams(handle_, declare.c_str(), bound.count(), bound.types(), bound.values(), bound.lengths(), bound.formats(), 0); },
                sql));
  const std::string fetch = "FETCH FORWARD " + std::to_string(kRowsInBatch) + " FROM " + cursor;
  bool goes_on = true;
  while (goes_on) {
    const Answer answer = BERTH_TRY(ask([&] { return PQsendQuery(handle_, fetch.c_str()); }, sql));
    const int count = PQntuples(answer.get());
    for (int row = 0; goes_on && row < count; ++row) goes_on = visit(read_row(answer.get(), row));
    if (count < kRowsInBatch) break;
  }
  // Where the visitor's own statements failed the transaction is over, and with it the cursor.
  if (PQtransactionStatus(handle_) == PQTRANS_INTRANS) BERTH_CHECK(run_script("CLOSE " + cursor));
  return success();
}

}  // namespace berth::storage
