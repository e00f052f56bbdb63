#include "tests/zoho_sim/books.hpp"

#include "tests/zoho_sim/message.hpp"
#include "tests/zoho_sim/totals.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace zoho_sim {
namespace {

constexpr Id kIdBase = 4815162342'000'000'000ULL;  // ids of 19 digits, beyond what a double holds

ApiError missing(const char* what) {
  return {404, 1002, std::string(what) + " does not exist."};
}
ApiError over_applied() {
  return {400, 24016, "The amount entered is more than the balance due for the selected invoices."};
}

std::string numbered(const char* prefix, std::uint64_t number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%s%06llu", prefix, static_cast<unsigned long long>(number));
  return text.data();
}

template <class Record>
void stamp(Record& record, Time now) {
  if (record.created == 0) record.created = now;
  if (record.modified == 0) record.modified = record.created;
}

}  // namespace

Id Books::next_id() {
  return kIdBase + next_++ * 2 + 1;
}

const Tax* Books::tax(Id id) const {
  const auto found = std::find_if(taxes.begin(), taxes.end(), [&](const Tax& tax) { return tax.id == id; });
  return found == taxes.end() ? nullptr : &*found;
}

const Account* Books::account(Id id) const {
  const auto found =
      std::find_if(accounts.begin(), accounts.end(), [&](const Account& entry) { return entry.id == id; });
  return found == accounts.end() ? nullptr : &*found;
}

void Books::compute(Priced& document) const {
  compute_totals(document, [this](Id id) {
    const auto* found = tax(id);
    return found == nullptr ? 0 : found->percent;
  });
}

const ContactBalance& Books::balance_of(Id contact) const {
  static const ContactBalance kNone;
  if (balances_at_ != revision_) {
    balances_.clear();
    for (const auto& invoice : invoices.all()) {
      if (!invoice.is_deleted && invoice.stage == Stage::kSent) balances_[invoice.contact].receivable += invoice.open();
    }
    for (const auto& payment : payments.all()) {
      if (!payment.is_deleted) balances_[payment.contact].credits += payment.unused();
    }
    for (const auto& note : credit_notes.all()) {
      if (!note.is_deleted && note.stage == Stage::kSent) balances_[note.contact].credits += note.balance();
    }
    balances_at_ = revision_;
  }
  const auto found = balances_.find(contact);
  return found == balances_.end() ? kNone : found->second;
}

std::string Books::status_of(const Invoice& invoice, Day today) const {
  if (invoice.stage == Stage::kDraft) return "draft";
  if (invoice.stage == Stage::kVoid) return "void";
  if (invoice.open() <= 0) return "paid";
  if (invoice.due_date < today) return "overdue";
  return invoice.payment_made + invoice.credits_applied > 0 ? "partially_paid" : "sent";
}

std::string Books::status_of(const CreditNote& note) const {
  if (note.stage == Stage::kDraft) return "draft";
  if (note.stage == Stage::kVoid) return "void";
  return note.balance() == 0 ? "closed" : "open";
}

Invoice& Books::require_invoice(Id id) {
  auto* found = invoices.find(id);
  if (found == nullptr) throw missing("Invoice");
  return *found;
}
Payment& Books::require_payment(Id id) {
  auto* found = payments.find(id);
  if (found == nullptr) throw missing("Payment");
  return *found;
}
CreditNote& Books::require_credit_note(Id id) {
  auto* found = credit_notes.find(id);
  if (found == nullptr) throw missing("Credit note");
  return *found;
}
Contact& Books::require_contact(Id id) {
  auto* found = contacts.find(id);
  if (found == nullptr) throw missing("Contact");
  return *found;
}
Item& Books::require_item(Id id) {
  auto* found = items.find(id);
  if (found == nullptr) throw missing("Item");
  return *found;
}

Contact& Books::add_contact(Contact contact, Time now) {
  if (contact.id == 0) contact.id = next_id();
  if (contact.person_id == 0) contact.person_id = next_id();
  if (contact.address_id == 0) contact.address_id = next_id();
  stamp(contact, now);
  ++revision_;
  return contacts.add(std::move(contact));
}

Item& Books::add_item(Item item, Time now) {
  if (item.id == 0) item.id = next_id();
  if (item.account == 0) item.account = sales_account;
  stamp(item, now);
  ++revision_;
  return items.add(std::move(item));
}

Invoice& Books::add_invoice(Invoice invoice, Time now) {
  require_contact(invoice.contact);
  if (invoice.id == 0) invoice.id = next_id();
  ++invoice_count_;
  if (invoice.number.empty()) invoice.number = numbered("INV-", invoice_count_);
  for (auto& line : invoice.lines) {
    if (line.id == 0) line.id = next_id();
    if (line.account == 0) line.account = sales_account;
  }
  compute(invoice);
  stamp(invoice, now);
  ++revision_;
  return invoices.add(std::move(invoice));
}

CreditNote& Books::add_credit_note(CreditNote note, Time now) {
  require_contact(note.contact);
  if (note.id == 0) note.id = next_id();
  ++note_count_;
  if (note.number.empty()) note.number = numbered("CN-", note_count_);
  for (auto& line : note.lines) {
    if (line.id == 0) line.id = next_id();
    if (line.account == 0) line.account = sales_account;
  }
  compute(note);
  stamp(note, now);
  ++revision_;
  return credit_notes.add(std::move(note));
}

Payment& Books::record_payment(Payment payment, Time now) {
  require_contact(payment.contact);
  Minor applied = 0;
  std::map<Id, Minor> per_invoice;
  for (const auto& application : payment.applications) {
    const auto& invoice = require_invoice(application.invoice);
    per_invoice[invoice.id] += application.amount;
    if (application.amount <= 0 || invoice.stage == Stage::kVoid || per_invoice[invoice.id] > invoice.open())
      throw over_applied();
    applied += application.amount;
  }
  if (payment.amount <= 0 || applied > payment.amount) throw ApiError{400, 2, "Invalid value passed for amount"};
  if (payment.id == 0) payment.id = next_id();
  ++payment_count_;
  if (payment.number.empty()) payment.number = std::to_string(payment_count_);
  if (payment.account == 0) payment.account = undeposited_account;
  stamp(payment, now);
  for (auto& application : payment.applications) {
    if (application.id == 0) application.id = next_id();
    if (application.date == 0) application.date = payment.date;
    auto& invoice = require_invoice(application.invoice);
    invoice.payment_made += application.amount;
    invoice.last_payment = std::max(invoice.last_payment, application.date);
    touch(invoice, payment.created);
  }
  ++revision_;
  return payments.add(std::move(payment));
}

void Books::replace_invoice(const Invoice& changed, Time now) {
  auto& invoice = require_invoice(changed.id);
  Invoice next = changed;
  for (auto& line : next.lines) {
    if (line.id == 0) line.id = next_id();
    if (line.account == 0) line.account = sales_account;
  }
  compute(next);
  if (next.open() < 0) throw ApiError{400, 4001, "The total of the invoice is less than what has been applied to it."};
  next.modified = invoice.modified;
  invoice = std::move(next);
  touch(invoice, now);
}

void Books::detach_everything(Invoice& invoice, Time now) {
  const auto detach = [&](auto& table) {
    for (auto& record : table.all()) {
      const auto removed =
          std::erase_if(record.applications, [&](const Application& entry) { return entry.invoice == invoice.id; });
      if (removed != 0 && !record.is_deleted) touch(record, now);
    }
  };
  detach(payments);
  detach(credit_notes);
  invoice.payment_made = invoice.credits_applied = invoice.write_off = 0;
  invoice.last_payment = 0;
}

void Books::set_stage(Id id, Stage stage, Time now) {
  auto& invoice = require_invoice(id);
  if (stage == Stage::kVoid) detach_everything(invoice, now);
  if (stage == Stage::kDraft && invoice.open() != invoice.total) {
    throw ApiError{400, 4001, "Payments or credits are applied to the invoice."};
  }
  invoice.stage = stage;
  touch(invoice, now);
}

void Books::delete_invoice(Id id, bool detach, Time now) {
  auto& invoice = require_invoice(id);
  if (invoice.payment_made != 0 && !detach)
    throw ApiError{400, 4001, "Payments have been recorded for the invoice. Delete them first."};
  if (invoice.credits_applied != 0 && !detach)
    throw ApiError{400, 12008, "Credits have been applied to the invoice. Delete them first."};
  detach_everything(invoice, now);
  invoice.is_deleted = true;
  touch(invoice, now);
}

void Books::write_off(Id id, Time now) {
  auto& invoice = require_invoice(id);
  invoice.write_off += invoice.open();
  touch(invoice, now);
}

void Books::undo_write_off(Id id, Time now) {
  auto& invoice = require_invoice(id);
  invoice.write_off = 0;
  touch(invoice, now);
}

void Books::apply_payment(Id id, Id invoice_id, Minor amount, Day date, Time now) {
  auto& payment = require_payment(id);
  auto& invoice = require_invoice(invoice_id);
  if (amount <= 0 || amount > payment.unused() || amount > invoice.open() || invoice.stage == Stage::kVoid)
    throw over_applied();
  payment.applications.push_back({next_id(), invoice_id, amount, date});
  invoice.payment_made += amount;
  invoice.last_payment = std::max(invoice.last_payment, date);
  touch(payment, now);
  touch(invoice, now);
}

void Books::remove_application(Id id, Time now) {
  for (auto& payment : payments.all()) {
    const auto found = std::find_if(payment.applications.begin(), payment.applications.end(),
                                    [&](const Application& entry) { return entry.id == id; });
    if (payment.is_deleted || found == payment.applications.end()) continue;
    auto& invoice = require_invoice(found->invoice);
    invoice.payment_made -= found->amount;
    payment.applications.erase(found);
    touch(payment, now);
    touch(invoice, now);
    return;
  }
  throw missing("Payment");
}

void Books::refund_payment(Id id, Minor amount, const std::string& mode, Day date, Time now) {
  auto& payment = require_payment(id);
  if (amount <= 0 || amount > payment.unused()) throw over_applied();
  payment.refunds.push_back({next_id(), payment.account, date, mode, "", "", amount});
  touch(payment, now);
}

void Books::delete_payment(Id id, Time now) {
  auto& payment = require_payment(id);
  for (const auto& application : payment.applications) {
    auto& invoice = require_invoice(application.invoice);
    invoice.payment_made -= application.amount;
    touch(invoice, now);
  }
  payment.applications.clear();
  payment.is_deleted = true;
  touch(payment, now);
}

void Books::apply_credit(Id id, Id invoice_id, Minor amount, Day date, Time now) {
  auto& note = require_credit_note(id);
  auto& invoice = require_invoice(invoice_id);
  if (note.stage != Stage::kSent || amount <= 0 || amount > note.balance() || amount > invoice.open() ||
      invoice.stage == Stage::kVoid)
    throw over_applied();
  note.applications.push_back({next_id(), invoice_id, amount, date});
  invoice.credits_applied += amount;
  touch(note, now);
  touch(invoice, now);
}

void Books::refund_credit(Id id, Minor amount, const std::string& mode, Day date, Time now) {
  auto& note = require_credit_note(id);
  if (note.stage != Stage::kSent || amount <= 0 || amount > note.balance()) throw over_applied();
  note.refunds.push_back({next_id(), undeposited_account, date, mode, "", "", amount});
  touch(note, now);
}

void Books::void_credit_note(Id id, Time now) {
  auto& note = require_credit_note(id);
  if (!note.applications.empty() || !note.refunds.empty())
    throw ApiError{400, 12008, "Credits have been applied. Delete them first."};
  note.stage = Stage::kVoid;
  touch(note, now);
}

void Books::delete_credit_note(Id id, Time now) {
  auto& note = require_credit_note(id);
  if (!note.applications.empty() || !note.refunds.empty())
    throw ApiError{400, 12008, "Credits have been applied. Delete them first."};
  note.is_deleted = true;
  touch(note, now);
}

void Books::delete_contact(Id id, Time now) {
  auto& contact = require_contact(id);
  const auto uses = [&](const auto& table) {
    return std::any_of(table.all().begin(), table.all().end(),
                       [&](const auto& record) { return !record.is_deleted && record.contact == id; });
  };
  if (uses(invoices) || uses(payments) || uses(credit_notes)) {
    throw ApiError{400, 3000, "The contact has transactions and cannot be deleted."};
  }
  contact.is_deleted = true;
  touch(contact, now);
}

void Books::merge_contacts(Id from, Id into, Time now) {
  auto& gone = require_contact(from);
  require_contact(into);
  if (from == into) throw ApiError{400, 2, "Invalid value passed for contact_id"};
  const auto move = [&](auto& table) {
    for (auto& record : table.all()) {
      if (record.is_deleted || record.contact != from) continue;
      record.contact = into;
      touch(record, now);
    }
  };
  move(invoices);
  move(payments);
  move(credit_notes);
  gone.is_deleted = true;
  touch(gone, now);
}

void Books::delete_item(Id id, Time now) {
  auto& item = require_item(id);
  item.is_deleted = true;
  touch(item, now);
}

Id Books::delete_first_items(std::size_t count, Time now) {
  std::vector<Item*> rows;
  for (auto& item : items.all()) {
    if (!item.is_deleted) rows.push_back(&item);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Item* a, const Item* b) { return lower(a->name) < lower(b->name); });
  rows.resize(std::min(rows.size(), count));
  for (Item* item : rows) {
    item->is_deleted = true;
    touch(*item, now);
  }
  return rows.empty() ? 0 : rows.back()->id;
}

std::vector<std::string> Books::problems() const {
  std::vector<std::string> found;
  std::map<Id, Minor> paid, credited;
  for (const auto& payment : payments.all()) {
    if (payment.is_deleted) continue;
    if (payment.unused() < 0) found.push_back("payment " + payment.number + " has given out more than its amount");
    for (const auto& entry : payment.applications) {
      paid[entry.invoice] += entry.amount;
      const auto* invoice = invoices.find(entry.invoice);
      if (invoice == nullptr)
        found.push_back("payment " + payment.number + " is applied to an invoice that is not there");
      else if (invoice->contact != payment.contact)
        found.push_back("payment " + payment.number + " pays another customer's invoice");
      if (entry.amount <= 0) found.push_back("payment " + payment.number + " has an application of nothing");
    }
  }
  for (const auto& note : credit_notes.all()) {
    if (note.is_deleted) continue;
    if (note.balance() < 0) found.push_back("credit note " + note.number + " has given out more than its total");
    for (const auto& entry : note.applications) credited[entry.invoice] += entry.amount;
  }
  for (const auto& invoice : invoices.all()) {
    if (invoice.is_deleted) continue;
    Invoice again = invoice;
    compute(again);
    if (again.total != invoice.total || again.tax_total != invoice.tax_total)
      found.push_back("invoice " + invoice.number + " does not follow from its lines");
    if (paid[invoice.id] != invoice.payment_made)
      found.push_back("invoice " + invoice.number + " has a wrong sum of payments");
    if (credited[invoice.id] != invoice.credits_applied)
      found.push_back("invoice " + invoice.number + " has a wrong sum of credits");
    if (invoice.open() < 0) found.push_back("invoice " + invoice.number + " is over-applied");
    if (invoice.stage == Stage::kVoid && invoice.open() != invoice.total)
      found.push_back("void invoice " + invoice.number + " has applications");
    if (contacts.find(invoice.contact) == nullptr) found.push_back("invoice " + invoice.number + " has no customer");
  }
  return found;
}

}  // namespace zoho_sim
