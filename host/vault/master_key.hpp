#pragma once
// The master key of the vault: 32 bytes in guarded memory. Where it comes from:
//
//   file:./secrets/vault.key     mode 0600, owned by this user or root; 32 raw bytes, or their base64 or hex
//   env:BERTH_VAULT_KEY          base64 or hex
//   credential:vault_key         a systemd credential: the file $CREDENTIALS_DIRECTORY/vault_key
//
// Errors: vault.key_missing, vault.key_source (not understood), vault.key_permissions, vault.key_invalid (wrong length,
// all zero), vault.key_exists, vault.memory, vault.unavailable. No message holds any part of the key.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "host/core/random.hpp"
#include "host/core/result.hpp"

namespace berth::vault {

constexpr std::size_t kMasterKeyBytes = 32;

class MasterKey {
 public:
  MasterKey(MasterKey&&) noexcept;
  MasterKey& operator=(MasterKey&&) noexcept;
  ~MasterKey();

  /// Copies 32 bytes; the caller wipes its own.
  static Result<MasterKey> from_bytes(std::string_view bytes);
  /// Names the key without telling it: 16 hex digits of a keyed hash.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const unsigned char* bytes() const { return bytes_.get(); }

 private:
  struct Wipe {
    void operator()(unsigned char* bytes) const;
  };
  MasterKey(std::unique_ptr<unsigned char, Wipe> bytes, std::string id);
  std::unique_ptr<unsigned char, Wipe> bytes_;
  std::string id_;
};

/// "file:PATH", "env:NAME" or "credential:NAME"; paths as they are (the configuration has made them absolute).
Result<MasterKey> load_master_key(std::string_view source);
/// Makes a new key file with mode 0600, durable; never overwrites (vault.key_exists).
Status create_key_file(const std::string& path, Random& random);

}  // namespace berth::vault
