#include "host/vault/envelope.hpp"

#include <sodium.h>

#include <array>
#include <optional>

namespace berth::vault {
namespace {

constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kKey = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
static_assert(kKey == kMasterKeyBytes);

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Bytes that are wiped at the end of the scope.
struct Wiped {
  std::string bytes;
  ~Wiped() { sodium_memzero(bytes.data(), bytes.size()); }
};

void append_number(std::string& out, std::uint64_t number) {
  for (unsigned shift = 0; shift < 64; shift += 8)
    out.push_back(static_cast<char>(static_cast<unsigned char>(number >> shift)));
}

/// Lengths before texts, so that ("ab", "c") and ("a", "bc") differ. `purpose` keeps key and value apart.
std::string associated_data(std::string_view purpose, const Identity& identity) {
  std::string out = "berth.vault.1/";
  out.append(purpose);
  for (const auto text : {identity.owner, identity.name}) {
    append_number(out, text.size());
    out.append(text);
  }
  append_number(out, static_cast<std::uint64_t>(identity.version));
  return out;
}

std::string seal_bytes(const unsigned char* key, std::string_view associated, std::string_view plain, Random& random) {
  std::string out(kNonce + plain.size() + kTag, '\0');
  random.fill(out.data(), kNonce);
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + kNonce, nullptr, unsigned_bytes(plain), plain.size(),
                                             unsigned_bytes(associated), associated.size(), nullptr, bytes, key);
  return out;
}

std::optional<std::string> open_bytes(const unsigned char* key, std::string_view associated, std::string_view sealed) {
  if (sealed.size() < kNonce + kTag) return std::nullopt;
  std::string plain(sealed.size() - kNonce - kTag, '\0');
  const auto* bytes = unsigned_bytes(sealed);
  const int code = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, bytes + kNonce, sealed.size() - kNonce,
      unsigned_bytes(associated), associated.size(), bytes, key);
  if (code != 0) return std::nullopt;
  return plain;
}

Error damaged(const Identity& identity) {
  return make_error(Code::kEnvironment, "vault.damaged",
                    "The secret " + std::string(identity.name) + " of \"" + std::string(identity.owner) +
                        "\" does not open: its envelope was changed or belongs to another name or version");
}

Result<Wiped> open_key(const MasterKey& key, const Identity& identity, std::string_view sealed_key) {
  auto data_key = open_bytes(key.bytes(), associated_data("key", identity), sealed_key);
  if (!data_key || data_key->size() != kKey) return damaged(identity);
  return Wiped{std::move(*data_key)};
}

}  // namespace

Envelope seal(const MasterKey& key, const Identity& identity, std::string_view secret, Random& random) {
  Wiped data_key{std::string(kKey, '\0')};
  random.fill(data_key.bytes.data(), data_key.bytes.size());
  return {seal_bytes(key.bytes(), associated_data("key", identity), data_key.bytes, random),
          seal_bytes(unsigned_bytes(data_key.bytes), associated_data("value", identity), secret, random)};
}

Result<Secret> open(const MasterKey& key, const Identity& identity, const Envelope& envelope) {
  const auto data_key = BERTH_TRY(open_key(key, identity, envelope.sealed_key));
  auto plain = open_bytes(unsigned_bytes(data_key.bytes), associated_data("value", identity), envelope.sealed_value);
  if (!plain) return damaged(identity);
  return Secret(std::move(*plain));
}

Result<std::string> reseal_key(const MasterKey& old_key, const MasterKey& new_key, const Identity& identity,
                               std::string_view sealed_key, Random& random) {
  const auto data_key = BERTH_TRY(open_key(old_key, identity, sealed_key));
  return seal_bytes(new_key.bytes(), associated_data("key", identity), data_key.bytes, random);
}

}  // namespace berth::vault
