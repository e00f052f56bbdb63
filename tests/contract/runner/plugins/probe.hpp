#pragma once
// A plugin that does what the plan says: the text of the plan is the name of an act. Written against the C tables, so
// that every status can be seen. What an act found out it emits as thing `report`.
//
// The acts stand in records_acts.cpp, http_acts.cpp, stream_acts.cpp, ending_acts.cpp (crashes, leaks, floods) and system_acts.cpp (what the
// lock of a worker forbids); probe.cpp is the plugin around them.
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "berth/abi/abi.h"

namespace probe {

inline berth_str str(std::string_view text) {
  return {text.data(), text.size()};
}

struct Probe {
  berth_connector table{};
  const berth_host* host = nullptr;
  const berth_host_log* log = nullptr;
  const berth_host_http* http = nullptr;
  const berth_host_records* records = nullptr;
  const berth_host_control* control = nullptr;
  berth_error* error = nullptr;
  berth_str cursor{};

  std::int32_t emit(std::string_view id, std::string_view json, std::string_view entity = "thing",
                    std::uint32_t flags = 0, std::string_view part = {}) const {
    berth_record record{};
    record.ref = {str(entity), str(id), str("1")};
    record.part = str(part);
    record.json = str(json);
    record.flags = flags;
    return records->emit(host, &record, error);
  }
  std::int32_t checkpoint(std::string_view text = R"({"at":1})", std::uint32_t flags = 0) const {
    return records->checkpoint(host, str(text), flags, error);
  }
  /// The end of an act that found something out: text without quotes.
  std::int32_t report(const std::string& found) const {
    if (const auto status = emit("report", "{\"found\":\"" + found + "\"}"); status != BERTH_OK) return status;
    return checkpoint();
  }
  static berth_http_request get(std::string_view path) {
    berth_http_request request{};
    request.method = str("GET");
    request.path = str(path);
    request.kind = BERTH_CALL_DETAIL;
    return request;
  }
};

using Act = std::function<std::int32_t(Probe&)>;
using Acts = std::map<std::string, Act, std::less<>>;

[[nodiscard]] Acts records_acts();
[[nodiscard]] Acts http_acts();
[[nodiscard]] Acts ending_acts();
[[nodiscard]] Acts stream_acts();
[[nodiscard]] Acts system_acts();

/// What came of requests, for the report.
struct Batch {
  Probe* probe = nullptr;
  std::string seen;
  std::size_t stop_after = 1'000;
  std::size_t count = 0;
  bool throws = false;
  bool calls_back = false;
  std::int32_t status_in_callback = -1;
};

/// Takes the reply of a request that was sent with a Batch.
std::int32_t on_reply(void* ctx, const berth_http_reply* reply);

[[noreturn]] inline void loop_for_ever() {
  for (std::atomic<unsigned long> turns{0};;) ++turns;
}

}  // namespace probe
