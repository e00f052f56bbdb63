#pragma once
// A company's chart of accounts: a YAML file beside berth.yaml.
//
//   accounts:
//     - {id: sales, name: Sales, type: income}
//     - {id: receivable, name: Accounts Receivable, type: asset}
//   roles: {ar: receivable}
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/findings.hpp"
#include "host/core/result.hpp"

namespace berth::config {

enum class AccountType { kAsset, kLiability, kEquity, kIncome, kExpense };
/// "asset", "liability", "equity", "income", "expense".
[[nodiscard]] std::string_view to_string(AccountType type);

struct Account {
  std::string id;    // "sales"; small letters, digits, _ . - :
  std::string name;  // "Sales"
  AccountType type = AccountType::kAsset;
};

/// The control accounts that posting needs, by the names docs/accounting.md uses.
struct Role {
  std::string_view name;
  AccountType type;       // accounts of this type fit; another type is a warning
  std::string_view what;  // one sentence for schema and forms
};
/// ar, undeposited, credits, discount, shipping, other, rounding, bank_fees, processor_fees, tax_withheld, returns,
/// bad_debt, fx_realised, fx_unrealised, due_from, due_to, opening_balance.
[[nodiscard]] std::span<const Role> roles();

struct ChartOfAccounts {
  std::vector<Account> accounts;
  std::map<std::string, std::string, std::less<>> roles;  // role → account id; roles may be mapped later instead

  /// nullptr if there is none.
  [[nodiscard]] const Account* find(std::string_view id) const;
  [[nodiscard]] std::vector<std::string> ids() const;
};

/// Reads and checks a chart. Mistakes go to `findings`; the error config.invalid comes back if there is one.
[[nodiscard]] Result<ChartOfAccounts> load_chart(const std::filesystem::path& path, Findings& findings,
                                                 std::string shown = "");
[[nodiscard]] Result<ChartOfAccounts> parse_chart(std::string text, std::string file, Findings& findings);

}  // namespace berth::config
