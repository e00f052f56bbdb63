#pragma once
// Of several calls that were made together, which failure their maker must hear about. One rule for a batch of the host and
// for the calls that a connector keeps under way, so that a run says the same whichever of them it used.
#include <cstdint>
#include <string_view>

#include "berth/abi/abi.h"

namespace berth {

/// The higher one goes before. 1 is a failure of that call alone.
[[nodiscard]] inline int severity(std::int32_t status, std::string_view reason) {
  if (status == BERTH_CANCELLED) return 5;
  if (status == BERTH_UNAUTHENTICATED) return 4;  // a person has to connect again, whatever else is spent
  if (reason == "berth.quota" || reason == "berth.run_cap") return 3;
  if (reason == "berth.budget") return 2;
  return 1;
}

}  // namespace berth
