// From the JSON form to the structs: first the value is checked against the table of models, then it is read. So what
// is required, what a field may hold and which keys exist is written down once, in models.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "host/documents/documents.hpp"

namespace berth::documents {
namespace {

Error invalid(std::string_view path, std::string_view problem) {
  return make_error(Code::kInvalidArgument, "documents.invalid", fmt::format("`{}` {}", path, problem));
}

std::string join_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

bool is_decimal_text(const json::Value& value) {
  return value.is_string() && value.text().find_first_of("eE") == std::string_view::npos && Decimal::parse(value.text()).ok();
}

/// What one document allows: absent fields where it is not open, and the currency of its amounts where it has one.
struct Rules {
  bool is_whole = true;
  bool is_total_only = false;   // nothing says what the total is made up of
  std::optional<Currency> currency;
};

Status check_fields(const std::vector<Field>& fields, const json::Value& object, const Rules& rules, const std::string& path,
                    std::span<const std::string_view> other_keys);

Status check_money(const json::Value& value, const Rules& rules, const std::string& path) {
  if (!value.is_string()) return invalid(path, "is not a decimal string");
  if (!rules.currency) return invalid("currency", "is missing, and the amounts need it");
  auto amount = Money::parse(value.text(), *rules.currency);
  if (!amount) return std::move(amount).error().with_context(path);
  return success();
}

Status check_value(const Field& field, const json::Value& value, const Rules& rules, const std::string& path) {
  switch (field.type) {
    case FieldType::kMoney: return check_money(value, rules, path);
    case FieldType::kText:
    case FieldType::kCountry:
    case FieldType::kAccount:
    case FieldType::kReference:
      if (!value.is_string() || value.text().empty()) return invalid(path, "is not a text");
      return success();
    case FieldType::kDecimal:
    case FieldType::kRate:
    case FieldType::kQuantity:
      if (!is_decimal_text(value)) return invalid(path, "is not a decimal string without exponent");
      return success();
    case FieldType::kDate:
      if (!value.is_string() || !parse_date(value.text())) return invalid(path, "is not a date like 2026-05-21");
      return success();
    case FieldType::kTime:
      if (!value.is_string() || !parse_instant(value.text())) return invalid(path, "is not a time of RFC 3339");
      return success();
    case FieldType::kCurrency:
      if (!value.is_string()) return invalid(path, "is not a text");
      BERTH_CHECK(Currency::of(value.text()));
      return success();
    case FieldType::kInteger:
      if (!value.integer()) return invalid(path, "is not a whole number");
      return success();
    case FieldType::kBoolean:
      if (!value.is_boolean()) return invalid(path, "is neither true nor false");
      return success();
    case FieldType::kTextList:
      if (!value.is_array()) return invalid(path, "is not a list");
      for (const json::Value& element : value.items()) {
        if (!element.is_string()) return invalid(path, "holds something that is not a text");
      }
      return success();
    case FieldType::kList: break;
  }
  if (!value.is_array()) return invalid(path, "is not a list");
  for (std::size_t i = 0; i < value.items().size(); ++i) {
    BERTH_CHECK(check_fields(field.row, value.items()[i], rules, fmt::format("{}[{}]", path, i), {}));
  }
  return success();
}

Status check_pending(const Field& field, const json::Value& object, const std::string& path) {
  const json::Value* pending = object.find("pending");
  const bool is_set = object.find(field.name) != nullptr;
  if (pending == nullptr) return is_set ? success() : invalid(join_path(path, field.name), "is missing, and `pending` does not stand for it");
  if (is_set) return invalid(join_path(path, "pending"), "stands beside the reference that it is for");
  if (pending->text().substr(0, field.reference_kind.size() + 1) != field.reference_kind + "/") {
    return invalid(join_path(path, "pending"), fmt::format("does not start with {}/", field.reference_kind));
  }
  return success();
}

Status check_fields(const std::vector<Field>& fields, const json::Value& object, const Rules& rules, const std::string& path,
                    std::span<const std::string_view> other_keys) {
  if (!object.is_object()) return invalid(path, "is not an object");
  const Field* deferrable = nullptr;
  for (const Field& field : fields) {
    if (field.may_be_pending) deferrable = &field;
    const json::Value* value = object.find(field.name);
    if (value != nullptr && field.splits_total && rules.is_total_only) {
      return invalid(join_path(path, field.name), "stands in a document of which only the total is known");
    }
    if (value != nullptr) {
      BERTH_CHECK(check_value(field, *value, rules, join_path(path, field.name)));
    } else if (field.required && rules.is_whole && !field.may_be_pending && !(field.splits_total && rules.is_total_only)) {
      return invalid(join_path(path, field.name), "is missing");
    }
  }
  if (deferrable != nullptr) BERTH_CHECK(check_pending(*deferrable, object, path));
  for (const auto& [key, value] : object.members()) {
    const bool is_other = std::find(other_keys.begin(), other_keys.end(), key) != other_keys.end();
    if (is_other || find_field(fields, key) != nullptr || (deferrable != nullptr && key == "pending")) continue;
    return invalid(join_path(path, key), "is not a field of the model");
  }
  return success();
}

Result<Source> read_source(const json::Value& canonical) {
  const json::Value* source = canonical.find("source");
  if (source == nullptr || !source->is_object()) return invalid("source", "is missing");
  for (const std::string_view key : {"integration", "entity", "remote_id", "version"}) {
    const json::Value* value = source->find(key);
    if (value == nullptr || !value->is_string()) return invalid(join_path("source", key), "is missing");
  }
  return Source{std::string(source->text_of("integration")), std::string(source->text_of("entity")),
                std::string(source->text_of("remote_id")), std::string(source->text_of("version"))};
}

Result<State> read_state(const json::Value& canonical) {
  for (const State state : {State::kDraft, State::kOpen, State::kVoid, State::kDeleted}) {
    if (canonical.text_of("state") == to_string(state)) return state;
  }
  return invalid("state", fmt::format("is \"{}\", not one of draft, open, void, deleted", canonical.text_of("state")));
}

/// Reads the members of a checked object. What is absent keeps the default of its type; amounts become zero.
class Reader {
 public:
  Reader(const json::Value& object, Currency currency) : object_(object), currency_(currency) {}

  [[nodiscard]] std::string text(std::string_view key) const { return std::string(object_.text_of(key)); }
  [[nodiscard]] bool boolean(std::string_view key, bool otherwise) const {
    const json::Value* value = object_.find(key);
    return value == nullptr ? otherwise : value->boolean();
  }
  [[nodiscard]] std::optional<Money> money_if(std::string_view key) const {
    const json::Value* value = object_.find(key);
    if (value == nullptr) return std::nullopt;
    return *Money::parse(value->text(), currency_);
  }
  [[nodiscard]] Money money(std::string_view key) const { return money_if(key).value_or(Money::zero(currency_)); }
  [[nodiscard]] std::optional<Decimal> decimal(std::string_view key) const {
    const json::Value* value = object_.find(key);
    if (value == nullptr) return std::nullopt;
    return *Decimal::parse(value->text());
  }
  [[nodiscard]] std::optional<Date> date_if(std::string_view key) const {
    const json::Value* value = object_.find(key);
    if (value == nullptr) return std::nullopt;
    return *parse_date(value->text());
  }
  [[nodiscard]] Date date(std::string_view key) const { return date_if(key).value_or(Date{}); }
  [[nodiscard]] Reference reference(std::string_view key) const { return {text(key), text("pending")}; }
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> all;
    if (const json::Value* value = object_.find(key)) {
      for (const json::Value& element : value->items()) all.emplace_back(element.text());
    }
    return all;
  }
  /// One T per row of the list, made by `read(Reader)`.
  template <class Read>
  [[nodiscard]] auto rows(std::string_view key, Read read) const {
    std::vector<decltype(read(*this))> all;
    if (const json::Value* value = object_.find(key)) {
      all.reserve(value->size());
      for (const json::Value& row : value->items()) all.push_back(read(Reader(row, currency_)));
    }
    return all;
  }

 private:
  const json::Value& object_;
  Currency currency_;
};

LineTax read_line_tax(const Reader& row) { return {row.text("tax"), row.text("name"), row.money("amount")}; }
HeaderTax read_header_tax(const Reader& row) { return {row.text("tax"), row.text("name"), row.money("amount")}; }
Line read_line(const Reader& row) {
  return {row.text("id"),          row.text("description"), row.text("item"),          row.text("service_line"), row.text("remote_account"),
          row.decimal("quantity"), row.decimal("unit_price"), row.money("discount"), row.money("amount"),      row.rows("taxes", read_line_tax)};
}
Refund read_refund(const Reader& row) {
  return {row.text("id"), row.text("mode"), row.date("date"), row.money("amount"), row.decimal("rate")};
}
Application read_application(const Reader& row) {
  return {row.text("id"), row.reference("invoice"), row.money("amount"), row.date_if("applied_on")};
}
Allocation read_allocation(const Reader& row) {
  return {row.text("id"), row.reference("invoice"), row.money("amount"), row.money("withheld"), row.date_if("applied_on")};
}

Customer read_customer(const Reader& from) {
  Customer customer;
  customer.name = from.text("name");
  customer.legal_name = from.text("legal_name");
  customer.email = from.text("email");
  customer.currency = from.text("currency");
  customer.country = from.text("country");
  customer.active = from.boolean("active", true);
  return customer;
}

Vendor read_vendor(const Reader& from) {
  Vendor vendor;
  vendor.name = from.text("name");
  vendor.currency = from.text("currency");
  return vendor;
}

Item read_item(const Reader& from) {
  Item item;
  item.name = from.text("name");
  item.sku = from.text("sku");
  item.unit = from.text("unit");
  item.type = from.text("type");
  item.remote_account = from.text("remote_account");
  item.income_account = from.text("income_account");
  item.expense_account = from.text("expense_account");
  item.active = from.boolean("active", true);
  return item;
}

Invoice read_invoice(const Reader& from, bool is_credit_note) {
  Invoice invoice;
  invoice.is_credit_note = is_credit_note;
  invoice.company = from.text("company");
  invoice.rate = from.decimal("rate");
  invoice.number = from.text("number");
  invoice.reference = from.text("reference");
  invoice.date = from.date("date");
  invoice.due_date = from.date_if("due_date");
  invoice.modified = from.text("modified");
  invoice.customer = from.text("customer");
  invoice.location = from.text("location");
  invoice.service_type = from.text("service_type");
  invoice.rounding_mode = from.text("rounding_mode");
  invoice.lines = from.rows("lines", read_line);
  invoice.discount_kind = from.text("discount_kind");
  invoice.discount = from.money("discount");
  invoice.shipping = from.money("shipping");
  invoice.shipping_with_tax = from.money("shipping_with_tax");
  invoice.adjustment = from.money("adjustment");
  invoice.round_off = from.money("round_off");
  invoice.sub_total = from.money("sub_total");
  invoice.tax_total = from.money("tax_total");
  invoice.total = from.money("total");
  invoice.is_total_only = from.boolean("total_only", false);
  invoice.tax_inclusive = from.boolean("tax_inclusive", false);
  invoice.shipping_tax = from.text("shipping_tax");
  invoice.taxes = from.rows("taxes", read_header_tax);
  invoice.base_total = from.decimal("base_total");
  invoice.unsupported = from.texts("unsupported");
  invoice.payments_applied = from.money("payments_applied");
  invoice.credits_applied = from.money("credits_applied");
  invoice.withheld = from.money("withheld");
  invoice.written_off = from.money("written_off");
  invoice.balance = from.money_if("balance");
  invoice.applications = from.rows("applications", read_application);
  invoice.refunds = from.rows("refunds", read_refund);
  return invoice;
}

CustomerPayment read_payment(const Reader& from) {
  CustomerPayment payment;
  payment.company = from.text("company");
  payment.rate = from.decimal("rate");
  payment.number = from.text("number");
  payment.reference = from.text("reference");
  payment.date = from.date("date");
  payment.customer = from.text("customer");
  payment.payment_mode = from.text("payment_mode");
  payment.retainer = from.text("retainer");
  payment.amount = from.money("amount");
  payment.bank_charges = from.money("bank_charges");
  payment.unused = from.money("unused");
  payment.base_amount = from.decimal("base_amount");
  payment.allocations = from.rows("allocations", read_allocation);
  payment.refunds = from.rows("refunds", read_refund);
  return payment;
}

Deposit read_deposit(const Reader& from) {
  Deposit deposit;
  deposit.company = from.text("company");
  deposit.rate = from.decimal("rate");
  deposit.kind = from.text("kind");
  deposit.reference = from.text("reference");
  deposit.bank_account = from.text("bank_account");
  deposit.fees_account = from.text("fees_account");
  deposit.date = from.date("date");
  deposit.payments = from.rows("payments", [](const Reader& row) { return DepositPart{row.text("payment"), row.money("amount")}; });
  deposit.refunds = from.rows("refunds", [](const Reader& row) { return DepositPart{row.text("refund"), row.money("amount")}; });
  deposit.fees = from.money("fees");
  deposit.net = from.money("net");
  return deposit;
}

Result<const Model*> model_of(const json::Value& canonical) {
  const std::string_view name = canonical.text_of("model");
  for (const Model& model : models()) {
    if (name == fmt::format("{}/{}", model.name, model.revision)) return &model;
  }
  return invalid("model", fmt::format("is \"{}\", which is not a known model and revision", name));
}

template <class T>
Document with_source(T document, Source source) {
  document.source = std::move(source);
  return document;
}

template <class T>
Document with_header(T document, Source source, State state, Currency currency) {
  document.state = state;
  document.currency = currency;
  return with_source(std::move(document), std::move(source));
}

}  // namespace

Result<Document> parse(const json::Value& canonical) {
  if (!canonical.is_object()) return invalid("model", "is missing: the document is not an object");
  const Model& model = *BERTH_TRY(model_of(canonical));
  Source source = BERTH_TRY(read_source(canonical));

  if (!model.has_state) {
    static constexpr std::array<std::string_view, 2> kOther{"model", "source"};
    BERTH_CHECK(check_fields(model.fields, canonical, Rules{}, "", kOther));
    const Reader reader(canonical, Currency{});
    if (model.name == "customer") return with_source(read_customer(reader), std::move(source));
    if (model.name == "vendor") return with_source(read_vendor(reader), std::move(source));
    return with_source(read_item(reader), std::move(source));
  }

  const State state = BERTH_TRY(read_state(canonical));
  const json::Value* total_only = canonical.find("total_only");
  Rules rules{state == State::kOpen, total_only != nullptr && total_only->boolean(), std::nullopt};
  if (const json::Value* code = canonical.find("currency")) {
    rules.currency = BERTH_TRY(Currency::of(code->text()));
  } else if (rules.is_whole) {
    return invalid("currency", "is missing");
  }
  static constexpr std::array<std::string_view, 4> kOther{"model", "source", "state", "currency"};
  BERTH_CHECK(check_fields(model.fields, canonical, rules, "", kOther));
  const Currency currency = rules.currency.value_or(Currency{});
  const Reader reader(canonical, currency);
  if (model.name == "deposit") return with_header(read_deposit(reader), std::move(source), state, currency);
  if (model.name == "customer_payment") return with_header(read_payment(reader), std::move(source), state, currency);
  return with_header(read_invoice(reader, model.name == "credit_note"), std::move(source), state, currency);
}

}  // namespace berth::documents
