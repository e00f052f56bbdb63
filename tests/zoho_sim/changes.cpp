#include "tests/zoho_sim/changes.hpp"

#include "tests/zoho_sim/listing.hpp"

#include <boost/json.hpp>

#include <array>
#include <charconv>
#include <cstdio>

namespace zoho_sim {
namespace json = boost::json;
namespace {

// Numbers of a request become text again; 15 digits hold every amount a test can mean.
std::optional<std::string> plain_text(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(text->c_str(), text->size());
  if (const auto* number = value.if_int64()) return std::to_string(*number);
  if (const auto* number = value.if_uint64()) return std::to_string(*number);
  if (const auto* number = value.if_double()) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.15g", *number);
    return std::string(text.data());
  }
  return std::nullopt;
}

std::optional<std::string> text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr ? std::nullopt : plain_text(*value);
}

std::optional<std::int64_t> decimal_in(const json::object& object, std::string_view name, int scale) {
  const auto text = text_in(object, name);
  if (!text) return std::nullopt;
  const auto value = parse_decimal(*text, scale);
  if (!value) refuse_value(name);
  return value;
}

// "10%" is a percentage, 10 an amount.
bool read_percent(const std::string& text, int& percent) {
  if (text.empty() || text.back() != '%') return false;
  const auto value = parse_decimal(std::string_view(text).substr(0, text.size() - 1), kPercentScale);
  if (!value) refuse_value("discount");
  percent = static_cast<int>(*value);
  return true;
}

Line line_from(const json::object& object, const Books& books) {
  Line line;
  if (const auto id = decimal_in(object, "line_item_id", 0)) line.id = static_cast<Id>(*id);
  if (const auto id = decimal_in(object, "item_id", 0)) {
    const auto* item = books.items.find(static_cast<Id>(*id));
    if (item == nullptr) throw ApiError{400, 1002, "Item does not exist."};
    line.item = item->id;
    line.name = item->name;
    line.description = item->description;
    line.unit = item->unit;
    line.rate = item->rate;
    line.account = item->account;
    line.tax = item->tax;
  }
  if (const auto text = text_in(object, "name")) line.name = *text;
  if (const auto text = text_in(object, "description")) line.description = *text;
  if (const auto value = decimal_in(object, "rate", kMoneyScale)) line.rate = *value;
  if (const auto value = decimal_in(object, "quantity", kQuantityScale)) line.quantity = *value;
  if (const auto value = decimal_in(object, "tax_id", 0)) line.tax = static_cast<Id>(*value);
  if (line.tax != 0 && books.tax(line.tax) == nullptr) refuse_value("tax_id");
  if (const auto percentage = decimal_in(object, "tax_percentage", kPercentScale)) {  // for tests: any tax of that rate
    line.tax = 0;
    for (const auto& tax : books.taxes) {
      if (tax.percent == *percentage) line.tax = tax.id;
    }
    if (line.tax == 0 && *percentage != 0) refuse_value("tax_percentage");
  }
  if (const auto text = text_in(object, "discount")) {
    if (!read_percent(*text, line.discount_percent) && *text != "0") refuse_value("discount");
  }
  return line;
}

}  // namespace

struct Body::Object {
  json::object fields;
};

Body::Body(std::string_view text) : object_(std::make_unique<Object>()) {
  if (text.empty()) return;
  boost::system::error_code error;
  auto value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object()) throw ApiError{400, 1038, "JSON is not well formed"};
  object_->fields = std::move(value.as_object());
}

Body::~Body() = default;

bool Body::has(std::string_view name) const {
  return object_->fields.contains(json::string_view(name.data(), name.size()));
}
std::optional<std::string> Body::text(std::string_view name) const {
  return text_in(object_->fields, name);
}
std::optional<std::int64_t> Body::number(std::string_view name) const {
  return decimal_in(object_->fields, name, 0);
}
std::optional<Minor> Body::money(std::string_view name) const {
  return decimal_in(object_->fields, name, kMoneyScale);
}

std::optional<bool> Body::flag(std::string_view name) const {
  const auto* value = object_->fields.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) refuse_value(name);
  return value->get_bool();
}

std::optional<Id> Body::id(std::string_view name) const {
  const auto value = number(name);
  return value ? std::optional<Id>(static_cast<Id>(*value)) : std::nullopt;
}

std::optional<Day> Body::day(std::string_view name) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto day = parse_date(*value);
  if (!day) refuse_value(name);
  return day;
}

void Body::read_priced(Priced& document, Books& books) const {
  if (const auto* lines = object_->fields.if_contains("line_items")) {
    if (!lines->is_array()) refuse_value("line_items");
    document.lines.clear();
    for (const auto& line : lines->get_array()) {
      if (!line.is_object()) refuse_value("line_items");
      document.lines.push_back(line_from(line.get_object(), books));
    }
  }
  if (const auto kind = text("discount_type")) {
    if (*kind != "item_level" && *kind != "entity_level") refuse_value("discount_type");
    const bool before = flag("is_discount_before_tax").value_or(true);
    document.discount_kind = *kind == "item_level" ? DiscountKind::kItem
                             : before              ? DiscountKind::kEntityBeforeTax
                                                   : DiscountKind::kEntityAfterTax;
  }
  if (const auto discount = text("discount")) {
    document.discount_percent = 0;
    document.discount_fixed = 0;
    if (!read_percent(*discount, document.discount_percent)) document.discount_fixed = *money("discount");
  }
  if (const auto value = flag("is_inclusive_tax")) document.is_inclusive_tax = *value;
  if (const auto value = money("shipping_charge")) document.shipping = *value;
  if (const auto value = id("shipping_charge_tax_id")) document.shipping_tax = *value;
  if (const auto value = money("adjustment")) document.adjustment = *value;
}

void Body::read(Invoice& invoice, Books& books) const {
  read_priced(invoice, books);
  if (const auto value = id("customer_id")) invoice.contact = *value;
  if (const auto value = text("invoice_number")) invoice.number = *value;
  if (const auto value = text("reference_number")) invoice.reference = *value;
  if (const auto value = text("notes")) invoice.notes = *value;
  if (const auto value = day("date")) invoice.date = *value;
  if (const auto value = day("due_date")) invoice.due_date = *value;
  if (const auto value = decimal_in(object_->fields, "exchange_rate", kRateScale)) {
    if (*value <= 0) refuse_value("exchange_rate");
    invoice.rate = *value;
  }
  const auto set = [&](const std::string& name, const std::string& value) {
    if (name == "Company" || name == "cf_company" || name == std::to_string(books.company_field))
      invoice.company = value;
    else if (name == "Location" || name == "cf_location" || name == std::to_string(books.location_field))
      invoice.location = value;
    else if (name == "Service Line" || name == "cf_service_line" || name == std::to_string(books.service_line_field))
      invoice.service_line = value;
    else
      refuse_value("custom_fields");
  };
  if (const auto* fields = object_->fields.if_contains("custom_fields")) {
    if (!fields->is_array()) refuse_value("custom_fields");
    for (const auto& field : fields->get_array()) {
      if (!field.is_object()) refuse_value("custom_fields");
      for (const auto* key : {"customfield_id", "api_name", "label"}) {
        if (const auto name = text_in(field.get_object(), key)) {
          set(*name, text_in(field.get_object(), "value").value_or(""));
          break;
        }
      }
    }
  }
  for (const auto* key : {"cf_company", "cf_location", "cf_service_line"}) {
    if (const auto value = text(key)) set(key, *value);
  }
}

void Body::read(CreditNote& note, Books& books) const {
  read_priced(note, books);
  if (const auto value = id("customer_id")) note.contact = *value;
  if (const auto value = text("creditnote_number")) note.number = *value;
  if (const auto value = text("reference_number")) note.reference = *value;
  if (const auto value = day("date")) note.date = *value;
}

void Body::read(Payment& payment) const {
  if (has("customer_name")) refuse_value("customer_name");
  if (const auto value = id("customer_id")) payment.contact = *value;
  if (const auto value = text("payment_mode")) payment.mode = *value;
  if (const auto value = text("reference_number")) payment.reference = *value;
  if (const auto value = text("description")) payment.description = *value;
  if (const auto value = day("date")) payment.date = *value;
  if (const auto value = money("amount")) payment.amount = *value;
  if (const auto value = money("bank_charges")) payment.bank_charges = *value;
  if (const auto value = id("account_id")) payment.account = *value;
  if (const auto* rows = object_->fields.if_contains("invoices")) {
    if (!rows->is_array()) refuse_value("invoices");
    payment.applications.clear();
    for (const auto& row : rows->get_array()) {
      if (!row.is_object()) refuse_value("invoices");
      const auto invoice = decimal_in(row.get_object(), "invoice_id", 0);
      const auto amount = decimal_in(row.get_object(), "amount_applied", kMoneyScale);
      if (!invoice || !amount) refuse_value("invoices");
      payment.applications.push_back({0, static_cast<Id>(*invoice), *amount, payment.date});
    }
  }
}

void Body::read(Contact& contact) const {
  if (const auto value = text("contact_name")) contact.name = *value;
  if (const auto value = text("company_name")) contact.company = *value;
  if (const auto value = text("first_name")) contact.first_name = *value;
  if (const auto value = text("last_name")) contact.last_name = *value;
  if (const auto value = text("email")) contact.email = *value;
  if (const auto value = text("phone")) contact.phone = *value;
  if (const auto value = text("notes")) contact.notes = *value;
  if (const auto value = text("contact_type")) {
    if (*value != "customer" && *value != "vendor") refuse_value("contact_type");
    contact.is_vendor = *value == "vendor";
  }
  if (const auto value = text("status")) contact.is_active = *value == "active";
  if (const auto value = number("payment_terms")) contact.payment_terms = static_cast<int>(*value);
  if (const auto* address = object_->fields.if_contains("billing_address");
      address != nullptr && address->is_object()) {
    const auto& fields = address->get_object();
    contact.billing = {text_in(fields, "address").value_or(""),    text_in(fields, "street2").value_or(""),
                       text_in(fields, "city").value_or(""),       text_in(fields, "state").value_or(""),
                       text_in(fields, "state_code").value_or(""), text_in(fields, "zip").value_or(""),
                       text_in(fields, "country").value_or(""),    text_in(fields, "country_code").value_or(""),
                       text_in(fields, "phone").value_or("")};
  }
}

void Body::read(Item& item, Books& books) const {
  if (const auto value = text("name")) item.name = *value;
  if (const auto value = text("sku")) item.sku = *value;
  if (const auto value = text("description")) item.description = *value;
  if (const auto value = text("unit")) item.unit = *value;
  if (const auto value = money("rate")) item.rate = *value;
  if (const auto value = text("product_type")) item.product_type = *value;
  if (const auto value = text("status")) item.is_active = *value == "active";
  if (const auto value = id("tax_id")) item.tax = *value;
  if (item.tax != 0 && books.tax(item.tax) == nullptr) refuse_value("tax_id");
}

namespace {

/// Bytes that JSON cannot carry are written \xNN.
std::string unescaped(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    if (text.substr(at, 2) == "\\x" && at + 4 <= text.size() &&
        std::from_chars(text.data() + at + 2, text.data() + at + 4, byte, 16).ec == std::errc{}) {
      bytes += static_cast<char>(byte);
      at += 3;
    } else {
      bytes += text[at];
    }
  }
  return bytes;
}

}  // namespace

Fault Body::fault() const {
  Fault fault;
  const auto kind = fault_kind(text("kind").value_or("status"));
  if (!kind) refuse_value("kind");
  fault.kind = *kind;
  fault.path_prefix = text("path").value_or("/books/v3");
  fault.method = text("method").value_or("");
  fault.skip = static_cast<int>(number("skip").value_or(0));
  fault.count = static_cast<int>(number("count").value_or(1));
  fault.status = static_cast<int>(number("status").value_or(500));
  fault.code = static_cast<int>(number("code").value_or(44));
  fault.body = unescaped(text("body").value_or(""));
  fault.field = text("field").value_or("");
  fault.retry_after = text("retry_after").value_or("");
  fault.bytes = static_cast<std::size_t>(number("bytes").value_or(0));
  fault.pause_ms = static_cast<int>(number("pause_ms").value_or(0));
  fault.process = flag("process").value_or(false);
  if (const auto* headers = object_->fields.if_contains("headers"); headers != nullptr && headers->is_object()) {
    for (const auto& [name, value] : headers->get_object())
      fault.headers.emplace_back(std::string(name.data(), name.size()), plain_text(value).value_or(""));
  }
  return fault;
}

}  // namespace zoho_sim
