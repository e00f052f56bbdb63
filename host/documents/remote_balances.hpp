#pragma once
// Where a remote's answers say what is open: the `tie_out:` of a connector's plugin.yaml, which the ledger compares with its
// books. Plain data.
//
// A place is a dotted path as in the mapping: "balance", "customer.id", "invoices.invoice_id" (of each element of a list),
// "parts.applications.invoice_id" (of a part of the document). "" = the answers have none.
#include <string>

namespace berth::documents {

struct RemoteBalances {
  /// Invoices, and credit notes if the remote has some. `invoices`: those that a credit note is applied to.
  struct Document {
    std::string entity, number, customer, currency, balance, invoices;
  };
  struct Payment {
    std::string entity, customer, invoices;
  };
  /// What a customer owes and has not used, in its own currency.
  struct Customer {
    std::string entity, name, currency, outstanding, unused;
  };
  Document invoice, credit_note;   // "" as the entity of any but the invoice: the remote has none
  Payment payment;
  Customer customer;
};

}  // namespace berth::documents
