// Contacts and items.
#include "tests/zoho_sim/render.hpp"

namespace zoho_sim {
namespace {

void balances(JsonWriter& json, const RenderContext& context, const Contact& contact) {
  const auto& balance = context.books.balance_of(contact.id);
  const auto rate = context.books.currencies[contact.currency].rate;
  json.money("outstanding_receivable_amount", balance.receivable)
      .money("outstanding_receivable_amount_bcy", base_amount(balance.receivable, rate));
  json.integer("outstanding_payable_amount", 0)
      .integer("outstanding_payable_amount_bcy", 0)
      .money("unused_credits_receivable_amount", balance.credits);
  json.money("unused_credits_receivable_amount_bcy", base_amount(balance.credits, rate))
      .integer("unused_credits_payable_amount", 0);
  json.integer("unused_credits_payable_amount_bcy", 0);
}

void address(JsonWriter& json, std::string_view key, Id id, const Address& a) {
  json.object(key)
      .id("address_id", id)
      .empty("attention")
      .text("address", a.street)
      .text("street2", a.street2)
      .text("city", a.city)
      .text("state_code", a.state_code);
  json.text("state", a.state)
      .text("zip", a.zip)
      .text("country", a.country)
      .empty("county")
      .empty("latitude")
      .empty("longitude")
      .text("country_code", a.country_code);
  json.text("phone", a.phone).empty("fax").end();
}

std::string terms_label(const Contact& contact) {
  return contact.payment_terms == 0 ? "Due on Receipt" : "Net " + std::to_string(contact.payment_terms);
}

}  // namespace

void contact_row(JsonWriter& json, const RenderContext& context, const Contact& c) {
  const auto& currency = context.books.currencies[c.currency];
  json.object()
      .id("contact_id", c.id)
      .text("contact_name", c.name)
      .text("customer_name", c.name)
      .text("vendor_name", c.name)
      .text("company_name", c.company);
  json.empty("website")
      .text("language_code", "en")
      .text("language_code_formatted", "English")
      .text("contact_type", c.is_vendor ? "vendor" : "customer");
  json.text("contact_type_formatted", c.is_vendor ? "Vendor" : "Customer")
      .text("status", c.is_active ? "active" : "inactive")
      .text("customer_sub_type", "business");
  json.text("source", "api")
      .flag("is_linked_with_zohocrm", false)
      .integer("payment_terms", c.payment_terms)
      .id("payment_terms_id", context.books.terms_id);
  json.text("payment_terms_label", terms_label(c))
      .id("currency_id", currency.id)
      .empty("twitter")
      .empty("facebook")
      .text("currency_code", currency.code);
  balances(json, context, c);
  json.text("first_name", c.first_name)
      .text("last_name", c.last_name)
      .text("email", c.email)
      .text("phone", c.phone)
      .empty("mobile")
      .text("portal_status", "disabled");
  json.text("portal_status_formatted", "Disabled")
      .flag("track_1099", false)
      .text("created_time", context.zone.timestamp(c.created));
  json.text("created_time_formatted", display_date(context.zone.day_of(c.created)))
      .text("last_modified_time", context.zone.timestamp(c.modified));
  json.text("last_modified_time_formatted", display_date(context.zone.day_of(c.modified)))
      .empty_array("custom_fields")
      .empty_object("custom_field_hash");
  json.empty_array("contactperson_custom_fields")
      .empty_array("tags")
      .flag("ach_supported", false)
      .flag("has_attachment", false)
      .end();
}

void contact_detail(JsonWriter& json, const RenderContext& context, const Contact& c) {
  const auto& books = context.books;
  const auto& currency = books.currencies[c.currency];
  const auto& balance = books.balance_of(c.id);
  json.object()
      .id("contact_id", c.id)
      .text("contact_name", c.name)
      .text("company_name", c.company)
      .text("first_name", c.first_name)
      .text("last_name", c.last_name);
  json.empty("designation")
      .empty("department")
      .empty("website")
      .flag("is_bcy_only_contact", false)
      .text("language_code", "en")
      .empty("contact_salutation");
  json.text("email", c.email)
      .text("phone", c.phone)
      .empty("mobile")
      .text("portal_status", "disabled")
      .flag("has_transaction", balance.receivable != 0);
  json.text("contact_type", c.is_vendor ? "vendor" : "customer")
      .text("customer_sub_type", "business")
      .empty("owner_id")
      .empty("owner_name")
      .text("source", "api");
  json.empty_array("documents")
      .id("primary_contact_id", c.person_id)
      .empty("zcrm_account_id")
      .empty("zcrm_contact_id")
      .integer("payment_terms", c.payment_terms);
  json.text("payment_terms_label", terms_label(c))
      .id("payment_terms_id", books.terms_id)
      .integer("credit_limit_exceeded_amount", 0)
      .id("currency_id", currency.id);
  json.object("lock_details")
      .flag("can_lock", false)
      .end()
      .text("currency_code", currency.code)
      .text("currency_symbol", currency.symbol)
      .integer("price_precision", 2);
  json.empty("exchange_rate").integer("opening_balance_amount", 0).empty("opening_balance_amount_bcy");
  balances(json, context, c);
  json.integer("unused_retainer_payments", 0)
      .text("status", c.is_active ? "active" : "inactive")
      .flag("payment_reminder_enabled", true)
      .empty_array("custom_fields");
  json.empty_object("custom_field_hash")
      .flag("track_1099", false)
      .empty("tax_id_type")
      .empty("tax_id_value")
      .text("sales_channel", "direct_sales");
  json.empty_array("opening_balances").id("entity_address_id", c.address_id);
  address(json, "billing_address", c.address_id, c.billing);
  address(json, "shipping_address", c.address_id + 1, c.shipping);
  json.array("contact_persons")
      .object()
      .id("contact_person_id", c.person_id)
      .empty("salutation")
      .text("first_name", c.first_name)
      .text("last_name", c.last_name);
  json.text("email", c.email)
      .text("phone", c.phone)
      .empty("mobile")
      .empty("designation")
      .empty("department")
      .flag("is_primary_contact", true)
      .end()
      .end();
  json.empty_array("addresses")
      .empty("pricebook_id")
      .empty("pricebook_name")
      .object("default_templates")
      .empty("invoice_template_id")
      .empty("invoice_template_name")
      .end();
  json.empty_array("cards")
      .empty_array("checks")
      .empty_array("bank_accounts")
      .text("notes", c.notes)
      .text("created_time", context.zone.timestamp(c.created));
  json.text("created_date", display_date(context.zone.day_of(c.created)))
      .text("created_by_name", books.organization.contact_name)
      .id("created_by_id", books.user);
  json.id("last_modified_by_id", books.user)
      .text("last_modified_time", context.zone.timestamp(c.modified))
      .empty_array("tags")
      .array("customer_currency_summaries")
      .object();
  json.id("currency_id", currency.id)
      .text("currency_code", currency.code)
      .text("currency_symbol", currency.symbol)
      .integer("price_precision", 2);
  json.flag("is_base_currency", currency.is_base).text("currency_name_formatted", currency.code + "- " + currency.name);
  json.money("outstanding_receivable_amount", balance.receivable)
      .money("unused_credits_receivable_amount", balance.credits)
      .end()
      .end();
  json.empty_array("integration_references").end();
}

namespace {

// What row and detail have in common.
void item_tax(JsonWriter& json, const RenderContext& context, const Item& item) {
  const auto* tax = context.books.tax(item.tax);
  json.id("tax_id", item.tax).text("tax_name", tax == nullptr ? "" : tax->name);
  if (tax == nullptr)
    json.empty("tax_percentage");
  else
    json.number("tax_percentage", {tax->percent, kPercentScale});
}

void item_accounts(JsonWriter& json, const RenderContext& context, const Item& item) {
  const auto* sales = context.books.account(item.account);
  const bool goods = item.product_type == "goods";
  json.id("purchase_account_id", goods ? context.books.cogs_account : 0)
      .text("purchase_account_name", goods ? "Cost of Goods Sold" : "");
  json.id("account_id", item.account).text("account_name", sales == nullptr ? "" : sales->name);
}

void item_kind(JsonWriter& json, const Item& item) {
  const bool goods = item.product_type == "goods";
  json.flag("can_be_sold", true).flag("can_be_purchased", goods).flag("track_inventory", false);
  json.text("item_type", goods ? "sales_and_purchases" : "sales").text("product_type", item.product_type);
}

}  // namespace

void item_row(JsonWriter& json, const RenderContext& context, const Item& item) {
  json.object()
      .id("item_id", item.id)
      .text("name", item.name)
      .text("item_name", item.name)
      .text("unit", item.unit)
      .text("status", item.is_active ? "active" : "inactive");
  json.text("source", "api")
      .flag("is_linked_with_zohocrm", false)
      .empty("zcrm_product_id")
      .text("description", item.description)
      .money("rate", item.rate);
  item_tax(json, context, item);
  item_accounts(json, context, item);
  json.empty("purchase_description").money("purchase_rate", item.purchase_rate);
  item_kind(json, item);
  json.flag("has_attachment", false)
      .text("sku", item.sku)
      .empty("image_name")
      .empty("image_type")
      .empty("image_document_id");
  json.text("created_time", context.zone.timestamp(item.created))
      .text("last_modified_time", context.zone.timestamp(item.modified))
      .empty("product_subtype");
  json.empty("purpose_of_use").empty("vendor_name").empty_array("tags").end();
}

void item_detail(JsonWriter& json, const RenderContext& context, const Item& item) {
  json.object()
      .empty("group_id")
      .id("item_id", item.id)
      .text("name", item.name)
      .text("sku", item.sku)
      .empty("brand")
      .empty("manufacturer")
      .empty("image_name")
      .empty("image_type");
  json.text("status", item.is_active ? "active" : "inactive")
      .text("source", "api")
      .flag("is_linked_with_zohocrm", false)
      .empty("zcrm_product_id")
      .text("unit", item.unit);
  json.empty("unit_id").text("description", item.description).money("rate", item.rate);
  item_tax(json, context, item);
  json.text("tax_type", item.tax == 0 ? "" : "tax")
      .empty_array("documents")
      .empty("purchase_description")
      .money("pricebook_rate", item.rate)
      .text("pricing_scheme", "unit");
  json.empty_array("price_brackets")
      .money("sales_rate", item.rate)
      .money("purchase_rate", item.purchase_rate)
      .empty("sales_margin");
  item_accounts(json, context, item);
  json.text("created_at", date_text(context.zone.day_of(item.created)))
      .text("created_time", context.zone.timestamp(item.created));
  json.text("last_modified_time", context.zone.timestamp(item.modified)).empty_array("tags");
  item_kind(json, item);
  json.object("lock_details")
      .flag("can_lock", false)
      .end()
      .empty_array("custom_fields")
      .empty_object("custom_field_hash")
      .empty_array("sales_channels");
  json.empty_array("integration_references").flag("has_variant", false).end();
}

}  // namespace zoho_sim
