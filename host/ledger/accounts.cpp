#include "host/ledger/accounts.hpp"

#include <array>

#include "host/storage/account_rows.hpp"

namespace berth::ledger {
namespace {

constexpr std::array<std::pair<AccountType, std::string_view>, 5> kTypes{{{AccountType::kAsset, "asset"},
                                                                          {AccountType::kLiability, "liability"},
                                                                          {AccountType::kEquity, "equity"},
                                                                          {AccountType::kIncome, "income"},
                                                                          {AccountType::kExpense, "expense"}}};

constexpr std::array<Role, 17> kRoles{{
    {role::kReceivable, AccountType::kAsset, "Accounts receivable: what customers owe."},
    {role::kCredits, AccountType::kLiability, "Customer credits: what customers have paid and not used."},
    {role::kDiscount, AccountType::kIncome, "Discounts given, shown apart from sales."},
    {role::kShipping, AccountType::kIncome, "Shipping charged to customers."},
    {role::kOtherIncome, AccountType::kIncome, "Adjustments of invoices."},
    {role::kReturns, AccountType::kIncome, "Sales taken back by credit notes."},
    {role::kBankFees, AccountType::kExpense, "Bank charges of customer payments."},
    {role::kRounding, AccountType::kExpense, "Round-off of totals, and what converting line by line leaves over."},
    {role::kTaxWithheld, AccountType::kAsset, "Tax that customers withheld and paid for us."},
    {role::kExchangeRealised, AccountType::kIncome, "Exchange differences of what was settled in a foreign currency."},
    {role::kExchangeUnrealised, AccountType::kIncome, "Exchange differences of what is open at the end of a period."},
    {role::kBadDebt, AccountType::kExpense, "Invoices, or parts of them, that were written off."},
    {role::kUndeposited, AccountType::kAsset, "Payments received and not yet paid out to a bank."},
    {role::kProcessorFees, AccountType::kExpense, "Fees that a payment processor keeps from a payout."},
    {role::kDueFrom, AccountType::kAsset, "What other companies of the group owe this one."},
    {role::kDueTo, AccountType::kLiability, "What this company owes others of the group."},
    {role::kOpeningBalance, AccountType::kEquity, "The other side of receivables that were open before Berth."},
}};

}  // namespace

std::string_view to_string(AccountType type) {
  for (const auto& [value, text] : kTypes) {
    if (value == type) return text;
  }
  return "asset";
}

std::optional<AccountType> account_type(std::string_view text) {
  for (const auto& [value, name] : kTypes) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::span<const Role> roles() {
  return kRoles;
}

void AccountTable::set(std::string_view kind, std::string_view label, std::string_view company, std::string account) {
  rows_[{std::string(kind), storage::account_rows::key_of(kind, label), std::string(company)}] =
      Entry{label.empty() ? "-" : std::string(label), std::move(account)};
}

const AccountTable::Entry* AccountTable::find(std::string_view kind, std::string_view label,
                                              std::string_view company) const {
  const auto found = rows_.find({std::string(kind), storage::account_rows::key_of(kind, label), std::string(company)});
  return found == rows_.end() ? nullptr : &found->second;
}

Result<AccountTable> load_accounts(storage::Connection& connection, std::string_view integration) {
  AccountTable table;
  const auto rows = BERTH_TRY(
      connection.query("SELECT kind, label, company, account FROM account_row WHERE integration = ?", {integration}));
  for (const storage::Row& row : rows) table.set(row.text(0), row.text(1), row.text(2), row.text(3));
  return table;
}

}  // namespace berth::ledger
