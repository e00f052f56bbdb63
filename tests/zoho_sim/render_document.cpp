// What invoices and credit notes share, and the reference lists.
#include "tests/zoho_sim/render.hpp"

namespace zoho_sim {

Minor base_amount(Minor amount, std::int64_t rate) {
  return multiply_divide(amount, rate, 1'000'000);
}

std::string tax_label(const Tax& tax) {
  return tax.name + " (" + to_text({tax.percent, kPercentScale}) + "%)";
}

const Contact& party_of(const Books& books, Id id) {
  static const Contact kGone;
  const auto* contact = books.contacts.find(id);
  return contact == nullptr ? kGone : *contact;
}

void line_items(JsonWriter& json, const RenderContext& context, const Priced& document, std::int64_t rate) {
  json.array("line_items");
  int order = 0;
  for (const auto& line : document.lines) {
    const auto* tax = context.books.tax(line.tax);
    const auto* account = context.books.account(line.account);
    const auto* item = context.books.items.find(line.item);
    json.object()
        .id("line_item_id", line.id)
        .id("item_id", line.item)
        .integer("item_order", ++order)
        .text("name", line.name);
    json.empty("internal_name")
        .text("description", line.description)
        .empty("discount_account_id")
        .empty("discount_account_name");
    json.text("unit", line.unit)
        .number("quantity", {line.quantity, kQuantityScale})
        .money("discount_amount", line.discount_amount);
    if (line.discount_amount != 0)
      json.text("discount", to_text({line.discount_percent, kPercentScale}) + "%");
    else
      json.integer("discount", 0);
    json.empty_array("discounts").money("bcy_rate", base_amount(line.rate, rate)).money("rate", line.rate);
    json.id("account_id", line.account)
        .text("account_name", account == nullptr ? "" : account->name)
        .empty("header_id")
        .empty("header_name")
        .empty("pricebook_id");
    json.id("tax_id", line.tax).text("tax_name", tax == nullptr ? "" : tax->name).text("tax_type", "tax");
    json.number("tax_percentage", {tax == nullptr ? 0 : tax->percent, kPercentScale})
        .money("item_total", line.item_total);
    json.empty_array("item_custom_fields")
        .text("pricing_scheme", "unit")
        .empty_array("tags")
        .empty_array("documents")
        .array("line_item_taxes");
    if (tax != nullptr) {
      json.object().id("tax_id", tax->id).text("tax_name", tax_label(*tax)).money("tax_amount", line.tax_amount);
      json.number("tax_percentage", {tax->percent, kPercentScale}).text("tax_specific_type", "tax").end();
    }
    json.end()
        .empty("bill_id")
        .empty("project_id")
        .empty_array("time_entry_ids")
        .empty("expense_id")
        .text("item_type", item == nullptr ? "" : "sales");
    if (item == nullptr)
      json.empty("sales_rate");
    else
      json.money("sales_rate", item->rate);
    json.empty("purchase_rate")
        .empty("salesorder_item_id")
        .integer("cost_amount", 0)
        .integer("markup_percent", 0)
        .text("line_item_category", "line_item")
        .end();
  }
  json.end();
}

void total_fields(JsonWriter& json, const RenderContext& context, const Priced& document, std::int64_t rate) {
  const bool entity = document.discount_kind != DiscountKind::kItem;
  const auto* shipping_tax = context.books.tax(document.shipping_tax);
  const Minor shipping_inclusive = document.shipping + document.shipping_tax_amount;
  const auto bcy = [&](Minor amount) { return base_amount(amount, rate); };
  json.money("sub_total", document.sub_total)
      .money("tax_total", document.tax_total)
      .money("total_taxable_amount", document.taxable);
  json.money("discount_total", document.discount_total)
      .number("discount_percent", {entity ? document.discount_percent : 0, kPercentScale});
  if (entity && document.discount_percent != 0)
    json.text("discount", to_text({document.discount_percent, kPercentScale}) + "%");
  else
    json.money("discount", entity ? document.discount_fixed : 0);
  json.money("discount_applied_on_amount", entity ? document.sub_total : 0)
      .text("discount_type", entity ? "entity_level" : "item_level");
  json.flag("is_discount_before_tax", document.discount_kind != DiscountKind::kEntityAfterTax);
  json.money("adjustment", document.adjustment)
      .text("adjustment_description", document.adjustment == 0 ? "Adjustment" : "Rounding");
  json.id("shipping_charge_tax_id", document.shipping_tax);
  if (shipping_tax == nullptr)
    json.empty("shipping_charge_tax_percentage");
  else
    json.number("shipping_charge_tax_percentage", {shipping_tax->percent, kPercentScale});
  json.money("shipping_charge_exclusive_of_tax", document.shipping)
      .money("shipping_charge_inclusive_of_tax", shipping_inclusive);
  json.money("shipping_charge", document.shipping)
      .money("bcy_shipping_charge", bcy(document.shipping))
      .money("bcy_adjustment", bcy(document.adjustment));
  json.money("bcy_sub_total", bcy(document.sub_total))
      .money("bcy_discount_total", bcy(document.discount_total))
      .money("bcy_tax_total", bcy(document.tax_total));
  json.money("bcy_total", bcy(document.total)).money("total", document.total);
  json.money("roundoff_value", document.roundoff)
      .text("transaction_rounding_type", document.round_to_unit ? "round_to_unit" : "no_rounding");
  json.text("rounding_mode", "round_half_up").flag("is_inclusive_tax", document.is_inclusive_tax);
  json.money("sub_total_inclusive_of_tax", document.is_inclusive_tax ? document.sub_total_inclusive : 0);
  json.text("tax_rounding", document.tax_rounded_per_line ? "item_level" : "entity_level");
}

void organization_row(JsonWriter& json, const RenderContext& context) {
  const auto& o = context.books.organization;
  const auto& base = context.books.currencies.front();
  json.object()
      .text("organization_id", o.id)
      .text("name", o.name)
      .text("contact_name", o.contact_name)
      .text("email", o.email)
      .flag("is_default_org", true);
  json.text("language_code", "en")
      .text("fiscal_year_start_month", "1")
      .text("account_created_date", "2020-01-02")
      .text("time_zone", o.time_zone);
  json.flag("is_dst_active", true)
      .text("date_format", "MM/dd/yyyy")
      .text("field_separator", ",")
      .id("currency_id", base.id)
      .text("currency_code", base.code);
  json.text("currency_symbol", base.symbol)
      .text("currency_format", "###,##0.00")
      .integer("price_precision", 2)
      .integer("plan_type", 3);
  json.text("plan_name", o.plan_name)
      .text("plan_period", "Month")
      .text("country_code", "US")
      .text("country_name", "U.S.A")
      .text("portal_name", o.portal);
  json.object("org_settings").flag("is_org_active", true).end().end();
}

void currency_row(JsonWriter& json, const Currency& c) {
  json.object()
      .id("currency_id", c.id)
      .text("currency_code", c.code)
      .text("currency_name", c.name)
      .text("currency_name_formatted", c.code + "- " + c.name);
  json.text("currency_symbol", c.symbol)
      .integer("price_precision", 2)
      .text("currency_format", c.format)
      .flag("is_base_currency", c.is_base);
  // 0 while automatic rates are on (wire recordings); the base currency has none.
  json.integer("exchange_rate", 0).empty("effective_date").flag("auto_exchange_rate_enabled", !c.is_base).end();
}

void tax_row(JsonWriter& json, const Tax& tax) {
  json.object()
      .id("tax_id", tax.id)
      .text("tax_name", tax.name)
      .number("tax_percentage", {tax.percent, kPercentScale})
      .text("tax_type", "tax");
  json.empty("tax_specific_type")
      .empty("tax_authority_id")
      .empty("tax_authority_name")
      .flag("is_default_tax", false)
      .flag("is_value_added", true);
  json.flag("is_editable", true).end();
}

void account_row(JsonWriter& json, const RenderContext& context, const Account& a) {
  const auto created = context.zone.timestamp(context.zone.start_of_day(18263) + 8 * 3600);
  json.object()
      .id("account_id", a.id)
      .text("account_name", a.name)
      .empty("account_code")
      .text("account_type", a.type)
      .empty("description");
  json.flag("is_user_created", false)
      .flag("is_system_account", true)
      .flag("is_active", a.is_active)
      .empty("parent_account_id")
      .empty("parent_account_name");
  json.integer("depth", 0)
      .flag("has_attachment", false)
      .flag("is_child_present", false)
      .empty("child_count")
      .empty_array("documents");
  json.text("created_time", created).flag("is_standalone_account", false).text("last_modified_time", created).end();
}

void bank_account_row(JsonWriter& json, const RenderContext& context, const Account& a) {
  const auto& base = context.books.currencies.front();
  json.object()
      .id("account_id", a.id)
      .text("account_name", a.name)
      .empty("account_code")
      .id("currency_id", base.id)
      .text("currency_code", base.code);
  json.text("account_type", a.type)
      .text("account_sub_type", a.type == "bank" ? "commercial" : "")
      .integer("uncategorized_transactions", 0);
  json.integer("total_unprinted_checks", 0)
      .flag("is_active", a.is_active)
      .integer("balance", 0)
      .integer("bank_balance", 0)
      .integer("bcy_balance", 0);
  json.empty("bank_name")
      .empty("feeds_last_refresh_date")
      .flag("is_direct_paypal", false)
      .flag("mfa_required", false)
      .end();
}

}  // namespace zoho_sim
