#include "host/core/durable_write.hpp"

#include <atomic>

namespace berth {
namespace {

std::atomic<WriteHook> g_hook = nullptr;

void tell(WriteName name, WriteMoment moment) {
  if (const WriteHook hook = g_hook.load(std::memory_order_acquire)) hook(name.text(), moment);
}

}  // namespace

std::string_view to_string(WriteMoment moment) {
  switch (moment) {
    case WriteMoment::kBefore: return "before";
    case WriteMoment::kBetween: return "between";
    case WriteMoment::kAfter: return "after";
  }
  return "?";
}

DurableWrite::DurableWrite(WriteName name) : name_(name) { tell(name_, WriteMoment::kBefore); }
void DurableWrite::is_written() const { tell(name_, WriteMoment::kBetween); }
void DurableWrite::is_durable() const { tell(name_, WriteMoment::kAfter); }

void set_write_hook(WriteHook hook) noexcept { g_hook.store(hook, std::memory_order_release); }

}  // namespace berth
