#pragma once
// Whether somebody wrote a password into the address of a PostgreSQL database, where it would come back in messages, in
// `ps` and in files. Read more strictly than libpq does, which takes "u:p/w@host" for a host and a port.
//
//   if (config::password_in("postgresql://berth:word@db/books")) ...      // "word"
//
// Threads: any. Cannot fail.
//
// And whether libpq could read it at all, which is known without a server.
//
//   if (const auto fault = config::address_fault("postgresql://berth@db/books?sslmod=require")) ...   // "`sslmod` is ..."
#include <optional>
#include <string>
#include <string_view>

namespace berth::config {

/// What may be a password there, as it is written; nothing where the address has none. Without a ':' after the scheme but a
/// port, and without the parameters password, sslpassword and oauth_client_secret, there is none.
std::optional<std::string> password_in(std::string_view address);

struct AddressFault {
  std::string what;   // a sentence without its full stop, and without secrets
  std::string hint;
};
/// What is wrong with an address that begins with postgresql://; nothing where it can be tried. Of an address in which
/// password_in() found nothing.
[[nodiscard]] std::optional<AddressFault> address_fault(std::string_view address);

}  // namespace berth::config
