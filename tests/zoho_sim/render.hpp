// Writes each record as Zoho does: a list row and a detail document are two different shapes. Field names and JSON
// types follow wire recordings of Zoho Books API v3, with custom-field keys from live payloads; where Zoho's own
// OpenAPI document says otherwise, openapi_deviations.txt names it.
//
// Pure functions of the books and the moment; the caller holds the lock.
#pragma once

#include "tests/zoho_sim/books.hpp"
#include "tests/zoho_sim/json_writer.hpp"
#include "tests/zoho_sim/org_time.hpp"

namespace zoho_sim {

struct RenderContext {
  const Books& books;
  const OrgTime& zone;
  Time now = 0;
  Day today = 0;
  std::uint64_t read_number = 0;  // makes invoice_url differ on every read
};

// Each writes one JSON object; the key, if any, has been written.
void invoice_row(JsonWriter& json, const RenderContext& context, const Invoice& invoice);
void invoice_detail(JsonWriter& json, const RenderContext& context, const Invoice& invoice);
void invoice_payments(JsonWriter& json, const RenderContext& context,
                      const Invoice& invoice);  // the elements of payments[]
void invoice_credits(JsonWriter& json, const RenderContext& context,
                     const Invoice& invoice);  // the elements of credits[]
void payment_row(JsonWriter& json, const RenderContext& context, const Payment& payment);
void payment_detail(JsonWriter& json, const RenderContext& context, const Payment& payment);
void contact_row(JsonWriter& json, const RenderContext& context, const Contact& contact);
void contact_detail(JsonWriter& json, const RenderContext& context, const Contact& contact);
void item_row(JsonWriter& json, const RenderContext& context, const Item& item);
void item_detail(JsonWriter& json, const RenderContext& context, const Item& item);
void credit_note_row(JsonWriter& json, const RenderContext& context, const CreditNote& note);
void credit_note_detail(JsonWriter& json, const RenderContext& context, const CreditNote& note);
void credit_note_invoices(JsonWriter& json, const RenderContext& context, const CreditNote& note);  // elements
void credit_note_refunds(JsonWriter& json, const RenderContext& context, const CreditNote& note);   // elements
void organization_row(JsonWriter& json, const RenderContext& context);
void currency_row(JsonWriter& json, const Currency& currency);
void tax_row(JsonWriter& json, const Tax& tax);
void account_row(JsonWriter& json, const RenderContext& context, const Account& account);
void bank_account_row(JsonWriter& json, const RenderContext& context, const Account& account);

// Shared by the documents.
/// custom_fields[] and custom_field_hash of an invoice or credit note; `entity` is its search_entity.
void custom_fields(JsonWriter& json, const RenderContext& context, const Priced& document, std::string_view entity);
void line_items(JsonWriter& json, const RenderContext& context, const Priced& document, std::int64_t rate);
void total_fields(JsonWriter& json, const RenderContext& context, const Priced& document, std::int64_t rate);
Minor base_amount(Minor amount, std::int64_t rate);  // in base currency, rounded once
std::string tax_label(const Tax& tax);               // "VAT (20%)"
const Contact& party_of(const Books& books, Id contact);
std::string pdf_of(const RenderContext& context, const Invoice& invoice);

}  // namespace zoho_sim
