// The books of the simulated organisation: the records, and every change that may be made to them. A change either
// keeps the books consistent (balances follow applications, nothing is over-applied) or is refused with the code Zoho
// uses.
//
//   books.record_payment({.contact = c, .amount = 5000, .mode = "Stripe", .applications = {{.invoice = i, .amount =
//   5000}}}, now);
//
// Not thread safe; the Simulator guards it. Refusals are thrown as ApiError and become HTTP answers at the edge.
#pragma once

#include "tests/zoho_sim/model.hpp"

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zoho_sim {

struct ApiError {
  int status = 400;
  int code = 2;
  std::string message;
};

// A growing list of records with ids; deleted records stay in place and are skipped.
template <class Record>
class Table {
 public:
  Record& add(Record record) {
    by_id_[record.id] = records_.size();
    records_.push_back(std::move(record));
    return records_.back();
  }
  Record* find(Id id) {
    const auto found = by_id_.find(id);
    return found == by_id_.end() || records_[found->second].is_deleted ? nullptr : &records_[found->second];
  }
  const Record* find(Id id) const { return const_cast<Table*>(this)->find(id); }
  std::size_t index_of(Id id) const { return by_id_.at(id); }
  std::vector<Record>& all() { return records_; }
  const std::vector<Record>& all() const { return records_; }
  std::size_t live() const {
    std::size_t count = 0;
    for (const auto& record : records_) count += record.is_deleted ? 0 : 1;
    return count;
  }

 private:
  std::vector<Record> records_;
  std::unordered_map<Id, std::size_t> by_id_;
};

struct ContactBalance {
  Minor receivable = 0;  // open invoices
  Minor credits = 0;     // open credit notes and unused payments
};

class Books {
 public:
  Organization organization;
  std::vector<Currency> currencies;
  std::vector<Tax> taxes;
  std::vector<Account> accounts;
  Table<Contact> contacts;
  Table<Item> items;
  Table<Invoice> invoices;
  Table<Payment> payments;
  Table<CreditNote> credit_notes;
  // Ids of fixed things, given by the generator.
  Id user = 0, sales_account = 0, receivable_account = 0, undeposited_account = 0, fees_account = 0, cogs_account = 0;
  Id company_field = 0, location_field = 0, service_line_field = 0, template_id = 0, terms_id = 0;

  Id next_id();
  std::uint64_t revision() const { return revision_; }

  const Tax* tax(Id id) const;
  const Account* account(Id id) const;
  void compute(Priced& document) const;
  const ContactBalance& balance_of(Id contact) const;
  // draft, sent, overdue, partially_paid, paid or void. A due date in the past wins over a partial payment.
  std::string status_of(const Invoice& invoice, Day today) const;
  std::string status_of(const CreditNote& note) const;

  Invoice& require_invoice(Id id);
  Payment& require_payment(Id id);
  CreditNote& require_credit_note(Id id);
  Contact& require_contact(Id id);
  Item& require_item(Id id);

  // Records without id get one; numbers are given where empty; totals are computed. The result stays valid until the
  // next addition.
  Contact& add_contact(Contact contact, Time now);
  Item& add_item(Item item, Time now);
  Invoice& add_invoice(Invoice invoice, Time now);
  Payment& record_payment(Payment payment, Time now);
  CreditNote& add_credit_note(CreditNote note, Time now);

  // After a change of lines or charges: totals anew; refused if more is applied than the new total.
  void replace_invoice(const Invoice& changed, Time now);
  void set_stage(Id invoice, Stage stage, Time now);  // void gives payments and credits back to the customer
  void delete_invoice(Id invoice, bool detach, Time now);
  void write_off(Id invoice, Time now);  // the whole open balance
  void undo_write_off(Id invoice, Time now);

  void apply_payment(Id payment, Id invoice, Minor amount, Day date, Time now);
  void remove_application(Id invoice_payment_id, Time now);
  void refund_payment(Id payment, Minor amount, const std::string& mode, Day date, Time now);
  void delete_payment(Id payment, Time now);

  void apply_credit(Id note, Id invoice, Minor amount, Day date, Time now);
  void refund_credit(Id note, Minor amount, const std::string& mode, Day date, Time now);
  void void_credit_note(Id note, Time now);
  void delete_credit_note(Id note, Time now);  // refused while some of it is applied or refunded

  void delete_contact(Id contact, Time now);
  void merge_contacts(Id from, Id into, Time now);
  void delete_item(Id item, Time now);
  Id delete_first_items(std::size_t count, Time now);  // by name, as the list has them; the last one, 0 if there was none
  // For edits of plain fields made through require_*: stamps the record and drops what was derived.
  template <class Record>
  void touch(Record& record, Time now) {
    if (now > record.modified) record.modified = now;  // whole seconds: two edits in one second look alike, as at Zoho
    ++revision_;
  }

  // Every sentence is one thing that does not add up. Recomputed from the records, trusting no stored sum.
  std::vector<std::string> problems() const;

 private:
  void detach_everything(Invoice& invoice, Time now);

  Id next_ = 200'000;
  std::uint64_t revision_ = 1;
  std::uint64_t invoice_count_ = 0, payment_count_ = 0, note_count_ = 0;
  mutable std::uint64_t balances_at_ = 0;
  mutable std::unordered_map<Id, ContactBalance> balances_;
};

}  // namespace zoho_sim
