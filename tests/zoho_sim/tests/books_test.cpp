#include "tests/zoho_sim/tests/fixture.hpp"

#include "tests/zoho_sim/totals.hpp"

using namespace sim_test;

namespace {

// Adds the document up again from what the API shows, as a careful reader of it would.
void check_totals(const json::object& document) {
  std::int64_t lines = 0, taxes = 0;
  for (const auto& line : document.at("line_items").as_array()) lines += cents(line.as_object(), "item_total");
  for (const auto& tax : document.at("taxes").as_array()) taxes += cents(tax.as_object(), "tax_amount");
  CHECK(lines == cents(document, "sub_total"));
  CHECK(taxes == cents(document, "tax_total"));
  const auto discount = text(document, "discount_type") == "entity_level" ? cents(document, "discount_total") : 0;
  CHECK(cents(document, "total") == lines - discount + taxes + cents(document, "shipping_charge_exclusive_of_tax") +
                                        cents(document, "adjustment") + cents(document, "roundoff_value"));
  // Every header row can be traced to one tax id: its own, its lines', or shipping's.
  for (const auto& tax : document.at("taxes").as_array()) {
    if (tax.as_object().contains("tax_id")) continue;
    std::set<std::string> ids;
    for (const auto& line : document.at("line_items").as_array()) {
      for (const auto& row : line.at("line_item_taxes").as_array()) {
        if (row.at("tax_name") == tax.at("tax_name")) ids.insert(text(row.as_object(), "tax_id"));
      }
    }
    const auto shipping =
        cents(document, "shipping_charge_inclusive_of_tax") - cents(document, "shipping_charge_exclusive_of_tax");
    CHECK((ids.size() == 1 || (ids.empty() && cents_of(tax.at("tax_amount")) == shipping)));
  }
}

}  // namespace

TEST_CASE("the generated books add up, document by document, over twenty seeds") {
  std::set<std::string> statuses, modes;
  int inclusive = 0, entity = 0, several = 0, unused = 0, advances = 0, charges = 0, refunds = 0, with_company = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    auto options = small_options(seed);
    options.books.foreign = 1000;
    options.books.write_offs = 300;
    World world(options);
    CHECK(world.simulator.with_books([](Books& books, Time) { return books.problems(); }).empty());

    std::map<std::string, std::int64_t> paid, credited, receivable, credits;
    for (const auto& row : world.all("/customerpayments", "customerpayments")) {
      const auto detail = world.get("/customerpayments/" + text(row, "payment_id")).body.at("payment").as_object();
      std::int64_t applied = 0;
      for (const auto& entry : detail.at("invoices").as_array()) {
        applied += cents(entry.as_object(), "amount_applied");
        paid[text(entry.as_object(), "invoice_id")] += cents(entry.as_object(), "amount_applied");
      }
      CHECK(applied + cents(detail, "unused_amount") == cents(detail, "amount"));
      CHECK(cents(row, "amount") == cents(detail, "amount"));
      credits[text(row, "customer_id")] += cents(detail, "unused_amount");
      modes.insert(text(row, "payment_mode"));
      several += detail.at("invoices").as_array().size() > 1;
      unused += cents(detail, "unused_amount") > 0 && !detail.at("invoices").as_array().empty();
      advances += detail.at("invoices").as_array().empty();
      charges += cents(detail, "bank_charges") > 0;
    }
    for (const auto& row : world.all("/creditnotes", "creditnotes")) {
      const auto id = text(row, "creditnote_id");
      const auto detail = world.get("/creditnotes/" + id).body.at("creditnote").as_object();
      check_totals(detail);
      std::int64_t given = 0;
      for (const auto& entry : world.rows("/creditnotes/" + id + "/invoices", "invoices_credited")) {
        given += cents(entry.as_object(), "credited_amount");
        credited[text(entry.as_object(), "invoice_id")] += cents(entry.as_object(), "credited_amount");
      }
      for (const auto& entry : world.rows("/creditnotes/" + id + "/refunds", "creditnote_refunds")) {
        given += cents(entry.as_object(), "amount_fcy");
        ++refunds;
      }
      const auto status = text(row, "status");
      if (status == "open" || status == "closed") {
        CHECK(cents(row, "balance") == cents(row, "total") - given);
        credits[text(row, "customer_id")] += cents(row, "balance");
      } else {
        CHECK(given == 0);
      }
    }
    for (const auto& row : world.all("/invoices", "invoices")) {
      const auto id = text(row, "invoice_id");
      const auto detail = world.get("/invoices/" + id).body.at("invoice").as_object();
      CAPTURE(text(row, "invoice_number"));
      check_totals(detail);
      const auto status = text(detail, "status");
      statuses.insert(status);
      CHECK(cents(detail, "payment_made") == paid[id]);
      CHECK(cents(detail, "credits_applied") == credited[id]);
      if (status == "void") {
        CHECK(paid[id] + credited[id] == 0);
        CHECK(cents(detail, "balance") == cents(detail, "total"));  // kept, as at Zoho
      } else {
        CHECK(cents(detail, "balance") ==
              cents(detail, "total") - paid[id] - credited[id] - cents(detail, "write_off_amount"));
        if (status != "draft") receivable[text(detail, "customer_id")] += cents(detail, "balance");
      }
      CHECK((status == "paid") == (status != "void" && status != "draft" && cents(detail, "balance") == 0));
      inclusive += detail.at("is_inclusive_tax").as_bool();
      entity += text(detail, "discount_type") == "entity_level";
      with_company += row.contains("cf_company");
      std::int64_t listed = 0;
      for (const auto& entry : world.rows("/invoices/" + id + "/payments", "payments"))
        listed += cents(entry.as_object(), "amount");
      CHECK(listed == paid[id]);
    }
    for (const auto& row : world.all("/contacts", "contacts")) {
      CHECK(cents(row, "outstanding_receivable_amount") == receivable[text(row, "contact_id")]);
      CHECK(cents(row, "unused_credits_receivable_amount") == credits[text(row, "contact_id")]);
    }
  }
  CHECK(statuses == std::set<std::string>{"draft", "overdue", "paid", "partially_paid", "sent", "void"});
  CHECK(modes == std::set<std::string>{"ACH/WIRE", "Bank Transfer", "Cash", "Check", "Credit Card", "Stripe"});
  for (const int seen : {inclusive, entity, several, unused, advances, charges, refunds, with_company})
    CHECK(seen > 10);
}

TEST_CASE("the same seed gives the same books to the last id, another seed gives others") {
  World one, same, other(small_options(2));
  CHECK(one.simulator.books_json() == same.simulator.books_json());
  CHECK(one.simulator.books_json() != other.simulator.books_json());
  CHECK(one.get("/contacts?per_page=50").raw.body == same.get("/contacts?per_page=50").raw.body);
}

TEST_CASE("totals follow the worked examples of receivables accounting") {
  const auto percent = [](Id id) { return static_cast<int>(id); };  // the id of a tax is its rate here
  const auto line = [](std::int64_t quantity, Minor rate, Id tax, int discount = 0) {
    Line result;
    result.quantity = quantity * 1000;
    result.rate = rate;
    result.tax = tax;
    result.discount_percent = discount;
    return result;
  };
  SUBCASE("item discount and two rates") {
    Priced document;
    document.lines = {line(10, 10000, 10000, 10000), line(1, 25000, 5000)};
    compute_totals(document, percent);
    CHECK(document.sub_total == 115000);
    CHECK(document.tax_total == 10250);
    CHECK(document.total == 125250);
  }
  SUBCASE("entity discount before tax is spread over the lines") {
    Priced document;
    document.lines = {line(1, 60000, 10000), line(1, 40000, 0)};
    document.discount_kind = DiscountKind::kEntityBeforeTax;
    document.discount_percent = 10000;
    compute_totals(document, percent);
    CHECK(document.discount_total == 10000);
    CHECK(document.tax_total == 5400);
    CHECK(document.total == 95400);
  }
  SUBCASE("entity discount after tax, taxed shipping, adjustment and round-off") {
    Priced document;
    document.lines = {line(1, 60000, 10000), line(1, 40000, 0)};
    document.discount_kind = DiscountKind::kEntityAfterTax;
    document.discount_fixed = 5000;
    document.shipping = 2500;
    document.shipping_tax = 10000;
    document.adjustment = -25;
    document.round_to_unit = true;
    compute_totals(document, percent);
    CHECK(document.tax_total == 6250);
    CHECK(document.roundoff == -25);
    CHECK(document.total == 103700);
  }
  SUBCASE("tax inside the price is the difference, not a second rounding") {
    Priced document;
    document.lines = {line(3, 4999, 20000)};
    document.is_inclusive_tax = true;
    compute_totals(document, percent);
    CHECK(document.sub_total == 12498);
    CHECK(document.tax_total == 2499);
    CHECK(document.total == 14997);
  }
}
