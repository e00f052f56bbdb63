// Customer payments and credit notes.
#include "tests/zoho_sim/render.hpp"

namespace zoho_sim {
namespace {

Minor refunded(const std::vector<Refund>& refunds) {
  Minor sum = 0;
  for (const auto& refund : refunds) sum += refund.amount;
  return sum;
}

}  // namespace

void payment_row(JsonWriter& json, const RenderContext& context, const Payment& payment) {
  const auto& books = context.books;
  const auto& contact = party_of(books, payment.contact);
  const auto* account = books.account(payment.account);
  std::string numbers;  // one text, comma separated
  for (const auto& entry : payment.applications) {
    const auto* invoice = books.invoices.find(entry.invoice);
    if (invoice != nullptr) numbers += (numbers.empty() ? "" : ", ") + invoice->number;
  }
  const auto bcy = [&](Minor amount) { return base_amount(amount, payment.rate); };
  json.object()
      .id("payment_id", payment.id)
      .text("payment_number", payment.number)
      .text("invoice_numbers", numbers)
      .text("date", date_text(payment.date));
  json.text("payment_mode", payment.mode)
      .text("payment_mode_formatted", payment.mode)
      .money("amount", payment.amount)
      .money("bcy_amount", bcy(payment.amount));
  json.money("unused_amount", payment.unused())
      .money("bcy_unused_amount", bcy(payment.unused()))
      .id("account_id", payment.account);
  json.text("account_name", account == nullptr ? "" : account->name)
      .text("description", payment.description)
      .text("reference_number", payment.reference);
  json.id("customer_id", payment.contact)
      .text("customer_name", contact.name)
      .text("created_time", context.zone.timestamp(payment.created));
  json.text("last_modified_time", context.zone.timestamp(payment.modified))
      .empty("last_four_digits")
      .empty("gateway_transaction_id")
      .empty("payment_gateway");
  json.money("bcy_refunded_amount", bcy(refunded(payment.refunds)))
      .empty_array("applied_invoices")
      .flag("has_attachment", false)
      .empty_array("tags");
  json.empty("documents")
      .empty("custom_fields_list")
      .empty("tax_account_id")
      .empty("tax_account_name")
      .integer("tax_amount_withheld", 0);
  json.text("payment_type", payment.applications.empty() ? "Customer Advance" : "Invoice Payment")
      .text("payment_status", "paid")
      .empty("settlement_status")
      .empty("sales_channel")
      .end();
}

void payment_detail(JsonWriter& json, const RenderContext& context, const Payment& payment) {
  const auto& books = context.books;
  const auto& contact = party_of(books, payment.contact);
  const auto& currency = books.currencies[payment.currency];
  const auto* account = books.account(payment.account);
  const auto& receivable = *books.account(books.receivable_account);
  json.object()
      .id("payment_id", payment.id)
      .text("payment_number", payment.number)
      .empty("payment_number_prefix")
      .text("payment_number_suffix", payment.number);
  // The detail says updated_time and has no last_modified_time (wire recordings).
  json.text("created_by", books.organization.contact_name)
      .text("created_time", context.zone.timestamp(payment.created));
  json.text("updated_time", context.zone.timestamp(payment.modified))
      .object("lock_details")
      .flag("can_lock", false)
      .end()
      .empty_array("documents");
  json.id("customer_id", payment.contact)
      .text("customer_name", contact.name)
      .text("payment_mode", payment.mode)
      .empty("card_type")
      .text("date", date_text(payment.date));
  json.id("account_id", payment.account)
      .text("account_name", account == nullptr ? "" : account->name)
      .text("account_type", account == nullptr ? "" : account->type);
  json.id("customer_advance_account_id", receivable.id)
      .text("customer_advance_account_name", receivable.name)
      .id("currency_id", currency.id);
  json.text("currency_symbol", currency.symbol)
      .text("currency_code", currency.code)
      .number("exchange_rate", {payment.rate, kRateScale});
  json.money("amount", payment.amount)
      .money("unused_amount", payment.unused())
      .money("bank_charges", payment.bank_charges);
  const auto* fees = payment.bank_charges == 0 ? nullptr : books.account(books.fees_account);
  json.id("bank_charges_account_id", fees == nullptr ? 0 : fees->id)
      .text("bank_charges_account_name", fees == nullptr ? "" : fees->name);
  json.empty("tax_account_id")
      .empty("tax_account_name")
      .integer("tax_amount_withheld", 0)
      .integer("discount_amount", 0)
      .text("description", payment.description);
  json.text("reference_number", payment.reference)
      .empty("online_transaction_id")
      .empty("payment_gateway")
      .empty("settlement_status")
      .array("invoices");
  for (const auto& entry : payment.applications) {
    const auto* invoice = books.invoices.find(entry.invoice);
    if (invoice == nullptr) continue;
    json.object()
        .text("invoice_number", invoice->number)
        .id("invoice_payment_id", entry.id)
        .id("invoice_id", entry.invoice)
        .money("amount_applied", entry.amount);
    json.integer("tax_amount_withheld", 0)
        .integer("discount_amount", 0)
        .money("total", invoice->total)
        .money("balance", invoice->balance());
    json.text("date", date_text(invoice->date))
        .text("due_date", date_text(invoice->due_date))
        .integer("price_precision", 2)
        .text("apply_date", date_text(entry.date));
    json.empty_array("invoice_installments").end();
  }
  json.end().text("payment_status", "paid").array("payment_refunds");
  for (const auto& refund : payment.refunds) {
    json.object()
        .id("payment_refund_id", refund.id)
        .text("date", date_text(refund.date))
        .text("refund_mode", refund.mode)
        .text("reference_number", refund.reference);
    json.number("exchange_rate", {payment.rate, kRateScale})
        .money("amount_fcy", refund.amount)
        .money("amount_bcy", base_amount(refund.amount, payment.rate))
        .end();
  }
  json.end()
      .empty_array("deposit_details")
      .empty("last_four_digits")
      .id("template_id", books.template_id)
      .text("template_name", "Elite Template");
  json.text("template_type", "elite")
      .empty_array("custom_fields")
      .empty_object("custom_field_hash")
      .empty_array("imported_transactions")
      .integer("price_precision", 2);
  json.text("rounding_mode", "round_half_up").empty_array("tags").end();
}

void credit_note_row(JsonWriter& json, const RenderContext& context, const CreditNote& note) {
  const auto& currency = context.books.currencies[note.currency];
  json.object()
      .id("creditnote_id", note.id)
      .text("creditnote_number", note.number)
      .text("status", context.books.status_of(note))
      .text("reference_number", note.reference);
  json.text("date", date_text(note.date))
      .money("total", note.total)
      .money("balance", note.stage == Stage::kVoid ? note.total : note.balance())
      .id("customer_id", note.contact);
  json.text("customer_name", party_of(context.books, note.contact).name)
      .empty("applied_invoices")
      .flag("is_emailed", false)
      .flag("has_attachment", false);
  json.text("salesperson_name", "Others")
      .text("salesperson_id", "-1")
      .id("currency_id", currency.id)
      .text("currency_code", currency.code);
  json.text("created_time", context.zone.timestamp(note.created))
      .text("last_modified_time", context.zone.timestamp(note.modified));
  json.number("exchange_rate", {note.rate, kRateScale})
      .id("template_id", context.books.template_id)
      .text("template_type", "standard");
  json.text("rounding_mode", "round_half_up").integer("price_precision", 2).empty_array("tags").end();
}

void credit_note_detail(JsonWriter& json, const RenderContext& context, const CreditNote& note) {
  const auto& books = context.books;
  const auto& contact = party_of(books, note.contact);
  const auto& currency = books.currencies[note.currency];
  json.object()
      .id("creditnote_id", note.id)
      .text("creditnote_number", note.number)
      .text("date", date_text(note.date))
      .text("status", books.status_of(note));
  json.id("customer_id", note.contact)
      .text("customer_name", contact.name);
  custom_fields(json, context, note, "creditnote");
  json.text("reference_number", note.reference)
      .text("email", contact.email)
      .id("currency_id", currency.id)
      .text("currency_code", currency.code);
  json.text("currency_symbol", currency.symbol)
      .number("exchange_rate", {note.rate, kRateScale})
      .integer("price_precision", 2);
  line_items(json, context, note, note.rate);
  total_fields(json, context, note, note.rate);
  json.money("balance", note.stage == Stage::kVoid ? note.total : note.balance());
  json.array("invoices");
  for (const auto& entry : note.applications) {
    const auto* invoice = books.invoices.find(entry.invoice);
    json.object()
        .id("invoice_id", entry.invoice)
        .text("invoice_number", invoice == nullptr ? "" : invoice->number)
        .money("amount", entry.amount)
        .end();
  }
  json.end().array("taxes");
  for (const auto& row : note.taxes) {
    const auto* tax = books.tax(row.tax);
    json.object()
        .id("tax_id", row.tax)
        .text("tax_name", tax == nullptr ? "" : tax_label(*tax))
        .money("tax_amount", row.amount)
        .end();
  }
  json.end()
      .text("created_time", context.zone.timestamp(note.created))
      .text("updated_time", context.zone.timestamp(note.modified));
  json.text("last_modified_time", context.zone.timestamp(note.modified))
      .object("billing_address")
      .text("address", contact.billing.street);
  json.text("street2", contact.billing.street2)
      .text("city", contact.billing.city)
      .text("state", contact.billing.state)
      .text("zip", contact.billing.zip);
  json.text("country", contact.billing.country)
      .empty("fax")
      .empty("attention")
      .end()
      .id("template_id", books.template_id);
  json.text("template_name", "Standard Template").empty("notes").empty("terms").empty_array("tags").end();
}

void credit_note_invoices(JsonWriter& json, const RenderContext& context, const CreditNote& note) {
  for (const auto& entry : note.applications) {
    const auto* invoice = context.books.invoices.find(entry.invoice);
    json.object()
        .id("creditnote_id", note.id)
        .id("invoice_id", entry.invoice)
        .id("creditnote_invoice_id", entry.id)
        .text("date", date_text(entry.date));
    json.text("invoice_number", invoice == nullptr ? "" : invoice->number)
        .text("creditnote_number", note.number)
        .money("credited_amount", entry.amount)
        .end();
  }
}

void credit_note_refunds(JsonWriter& json, const RenderContext& context, const CreditNote& note) {
  for (const auto& refund : note.refunds) {
    json.object()
        .id("creditnote_refund_id", refund.id)
        .id("creditnote_id", note.id)
        .text("date", date_text(refund.date))
        .text("refund_mode", refund.mode);
    json.text("reference_number", refund.reference)
        .text("creditnote_number", note.number)
        .text("customer_name", party_of(context.books, note.contact).name);
    json.text("description", refund.description)
        .money("amount_bcy", base_amount(refund.amount, note.rate))
        .money("amount_fcy", refund.amount)
        .end();
  }
}

}  // namespace zoho_sim
