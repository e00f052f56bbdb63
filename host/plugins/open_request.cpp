#include "host/plugins/open_request.hpp"

#include "host/core/assert.hpp"
#include "host/plugins/manifest.hpp"

namespace berth::plugins {

Result<LoadRequest> load_request(const OpenRequest& request) {
  BERTH_ASSERT(request.manifest != nullptr, "a plugin is opened by its manifest");
  const Manifest& manifest = *request.manifest;
  BERTH_CHECK(check_abi(manifest.abi_major, manifest.abi_minor, manifest.id));
  return LoadRequest{manifest.id, manifest.version, manifest.library, request.pin_sha256};
}

Result<Descriptor> matching_descriptor(const Manifest& manifest, std::string_view descriptor_json) {
  Descriptor descriptor = BERTH_TRY(parse_descriptor(descriptor_json, manifest.id));
  BERTH_CHECK(check_matches(manifest, descriptor));
  return descriptor;
}

}  // namespace berth::plugins
