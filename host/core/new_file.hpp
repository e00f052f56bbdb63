#pragma once
// A small file that must not be lost or be there in half: it gets its name when all of it is on disk, and never takes that of
// another file.
//
//   const std::error_code failure = make_new_file("vault.key", path, text, 0600);
//   if (failure == std::errc::file_exists) ...
//
// A process that is killed meanwhile leaves nothing under the name, or all of it; besides perhaps a file NAME.new-XXXXXX
// that nobody reads. Any thread. Errors are those of the system.
#include <sys/types.h>

#include <string>
#include <string_view>
#include <system_error>

#include "host/core/durable_write.hpp"

namespace berth {

std::error_code make_new_file(WriteName name, const std::string& path, std::string_view bytes, mode_t mode);

}  // namespace berth
