#include "host/ledger/export_names.hpp"

namespace berth::ledger {

std::string plain_text(std::string_view text, std::string_view forbidden) {
  std::string out;
  for (const char c : text) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += is_control || forbidden.find(c) != std::string_view::npos ? ' ' : c;
  }
  return std::string(trim(out));
}

const std::string& AccountNames::of(const std::string& company, const std::string& account) {
  auto [found, is_new] = names_.try_emplace({company, account});
  if (!is_new) return found->second;
  const std::string name = escape_(full_account_name(companies_, company, account));
  std::string unique = name;
  for (int number = 2; !taken_.insert(unique).second; ++number) unique = name + "-" + std::to_string(number);
  found->second = std::move(unique);
  return found->second;
}

}  // namespace berth::ledger
