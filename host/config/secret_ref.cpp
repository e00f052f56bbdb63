#include "host/config/secret_ref.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace berth::config {
namespace {

constexpr std::array<std::pair<std::string_view, SecretRef::Kind>, 4> kPrefixes{{
    {"env:", SecretRef::Kind::kEnv},
    {"file:", SecretRef::Kind::kFile},
    {"vault:", SecretRef::Kind::kVault},
    {"credential:", SecretRef::Kind::kCredential},
}};
constexpr std::size_t kSecretBytesMax = 64U << 10U;

Error missing(const SecretRef& reference, std::string_view why) {
  return make_error(Code::kInvalidConfig, "config.secret_missing", fmt::format("{} {}", reference.to_string(), why));
}

Result<Secret> read_file(const SecretRef& reference, const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return missing(reference, "is not there, or not a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return missing(reference, "cannot be opened");
  std::string text(kSecretBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return missing(reference, "cannot be read");
  const auto size = static_cast<std::size_t>(stream.gcount());
  if (size > kSecretBytesMax) {
    return make_error(Code::kInvalidConfig, "config.secret_too_large",
                      fmt::format("{} has more than {} bytes", reference.to_string(), kSecretBytesMax));
  }
  text.resize(size);
  // One line end at the end, which editors add, is not part of the secret.
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return missing(reference, "is empty");
  return Secret(std::move(text));
}

}  // namespace

std::string SecretRef::to_string() const {
  for (const auto& [prefix, each] : kPrefixes) {
    if (each == kind) return std::string(prefix) + name;
  }
  return name;
}

std::optional<SecretRef> SecretRef::parse(std::string_view text) {
  for (const auto& [prefix, kind] : kPrefixes) {
    if (text.starts_with(prefix) && text.size() > prefix.size())
      return SecretRef{kind, std::string(text.substr(prefix.size()))};
  }
  return std::nullopt;
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets variables
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Result<Secret> resolve(const SecretRef& reference, const Environment& environment) {
  switch (reference.kind) {
    case SecretRef::Kind::kEnv: {
      auto value = environment(reference.name);
      if (!value) return missing(reference, "is not set in the environment");
      if (value->empty()) return missing(reference, "is set but empty");
      return Secret(std::move(*value));
    }
    case SecretRef::Kind::kFile:
      return read_file(reference, reference.name);
    case SecretRef::Kind::kCredential: {
      const auto folder = environment("CREDENTIALS_DIRECTORY");
      if (!folder || folder->empty())
        return missing(reference, "needs a systemd unit with LoadCredential=; CREDENTIALS_DIRECTORY is not set");
      if (reference.name.find('/') != std::string::npos) return missing(reference, "is a name, not a path");
      return read_file(reference, std::filesystem::path(*folder) / reference.name);
    }
    case SecretRef::Kind::kVault:
      break;
  }
  return make_error(Code::kInvalidConfig, "config.secret_vault",
                    fmt::format("{} is in the vault, which is not open here", reference.to_string()));
}

Result<std::string> resolve(const Setting& setting, const Environment& environment) {
  if (!setting.reference) return setting.literal;
  return std::string(BERTH_TRY(resolve(*setting.reference, environment)).reveal());
}

}  // namespace berth::config
