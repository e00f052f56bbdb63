#include "tests/zoho_sim/generator.hpp"

#include "tests/zoho_sim/generator_names.hpp"
#include "tests/zoho_sim/random.hpp"

#include <algorithm>
#include <set>

namespace zoho_sim {
namespace {

constexpr Time kDay = 86400;

class Generator {
 public:
  Generator(const GeneratorOptions& options, const OrgTime& zone)
      : options_(options), zone_(zone), random_(options.seed * 7919 + 17), today_(zone.day_of(options.now)) {}

  Books make() {
    reference_data();
    make_contacts();
    make_items();
    make_invoices();
    make_credit_notes();
    make_payments();
    make_write_offs();
    return std::move(books_);
  }

 private:
  // A moment in office hours of that local day, but never after now.
  Time office_time(Day day) {
    const Time moment = zone_.start_of_day(day) + 8 * 3600 + random_.between(0, 10 * 3600);
    return std::min(moment, options_.now - 60);
  }
  std::vector<Time> sorted_times(int count, Day from) {
    std::vector<Time> times;
    for (int i = 0; i < count; ++i) times.push_back(office_time(static_cast<Day>(random_.between(from, today_))));
    std::sort(times.begin(), times.end());
    return times;
  }
  Day first_day() const { return today_ - options_.history_days; }

  Id account(const char* name, const char* type, bool bank = false) {
    books_.accounts.push_back({books_.next_id(), name, type, bank, true});
    return books_.accounts.back().id;
  }

  void reference_data() {
    auto& b = books_;
    b.organization = {
        options_.organization_id, options_.organization_name, options_.time_zone, "acmetrading", "Professional",
        "Rosa Ferreira",          "rosa@acme.example"};
    b.user = b.next_id();
    b.template_id = b.next_id();
    b.terms_id = b.next_id();
    b.currencies.push_back({b.next_id(), "USD", "US Dollar", "$", "1,234,567.89", true, 1'000'000});
    b.currencies.push_back({b.next_id(), "EUR", "Euro", "€", "1.234.567,89", false, 1'080'000});
    b.receivable_account = account("Accounts Receivable", "accounts_receivable");
    b.sales_account = account("Sales", "income");
    service_account_ = account("Service Revenue", "income");
    account("Shipping Charge", "income");
    account("Other Charges", "income");
    account("Discount", "income");
    b.undeposited_account = account("Undeposited Funds", "cash", true);
    account("Petty Cash", "cash", true);
    bank_account_ = account("Operating Account", "bank", true);
    account("Business Card", "credit_card", true);
    b.fees_account = account("Bank Fees and Charges", "expense");
    b.cogs_account = account("Cost of Goods Sold", "cost_of_goods_sold");
    account("Bad Debt", "expense");
    account("Tax Payable", "other_current_liability");
    account("Unearned Revenue", "other_current_liability");
    account("Owner's Equity", "equity");
    account("Accounts Payable", "accounts_payable");
    b.accounts.back().is_active = true;
    account("Old Sales Account", "income");
    b.accounts.back().is_active = false;
    b.taxes = {{b.next_id(), "NYC Sales Tax", 8875}, {b.next_id(), "State Tax", 6000},
               {b.next_id(), "City Tax", 4500},      {b.next_id(), "VAT", 20000},
               {b.next_id(), "Service Tax", 10000},  {b.next_id(), "Zero Rate", 0}};
    b.company_field = b.next_id();
    b.location_field = b.next_id();
    b.service_line_field = b.next_id();
  }

  // Most invoices carry the first four rates; the zero rate is rare.
  Id some_tax() {
    const auto r = random_.between(0, 99);
    if (r < 25) return 0;
    return books_.taxes[r < 55 ? 0 : r < 72 ? 1 : r < 84 ? 2 : r < 91 ? 3 : r < 98 ? 4 : 5].id;
  }

  Address some_address(bool euro) {
    const auto& place =
        euro ? random_.pick(names::kPlacesEuro)
             : names::kPlacesHome[random_.one_in_ten_thousand(8000) ? random_.next() % 5 : random_.next() % 7];
    return {std::to_string(random_.between(1, 980)) + " " + random_.pick(names::kStreets),
            random_.one_in_ten_thousand(2000) ? "Suite " + std::to_string(random_.between(2, 40)) : "",
            place.city,
            place.state,
            place.state_code,
            place.zip,
            place.country,
            place.country_code,
            ""};
  }

  void make_contacts() {
    const int count = options_.invoices > 0 ? std::max(1, options_.contacts) : options_.contacts;
    std::vector<Time> times;
    for (int i = 0; i < count; ++i) {
      // The first is always older than every document; six in ten are.
      const bool early = i == 0 || random_.one_in_ten_thousand(6000);
      times.push_back(early ? zone_.start_of_day(first_day() - static_cast<Day>(random_.between(2, 60))) +
                                  random_.between(30'000, 60'000)
                            : office_time(static_cast<Day>(random_.between(first_day(), today_ - 1))));
    }
    std::sort(times.begin(), times.end());
    for (int i = 0; i < count; ++i) {
      Contact c;
      const auto number = static_cast<std::size_t>(i);
      c.name =
          std::string(names::kFirstWords[number % std::size(names::kFirstWords)]) + " " +
          names::kSecondWords[(number / std::size(names::kFirstWords) + number * 7) % std::size(names::kSecondWords)];
      const auto round = number / (std::size(names::kFirstWords) * std::size(names::kSecondWords));
      if (round > 0) c.name += " " + std::to_string(round + 1);
      if (!used_names_.insert(c.name).second) c.name += " #" + std::to_string(i);
      used_names_.insert(c.name);
      c.company = c.name + " " + random_.pick(names::kSuffixes);
      c.first_name = random_.pick(names::kGivenNames);
      c.last_name = random_.pick(names::kFamilyNames);
      if (!random_.one_in_ten_thousand(300))
        c.email = "accounts" + std::to_string(i) + "@" + lower_first_word(c.name) + ".example";
      if (random_.one_in_ten_thousand(5000)) c.phone = "+1 555 01" + std::to_string(random_.between(10, 99));
      c.is_vendor = i > 0 && random_.one_in_ten_thousand(options_.vendors);
      c.currency = i > 0 && random_.one_in_ten_thousand(options_.foreign) ? 1 : 0;
      static constexpr int kTerms[] = {0, 15, 30, 30, 30, 45, 60};
      c.payment_terms = random_.pick(kTerms);
      c.billing = some_address(c.currency == 1);
      if (random_.one_in_ten_thousand(4000)) c.shipping = some_address(c.currency == 1);
      c.created = times[number];
      c.modified = std::min(options_.now - 60, c.created + random_.between(0, 90) * kDay + random_.between(0, 3600));
      const auto& added = books_.add_contact(c, c.created);
      if (!c.is_vendor) {
        customers_.push_back(added.id);
        customer_since_.push_back(c.created);
      }
    }
  }

  static std::string lower_first_word(const std::string& name) {
    std::string word = name.substr(0, name.find(' '));
    for (auto& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return word;
  }

  void make_items() {
    for (int i = 0; i < options_.items; ++i) {
      const auto number = static_cast<std::size_t>(i);
      const auto& product = names::kProducts[number % std::size(names::kProducts)];
      Item item;
      item.name = std::string(product.name) + " " + static_cast<char>('A' + i % 26) + "-" + std::to_string(i / 9 + 1);
      item.sku = "SKU-" + std::to_string(1000 + i);
      item.unit = product.unit;
      item.product_type = product.type;
      item.description = random_.one_in_ten_thousand(6000) ? std::string(product.name) + ", list price" : "";
      static constexpr Minor kEndings[] = {0, 0, 50, 95, 99, 25};
      item.rate = random_.between(5, 900) * 100 + random_.pick(kEndings);
      const bool goods = item.product_type == "goods";
      item.purchase_rate = goods ? item.rate * 6 / 10 : 0;
      item.tax = some_tax();
      item.account = goods ? books_.sales_account : service_account_;
      item.is_active = !random_.one_in_ten_thousand(options_.inactive);
      item.created =
          zone_.start_of_day(first_day() - static_cast<Day>(random_.between(1, 60))) + random_.between(30'000, 60'000);
      item.modified = std::min(options_.now - 60, item.created + random_.between(0, 300) * kDay);
      books_.add_item(item, item.created);
    }
  }

  Line some_line(bool service_hours) {
    Line line;
    const auto& items = books_.items.all();
    if (!items.empty() && !random_.one_in_ten_thousand(1200)) {
      const auto& item = random_.pick(items);
      line.item = item.id;
      line.name = item.name;
      line.description = item.description;
      line.unit = item.unit;
      line.rate = item.rate;
      line.account = item.account;
      line.tax = random_.one_in_ten_thousand(8500) ? item.tax : some_tax();
    } else {
      line.description = "On-site work, flat fee";  // a free-text line: no item, often no name
      if (random_.one_in_ten_thousand(4000)) line.name = "Service call";
      line.rate = random_.between(40, 400) * 100 + random_.between(0, 3) * 25;
      line.account = service_account_;
      line.tax = some_tax();
    }
    line.quantity = random_.between(1, 12) * 1000;
    if (service_hours && line.unit == "hrs") line.quantity += random_.between(0, 3) * 250;
    return line;
  }

  void price(Priced& document) {
    const auto lines = random_.between(1, random_.one_in_ten_thousand(1500) ? 9 : 4);
    for (std::int64_t i = 0; i < lines; ++i) document.lines.push_back(some_line(true));
    document.is_inclusive_tax = random_.one_in_ten_thousand(800);
    document.tax_rounded_per_line = random_.one_in_ten_thousand(2000);
    if (random_.one_in_ten_thousand(1500)) {
      static constexpr int kDiscounts[] = {5000, 10000, 12500, 33333};
      for (auto& line : document.lines)
        line.discount_percent = random_.one_in_ten_thousand(7000) ? random_.pick(kDiscounts) : 0;
    } else if (!document.is_inclusive_tax && random_.one_in_ten_thousand(1000)) {
      document.discount_kind =
          random_.one_in_ten_thousand(6000) ? DiscountKind::kEntityBeforeTax : DiscountKind::kEntityAfterTax;
      if (random_.one_in_ten_thousand(7000))
        document.discount_percent = static_cast<int>(random_.between(2, 15)) * 1000;
      else
        document.discount_fixed = random_.between(100, 900);
    }
    if (random_.one_in_ten_thousand(1200)) {
      document.shipping = random_.between(5, 60) * 100 + 50;
      if (random_.one_in_ten_thousand(5000)) document.shipping_tax = books_.taxes[0].id;
    }
    if (random_.one_in_ten_thousand(600)) document.adjustment = random_.between(-75, 75);
    if (random_.one_in_ten_thousand(400)) document.round_to_unit = true;
  }

  void make_invoices() {
    auto times = sorted_times(options_.invoices, first_day());
    for (const Time created : times) {
      Invoice invoice;
      const auto known =
          std::upper_bound(customer_since_.begin(), customer_since_.end(), created) - customer_since_.begin();
      invoice.contact = customers_[static_cast<std::size_t>(random_.between(0, std::max<std::int64_t>(known, 1) - 1))];
      const auto& contact = *books_.contacts.find(invoice.contact);
      invoice.currency = contact.currency;
      invoice.rate = some_rate(contact.currency);
      invoice.created = created;
      invoice.date =
          zone_.day_of(created) - (random_.one_in_ten_thousand(1500) ? static_cast<Day>(random_.between(1, 3)) : 0);
      invoice.due_date = invoice.date + contact.payment_terms;
      invoice.modified = std::min(options_.now - 30, created + random_.between(60, 7200));
      if (random_.one_in_ten_thousand(3000)) invoice.reference = "PO-" + std::to_string(random_.between(1000, 9999));
      if (random_.one_in_ten_thousand(30)) {
        Line free = some_line(false);
        free.rate = 0;
        invoice.lines.push_back(free);  // a total of nothing
      } else {
        price(invoice);
        if (random_.one_in_ten_thousand(150) && invoice.discount_kind == DiscountKind::kItem &&
            invoice.lines.front().rate >= 2000) {
          Line loyalty;  // a discount entered as a line of its own
          loyalty.name = "Loyalty discount";
          loyalty.rate = -random_.between(100, 400);
          loyalty.account = books_.sales_account;
          invoice.lines.push_back(loyalty);
        }
      }
      if (random_.one_in_ten_thousand(options_.custom_fields)) {
        if (random_.one_in_ten_thousand(8500)) invoice.location = random_.pick(names::kLocations);
        if (random_.one_in_ten_thousand(7500)) invoice.service_line = random_.pick(names::kServiceLines);
        if (random_.one_in_ten_thousand(2500))
          invoice.company = random_.one_in_ten_thousand(800) ? "Acme Northwest" : "Acme West";
      }
      invoice.stage = random_.one_in_ten_thousand(options_.drafts)  ? Stage::kDraft
                      : random_.one_in_ten_thousand(options_.voids) ? Stage::kVoid
                                                                    : Stage::kSent;
      if (invoice.stage == Stage::kVoid)
        invoice.modified = std::min(options_.now - 20, created + random_.between(1, 40) * kDay);
      const auto& added = books_.add_invoice(std::move(invoice), created);
      if (added.stage == Stage::kSent && added.total > 0) {
        payable_.push_back(added.id);
        payable_since_.push_back(created);
        by_contact_[added.contact].push_back(added.id);
      }
    }
  }

  std::int64_t some_rate(std::size_t currency) {
    return currency == 0 ? 1'000'000 : random_.between(10'500, 11'500) * 100;
  }

  // A moment after `from`: typically `days` later, never after now.
  Time later(Time from, std::int64_t days) {
    const Time moment = from + days * kDay + random_.between(600, 20'000);
    return moment < options_.now - 30
               ? moment
               : from + random_.between(10, std::max<std::int64_t>(11, options_.now - 30 - from));
  }

  void make_credit_notes() {
    const auto times = sorted_times(options_.credit_notes, first_day() + 10);
    for (const Time created : times) {
      const auto known =
          std::upper_bound(payable_since_.begin(), payable_since_.end(), created) - payable_since_.begin();
      if (known == 0) continue;
      auto& invoice = *books_.invoices.find(payable_[static_cast<std::size_t>(random_.between(0, known - 1))]);
      CreditNote note;
      note.contact = invoice.contact;
      note.currency = invoice.currency;
      note.rate = invoice.rate;
      note.created = note.modified = created;
      note.date = zone_.day_of(created);
      // Made from the invoice, so it takes over its custom fields, as an organisation that routes by them has set up.
      note.company = invoice.company;
      note.location = invoice.location;
      note.service_line = invoice.service_line;
      note.reference = random_.one_in_ten_thousand(3000) ? "RMA-" + std::to_string(random_.between(100, 999)) : "";
      Line line;
      line.name = "Goods returned";
      line.description = "Invoice " + invoice.number;
      line.account = books_.sales_account;
      line.tax = invoice.lines.front().tax;
      line.rate = std::max<Minor>(100, invoice.sub_total * random_.between(5, 50) / 100);
      note.lines.push_back(line);
      const bool draft = random_.one_in_ten_thousand(300);
      const bool is_void = random_.one_in_ten_thousand(300);
      note.stage = draft ? Stage::kDraft : is_void ? Stage::kVoid : Stage::kSent;
      const Id id = books_.add_credit_note(std::move(note), created).id;
      if (draft || is_void) continue;
      const auto kind = random_.between(0, 99);  // half applied in full, a quarter in part, the rest not at all
      const auto& added = *books_.credit_notes.find(id);
      Minor amount = std::min(added.balance(), invoice.open());
      if (kind >= 50) amount = amount / 2;
      const Time applied = later(created, random_.between(0, 10));
      if (kind < 75 && amount > 0) books_.apply_credit(id, invoice.id, amount, zone_.day_of(applied), applied);
      if (kind >= 65 && kind < 85 && added.balance() > 0) {
        const Time refunded = later(applied, random_.between(1, 15));
        books_.refund_credit(id, kind < 75 ? added.balance() : added.balance() / 2 + 1, "Bank Transfer",
                             zone_.day_of(refunded), refunded);
      }
    }
  }

  struct Plan {
    Time at = 0;
    Id invoice = 0, contact = 0;
    std::int64_t kind = 0;  // of a thousand
  };

  void make_payments() {
    if (customers_.empty()) return;
    std::vector<Id> queue = payable_;
    for (std::size_t i = queue.size(); i > 1; --i)
      std::swap(queue[i - 1], queue[static_cast<std::size_t>(random_.next() % i)]);
    std::vector<Plan> plans;
    for (int i = 0; i < options_.payments; ++i) {
      Plan plan;
      plan.kind = random_.between(0, 999);
      if (plan.kind < 40 || queue.empty()) {  // an advance
        const auto index =
            static_cast<std::size_t>(random_.between(0, static_cast<std::int64_t>(customers_.size()) - 1));
        plan.contact = customers_[index];
        plan.at = later(std::max(customer_since_[index], zone_.start_of_day(first_day())),
                        random_.between(1, options_.history_days));
      } else {
        const auto& invoice = *books_.invoices.find(queue[static_cast<std::size_t>(i) % queue.size()]);
        plan.invoice = invoice.id;
        plan.contact = invoice.contact;
        plan.at = later(invoice.created, random_.between(1, 50));
      }
      plans.push_back(plan);
    }
    std::stable_sort(plans.begin(), plans.end(), [](const Plan& a, const Plan& b) { return a.at < b.at; });
    for (const auto& plan : plans) pay(plan);
  }

  void pay(const Plan& plan) {
    Payment payment;
    payment.contact = plan.contact;
    payment.created = payment.modified = plan.at;
    payment.date = zone_.day_of(plan.at);
    payment.currency = books_.contacts.find(plan.contact)->currency;
    payment.rate = some_rate(payment.currency);
    const auto apply = [&](const Invoice& invoice, Minor amount) {
      if (amount <= 0) return;
      payment.applications.push_back({0, invoice.id, amount, payment.date});
      payment.amount += amount;
    };
    if (plan.invoice != 0) {
      const auto& invoice = *books_.invoices.find(plan.invoice);
      const bool partial = plan.kind >= 850;
      apply(invoice, partial ? invoice.open() * random_.between(30, 70) / 100 : invoice.open());
      if (plan.kind < 120) {  // one payment over several invoices
        for (const Id other : by_contact_[plan.contact]) {
          const auto& next = *books_.invoices.find(other);
          if (payment.applications.size() >= 4) break;
          if (other != plan.invoice && next.created < plan.at) apply(next, next.open());
        }
      }
      if (plan.kind >= 120 && plan.kind < 150) payment.amount += random_.between(1, 200) * 50;  // over-payment
    }
    if (payment.amount == 0) payment.amount = random_.between(50, 2000) * 100;
    const auto mode = random_.between(0, 99);
    if (mode < 30)
      payment.mode = "Stripe", payment.reference = "ch_" + hex(random_.next(), 14);
    else if (mode < 48)
      payment.mode = "Check", payment.reference = std::to_string(random_.between(1000, 9999));
    else if (mode < 55)
      payment.mode = "Cash";
    else if (mode < 80)
      payment.mode = "Bank Transfer", payment.reference = "TRN-" + std::to_string(random_.between(100000, 999999));
    else if (mode < 92)
      payment.mode = "Credit Card", payment.reference = "auth " + hex(random_.next(), 6);
    else
      payment.mode = "ACH/WIRE", payment.reference = "wire " + std::to_string(random_.between(1000, 9999));
    payment.account = mode >= 55 && mode < 80 ? bank_account_ : books_.undeposited_account;
    if (random_.one_in_ten_thousand(500))
      payment.bank_charges = std::max<Minor>(1, multiply_divide(payment.amount, random_.between(5, 29), 1000));
    books_.record_payment(std::move(payment), plan.at);
  }

  void make_write_offs() {
    for (const Id id : payable_) {
      if (random_.one_in_ten_thousand(options_.write_offs) && books_.invoices.find(id)->open() > 0) {
        books_.write_off(id, later(books_.invoices.find(id)->modified, 60));
      }
    }
    // Some customers and vendors have gone quiet; that is set last, so that they have documents.
    for (auto& contact : books_.contacts.all()) {
      if (random_.one_in_ten_thousand(options_.inactive)) contact.is_active = false;
    }
  }

  static std::string hex(std::uint64_t value, int digits) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (int i = 0; i < digits; ++i, value >>= 4U) text += kHex[value & 15U];
    return text;
  }

  const GeneratorOptions& options_;
  const OrgTime& zone_;
  Random random_;
  Day today_;
  Books books_;
  Id service_account_ = 0, bank_account_ = 0;
  std::set<std::string> used_names_;
  std::vector<Id> customers_, payable_;
  std::vector<Time> customer_since_, payable_since_;
  std::unordered_map<Id, std::vector<Id>> by_contact_;
};

}  // namespace

Books generate_books(const GeneratorOptions& options, const OrgTime& zone) {
  return Generator(options, zone).make();
}

}  // namespace zoho_sim
