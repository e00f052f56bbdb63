// gzip as servers send it, and as attackers do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace zoho_sim {

std::string gzip(std::string_view text);
// A JSON object of at least `bytes` bytes, nearly all of them blanks, packed to less than a hundredth without ever being
// in memory.
std::string gzip_bomb(std::size_t bytes);

}  // namespace zoho_sim
