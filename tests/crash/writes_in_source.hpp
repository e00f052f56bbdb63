#pragma once
// Every durable write that the source of Berth names (host/core/durable_write.hpp), found by reading host/.
#include <map>
#include <string>

namespace crash {

/// Name → the file it stands in, "host/runs/capture.cpp". Throws where a name stands in two places.
std::map<std::string, std::string> writes_in_source();

}  // namespace crash
