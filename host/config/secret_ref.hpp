#pragma once
// Where a secret is: configuration names it, and never holds it.
//
//   client: {id: env:ZOHO_CLIENT_ID, secret: file:./secrets/zoho_client}
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/core/secret.hpp"

namespace berth::config {

struct SecretRef {
  enum class Kind {
    kEnv,         // env:NAME, a variable of the environment
    kFile,        // file:PATH, the content without its last line end; a relative path is relative to berth.yaml
    kVault,       // vault:NAME, opened by the vault
    kCredential,  // credential:NAME, a systemd credential: $CREDENTIALS_DIRECTORY/NAME
  };
  Kind kind = Kind::kEnv;
  std::string name;  // of kFile: the path, made absolute while loading

  /// "env:ZOHO_CLIENT_ID"; fit for logs.
  [[nodiscard]] std::string to_string() const;
  /// Nothing for a text without one of the prefixes, and for an empty name.
  [[nodiscard]] static std::optional<SecretRef> parse(std::string_view text);
  friend bool operator==(const SecretRef&, const SecretRef&) = default;
};

/// A setting that may be written out or be a reference: a client id, a redirect address.
struct Setting {
  std::optional<SecretRef> reference;
  std::string literal;
  [[nodiscard]] std::string to_string() const { return reference ? reference->to_string() : literal; }
  [[nodiscard]] bool empty() const { return !reference && literal.empty(); }
};

/// Answers the value of a variable, or nothing where it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
/// The variables of this process. Reads them when asked; nobody may change them meanwhile.
[[nodiscard]] Environment process_environment();

/// The secret itself, of kinds env, file and credential. Errors: config.secret_missing (the variable or file is not
/// there or is empty), config.secret_too_large, config.secret_vault for a vault reference, which the vault opens.
[[nodiscard]] Result<Secret> resolve(const SecretRef& reference, const Environment& environment);
/// The text of a setting; errors as above.
[[nodiscard]] Result<std::string> resolve(const Setting& setting, const Environment& environment);

}  // namespace berth::config
