#pragma once
// Sealing and opening of one envelope. Pure but for the randomness given; the database and names are vault.hpp's.
#include <cstdint>
#include <string>
#include <string_view>

#include "host/core/random.hpp"
#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/vault/master_key.hpp"

namespace berth::vault {

/// What an envelope belongs to; bound to it as associated data.
struct Identity {
  std::string_view owner;
  std::string_view name;
  std::int64_t version = 0;
};
struct Envelope {
  std::string sealed_key;    // nonce, data key sealed with the master key
  std::string sealed_value;  // nonce, secret sealed with the data key
};

Envelope seal(const MasterKey& key, const Identity& identity, std::string_view secret, Random& random);
/// Errors: vault.damaged.
Result<Secret> open(const MasterKey& key, const Identity& identity, const Envelope& envelope);
/// The sealed data key, sealed with another master key. Errors: vault.damaged.
Result<std::string> reseal_key(const MasterKey& old_key, const MasterKey& new_key, const Identity& identity,
                               std::string_view sealed_key, Random& random);

}  // namespace berth::vault
