#include "host/config/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "host/config/keys.hpp"
#include "host/config/yaml.hpp"
#include "host/core/text.hpp"

namespace berth::config {
namespace {

constexpr std::array<Role, 17> kRoles{{
    {"ar", AccountType::kAsset, "The receivable control account."},
    {"undeposited", AccountType::kAsset, "Payments received and not yet deposited."},
    {"credits", AccountType::kLiability, "Customer credits that are not yet applied."},
    {"discount", AccountType::kIncome, "Discounts, against income."},
    {"shipping", AccountType::kIncome, "Shipping charged to customers."},
    {"other", AccountType::kIncome, "Adjustments of invoices."},
    {"rounding", AccountType::kExpense, "Rounding in the base currency."},
    {"bank_fees", AccountType::kExpense, "Charges of banks."},
    {"processor_fees", AccountType::kExpense, "Fees of payment processors."},
    {"tax_withheld", AccountType::kAsset, "Tax that customers withheld."},
    {"returns", AccountType::kIncome, "Credit notes, against income."},
    {"bad_debt", AccountType::kExpense, "Write-offs."},
    {"fx_realised", AccountType::kIncome, "Realised exchange gains and losses."},
    {"fx_unrealised", AccountType::kIncome, "Unrealised exchange gains and losses."},
    {"due_from", AccountType::kAsset, "What other companies of the group owe this one."},
    {"due_to", AccountType::kLiability, "What this company owes others of the group."},
    {"opening_balance", AccountType::kEquity, "The other side of receivables that were open before Berth."},
}};

constexpr std::array<AccountType, 5> kTypes{AccountType::kAsset, AccountType::kLiability, AccountType::kEquity,
                                            AccountType::kIncome, AccountType::kExpense};

AccountType type_of(std::string_view name) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](AccountType type) { return to_string(type) == name; });
  return found == kTypes.end() ? AccountType::kAsset : *found;  // a wrong name is reported by the check of the shape
}

/// Income and expense stand in for each other: many companies keep exchange differences or rounding in one account.
bool fits(AccountType type, AccountType wanted) {
  const auto is_result = [](AccountType each) { return each == AccountType::kIncome || each == AccountType::kExpense; };
  return type == wanted || (is_result(type) && is_result(wanted));
}

void read_roles(const Node& node, ChartOfAccounts& chart, Findings& findings) {
  std::vector<std::string> names;
  for (const Role& role : kRoles) names.emplace_back(role.name);
  for (const Member& member : node.members) {
    const auto role =
        std::find_if(kRoles.begin(), kRoles.end(), [&](const Role& each) { return each.name == member.key; });
    if (role == kRoles.end()) {
      const std::string near = did_you_mean(member.key, names);
      findings.error(member.key_place, "config.unknown_role",
                     fmt::format("`{}` is not a role", shortened(member.key, 60)),
                     near.empty() ? fmt::format("roles: {}", join(names, ", ")) : near);
      continue;
    }
    if (!member.value.is_scalar()) continue;
    const Account* account = chart.find(member.value.scalar);
    if (account == nullptr) {
      findings.error(member.value.place, "config.unknown_account",
                     fmt::format("`{}` is not an account of this chart", shortened(member.value.scalar, 60)),
                     did_you_mean(member.value.scalar, chart.ids()));
      continue;
    }
    if (!fits(account->type, role->type)) {
      findings.warning(member.value.place, "config.account_type",
                       fmt::format("the role `{}` wants an account of type {}, and `{}` is of type {}", role->name,
                                   to_string(role->type), account->id, to_string(account->type)));
    }
    chart.roles.emplace(member.key, account->id);
  }
}

/// `errors_before`: the findings' errors before the file was read; duplicate keys and the like count, too.
Result<ChartOfAccounts> chart_of(const Node& root, std::size_t errors_before, Findings& findings) {
  check(root, chart_shape(), findings);
  const Reader reader(&root, chart_shape());
  ChartOfAccounts chart;
  std::set<std::string, std::less<>> ids;
  for (const Reader& each : reader.maps("accounts")) {
    Account account{each.text("id"), each.text("name"), type_of(each.text("type"))};
    if (account.name.empty()) account.name = account.id;
    if (!account.id.empty() && !ids.insert(account.id).second) {
      findings.error(each.place("id"), "config.duplicate_id",
                     fmt::format("the account `{}` is there twice", account.id));
    }
    chart.accounts.push_back(std::move(account));
  }
  if (const Node* node = reader.value("roles")) read_roles(*node, chart, findings);
  if (findings.errors() > errors_before) {
    return make_error(Code::kInvalidConfig, "config.invalid",
                      fmt::format("{} has {} errors", root.place.source->file, findings.errors() - errors_before));
  }
  return chart;
}

}  // namespace

std::string_view to_string(AccountType type) {
  switch (type) {
    case AccountType::kAsset:
      return "asset";
    case AccountType::kLiability:
      return "liability";
    case AccountType::kEquity:
      return "equity";
    case AccountType::kIncome:
      return "income";
    case AccountType::kExpense:
      return "expense";
  }
  return "asset";
}

std::span<const Role> roles() {
  return kRoles;
}

const Account* ChartOfAccounts::find(std::string_view id) const {
  const auto found =
      std::find_if(accounts.begin(), accounts.end(), [&](const Account& account) { return account.id == id; });
  return found == accounts.end() ? nullptr : &*found;
}

std::vector<std::string> ChartOfAccounts::ids() const {
  std::vector<std::string> all;
  for (const Account& account : accounts) all.push_back(account.id);
  return all;
}

Result<ChartOfAccounts> load_chart(const std::filesystem::path& path, Findings& findings, std::string shown) {
  const std::size_t errors_before = findings.errors();
  return chart_of(BERTH_TRY(load_yaml(path, findings, {}, std::move(shown))), errors_before, findings);
}

Result<ChartOfAccounts> parse_chart(std::string text, std::string file, Findings& findings) {
  const std::size_t errors_before = findings.errors();
  return chart_of(BERTH_TRY(parse_yaml(std::move(text), std::move(file), findings)), errors_before, findings);
}

}  // namespace berth::config
