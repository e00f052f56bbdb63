#pragma once
// Other people's programs that read the exported journal and say what the balances are.
#include <filesystem>
#include <string>

#include "host/ledger/export.hpp"
#include "property/reference.hpp"

namespace berth::property {

struct Judgement {
  bool is_installed = true;
  std::string complaint;  // "": it accepts the journal, and its balances are `nets`
};

/// "hledger", "ledger" or "beancount".
[[nodiscard]] Judgement judge(const std::string& program, const std::filesystem::path& journal,
                              const ledger::Companies& companies, const Nets& nets);

}  // namespace berth::property
