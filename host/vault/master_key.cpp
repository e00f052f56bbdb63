#include "host/vault/master_key.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "host/core/descriptor.hpp"
#include "host/core/hash.hpp"
#include "host/core/new_file.hpp"
#include "host/core/text.hpp"

namespace berth::vault {
namespace {

constexpr std::size_t kKeyTextBytesMax = 200;
constexpr std::size_t kKeyIdBytes = crypto_generichash_BYTES_MIN;  // 16 bytes, of which 8 are shown
constexpr std::string_view kKeyIdContext = "berth vault master key id";

void wipe(std::string& text) {
  sodium_memzero(text.data(), text.size());
}

std::string system_reason() {
  return std::strerror(errno);
}

/// 32 bytes as they are, or as hex (64 digits) or base64 in either alphabet, with or without padding.
std::optional<std::string> decode(std::string_view given) {
  const auto text = trim(given);
  if (text.size() == 2 * kMasterKeyBytes) {
    if (auto bytes = from_hex(lower_ascii(text))) return bytes;
  }
  std::string url(text);
  std::ranges::replace(url, '+', '-');
  std::ranges::replace(url, '/', '_');
  while (!url.empty() && url.back() == '=') url.pop_back();
  auto bytes = from_base64url(url);
  wipe(url);
  if (bytes && bytes->size() == kMasterKeyBytes) return bytes;
  return std::nullopt;
}

Result<MasterKey> from_text(std::string text, const std::string& where, bool raw_allowed) {
  auto bytes = raw_allowed && text.size() == kMasterKeyBytes ? std::optional(text) : decode(text);
  wipe(text);
  if (!bytes) {
    return make_error(
        Code::kInvalidConfig, "vault.key_invalid",
        where + " does not hold a key of 32 bytes" + (raw_allowed ? ", raw or" : "") + " in base64 or hex");
  }
  auto key = MasterKey::from_bytes(*bytes);
  wipe(*bytes);
  return key;
}

Result<MasterKey> from_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  const std::string where = "The vault key file " + path;
  if (file.get() < 0)
    return make_error(Code::kInvalidConfig, "vault.key_missing", where + " cannot be opened: " + system_reason());
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return make_error(Code::kEnvironment, "vault.key_missing", where + " cannot be read: " + system_reason());
  if (!S_ISREG(status.st_mode))
    return make_error(Code::kInvalidConfig, "vault.key_permissions", where + " is not a regular file");
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return make_error(Code::kInvalidConfig, "vault.key_permissions", where + " belongs to another user");
  }
  if ((status.st_mode & 077u) != 0) {
    return make_error(Code::kInvalidConfig, "vault.key_permissions",
                      where + " can be read or written by others; set its mode to 0600");
  }
  std::array<char, kKeyTextBytesMax + 1> buffer{};
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto got = ::read(file.get(), buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return make_error(Code::kEnvironment, "vault.key_missing", where + " cannot be read: " + system_reason());
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  std::string text(buffer.data(), size);
  sodium_memzero(buffer.data(), buffer.size());
  return from_text(std::move(text), where, true);
}

}  // namespace

void MasterKey::Wipe::operator()(unsigned char* bytes) const {
  sodium_free(bytes);
}
MasterKey::MasterKey(std::unique_ptr<unsigned char, Wipe> bytes, std::string id)
    : bytes_(std::move(bytes)), id_(std::move(id)) {}
MasterKey::MasterKey(MasterKey&&) noexcept = default;
MasterKey& MasterKey::operator=(MasterKey&&) noexcept = default;
MasterKey::~MasterKey() = default;

Result<MasterKey> MasterKey::from_bytes(std::string_view bytes) {
  if (::sodium_init() < 0) return make_error(Code::kEnvironment, "vault.unavailable", "The library that seals secrets (libsodium) cannot be started");
  if (bytes.size() != kMasterKeyBytes)
    return make_error(Code::kInvalidConfig, "vault.key_invalid", "A vault key has 32 bytes");
  if (sodium_is_zero(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1) {
    return make_error(Code::kInvalidConfig, "vault.key_invalid", "The vault key is all zero");
  }
  // Guard pages, locked in memory, wiped at the end.
  std::unique_ptr<unsigned char, Wipe> copy(static_cast<unsigned char*>(sodium_malloc(kMasterKeyBytes)));
  if (copy == nullptr) {
    return make_error(Code::kEnvironment, "vault.memory",
                      "The vault key needs memory of its own, between guard pages, and the machine gives none: " + system_reason());
  }
  std::memcpy(copy.get(), bytes.data(), kMasterKeyBytes);
  std::array<unsigned char, kKeyIdBytes> id{};
  crypto_generichash(id.data(), id.size(), reinterpret_cast<const unsigned char*>(kKeyIdContext.data()),
                     kKeyIdContext.size(), copy.get(), kMasterKeyBytes);
  sodium_mprotect_readonly(copy.get());
  return MasterKey(std::move(copy), to_hex({reinterpret_cast<const char*>(id.data()), 8}));
}

Result<MasterKey> load_master_key(std::string_view source) {
  const auto colon = source.find(':');
  const auto kind = source.substr(0, colon);
  const std::string rest(colon == std::string_view::npos ? std::string_view() : source.substr(colon + 1));
  if (rest.empty() || (kind != "file" && kind != "env" && kind != "credential")) {
    // The text is not repeated: it may be the key itself.
    return make_error(Code::kInvalidConfig, "vault.key_source",
                      "The vault key is given as file:PATH, env:NAME or credential:NAME");
  }
  if (kind == "file") return from_file(rest);
  if (kind == "env") {
    const char* value = std::getenv(rest.c_str());
    if (value == nullptr || *value == '\0') {
      return make_error(Code::kInvalidConfig, "vault.key_missing",
                        "The environment variable " + rest + " with the vault key is not set");
    }
    return from_text(value, "The environment variable " + rest, false);
  }
  if (rest.find('/') != std::string::npos) {
    return make_error(Code::kInvalidConfig, "vault.key_source", "The credential " + rest + " is a name, not a path");
  }
  // systemd.exec, "CREDENTIALS": files below $CREDENTIALS_DIRECTORY, readable by the service's user only.
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0') {
    return make_error(
        Code::kInvalidConfig, "vault.key_missing",
        "CREDENTIALS_DIRECTORY is not set; the credential " + rest + " exists only in a service started by systemd");
  }
  return from_file(std::string(folder) + "/" + rest);
}

Status create_key_file(const std::string& path, Random& random) {
  std::string bytes(kMasterKeyBytes, '\0');
  random.fill(bytes.data(), bytes.size());
  std::string text = to_base64url(bytes) + "\n";
  wipe(bytes);
  // Whole and durable before it has its name: half a key would be kept for ever and open nothing, and one that a power cut
  // takes away takes every secret with it.
  const std::error_code failure = make_new_file("vault.key", path, text, 0600);
  wipe(text);
  if (!failure) return success();
  if (failure == std::errc::file_exists) return make_error(Code::kConflict, "vault.key_exists", "The vault key file " + path + " exists already and is kept");
  return make_error(Code::kEnvironment, "vault.key_missing", "Cannot make the vault key file " + path + ": " + failure.message());
}

}  // namespace berth::vault
