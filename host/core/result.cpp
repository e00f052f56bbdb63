#include "host/core/result.hpp"

namespace berth {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kCancelled:
      return "cancelled";
    case Code::kInvalidConfig:
      return "invalid_config";
    case Code::kUnauthenticated:
      return "unauthenticated";
    case Code::kQuotaExhausted:
      return "quota_exhausted";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kBadResponse:
      return "bad_response";
    case Code::kInternal:
      return "internal";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kNotFound:
      return "not_found";
    case Code::kConflict:
      return "conflict";
    case Code::kForbidden:
      return "forbidden";
    case Code::kEnvironment:
      return "environment";
  }
  BERTH_ASSERT(false, "every error code has a name");
}

}  // namespace berth
