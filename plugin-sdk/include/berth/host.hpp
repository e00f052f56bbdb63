#pragma once
// The host as C++ code of a connector sees it: log, http, records, control. Every call that can fail throws Failure.
//
// A Host is a small view: copy it freely; the tables behind it outlive every connector. `log` and `should_stop` may be
// called on any thread, everything else on the thread of run_phase (or check) only.
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/abi/abi.h"
#include "berth/abi/ext/stream.h"
#include "berth/failure.hpp"
#include "berth/json.hpp"

namespace berth {

inline berth_str to_c(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view from_c(berth_str text) {
  return text.len == 0 ? std::string_view{} : std::string_view(text.ptr, text.len);
}

enum class Level : std::int32_t { kDebug = BERTH_DEBUG, kInfo = BERTH_INFO, kWarn = BERTH_WARN, kError = BERTH_ERROR };
enum class CallKind : std::uint32_t {
  kOther = BERTH_CALL_OTHER,
  kList = BERTH_CALL_LIST,
  kDetail = BERTH_CALL_DETAIL,
  kFile = BERTH_CALL_FILE,
  kWrite = BERTH_CALL_WRITE
};
enum class Verdict : std::uint32_t {
  kNone = BERTH_VERDICT_NONE,
  kGone = BERTH_VERDICT_GONE,
  kRefused = BERTH_VERDICT_REFUSED
};
enum class Known : std::uint8_t { kNone = BERTH_KNOWN_NONE, kRow = BERTH_KNOWN_ROW, kDetail = BERTH_KNOWN_DETAIL };

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// A remote record: kind, id there, change marker (may be empty).
struct Ref {
  std::string entity;
  std::string remote_id;
  std::string version;
};

struct Request {
  std::string method = "GET";
  std::string path;  // below the integration's API base, "/invoices/46"
  Pairs query;       // plain text; the host encodes
  Pairs headers;
  std::string body;
  std::string cost;  // cost class; empty: only the quota
  CallKind kind = CallKind::kOther;
};

struct Response {
  std::int32_t status = 0;
  Verdict verdict = Verdict::kNone;
  std::string remote_code;
  Pairs headers;  // names in lower case
  std::string body;

  /// The value of a header, or nothing. `name` in lower case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
};

/// One answer of a batch: a response, or the failure that took its place.
struct Reply {
  std::size_t index = 0;
  std::optional<Response> response;
  std::optional<Failure> failure;
};

struct Record {
  Ref ref;
  std::string part;  // empty, or the name of a further answer kept beside the detail
  std::string json;
  bool deleted = false;
  bool list_only = false;
};

struct Wanted {
  Ref ref;
  bool detail = false;
  bool attachments = false;
};

class Host {
 public:
  /// Asks for the four services that every host offers; one that is missing is refused.
  explicit Host(const berth_host* host)
      : host_(host),
        log_(service<berth_host_log>(host, BERTH_HOST_LOG)),
        http_(service<berth_host_http>(host, BERTH_HOST_HTTP)),
        records_(service<berth_host_records>(host, BERTH_HOST_RECORDS)),
        control_(service<berth_host_control>(host, BERTH_HOST_CONTROL)),
        stream_(static_cast<const berth_host_stream*>(host->extension(host, to_c(BERTH_HOST_STREAM)))) {}

  // ---- log
  void log(Level level, std::string_view message, const json::Value& fields = json::Value::object()) const {
    const std::string text = json::dump(fields);
    log_->write(host_, static_cast<std::int32_t>(level), to_c(message), to_c(text));
  }

  // ---- http
  /// One request. Whatever the host could not make an answer of is thrown.
  [[nodiscard]] Response send(const Request& request) const {
    const CRequest c(request);
    Context context;
    context.on_reply = [&context](Reply reply) {
      context.only = std::move(reply.response);
      return true;
    };
    berth_error error{-1, {}, {}};
    const std::int32_t status = http_->send(host_, &c.c, &context, &Host::on_reply, &error);
    context.rethrow();
    check(status, error);
    if (!context.only) throw Failure(BERTH_INTERNAL, "sdk.no_reply", "The host answered a request without a reply.");
    return std::move(*context.only);
  }

  /// Many at once; `on_reply` gets each answer in the order of arrival and says whether to go on. In it only emit,
  /// need_detail, attach, log and should_stop may be called. Throws what ended the batch early.
  void send_batch(std::span<const Request> requests, std::function<bool(Reply)> on_reply) const {
    const CBatch batch(requests);
    Context context;
    context.on_reply = std::move(on_reply);
    berth_error error{-1, {}, {}};
    const std::int32_t status =
        http_->send_batch(host_, batch.c.data(), batch.c.size(), &context, &Host::on_reply, &error);
    context.rethrow();
    check(status, error);
  }

  /// Whether the host lets calls be under way while the connector works; else only batches are there.
  [[nodiscard]] bool has_stream() const { return stream_ != nullptr; }
  /// Begins them and returns at once; only in run_phase.
  void add(std::span<const Request> requests) const {
    const CBatch batch(requests);
    call([&](berth_error* error) { return stream_->add(host_, batch.c.data(), batch.c.size(), error); });
  }
  /// Waits for replies to what was added, `index` being the place among all of it, and hands over those that are there;
  /// none where nothing is under way. `on_reply` as that of a batch; once it has said no, nothing more is begun.
  void take(std::function<bool(Reply)> on_reply) const {
    Context context;
    context.on_reply = std::move(on_reply);
    berth_error error{-1, {}, {}};
    const std::int32_t status = stream_->take(host_, &context, &Host::on_reply, &error);
    context.rethrow();
    check(status, error);
  }

  // ---- records
  void emit(const Record& record) const {
    berth_record c{};
    c.ref = ref(record.ref);
    c.part = to_c(record.part);
    c.json = to_c(record.json);
    if (record.deleted) c.flags |= BERTH_RECORD_DELETED;
    if (record.list_only) c.flags |= BERTH_RECORD_LIST_ONLY;
    call([&](berth_error* error) { return records_->emit(host_, &c, error); });
  }
  void checkpoint(const json::Value& cursor, bool pass_complete = false) const {
    const std::string text = json::dump(cursor);
    const std::uint32_t flags = pass_complete ? std::uint32_t{BERTH_CHECKPOINT_PASS_COMPLETE} : 0u;
    call([&](berth_error* error) { return records_->checkpoint(host_, to_c(text), flags, error); });
  }
  /// How well each is stored with that very version; at most 1,000 refs.
  [[nodiscard]] std::vector<Known> known(std::span<const Ref> refs) const {
    std::vector<berth_ref> c;
    c.reserve(refs.size());
    for (const Ref& one : refs) c.push_back(ref(one));
    std::vector<std::uint8_t> answers(refs.size(), BERTH_KNOWN_NONE);
    if (!refs.empty()) {
      call([&](berth_error* error) { return records_->known(host_, c.data(), c.size(), answers.data(), error); });
    }
    std::vector<Known> out;
    out.reserve(answers.size());
    for (const std::uint8_t answer : answers) out.push_back(static_cast<Known>(answer));
    return out;
  }
  void need_detail(const Ref& wanted, std::int32_t priority) const {
    const berth_ref c = ref(wanted);
    call([&](berth_error* error) { return records_->need_detail(host_, &c, priority, error); });
  }
  /// The next entries of the detail queue, at most `n`; none: nothing is left.
  [[nodiscard]] std::vector<Wanted> next_details(std::uint32_t n) const {
    Sink<std::vector<Wanted>> sink;
    call([&](berth_error* error) { return records_->next_details(host_, n, &sink, &Host::on_wanted, error); });
    sink.rethrow();
    return std::move(sink.out);
  }
  void attach(const Ref& to, std::string_view name, std::string_view media_type, std::string_view bytes) const {
    const berth_ref c = ref(to);
    call([&](berth_error* error) {
      return records_->attach(host_, &c, to_c(name), to_c(media_type), to_c(bytes), error);
    });
  }

  // ---- control
  [[nodiscard]] bool should_stop() const { return control_->should_stop(host_) != 0; }
  [[nodiscard]] std::int64_t now_unix_ms() const { return control_->now_unix_ms(host_); }
  void progress(std::int64_t done, std::int64_t total = -1) const { control_->progress(host_, done, total); }

  /// An optional service, or nullptr.
  [[nodiscard]] const void* extension(std::string_view id) const { return host_->extension(host_, to_c(id)); }

 private:
  /// A request in the C form; the pointers lead into the Request it was made of.
  struct CRequest {
    explicit CRequest(const Request& request) : query(pairs(request.query)), headers(pairs(request.headers)) {
      c.method = to_c(request.method);
      c.path = to_c(request.path);
      c.query = query.data();
      c.headers = headers.data();
      c.query_count = query.size();
      c.header_count = headers.size();
      c.body = to_c(request.body);
      c.cost = to_c(request.cost);
      c.kind = static_cast<std::uint32_t>(request.kind);
    }
    CRequest(CRequest&&) = default;  // vectors keep their storage when they move
    CRequest(const CRequest&) = delete;
    CRequest& operator=(CRequest&&) = delete;
    CRequest& operator=(const CRequest&) = delete;
    ~CRequest() = default;

    static std::vector<berth_pair> pairs(const Pairs& from) {
      std::vector<berth_pair> out;
      out.reserve(from.size());
      for (const auto& [name, value] : from) out.push_back({to_c(name), to_c(value)});
      return out;
    }

    std::vector<berth_pair> query;
    std::vector<berth_pair> headers;
    berth_http_request c{};
  };

  /// Several of them, one behind the other.
  struct CBatch {
    explicit CBatch(std::span<const Request> requests) {
      held.reserve(requests.size());
      for (const Request& request : requests) held.emplace_back(request);
      c.reserve(held.size());
      for (const CRequest& request : held) c.push_back(request.c);
    }
    std::vector<CRequest> held;
    std::vector<berth_http_request> c;
  };

  /// An exception must not cross the host's frames: it is kept here and thrown again behind them.
  struct Guarded {
    std::exception_ptr thrown;
    void rethrow() const {
      if (thrown) std::rethrow_exception(thrown);
    }
  };
  struct Context : Guarded {
    std::function<bool(Reply)> on_reply;
    std::optional<Response> only;
  };
  template <typename Out>
  struct Sink : Guarded {
    Out out;
  };

  template <typename Service>
  static const Service* service(const berth_host* host, std::string_view id) {
    const void* found = host == nullptr || host->extension == nullptr ? nullptr : host->extension(host, to_c(id));
    if (found == nullptr) {
      throw Failure(BERTH_UNSUPPORTED, "sdk.missing_service",
                    "The host does not offer the service " + std::string(id) + ".");
    }
    return static_cast<const Service*>(found);
  }
  static berth_ref ref(const Ref& from) { return {to_c(from.entity), to_c(from.remote_id), to_c(from.version)}; }
  static Ref ref(const berth_ref& from) {
    return {std::string(from_c(from.entity)), std::string(from_c(from.remote_id)), std::string(from_c(from.version))};
  }
  static void check(std::int32_t status, const berth_error& error) {
    if (status != BERTH_OK) throw Failure(status, error);
  }
  template <typename Call>
  static void call(Call&& one) {
    berth_error error{-1, {}, {}};
    const std::int32_t status = one(&error);
    check(status, error);
  }
  static Response response(const berth_http_response& from) {
    Response out;
    out.status = from.status;
    out.verdict = static_cast<Verdict>(from.verdict);
    out.remote_code = from_c(from.remote_code);
    for (std::size_t i = 0; i < from.header_count; ++i) {
      out.headers.emplace_back(from_c(from.headers[i].name), from_c(from.headers[i].value));
    }
    out.body = from_c(from.body);
    return out;
  }
  static std::int32_t on_reply(void* context_ptr, const berth_http_reply* from) noexcept {
    auto& context = *static_cast<Context*>(context_ptr);
    if (context.thrown) return 1;
    try {
      Reply reply;
      reply.index = from->index;
      if (from->status == BERTH_OK && from->response != nullptr) {
        reply.response = response(*from->response);
      } else if (from->error != nullptr) {
        reply.failure = Failure(from->status, *from->error);
      } else {
        reply.failure = Failure(from->status, "sdk.no_error", "The host gave no error for a request that failed.");
      }
      return context.on_reply(std::move(reply)) ? 0 : 1;
    } catch (...) {
      context.thrown = std::current_exception();
      return 1;
    }
  }
  static void on_wanted(void* sink_ptr, const berth_wanted* wanted) noexcept {
    auto& sink = *static_cast<Sink<std::vector<Wanted>>*>(sink_ptr);
    try {
      sink.out.push_back(
          {ref(wanted->ref), (wanted->want & BERTH_WANT_DETAIL) != 0, (wanted->want & BERTH_WANT_ATTACHMENTS) != 0});
    } catch (...) {
      sink.thrown = std::current_exception();
    }
  }

  const berth_host* host_;
  const berth_host_log* log_;
  const berth_host_http* http_;
  const berth_host_records* records_;
  const berth_host_control* control_;
  const berth_host_stream* stream_;  // nullptr: the host has none
};

}  // namespace berth
