#pragma once
// Charts of accounts, and the one table that says which account a payment mode, a tax or a role posts to.
//
//   AccountTable table = BERTH_TRY(load_accounts(connection, "zoho_acme"));
//   table.find("payment_mode", "Bank Transfer", "acme_us");   // account "undeposited", "" (a placeholder), or nullptr
//
// Plain data; no threads.
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "host/core/decimal.hpp"
#include "host/core/result.hpp"
#include "host/storage/database.hpp"

namespace berth::ledger {

enum class AccountType { kAsset, kLiability, kEquity, kIncome, kExpense };
[[nodiscard]] std::string_view to_string(AccountType type);  // "asset"
[[nodiscard]] std::optional<AccountType> account_type(std::string_view text);

struct Account {
  std::string id, name;
  AccountType type = AccountType::kAsset;
};

/// The accounts of one company, and which of them play the roles below.
struct Chart {
  std::map<std::string, Account> accounts;   // by id
  std::map<std::string, std::string> roles;  // role → account id
};

/// What an account can be needed for without a key of the remote system. A row (role, NAME, company) of the account
/// table wins over the chart's `roles:`.
struct Role {
  std::string_view name;     // "ar"
  AccountType type;          // what a sensible account for it is
  std::string_view purpose;  // one sentence for the mapping screen
};
[[nodiscard]] std::span<const Role> roles();
namespace role {
inline constexpr std::string_view kReceivable = "ar";
inline constexpr std::string_view kCredits = "credits";
inline constexpr std::string_view kDiscount = "discount";
inline constexpr std::string_view kShipping = "shipping";
inline constexpr std::string_view kOtherIncome = "other";
inline constexpr std::string_view kReturns = "returns";
inline constexpr std::string_view kBankFees = "bank_fees";
inline constexpr std::string_view kRounding = "rounding";
inline constexpr std::string_view kTaxWithheld = "tax_withheld";
inline constexpr std::string_view kExchangeRealised = "fx_realised";
inline constexpr std::string_view kExchangeUnrealised = "fx_unrealised";
inline constexpr std::string_view kBadDebt = "bad_debt";
inline constexpr std::string_view kUndeposited = "undeposited";
inline constexpr std::string_view kProcessorFees = "processor_fees";
inline constexpr std::string_view kDueFrom = "due_from";
inline constexpr std::string_view kDueTo = "due_to";
inline constexpr std::string_view kOpeningBalance = "opening_balance";
}  // namespace role

/// (kind, key, company) → account, of one integration. Kinds: default_income default_expense payment_mode tax
/// zoho_account service_line reduced_total role. Keys are compared as the table account_row does: payment modes without case and
/// blanks.
class AccountTable {
 public:
  struct Entry {
    std::string label;    // the key as first seen, "-" for none
    std::string account;  // "" = a placeholder that a person must map
  };
  void set(std::string_view kind, std::string_view label, std::string_view company, std::string account);
  /// Nothing where there is no row. Valid until the next set().
  [[nodiscard]] const Entry* find(std::string_view kind, std::string_view label, std::string_view company) const;

 private:
  std::map<std::tuple<std::string, std::string, std::string>, Entry> rows_;
};

/// The integration's rows of the table account_row.
Result<AccountTable> load_accounts(storage::Connection& connection, std::string_view integration);

}  // namespace berth::ledger
