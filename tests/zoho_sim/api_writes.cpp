// The few calls of the real API that write; everything else that changes the books goes through the control interface.
#include "tests/zoho_sim/api.hpp"
#include "tests/zoho_sim/changes.hpp"

namespace zoho_sim {

Response Api::create_invoice(const ApiCall& call) {
  const Body body(call.request.body);
  Invoice invoice;
  invoice.stage = Stage::kDraft;  // new invoices start as draft
  invoice.date = zone_.day_of(call.now);
  body.read(invoice, books_);
  const auto& contact = books_.require_contact(invoice.contact);
  if (invoice.lines.empty()) refuse_value("line_items");
  if (invoice.due_date == 0) invoice.due_date = invoice.date + contact.payment_terms;
  invoice.currency = contact.currency;
  if (!invoice.number.empty()) {
    for (const auto& other : books_.invoices.all()) {
      if (!other.is_deleted && other.number == invoice.number)
        throw ApiError{400, 1001, "Invoice \"" + invoice.number + "\" already exists"};
    }
  }
  if (value_of(call.request.query, "send") == "true") invoice.stage = Stage::kSent;
  const Id id = books_.add_invoice(std::move(invoice), call.now).id;
  auto response = one(
      call, "invoice",
      [&](JsonWriter& json, const RenderContext& c) { invoice_detail(json, c, *books_.invoices.find(id)); }, 201,
      "The invoice has been created.");
  response.headers.emplace_back("Location", "/api/v3/invoices/" + std::to_string(id));
  return response;
}

Response Api::change_invoice_status(const ApiCall& call) {
  const auto& path = call.request.path;
  const auto wanted = path.substr(path.rfind('/') + 1);
  books_.set_stage(call.ids.front(),
                   wanted == "sent"   ? Stage::kSent
                   : wanted == "void" ? Stage::kVoid
                                      : Stage::kDraft,
                   call.now);
  return said(wanted == "sent"   ? "Invoice status has been changed to Sent."
              : wanted == "void" ? "Invoice status has been changed to Void."
                                 : "Status of invoice changed from void to draft.");
}

Response Api::remove_invoice(const ApiCall& call) {
  books_.delete_invoice(call.ids.front(), false, call.now);
  return said("The invoice has been deleted.");
}

Response Api::create_payment(const ApiCall& call) {
  const Body body(call.request.body);
  Payment payment;
  payment.date = zone_.day_of(call.now);
  body.read(payment);
  if (payment.mode.empty()) refuse_value("payment_mode");
  payment.currency = books_.require_contact(payment.contact).currency;
  const Id id = books_.record_payment(std::move(payment), call.now).id;
  auto response = one(
      call, "payment",
      [&](JsonWriter& json, const RenderContext& c) { payment_detail(json, c, *books_.payments.find(id)); }, 201,
      "The payment from the customer has been recorded");
  response.headers.emplace_back("Location", "/api/v3/customerpayments/" + std::to_string(id));
  return response;
}

Response Api::remove_payment(const ApiCall& call) {
  books_.delete_payment(call.ids.front(), call.now);
  return said("The payment has been deleted.");
}

Response Api::create_contact(const ApiCall& call) {
  const Body body(call.request.body);
  Contact contact;
  body.read(contact);
  if (contact.name.empty()) refuse_value("contact_name");
  for (const auto& other : books_.contacts.all()) {
    if (!other.is_deleted && equal_without_case(other.name, contact.name)) {
      throw ApiError{400, 3062,
                     "The customer \"" + contact.name + "\" already exists. Please specify a different name."};
    }
  }
  const Id id = books_.add_contact(std::move(contact), call.now).id;
  auto response = one(
      call, "contact",
      [&](JsonWriter& json, const RenderContext& c) { contact_detail(json, c, *books_.contacts.find(id)); }, 201,
      "The contact has been added.");
  response.headers.emplace_back("Location", "/api/v3/contacts/" + std::to_string(id));
  return response;
}

}  // namespace zoho_sim
