// The records of the simulated organisation, as plain data. Amounts are minor units, percentages thousandths,
// quantities thousandths, exchange rates millionths. What can be derived from the clock (overdue) is not stored.
#pragma once

#include "tests/zoho_sim/decimal.hpp"
#include "tests/zoho_sim/org_time.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zoho_sim {

using Id = std::uint64_t;  // printed as text of 19 digits; 0 is "none", printed as ""

struct Currency {
  Id id = 0;
  std::string code, name, symbol, format;
  bool is_base = false;
  std::int64_t rate = 1'000'000;  // base units per unit, the rate documents of this currency start from
};

struct Tax {
  Id id = 0;
  std::string name;
  int percent = 0;  // thousandths
};

struct Account {
  Id id = 0;
  std::string name, type;
  bool is_bank = false;
  bool is_active = true;
};

struct Organization {
  std::string id, name, time_zone, portal, plan_name, contact_name, email;
};

struct Address {
  std::string street, street2, city, state, state_code, zip, country, country_code, phone;
};

struct Contact {
  Id id = 0, person_id = 0, address_id = 0;
  std::string name, company, first_name, last_name, email, phone, notes;
  bool is_vendor = false, is_active = true, is_deleted = false;
  std::size_t currency = 0;
  int payment_terms = 30;
  Address billing, shipping;
  Time created = 0, modified = 0;
};

struct Item {
  Id id = 0;
  std::string name, sku, description, unit, product_type;
  Minor rate = 0, purchase_rate = 0;
  Id tax = 0, account = 0;
  bool is_active = true, is_deleted = false;
  Time created = 0, modified = 0;
};

struct Line {
  Id id = 0, item = 0, account = 0, tax = 0;
  std::string name, description, unit;
  std::int64_t quantity = 1000;
  Minor rate = 0;
  int discount_percent = 0;  // of the line, thousandths; item-level discount
  // Computed:
  Minor discount_amount = 0;
  Minor item_total = 0;       // without tax, after the item-level discount
  Minor inclusive_total = 0;  // with tax where the document is tax-inclusive
  Minor tax_amount = 0;
};

enum class DiscountKind { kItem, kEntityBeforeTax, kEntityAfterTax };

struct TaxRow {
  Id tax = 0;
  Minor amount = 0;
};

// What an invoice and a credit note have in common: lines and everything that makes the total.
struct Priced {
  std::vector<Line> lines;
  DiscountKind discount_kind = DiscountKind::kItem;
  int discount_percent = 0;  // entity level, thousandths
  Minor discount_fixed = 0;  // entity level, if no percentage
  bool is_inclusive_tax = false;
  bool tax_rounded_per_line = false;
  std::string company, location, service_line;  // values of the three custom fields; empty is "not set"
  Minor shipping = 0;
  Id shipping_tax = 0;
  Minor adjustment = 0;
  bool round_to_unit = false;
  // Computed:
  Minor sub_total = 0, sub_total_inclusive = 0, discount_total = 0, tax_total = 0, shipping_tax_amount = 0, taxable = 0;
  Minor roundoff = 0, total = 0;
  std::vector<TaxRow> taxes;
};

enum class Stage { kDraft, kSent, kVoid };

struct Invoice : Priced {
  Id id = 0, contact = 0;
  std::string number, reference, notes;
  Day date = 0, due_date = 0, last_payment = 0;
  Stage stage = Stage::kSent;
  std::size_t currency = 0;
  std::int64_t rate = 1'000'000;
  Minor payment_made = 0, credits_applied = 0, write_off = 0;
  bool is_deleted = false;
  Time created = 0, modified = 0;

  Minor open() const { return total - payment_made - credits_applied - write_off; }
  // A void invoice keeps its total and shows it as its balance (wire recordings).
  Minor balance() const { return stage == Stage::kVoid ? total : open(); }
};

struct Application {
  Id id = 0, invoice = 0;
  Minor amount = 0;
  Day date = 0;
};

struct Refund {
  Id id = 0, account = 0;
  Day date = 0;
  std::string mode, reference, description;
  Minor amount = 0;
};

/// What applications and refunds leave of an amount.
inline Minor rest_of(Minor amount, const std::vector<Application>& applications, const std::vector<Refund>& refunds) {
  for (const auto& application : applications) amount -= application.amount;
  for (const auto& refund : refunds) amount -= refund.amount;
  return amount;
}

struct Payment {
  Id id = 0, contact = 0, account = 0;
  std::string number, mode, reference, description;
  Day date = 0;
  Minor amount = 0, bank_charges = 0;
  std::size_t currency = 0;
  std::int64_t rate = 1'000'000;
  std::vector<Application> applications;
  std::vector<Refund> refunds;
  bool is_deleted = false;
  Time created = 0, modified = 0;

  Minor unused() const { return rest_of(amount, applications, refunds); }
};

struct CreditNote : Priced {
  Id id = 0, contact = 0;
  std::string number, reference;
  Day date = 0;
  Stage stage = Stage::kSent;  // kSent is Zoho's open or closed
  std::size_t currency = 0;
  std::int64_t rate = 1'000'000;
  std::vector<Application> applications;
  std::vector<Refund> refunds;
  bool is_deleted = false;
  Time created = 0, modified = 0;

  Minor balance() const { return rest_of(total, applications, refunds); }
};

}  // namespace zoho_sim
