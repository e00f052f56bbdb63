#include "tests/zoho_sim/render.hpp"

#include "tests/zoho_sim/random.hpp"

#include <array>

namespace zoho_sim {
namespace {

struct FieldValue {
  Id id;
  const char* label;
  const char* api_name;
  const char* data_type;
  const std::string* value;
};

std::array<FieldValue, 3> custom_fields_of(const Books& books, const Priced& document) {
  return {{{books.company_field, "Company", "cf_company", "string", &document.company},
           {books.location_field, "Location", "cf_location", "string", &document.location},
           {books.service_line_field, "Service Line", "cf_service_line", "dropdown", &document.service_line}}};
}

}  // namespace

void custom_fields(JsonWriter& json, const RenderContext& context, const Priced& document, std::string_view entity) {
  json.array("custom_fields");
  int index = 0;
  for (const auto& field : custom_fields_of(context.books, document)) {
    ++index;
    if (field.value->empty()) continue;
    json.object()
        .id("field_id", field.id)
        .id("customfield_id", field.id)
        .flag("show_in_store", false)
        .flag("show_in_portal", false)
        .flag("is_active", true);
    json.integer("index", index)
        .text("label", field.label)
        .flag("show_on_pdf", true)
        .flag("edit_on_portal", false)
        .flag("edit_on_store", false);
    json.text("api_name", field.api_name).flag("show_in_all_pdf", true);
    if (std::string_view(field.data_type) == "dropdown")
      json.id("selected_option_id", field.id + 40 + field.value->size());
    json.text("value_formatted", *field.value)
        .text("search_entity", entity)
        .text("data_type", field.data_type)
        .text("placeholder", field.api_name);
    json.text("value", *field.value).flag("is_dependent_field", false).flag("is_color_code_supported", false).end();
  }
  json.end().object("custom_field_hash");
  for (const auto& field : custom_fields_of(context.books, document)) {
    if (field.value->empty()) continue;
    const std::string name = field.api_name;
    json.text(name, *field.value).text(name + "_formatted", *field.value).text(name + "_unformatted", *field.value);
  }
  json.end();
}

namespace {

// `zipcode` in the list row, `zip` and more keys in the detail.
void row_address(JsonWriter& json, std::string_view key, const Address& a) {
  json.object(key)
      .text("address", a.street)
      .text("street2", a.street2)
      .text("city", a.city)
      .text("state", a.state)
      .text("zipcode", a.zip);
  json.text("country", a.country).text("phone", a.phone).empty("fax").empty("attention").end();
}

void detail_address(JsonWriter& json, std::string_view key, const Address& a) {
  json.object(key)
      .text("street", a.street)
      .text("address", a.street)
      .text("street2", a.street2)
      .text("city", a.city)
      .text("state", a.state);
  json.text("zip", a.zip)
      .text("country", a.country)
      .text("country_code", a.country_code)
      .empty("fax")
      .text("phone", a.phone)
      .empty("attention")
      .end();
}

// Differs between two reads and ends in a blank (wire recordings); drafts have none.
void invoice_url(JsonWriter& json, const RenderContext& context, const Invoice& invoice) {
  if (invoice.stage == Stage::kDraft) return;
  Random random(invoice.id ^ (context.read_number * 0x9E37ULL));
  static constexpr char kHex[] = "0123456789abcdef";
  std::string token;
  for (int i = 0; i < 24; ++i) token += kHex[random.next() & 15U];
  json.text("invoice_url", "https://zohosecurepay.example/books/" + context.books.organization.portal +
                               "/secure?CInvoiceID=2-" + token + " ");
}

std::string due_days(const RenderContext& context, const Invoice& invoice, const std::string& status) {
  if (status == "paid" || status == "void" || status == "draft") return "";
  const Day days = invoice.due_date - context.today;
  if (days == 0) return "Due Today";
  return days > 0 ? "Due in " + std::to_string(days) + " days" : "Overdue by " + std::to_string(-days) + " days";
}

}  // namespace

void invoice_row(JsonWriter& json, const RenderContext& context, const Invoice& invoice) {
  const auto& books = context.books;
  const auto& contact = party_of(books, invoice.contact);
  const auto& currency = books.currencies[invoice.currency];
  const auto status = books.status_of(invoice, context.today);
  const auto created = context.zone.timestamp(invoice.created);
  const auto modified = context.zone.timestamp(invoice.modified);
  const bool sent = invoice.stage == Stage::kSent;
  json.object()
      .flag("ach_payment_initiated", false)
      .id("invoice_id", invoice.id)
      .empty("zcrm_potential_id")
      .id("customer_id", invoice.contact);
  json.empty("zcrm_potential_name")
      .text("customer_name", contact.name)
      .text("company_name", contact.company)
      .text("status", status);
  json.text("invoice_number", invoice.number)
      .text("reference_number", invoice.reference)
      .text("date", date_text(invoice.date));
  json.text("due_date", date_text(invoice.due_date))
      .text("issued_date", date_text(invoice.date))
      .text("due_days", due_days(context, invoice, status));
  json.text("email", contact.email).empty("project_name");
  row_address(json, "billing_address", contact.billing);
  row_address(json, "shipping_address", contact.shipping);
  json.text("country", contact.billing.country)
      .text("phone", contact.phone)
      .text("created_by", books.organization.contact_name);
  json.money("total", invoice.total)
      .money("balance", invoice.balance())
      .empty("payment_expected_date")
      .empty_array("custom_fields")
      .empty_object("custom_field_hash");
  for (const auto& field : custom_fields_of(books, invoice)) {  // flat in the row only
    if (field.value->empty()) continue;
    const std::string name = field.api_name;
    json.text(name, *field.value).text(name + "_formatted", *field.value).text(name + "_unformatted", *field.value);
  }
  json.empty_array("tags")
      .empty("salesperson_name")
      .money("shipping_charge", invoice.shipping)
      .money("adjustment", invoice.adjustment);
  json.text("created_time", created).text("last_modified_time", modified).text("updated_time", modified);
  json.flag("is_viewed_by_client", false)
      .flag("has_attachment", false)
      .empty("client_viewed_time")
      .flag("is_emailed", sent)
      .empty("color_code");
  json.empty("current_sub_status_id")
      .text("current_sub_status", status)
      .id("currency_id", currency.id)
      .empty("schedule_time")
      .text("currency_code", currency.code);
  json.text("currency_symbol", currency.symbol).text("template_type", "standard");
  invoice_url(json, context, invoice);
  json.text("invoice_source", "Api")
      .text("sales_channel", "direct_sales")
      .text("transaction_type", "renewal")
      .integer("reminders_sent", 0);
  json.empty("last_reminder_sent_date")
      .text("last_payment_date", invoice.last_payment == 0 ? "" : date_text(invoice.last_payment));
  json.id("template_id", books.template_id)
      .empty("documents")
      .empty("salesperson_id")
      .money("write_off_amount", invoice.write_off);
  json.number("exchange_rate", {invoice.rate, kRateScale}).integer("unprocessed_payment_amount", 0).end();
}

void invoice_detail(JsonWriter& json, const RenderContext& context, const Invoice& invoice) {
  const auto& books = context.books;
  const auto& contact = party_of(books, invoice.contact);
  const auto& currency = books.currencies[invoice.currency];
  const auto& account = *books.account(books.receivable_account);
  const auto& balance = books.balance_of(invoice.contact);
  const auto status = books.status_of(invoice, context.today);
  const bool sent = invoice.stage == Stage::kSent;
  json.object()
      .id("invoice_id", invoice.id)
      .text("invoice_number", invoice.number)
      .text("date", date_text(invoice.date))
      .text("due_date", date_text(invoice.due_date));
  json.text("issued_date", date_text(invoice.date))
      .id("customer_id", invoice.contact)
      .text("customer_name", contact.name)
      .empty_array("customer_custom_fields");
  json.empty_object("customer_custom_field_hash")
      .text("email", contact.email)
      .id("currency_id", currency.id)
      .text("invoice_source", "Api");
  json.text("currency_code", currency.code)
      .text("currency_symbol", currency.symbol)
      .text("currency_name_formatted", currency.code + "- " + currency.name);
  json.text("status", status).integer("unprocessed_payment_amount", 0);
  custom_fields(json, context, invoice, "invoice");
  json.empty("recurring_invoice_id")
      .integer("payment_terms", contact.payment_terms)
      .text("payment_terms_label", "Net " + std::to_string(contact.payment_terms));
  json.flag("payment_reminder_enabled", true)
      .money("payment_made", invoice.payment_made)
      .text("reference_number", invoice.reference);
  json.object("lock_details").flag("can_lock", false).end();
  line_items(json, context, invoice, invoice.rate);
  json.number("exchange_rate", {invoice.rate, kRateScale})
      .flag("allow_partial_payments", true)
      .integer("price_precision", 2);
  json.id("account_id", account.id).text("account_name", account.name);
  total_fields(json, context, invoice, invoice.rate);
  json.money("balance", invoice.balance()).money("write_off_amount", invoice.write_off).array("taxes");
  for (const auto& row : invoice.taxes) {
    const auto* tax = books.tax(row.tax);
    json.object().text("tax_name", tax == nullptr ? "" : tax_label(*tax)).money("tax_amount", row.amount).end();
  }
  json.end().text("tds_calculation_type", "tds_item_level").empty("payment_expected_date");
  json.text("last_payment_date", invoice.last_payment == 0 ? "" : date_text(invoice.last_payment));
  json.array("contact_persons")
      .element(std::to_string(contact.person_id))
      .end()
      .array("contact_persons_associated")
      .object();
  json.id("contact_person_id", contact.person_id)
      .text("contact_person_name", contact.first_name + " " + contact.last_name)
      .text("contact_person_email", contact.email);
  json.text("first_name", contact.first_name)
      .text("last_name", contact.last_name)
      .text("phone", contact.phone)
      .empty("mobile");
  json.object("communication_preference").flag("is_email_enabled", true).end().end().end();
  json.empty_array("documents")
      .empty("salesorder_id")
      .empty_array("salesorders")
      .object("contact")
      .money("customer_balance", balance.receivable);
  json.integer("credit_limit", 0)
      .money("unused_customer_credits", balance.credits)
      .flag("is_credit_limit_migration_completed", true)
      .end();
  json.empty("salesperson_id")
      .empty("salesperson_name")
      .flag("is_emailed", sent)
      .integer("reminders_sent", 0)
      .flag("is_viewed_by_client", false)
      .empty("client_viewed_time");
  json.empty("approver_id")
      .empty("submitter_id")
      .id("template_id", books.template_id)
      .text("template_name", "Standard Template")
      .text("template_type", "standard");
  json.text("notes", invoice.notes).empty("terms");
  detail_address(json, "billing_address", contact.billing);
  detail_address(json, "shipping_address", contact.shipping);
  json.object("customer_default_billing_address")
      .text("zip", contact.billing.zip)
      .text("country", contact.billing.country)
      .text("address", contact.billing.street);
  json.text("city", contact.billing.city)
      .text("phone", contact.billing.phone)
      .empty("city_code")
      .text("street2", contact.billing.street2);
  json.text("state", contact.billing.state).empty("fax").text("state_code", contact.billing.state_code).end();
  invoice_url(json, context, invoice);
  json.text("created_time", context.zone.timestamp(invoice.created))
      .text("last_modified_time", context.zone.timestamp(invoice.modified));
  json.text("created_date", date_text(context.zone.day_of(invoice.created)))
      .id("created_by_id", books.user)
      .text("created_by_name", books.organization.contact_name);
  json.id("last_modified_by_id", books.user)
      .text("current_sub_status", status)
      .empty_array("sub_statuses")
      .money("credits_applied", invoice.credits_applied);
  json.integer("tax_amount_withheld", 0)
      .integer("unused_retainer_payments", 0)
      .empty("schedule_time")
      .empty_array("tags")
      .end();
}

void invoice_payments(JsonWriter& json, const RenderContext& context, const Invoice& invoice) {
  for (const auto& payment : context.books.payments.all()) {
    if (payment.is_deleted) continue;
    for (const auto& entry : payment.applications) {
      if (entry.invoice != invoice.id) continue;
      json.object()
          .id("payment_id", payment.id)
          .text("payment_number", payment.number)
          .id("invoice_id", invoice.id)
          .id("invoice_payment_id", entry.id);
      json.text("payment_mode", payment.mode)
          .text("description", payment.description)
          .text("date", date_text(entry.date))
          .text("reference_number", payment.reference);
      json.number("exchange_rate", {payment.rate, kRateScale})
          .money("amount", entry.amount)
          .integer("tax_amount_withheld", 0)
          .empty("online_transaction_id");
      json.flag("is_single_invoice_payment", payment.applications.size() == 1).end();
    }
  }
}

void invoice_credits(JsonWriter& json, const RenderContext& context, const Invoice& invoice) {
  for (const auto& note : context.books.credit_notes.all()) {
    if (note.is_deleted) continue;
    for (const auto& entry : note.applications) {
      if (entry.invoice != invoice.id) continue;
      json.object()
          .id("creditnote_id", note.id)
          .id("creditnotes_invoice_id", entry.id)
          .text("creditnotes_number", note.number);
      json.text("credited_date", date_text(entry.date)).money("amount_applied", entry.amount).end();
    }
  }
}

// One page with the number and the total; enough to be a valid PDF, with a correct cross-reference table.
std::string pdf_of(const RenderContext& context, const Invoice& invoice) {
  const std::string text = "BT /F1 18 Tf 60 780 Td (Invoice " + invoice.number + "  total " +
                           to_text(money(invoice.total)) + " " + context.books.currencies[invoice.currency].code +
                           ") Tj ET";
  const std::array<std::string, 5> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
      "<< /Length " + std::to_string(text.size()) + " >>\nstream\n" + text + "\nendstream",
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string pdf = "%PDF-1.4\n";
  std::string table = "xref\n0 6\n0000000000 65535 f \n";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::string offset = std::to_string(pdf.size());
    table += std::string(10 - offset.size(), '0') + offset + " 00000 n \n";
    pdf += std::to_string(i + 1) + " 0 obj\n" + objects.at(i) + "\nendobj\n";
  }
  const std::string start = std::to_string(pdf.size());
  return pdf + table + "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n" + start + "\n%%EOF\n";
}

}  // namespace zoho_sim
