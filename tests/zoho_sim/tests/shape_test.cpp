#include "tests/zoho_sim/tests/fixture.hpp"

using namespace sim_test;

namespace {

json::object detail_of(World& world, const std::string& path, const char* key) {
  const auto answer = world.get(path);
  REQUIRE(answer.status == 200);
  return answer.body.at(key).as_object();
}

json::object first_row(World& world, const std::string& path, const char* root) {
  return world.get(path).body.at(root).as_array().at(0).as_object();
}

bool every(const std::set<std::string>& names, const json::object& object) {
  return std::all_of(names.begin(), names.end(), [&](const auto& name) {
    CAPTURE(name);
    CHECK(object.contains(name));
    return object.contains(name);
  });
}
bool none(const std::set<std::string>& names, const json::object& object) {
  return std::none_of(names.begin(), names.end(), [&](const auto& name) {
    CAPTURE(name);
    CHECK_FALSE(object.contains(name));
    return object.contains(name);
  });
}

}  // namespace

TEST_CASE("an invoice row has no lines, no tax and no discount fields, the detail has them") {
  World world;
  const auto row = first_row(world, "/invoices?status=paid", "invoices");
  const auto detail = detail_of(world, "/invoices/" + text(row, "invoice_id"), "invoice");
  const std::set<std::string> only_detail = {"line_items",
                                             "sub_total",
                                             "tax_total",
                                             "taxes",
                                             "discount_type",
                                             "is_inclusive_tax",
                                             "is_discount_before_tax",
                                             "payment_made",
                                             "credits_applied",
                                             "tax_amount_withheld",
                                             "roundoff_value",
                                             "price_precision",
                                             "payment_terms",
                                             "notes",
                                             "terms",
                                             "bcy_total",
                                             "account_id",
                                             "contact_persons",
                                             "contact",
                                             "customer_custom_fields"};
  const std::set<std::string> only_row = {"company_name", "country",  "phone",
                                          "project_name", "due_days", "updated_time"};
  CHECK(every(only_detail, detail));
  CHECK(none(only_detail, row));
  CHECK(every(only_row, row));
  CHECK(none(only_row, detail));
  CHECK(row.at("billing_address").as_object().contains("zipcode"));
  CHECK_FALSE(row.at("billing_address").as_object().contains("zip"));
  CHECK(detail.at("billing_address").as_object().contains("zip"));
  CHECK(detail.at("billing_address").as_object().contains("country_code"));
  CHECK(row.at("documents").is_string());
  CHECK(detail.at("documents").is_array());
}

TEST_CASE(
    "a payment detail has updated_time and no last_modified_time, its row the reverse, and the row names no currency") {
  World world;
  const auto row = first_row(world, "/customerpayments", "customerpayments");
  const auto detail = detail_of(world, "/customerpayments/" + text(row, "payment_id"), "payment");
  CHECK(every({"updated_time", "invoices", "currency_code", "exchange_rate", "bank_charges", "payment_refunds",
               "custom_fields"},
              detail));
  CHECK(none({"last_modified_time", "invoice_numbers", "bcy_amount", "payment_mode_formatted"}, detail));
  CHECK(every({"last_modified_time", "invoice_numbers", "bcy_amount", "payment_mode_formatted"}, row));
  CHECK(none({"updated_time", "invoices", "currency_code", "exchange_rate", "bank_charges"}, row));
  CHECK(row.at("applied_invoices").as_array().empty());  // even where there are applications
}

TEST_CASE("a contact's address and country are in the detail only, its type decides and not its names") {
  World world;
  const auto row = first_row(world, "/contacts?contact_type=vendor", "contacts");
  CHECK(none({"billing_address", "shipping_address", "addresses", "contact_persons", "notes", "country"}, row));
  CHECK(row.at("customer_name") == row.at("vendor_name"));
  const auto detail = detail_of(world, "/contacts/" + text(row, "contact_id"), "contact");
  CHECK(detail.at("billing_address").at("country_code").as_string().size() == 2);
  CHECK(text(detail, "contact_type") == "vendor");
  CHECK(text(detail, "created_date").find('-') == std::string::npos);  // formatted for display
}

TEST_CASE("custom fields are flat in an invoice row, and an array and a hash in its detail") {
  World world;
  const auto rows = world.all("/invoices", "invoices");
  const auto row = std::find_if(rows.begin(), rows.end(), [](const auto& r) { return r.contains("cf_service_line"); });
  REQUIRE(row != rows.end());
  CHECK(row->at("custom_fields").as_array().empty());
  CHECK(row->at("cf_service_line_unformatted") == row->at("cf_service_line"));
  const auto detail = detail_of(world, "/invoices/" + text(*row, "invoice_id"), "invoice");
  CHECK_FALSE(detail.contains("cf_service_line"));
  CHECK(detail.at("custom_field_hash").at("cf_service_line") == row->at("cf_service_line"));
  bool found = false;
  for (const auto& field : detail.at("custom_fields").as_array()) {
    if (field.at("label") != "Service Line") continue;
    found = true;
    CHECK(field.at("api_name") == "cf_service_line");
    CHECK(field.at("data_type") == "dropdown");
    CHECK(field.as_object().contains("selected_option_id"));
    CHECK(field.at("value") == row->at("cf_service_line"));
  }
  CHECK(found);
  const auto plain = std::find_if(rows.begin(), rows.end(), [](const auto& r) {
    return !r.contains("cf_service_line") && !r.contains("cf_location") && !r.contains("cf_company");
  });
  REQUIRE(plain != rows.end());
  const auto without = detail_of(world, "/invoices/" + text(*plain, "invoice_id"), "invoice");
  CHECK(without.at("custom_fields").as_array().empty());
  CHECK(without.at("custom_field_hash").as_object().empty());
}

TEST_CASE("ids are texts of nineteen digits and amounts are numbers with as few digits as needed") {
  World world;
  const auto id = add_invoice(world, "299.50");
  CHECK(id.size() == 19);
  const auto body = world.get("/invoices/" + id).raw.body;
  CHECK(body.find("\"invoice_id\":\"" + id + "\"") != std::string::npos);
  CHECK(body.find("\"total\":299.5,") != std::string::npos);
  CHECK(world.get("/invoices/" + add_invoice(world, "598.00")).raw.body.find("\"total\":598,") != std::string::npos);
  CHECK(world.get("/invoices/" + add_invoice(world, "0.07")).raw.body.find("\"total\":0.07,") != std::string::npos);
  CHECK(body.find("null") == std::string::npos);
  CHECK(body.find("\"shipping_charge_tax_percentage\":\"\"") != std::string::npos);  // "" stands for null
}

TEST_CASE("invoice_url differs on every read, ends in a blank, and drafts have none") {
  World world;
  const auto id = add_invoice(world, "1");
  const auto one = text(detail_of(world, "/invoices/" + id, "invoice"), "invoice_url");
  const auto two = text(detail_of(world, "/invoices/" + id, "invoice"), "invoice_url");
  CHECK(one != two);
  CHECK(one.back() == ' ');
  CHECK_FALSE(detail_of(world, "/invoices/" + add_invoice(world, "1", R"("status":"draft")"), "invoice")
                  .contains("invoice_url"));
}

TEST_CASE("times carry the organisation's offset of that moment, without a colon") {
  World world;
  CHECK(world.simulator.zone().timestamp(kNow) == "2026-06-09T10:00:00-0400");
  CHECK(world.simulator.zone().timestamp(1'768'226'403) == "2026-01-12T09:00:03-0500");
  std::set<std::string> offsets;
  for (const auto& row : world.all("/invoices", "invoices")) offsets.insert(text(row, "created_time").substr(19));
  CHECK(offsets == std::set<std::string>{"-0400", "-0500"});
}

TEST_CASE("a PDF is asked for by query or by header and is a whole file") {
  World world;
  const auto id = add_invoice(world, "12.34");
  const auto by_query = world.get("/invoices/" + id + "?accept=pdf");
  CHECK(header_of(by_query.raw.headers, "Content-Type") == "application/pdf;charset=UTF-8");
  CHECK(header_of(by_query.raw.headers, "Content-Disposition").find("INV-") != std::string::npos);
  CHECK(by_query.raw.body.rfind("%PDF-1.4", 0) == 0);
  CHECK(by_query.raw.body.find("%%EOF") != std::string::npos);
  const auto xref = std::stoul(by_query.raw.body.substr(by_query.raw.body.rfind("startxref\n") + 10));
  CHECK(by_query.raw.body.compare(xref, 4, "xref") == 0);
  auto request = make_request("GET", "/books/v3/invoices/" + id + "?organization_id=927000001");
  request.headers = {{"Accept", "application/pdf"}, {"Authorization", "Zoho-oauthtoken " + world.token}};
  CHECK(world.simulator.handle(request).body == by_query.raw.body);
  CHECK(world.get("/invoices/" + id + "?accept=word").code() == 2);
}

TEST_CASE("currencies with automatic rates list 0, their rates are in another list") {
  World world;
  const auto rows = world.rows("/settings/currencies?filter_by=Currencies.ExcludeBaseCurrency", "currencies");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("exchange_rate") == 0);
  const auto rates = world.rows(
      "/settings/currencies/" + text(rows[0].as_object(), "currency_id") + "/exchangerates?from_date=2026-01-02",
      "exchange_rates");
  CHECK(cents_of(rates.at(0).at("rate")) == 108);
}
