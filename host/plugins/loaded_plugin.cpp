#include "host/plugins/loaded_plugin.hpp"

#include <dlfcn.h>

#include <exception>

#include <fmt/format.h>
#include <boost/dll/shared_library.hpp>

#include "host/core/text.hpp"
#include "host/plugins/descriptor.hpp"
#include "host/plugins/library_file.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/status.hpp"

namespace berth::plugins {

namespace {

namespace dll = boost::dll;
using Entry = const berth_plugin*(const berth_identity*, berth_error*);

constexpr std::size_t kLoadErrorMax = 400;
constexpr std::string_view kHostVersion = "0.1.0";  // information for logs of plugins; decides nothing

berth_str str(std::string_view text) {
  return {text.data(), text.size()};
}

/// What the system's loader said, out of what Boost.DLL makes of it ("... (dlerror system message: /proc/self/fd/5: file too
/// short): Bad file descriptor"), with the name of the file instead of that of a descriptor.
std::string loader_words(std::string_view said, const std::filesystem::path& library) {
  constexpr std::string_view kBegin = "dlerror system message: ";
  constexpr std::string_view kDescriptor = "/proc/self/fd/";
  if (const auto at = said.find(kBegin); at != std::string_view::npos) {
    said.remove_prefix(at + kBegin.size());
    said = said.substr(0, said.rfind("): "));
  }
  std::string text(said);
  if (const auto at = text.find(kDescriptor); at != std::string::npos) {
    const auto end = text.find_first_not_of("0123456789", at + kDescriptor.size());
    text.replace(at, end == std::string::npos ? end : end - at, library.string());
  }
  return shortened(text, kLoadErrorMax);
}

/// The text of a plugin's identity; not more than makes sense, so that a wild length is not followed far.
Result<std::string_view> identity_text(berth_str text, std::string_view plugin) {
  constexpr std::size_t kIdentityTextMax = 100;
  if (text.ptr == nullptr || text.len == 0 || text.len > kIdentityTextMax || !is_valid_utf8({text.ptr, text.len})) {
    return make_error(Code::kInternal, "plugin.identity_invalid",
                      fmt::format("the identity of plugin {} has no readable name or version", plugin));
  }
  return std::string_view(text.ptr, text.len);
}

Status check_identity(const LoadRequest& request, const berth_identity* identity) {
  const auto invalid = [&](std::string_view what) {
    return make_error(Code::kInternal, "plugin.identity_invalid",
                      fmt::format("the identity of plugin {} {}", request.id, what));
  };
  if (identity == nullptr) return invalid("is missing");
  if (identity->struct_size != sizeof(berth_identity)) {
    return invalid(fmt::format("has {} bytes, this host knows {}", identity->struct_size, sizeof(berth_identity)));
  }
  BERTH_CHECK(check_abi(identity->abi_major, identity->abi_minor, request.id));
  if (identity->reserved != 0) return invalid(fmt::format("has {} in its reserved field", identity->reserved));
  const auto name = BERTH_TRY(identity_text(identity->name, request.id));
  const auto version = BERTH_TRY(identity_text(identity->version, request.id));
  if (name == request.id && version == request.version) return success();
  return make_error(Code::kInvalidConfig, "plugin.descriptor_mismatch",
                    fmt::format("plugin.yaml names {} {}, the library names itself {} {}", request.id, request.version,
                                name, version));
}

/// Calls the entry. Everything below runs code of the plugin.
Result<LoadedPlugin> shake_hands(const LoadRequest& request, Entry* entry) {
  berth_error refusal = empty_error();
  const berth_plugin* table = nullptr;
  std::string descriptor;
  try {
    table = entry(&host_identity(), &refusal);
    if (table == nullptr) {
      Error error = read_error(BERTH_UNSUPPORTED, refusal, request.id);
      if (refusal.reason[0] == '\0') error.reason = "plugin.entry_refused";
      return std::move(error).with_context(fmt::format("plugin {} refuses this host", request.id));
    }
    BERTH_CHECK(check_identity(request, table->identity));
    if (table->create == nullptr || table->descriptor_json == nullptr) {
      return make_error(Code::kInternal, "plugin.identity_invalid",
                        fmt::format("plugin {} has a table with empty places", request.id));
    }
    const berth_str text = table->descriptor_json();
    if (text.ptr == nullptr || text.len > Descriptor::kBytesMax) {
      return make_error(Code::kInternal, "plugin.descriptor_invalid",
                        fmt::format("the descriptor of plugin {} is missing or longer than {} bytes", request.id,
                                    Descriptor::kBytesMax));
    }
    descriptor.assign(text.ptr, text.len);
  } catch (...) {
    return current_exception_error("the entry of plugin " + request.id);
  }
  return LoadedPlugin{table, std::move(descriptor)};
}

}  // namespace

const berth_identity& host_identity() {
  static const berth_identity identity{sizeof(berth_identity), BERTH_ABI_MAJOR,  BERTH_ABI_MINOR, 0,
                                       str("berth"),           str(kHostVersion)};
  return identity;
}

Result<LoadedPlugin> load_plugin(const LoadRequest& request) {
  LibraryFile library = BERTH_TRY(open_pinned_library(request.library, request.pin_sha256, request.id));
  Entry* entry = nullptr;
  try {
    // RTLD_NODELETE: the handle below may go, the library stays.
    const auto mode =
        dll::load_mode::rtld_now | dll::load_mode::rtld_local | static_cast<dll::load_mode::type>(RTLD_NODELETE);
    const dll::shared_library handle(fmt::format("/proc/self/fd/{}", library.file.get()), mode);
    // The loader knows libraries by the name they were opened with. The descriptor stays open for good, so that no
    // later plugin gets the same number and, with it, this library.
    library.file.release();
    if (!handle.has(BERTH_ENTRY_SYMBOL)) {
      return make_error(Code::kInvalidConfig, "plugin.no_entry",
                        fmt::format("the library of plugin {} does not export {}", request.id, BERTH_ENTRY_SYMBOL));
    }
    entry = &handle.get<Entry>(BERTH_ENTRY_SYMBOL);
  } catch (const std::exception& e) {
    // Only the text of the throwing form has the loader's own words; its error code is meaningless.
    return make_error(
        Code::kInvalidConfig, "plugin.load_failed",
        fmt::format("the library of plugin {} cannot be loaded: {}", request.id, loader_words(e.what(), request.library)));
  }
  return shake_hands(request, entry);
}

}  // namespace berth::plugins
