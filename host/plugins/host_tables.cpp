#include "host/plugins/host_tables.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "berth/abi/ext/stream.h"
#include "host/plugins/boundary.hpp"
#include "host/plugins/loaded_plugin.hpp"
#include "host/plugins/status.hpp"

namespace berth::plugins {

namespace {

/// Copies what a plugin passes; remembers when a pointer was missing.
class Reader {
 public:
  std::string_view view(berth_str text) {
    if (text.ptr == nullptr && text.len > 0) is_null_ = true;
    return text.ptr == nullptr ? std::string_view{} : std::string_view(text.ptr, text.len);
  }
  std::string text(berth_str text) { return std::string(view(text)); }
  Ref ref(const berth_ref& ref) { return {text(ref.entity), text(ref.remote_id), text(ref.version)}; }
  std::vector<std::pair<std::string, std::string>> pairs(const berth_pair* pairs, std::size_t count) {
    std::vector<std::pair<std::string, std::string>> out;
    if (pairs == nullptr && count > 0) is_null_ = true;
    // One more than is taken: enough for the check to see that there are too many.
    for (std::size_t i = 0; !is_null_ && i < count && i <= limits::kPairs; ++i)
      out.emplace_back(text(pairs[i].name), text(pairs[i].value));
    return out;
  }
  [[nodiscard]] Status status(std::string_view what) const {
    if (!is_null_) return success();
    return plugin_bug("sdk.argument_null", fmt::format("{} was called with a null pointer", what));
  }

 private:
  bool is_null_ = false;
};

berth_str str(std::string_view text) {
  return {text.data(), text.size()};
}
berth_ref c_ref(const Ref& ref) {
  return {str(ref.entity), str(ref.remote_id), str(ref.version)};
}

std::vector<berth_pair> c_pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<berth_pair> out;
  out.reserve(pairs.size());
  for (const auto& [name, value] : pairs) out.push_back({str(name), str(value)});
  return out;
}

Status check_unset(std::uint32_t value, std::uint32_t allowed, std::string_view what) {
  if ((value & ~allowed) == 0) return success();
  return plugin_bug("sdk.argument_invalid",
                    fmt::format("{} has bits set that this host does not know: {:#x}", what, value));
}

HttpRequest request_of(const berth_http_request& request, Reader& reader) {
  HttpRequest out;
  out.method = reader.text(request.method);
  out.path = reader.text(request.path);
  out.query = reader.pairs(request.query, request.query_count);
  out.headers = reader.pairs(request.headers, request.header_count);
  out.body = reader.text(request.body);
  out.cost = reader.text(request.cost);
  out.kind = request.kind;
  return out;
}

}  // namespace

/// The functions of the tables.
struct HostCalls {
  enum class From { kRunThread, kCallbackToo };

  static HostTables& tables(const berth_host* host) { return *static_cast<HostTables*>(host->ctx); }

  static Status check_caller(const HostTables& tables, From from) {
    if (tables.run_thread_.load() != std::this_thread::get_id()) {
      return plugin_bug("sdk.wrong_thread",
                        "a host function of the run thread was called from another thread, or when no call of the "
                        "plugin was running");
    }
    if (tables.in_callback_ && from == From::kRunThread) {
      return plugin_bug(
          "sdk.call_in_callback",
          "a callback may call emit, need_detail, attach, log and should_stop, and nothing else of the host");
    }
    return success();
  }

  /// `body` returns a Status. Nothing leaves this but a status.
  template <class Body>
  static std::int32_t guarded(const berth_host* host, berth_error* error, From from, Body&& body) noexcept {
    try {
      Status status = [&]() -> Status {
        if (host == nullptr || host->ctx == nullptr)
          return plugin_bug("sdk.argument_null", "a host function was called without its host");
        HostTables& mine = tables(host);
        BERTH_CHECK(check_caller(mine, from));
        return body(mine);
      }();
      if (status.ok()) return BERTH_OK;
      write_error(status.error(), error);
      return status_of(status.error().code);
    } catch (...) {
      // The message of an exception may not be copied safely any more when memory is what is missing.
      try {
        write_error(current_exception_error("a host function"), error);
      } catch (...) {
        if (error != nullptr) *error = empty_error();
      }
      return BERTH_INTERNAL;
    }
  }

  /// Runs code of the plugin from inside a host function; what it throws is an error of that function.
  class Callback {
   public:
    explicit Callback(HostTables& tables) : tables_(tables) {}
    template <class Body>
    bool run(Body&& body) {
      if (failure_) return false;
      tables_.in_callback_ = true;
      bool go_on = false;
      try {
        go_on = body();
      } catch (...) {
        failure_ = current_exception_error("a callback of the plugin");
      }
      tables_.in_callback_ = false;
      return go_on;
    }
    [[nodiscard]] Status status() const {
      if (failure_) return *failure_;
      return success();
    }

   private:
    HostTables& tables_;
    std::optional<Error> failure_;
  };

  static const void* extension(const berth_host* host, berth_str id);

  static void write(const berth_host* host, std::int32_t level, berth_str message, berth_str fields_json) noexcept {
    try {
      Reader reader;
      const auto text = reader.view(message).substr(0, 2 * limits::kLogBytes);  // the rest is cut anyway
      const auto fields = reader.view(fields_json).substr(0, 2 * limits::kLogBytes);
      if (host != nullptr && host->ctx != nullptr) tables(host).services_.log(level, text, fields);
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // No status to give it in; a lost log line must not end the plugin's call.
    }
  }

  static bool deliver(HttpReply&& reply, void* reply_ctx, berth_http_reply_fn reply_fn) {
    berth_http_reply out{};
    out.index = reply.index;
    if (reply.error) {
      berth_error error = empty_error();
      write_error(*reply.error, &error);
      out.status = status_of(reply.error->code);
      out.error = &error;
      return reply_fn(reply_ctx, &out) == 0;
    }
    const auto headers = c_pairs(reply.headers);
    const berth_http_response response{reply.status,   reply.verdict,  str(reply.remote_code),
                                       headers.data(), headers.size(), str(reply.body)};
    out.response = &response;
    return reply_fn(reply_ctx, &out) == 0;
  }

  static Status run_batch(HostTables& mine, const berth_http_request* requests, std::size_t count, void* reply_ctx,
                          berth_http_reply_fn reply, const std::function<void(const HttpReply&)>& see) {
    if (count > 0 && reply == nullptr) return plugin_bug("sdk.argument_null", "an HTTP call was made without a callback");
    const auto batch = BERTH_TRY(requests_of(requests, count));
    Callback callback(mine);
    Status sent = mine.services_.send_batch(batch, [&](HttpReply&& one) {
      see(one);
      return callback.run([&] { return deliver(std::move(one), reply_ctx, reply); });
    });
    BERTH_CHECK(callback.status());
    return sent;
  }

  static std::int32_t send(const berth_host* host, const berth_http_request* request, void* reply_ctx,
                           berth_http_reply_fn reply, berth_error* error) noexcept {
    return guarded(host, error, From::kRunThread, [&](HostTables& mine) -> Status {
      std::optional<Status> replied;
      Status sent = run_batch(mine, request, 1, reply_ctx, reply,
                              [&](const HttpReply& one) { replied = one.error ? Status(*one.error) : success(); });
      // A reply decides: "stop" said by the callback of a single request has nothing left to stop.
      if (replied && (sent.ok() || sent.error().code == Code::kCancelled || !replied->ok())) return *replied;
      return sent;
    });
  }

  static std::int32_t send_batch(const berth_host* host, const berth_http_request* requests, std::size_t count,
                                 void* reply_ctx, berth_http_reply_fn reply, berth_error* error) noexcept {
    return guarded(host, error, From::kRunThread, [&](HostTables& mine) {
      return run_batch(mine, requests, count, reply_ctx, reply, [](const HttpReply&) {});
    });
  }

  static Result<std::vector<HttpRequest>> requests_of(const berth_http_request* requests, std::size_t count) {
    if (count > 0 && requests == nullptr) return plugin_bug("sdk.argument_null", "an HTTP call was made without requests");
    BERTH_CHECK(check_batch_count(count));
    Reader reader;
    std::vector<HttpRequest> all;
    for (std::size_t i = 0; i < count; ++i) {
      BERTH_CHECK(check_unset(requests[i].reserved, 0, "the reserved field of a request"));
      all.push_back(request_of(requests[i], reader));
    }
    BERTH_CHECK(reader.status("an HTTP call"));
    return all;
  }

  static std::int32_t add(const berth_host* host, const berth_http_request* requests, std::size_t count,
                          berth_error* error) noexcept {
    return guarded(host, error, From::kRunThread, [&](HostTables& mine) -> Status {
      return mine.services_.add_calls(BERTH_TRY(requests_of(requests, count)));
    });
  }

  static std::int32_t take(const berth_host* host, void* reply_ctx, berth_http_reply_fn reply, berth_error* error) noexcept {
    return guarded(host, error, From::kRunThread, [&](HostTables& mine) -> Status {
      if (reply == nullptr) return plugin_bug("sdk.argument_null", "take was called with a null pointer");
      Callback callback(mine);
      Status taken = mine.services_.take_replies([&](HttpReply&& one) {
        const bool goes_on = callback.run([&] { return deliver(std::move(one), reply_ctx, reply); });
        if (!goes_on && !std::exchange(mine.stream_stopped_, true)) mine.services_.stop_calls();
      });
      BERTH_CHECK(callback.status());
      return taken;
    });
  }

  static std::int32_t emit(const berth_host* host, const berth_record* record, berth_error* error) noexcept {
    return guarded(host, error, From::kCallbackToo, [&](HostTables& mine) -> Status {
      if (record == nullptr) return plugin_bug("sdk.argument_null", "emit was called with a null pointer");
      BERTH_CHECK(check_unset(record->flags, BERTH_RECORD_DELETED | BERTH_RECORD_LIST_ONLY, "the flags of a record"));
      BERTH_CHECK(check_unset(record->reserved, 0, "the reserved field of a record"));
      Reader reader;
      EmittedRecord out;
      out.ref = reader.ref(record->ref);
      out.part = reader.text(record->part);
      out.json = reader.text(record->json);
      out.deleted = (record->flags & BERTH_RECORD_DELETED) != 0;
      out.list_only = (record->flags & BERTH_RECORD_LIST_ONLY) != 0;
      BERTH_CHECK(reader.status("emit"));
      return mine.services_.emit(std::move(out));
    });
  }

  static std::int32_t checkpoint(const berth_host* host, berth_str cursor_json, std::uint32_t flags,
                                 berth_error* error) noexcept {
    return guarded(host, error, From::kRunThread, [&](HostTables& mine) -> Status {
      BERTH_CHECK(check_unset(flags, BERTH_CHECKPOINT_PASS_COMPLETE, "the flags of a checkpoint"));
      Reader reader;
      const auto cursor = reader.view(cursor_json);
      BERTH_CHECK(reader.status("checkpoint"));
      return mine.services_.checkpoint(cursor, (flags & BERTH_CHECKPOINT_PASS_COMPLETE) != 0);
    });
  }

  static std::int32_t known(const berth_host* host, const berth_ref* refs, std::size_t count, std::uint8_t* answers,
                            berth_error* error) noexcept {
    return guarded(host, error, From::kRunThread, [&](HostTables& mine) -> Status {
      if (count > 0 && (refs == nullptr || answers == nullptr))
        return plugin_bug("sdk.argument_null", "known was called with a null pointer");
      BERTH_CHECK(check_known_size(count));
      Reader reader;
      std::vector<Ref> asked;
      for (std::size_t i = 0; i < count; ++i) asked.push_back(reader.ref(refs[i]));
      BERTH_CHECK(reader.status("known"));
      const auto found = BERTH_TRY(mine.services_.known(asked));
      for (std::size_t i = 0; i < count; ++i) answers[i] = static_cast<std::uint8_t>(found.at(i));
      return success();
    });
  }

  static std::int32_t need_detail(const berth_host* host, const berth_ref* ref, std::int32_t priority,
                                  berth_error* error) noexcept {
    return guarded(host, error, From::kCallbackToo, [&](HostTables& mine) -> Status {
      if (ref == nullptr) return plugin_bug("sdk.argument_null", "need_detail was called with a null pointer");
      Reader reader;
      const Ref wanted = reader.ref(*ref);
      BERTH_CHECK(reader.status("need_detail"));
      return mine.services_.need_detail(wanted, priority);
    });
  }

  static std::int32_t next_details(const berth_host* host, std::uint32_t n, void* sink_ctx,
                                   void (*sink)(void*, const berth_wanted*), berth_error* error) noexcept {
    return guarded(host, error, From::kRunThread, [&](HostTables& mine) -> Status {
      if (sink == nullptr) return plugin_bug("sdk.argument_null", "next_details was called with a null pointer");
      Callback callback(mine);
      for (const auto& entry : BERTH_TRY(mine.services_.next_details(n))) {
        const berth_wanted wanted{c_ref(entry.ref), entry.want, 0};
        callback.run([&] {
          sink(sink_ctx, &wanted);
          return true;
        });
      }
      return callback.status();
    });
  }

  static std::int32_t attach(const berth_host* host, const berth_ref* ref, berth_str name, berth_str media_type,
                             berth_str bytes, berth_error* error) noexcept {
    return guarded(host, error, From::kCallbackToo, [&](HostTables& mine) -> Status {
      if (ref == nullptr) return plugin_bug("sdk.argument_null", "attach was called with a null pointer");
      Reader reader;
      const Ref of = reader.ref(*ref);
      const auto file = reader.view(name);
      const auto type = reader.view(media_type);
      const auto content = reader.view(bytes);
      BERTH_CHECK(reader.status("attach"));
      return mine.services_.attach(of, file, type, content);
    });
  }

  static std::int32_t should_stop(const berth_host* host) noexcept {
    try {
      return host == nullptr || host->ctx == nullptr || tables(host).services_.should_stop() ? 1 : 0;
    } catch (...) {
      return 1;
    }
  }

  static std::int64_t now_unix_ms(const berth_host* host) noexcept {
    try {
      return host == nullptr || host->ctx == nullptr ? 0 : tables(host).services_.now().unix_ms;
    } catch (...) {
      return 0;
    }
  }

  static void progress(const berth_host* host, std::int64_t done, std::int64_t total) noexcept {
    // Posted, without a status and worth nothing but to a watching person: a wrong one is dropped.
    guarded(host, nullptr, From::kRunThread, [&](HostTables& mine) {
      mine.services_.progress(done, total);
      return success();
    });
  }
};

const void* HostCalls::extension(const berth_host* host, berth_str id) {
  static const berth_host_log log{&write};
  static const berth_host_http http{&send, &send_batch};
  static const berth_host_stream stream{&add, &take};
  static const berth_host_records records{&emit, &checkpoint, &known, &need_detail, &next_details, &attach};
  static const berth_host_control control{&should_stop, &now_unix_ms, &progress};
  if (host == nullptr || id.ptr == nullptr) return nullptr;
  const std::string_view name(id.ptr, id.len);
  if (name == BERTH_HOST_LOG) return &log;
  if (name == BERTH_HOST_HTTP) return &http;
  if (name == BERTH_HOST_STREAM) return &stream;
  if (name == BERTH_HOST_RECORDS) return &records;
  if (name == BERTH_HOST_CONTROL) return &control;
  return nullptr;
}

HostTables::HostTables(Services& services) : services_(services) {
  host_.identity = &host_identity();
  host_.ctx = this;
  host_.extension = &HostCalls::extension;
}

HostTables::Scope::Scope(HostTables& tables) : tables_(tables) {
  tables_.in_callback_ = false;
  tables_.stream_stopped_ = false;
  tables_.run_thread_ = std::this_thread::get_id();
}

HostTables::Scope::~Scope() {
  tables_.run_thread_ = std::thread::id();
}

}  // namespace berth::plugins
