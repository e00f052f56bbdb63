#pragma once
// What `berth init` writes. {plugin_path} is filled in; braces of YAML are doubled for the formatter.
#include <string_view>

namespace berth::cli {

inline constexpr std::string_view kBerthYaml = R"(# Berth. `berth config validate` checks this file; every path is relative to it.
berth: 1
data_dir: ./data
storage: sqlite
vault: {{key: file:./secrets/vault.key}}
server:
  listen: 127.0.0.1:8484
  public_url: http://127.0.0.1:8484
plugins:
  paths: [{plugin_path}]
classifications:
  - {{name: Service Type, lines: []}}      # its lines must be named like the values of Zoho's field "Service Line"
companies:
  - {{id: main, name: Main Company, base_currency: USD, accounts: ./accounts/main.yaml}}
integrations:
  - id: zoho
    plugin: zoho_books
    company: main
    client: {{id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: us}}
    organization: first
    plan: free                             # until the remote says otherwise
    backfill: {{from: connected}}            # or all, 12_months_then_all, or a date
    schedule: {{invoices: 1h, customer_payments: 5m, contacts: 1h, items: 1d, archiving: 1d}}
    mapping: ./zoho_books/mapping.yaml
)";

inline constexpr std::string_view kAccountsYaml = R"(# The chart of accounts of one company. Ids are what entries name; roles say which account plays which part in posting.
accounts:
  - {id: receivable, name: Accounts Receivable, type: asset}
  - {id: undeposited, name: Undeposited Funds, type: asset}
  - {id: bank, name: Bank, type: asset}
  - {id: tax_withheld, name: Tax Withheld by Customers, type: asset}
  - {id: due_from_group, name: Due from Group Companies, type: asset}
  - {id: credits, name: Customer Credits, type: liability}
  - {id: tax_payable, name: Tax Payable, type: liability}
  - {id: due_to_group, name: Due to Group Companies, type: liability}
  - {id: opening_balances, name: Opening Balances, type: equity}
  - {id: sales, name: Sales, type: income}
  - {id: discounts, name: Discounts Given, type: income}
  - {id: shipping, name: Shipping Charges, type: income}
  - {id: other_charges, name: Other Charges, type: income}
  - {id: returns, name: Sales Returns, type: income}
  - {id: fx, name: Exchange Gain or Loss, type: income}
  - {id: cogs, name: Cost of Goods Sold, type: expense}
  - {id: bank_fees, name: Bank Fees and Charges, type: expense}
  - {id: processor_fees, name: Payment Processor Fees, type: expense}
  - {id: bad_debt, name: Bad Debt, type: expense}
  - {id: rounding, name: Rounding, type: expense}
roles:
  ar: receivable
  undeposited: undeposited
  credits: credits
  discount: discounts
  shipping: shipping
  other: other_charges
  rounding: rounding
  bank_fees: bank_fees
  processor_fees: processor_fees
  tax_withheld: tax_withheld
  returns: returns
  bad_debt: bad_debt
  fx_realised: fx
  fx_unrealised: fx
  due_from: due_from_group
  due_to: due_to_group
  opening_balance: opening_balances
)";

}  // namespace berth::cli
