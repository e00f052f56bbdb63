#include "host/config/storage_address.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "host/config/findings.hpp"
#include "host/core/text.hpp"

namespace berth::config {
namespace {

/// "p%61ssword" is "password"; small letters.
std::string word_of(std::string_view text) {
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr == text.data() + i + 3) {
      word += static_cast<char>(code);
      i += 2;
    } else {
      word += text[i];
    }
  }
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return word;
}

std::optional<std::string> unless_empty(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

/// Both parts of "name=value" of each parameter, as they mean and not as they are written.
struct AddressParameter {
  std::string name, value;
};
std::vector<AddressParameter> parameters_of(std::string_view address) {
  std::vector<AddressParameter> all;
  const std::size_t question = address.find('?');
  std::string_view rest = question == std::string_view::npos ? std::string_view() : address.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    all.push_back({word_of(one.substr(0, equals)), equals == std::string_view::npos ? std::string() : word_of(one.substr(equals + 1))});
  }
  return all;
}

/// Every name that this libpq knows: what it takes from an address besides those in its front part.
std::vector<std::string> known_parameters() {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> list(PQconndefaults(), &PQconninfoFree);
  std::vector<std::string> names = {"ssl"};   // of JDBC; ssl=true is sslmode=require
  for (const PQconninfoOption* option = list.get(); option != nullptr && option->keyword != nullptr; ++option) names.emplace_back(option->keyword);
  return names;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && port >= 1 && port <= 65535;
}

/// "host", "host:5432", "[::1]:5432", several of them behind commas: what stands where a port belongs and is none.
std::optional<std::string> no_port_in(std::string_view hosts) {
  while (!hosts.empty()) {
    const std::size_t closed = hosts.starts_with('[') ? hosts.find(']') : 0;
    const std::size_t colon = closed == std::string_view::npos ? closed : hosts.find(':', closed);
    const std::size_t comma = hosts.find(',');
    if (colon < comma) {
      const std::string_view port = hosts.substr(colon + 1, comma == std::string_view::npos ? comma : comma - colon - 1);
      if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::string(hosts.substr(colon + 1));
    }
    hosts.remove_prefix(comma == std::string_view::npos ? hosts.size() : comma + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> password_in(std::string_view address) {
  const std::size_t scheme = address.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::string_view rest = address.substr(scheme + 3);
  const std::size_t question = rest.find('?');
  const std::string_view head = rest.substr(0, question);
  const std::size_t at = head.rfind('@');
  if (const std::size_t colon = head.find(':'); at != std::string_view::npos && colon < at) {
    if (auto found = unless_empty(head.substr(colon + 1, at - colon - 1))) return found;
  }
  std::string_view hosts = at == std::string_view::npos ? head : head.substr(at + 1);
  if (auto found = no_port_in(hosts.substr(0, hosts.find('/')))) {
    // With a '?' in it the password goes on there.
    const std::size_t colon = rest.find(':'), end = rest.rfind('@');
    return at == std::string_view::npos && end != std::string_view::npos && end > colon ? std::string(rest.substr(colon + 1, end - colon - 1)) : found;
  }
  std::string_view parameters = question == std::string_view::npos ? std::string_view() : rest.substr(question + 1);
  while (!parameters.empty()) {
    const std::string_view one = parameters.substr(0, parameters.find('&'));
    parameters.remove_prefix(std::min(parameters.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos) {
      if (one.find('@') != std::string_view::npos) return std::string(rest);  // "u:1?2@host": no parameter, but the rest of a password
      continue;
    }
    const std::string name = word_of(one.substr(0, equals));
    if (name != "password" && name != "sslpassword" && name != "oauth_client_secret") continue;
    if (auto found = unless_empty(one.substr(equals + 1))) return found;
  }
  return std::nullopt;
}

std::optional<AddressFault> address_fault(std::string_view address) {
  constexpr std::size_t kShown = 40;
  const std::string text(address);
  const auto parameters = parameters_of(address);
  if (const std::vector<std::string> known = known_parameters(); known.size() > 1) {
    for (const AddressParameter& one : parameters) {
      if (std::find(known.begin(), known.end(), one.name) != known.end()) continue;
      return AddressFault{fmt::format("`{}` is no parameter of an address of PostgreSQL", shortened(one.name, kShown)), did_you_mean(one.name, known)};
    }
  }
  for (const AddressParameter& one : parameters) {
    // libpq, "SSL Mode Descriptions".
    static const std::vector<std::string> modes = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};
    if (one.name != "sslmode" || std::find(modes.begin(), modes.end(), one.value) != modes.end()) continue;
    const std::string near = did_you_mean(one.value, modes);
    return AddressFault{fmt::format("`sslmode` is `{}`, which is none", shortened(one.value, kShown)), near.empty() ? fmt::format("there are: {}", join(modes, ", ")) : near};
  }
  struct Free {
    void operator()(PQconninfoOption* list) const { PQconninfoFree(list); }
  };
  const std::unique_ptr<PQconninfoOption, Free> read(PQconninfoParse(text.c_str(), nullptr));
  if (read == nullptr) return AddressFault{"the address cannot be read", "write it like postgresql://user@host:5432/name?sslmode=verify-full"};
  for (const PQconninfoOption* option = read.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || std::string_view(option->keyword) != "port") continue;
    std::string_view ports = option->val;   // one a host, behind commas; an empty one is the usual one
    while (!ports.empty()) {
      const std::string_view port = ports.substr(0, ports.find(','));
      ports.remove_prefix(std::min(ports.size(), port.size() + 1));
      if (!port.empty() && !is_port(port)) return AddressFault{fmt::format("`{}` is no port", shortened(port, kShown)), "ports go from 1 to 65535; the usual one is 5432"};
    }
  }
  return std::nullopt;
}

}  // namespace berth::config
