// The lists: for each, the filters and sort columns Zoho documents, those it does not, and its defaults.
#include "tests/zoho_sim/api.hpp"

#include <map>

namespace zoho_sim {
namespace {

constexpr std::int64_t kPageSizeMax = 200;
constexpr std::size_t kCachedOrders = 8;

SortKey by_text(std::string text) {
  return {0, lower(text)};
}
SortKey by_number(std::int64_t number) {
  return {number, {}};
}

// Filters and order, without what only says which part of the list is wanted.
std::string order_key(const char* root, const Pairs& query, Undocumented undocumented, Day today,
                      std::uint64_t revision) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : query) {
    if (name != "page" && name != "per_page" && name != "organization_id" && name != "response_option")
      sorted.emplace(name, value);
  }
  std::string key = std::string(root) + '/' + std::to_string(revision) + '/' + std::to_string(today) + '/' +
                    std::to_string(static_cast<int>(undocumented));
  for (const auto& [name, value] : sorted) key += '&' + name + '=' + value;
  return key;
}

}  // namespace

template <class Record, class Row>
Response Api::list(const ApiCall& call, const ListShape& shape, Listing<Record>& listing, Row row) {
  const auto& query = call.request.query;
  const auto key = order_key(shape.root, query, call.undocumented, zone_.day_of(call.now), books_.revision());
  auto cached =
      std::find_if(orders_.begin(), orders_.end(), [&](const CachedOrder& entry) { return entry.key == key; });
  if (cached == orders_.end()) {
    CachedOrder fresh;
    fresh.rows = listing.order(fresh.page, shape.sort_column, shape.sort_order);
    fresh.key = key;
    orders_.push_front(std::move(fresh));
    if (orders_.size() > kCachedOrders) orders_.pop_back();
    cached = orders_.begin();
  }
  Page page = cached->page;
  page.number = whole_number(query, "page", 1);
  page.size = std::min(whole_number(query, "per_page", shape.page_size), std::max(kPageSizeMax, shape.page_size));
  const auto option = value_of(query, "response_option");
  if (!option.empty() && (option.size() != 1 || option[0] < '0' || option[0] > '4')) refuse_value("response_option");
  const bool rows_wanted = option != "2" && option != "3";
  const bool count_wanted = option == "1" || option == "2" || option == "3";
  const auto size = static_cast<std::size_t>(page.size);
  const auto first = std::min(cached->rows.size(), (static_cast<std::size_t>(page.number) - 1) * size);
  const auto last = std::min(cached->rows.size(), first + size);

  JsonWriter json;
  json.object().integer("code", 0).text("message", "success");
  if (rows_wanted) {
    const auto c = context(call);
    json.array(shape.root);
    for (auto i = first; i < last; ++i) row(json, c, listing.records()[cached->rows[i]]);
    json.end();
  }
  if (call.page_context != PageContext::kMissing) {
    JsonWriter inner;
    const auto filter = value_of(query, "filter_by");
    inner.object()
        .integer("page", page.number)
        .integer("per_page", page.size)
        .flag("has_more_page", last < cached->rows.size());
    inner.text("report_name", shape.report)
        .text("applied_filter", filter.empty() ? shape.filter : filter)
        .empty_array("custom_fields");
    inner.text("sort_column", page.sort_column).text("sort_order", std::string(1, page.sort_order));
    if (count_wanted)
      inner.text("response_option", option).integer("total", static_cast<std::int64_t>(cached->rows.size()));
    inner.end();
    const auto text = inner.take();
    json.raw("page_context", call.page_context == PageContext::kArray ? "[" + text + "]" : text);
  }
  return json_response(200, json.end().take());
}

Response Api::invoices(const ApiCall& call) {
  const auto& query = call.request.query;
  Listing<Invoice> listing(books_.invoices.all(), query, zone_, call.undocumented);
  const Day today = zone_.day_of(call.now);
  const auto customer = [this](const Invoice& i) { return party_of(books_, i.contact).name; };
  listing.text_filter("invoice_number", [](const Invoice& i) { return i.number; });
  listing.text_filter("reference_number", [](const Invoice& i) { return i.reference; });
  listing.text_filter("customer_name", customer);
  listing.text_filter("email", [this](const Invoice& i) { return party_of(books_, i.contact).email; });
  listing.id_filter("customer_id", [](const Invoice& i) { return i.contact; });
  listing.date_filter("date", [](const Invoice& i) { return i.date; });
  listing.date_filter("due_date", [](const Invoice& i) { return i.due_date; });
  listing.date_filter("created_date", [this](const Invoice& i) { return zone_.day_of(i.created); });
  listing.amount_filter("total", [](const Invoice& i) { return i.total; });
  listing.amount_filter("balance", [](const Invoice& i) { return i.balance(); });
  listing.modified_filter(true);
  if (const auto value = listing.sent("item_id")) {
    listing.keep([v = *value](const Invoice& i) {
      return std::any_of(i.lines.begin(), i.lines.end(),
                         [&](const Line& line) { return std::to_string(line.item) == v; });
    });
  }
  if (const auto value = listing.sent("search_text")) {
    listing.keep([v = lower(*value), customer](const Invoice& i) {
      return lower(i.number).find(v) != std::string::npos || lower(i.reference).find(v) != std::string::npos ||
             lower(customer(i)).find(v) != std::string::npos;
    });
  }
  const auto by_status = [&](const std::string& wanted, std::string_view parameter) {
    static constexpr std::string_view kStatuses[] = {"sent", "draft",  "overdue",        "paid",
                                                     "void", "unpaid", "partially_paid", "viewed"};
    if (std::find(std::begin(kStatuses), std::end(kStatuses), wanted) == std::end(kStatuses)) refuse_value(parameter);
    listing.keep([this, wanted, today](const Invoice& i) {
      const auto status = books_.status_of(i, today);
      if (wanted == "unpaid") return status == "sent" || status == "overdue" || status == "partially_paid";
      return status == wanted;
    });
  };
  if (const auto value = listing.sent("status")) by_status(*value, "status");
  if (const auto value = listing.sent("filter_by")) {
    static const std::map<std::string, std::string> kFilters = {{"Status.Sent", "sent"},
                                                                {"Status.Draft", "draft"},
                                                                {"Status.OverDue", "overdue"},
                                                                {"Status.Paid", "paid"},
                                                                {"Status.Void", "void"},
                                                                {"Status.Unpaid", "unpaid"},
                                                                {"Status.PartiallyPaid", "partially_paid"},
                                                                {"Status.Viewed", "viewed"}};
    const auto found = kFilters.find(*value);
    if (found != kFilters.end())
      by_status(found->second, "filter_by");
    else if (*value != "Status.All" && *value != "Date.PaymentExpectedDate")
      refuse_value("filter_by");
  }
  listing.column("created_time", [](const Invoice& i) { return by_number(i.created); });
  listing.column("customer_name", [customer](const Invoice& i) { return by_text(customer(i)); });
  listing.column("invoice_number", [](const Invoice& i) { return by_text(i.number); });
  listing.column("date", [](const Invoice& i) { return by_number(i.date); });
  listing.column("due_date", [](const Invoice& i) { return by_number(i.due_date); });
  listing.column("total", [](const Invoice& i) { return by_number(i.total); });
  listing.column("balance", [](const Invoice& i) { return by_number(i.balance()); });
  listing.column(
      "last_modified_time", [](const Invoice& i) { return by_number(i.modified); }, false);
  return list(call, {"invoices", "Invoices", "Status.All", "created_time", 'D'}, listing, invoice_row);
}

Response Api::contacts(const ApiCall& call) {
  Listing<Contact> listing(books_.contacts.all(), call.request.query, zone_, call.undocumented);
  listing.text_filter("contact_name", [](const Contact& c) { return c.name; });
  listing.text_filter("company_name", [](const Contact& c) { return c.company; });
  listing.text_filter("first_name", [](const Contact& c) { return c.first_name; });
  listing.text_filter("last_name", [](const Contact& c) { return c.last_name; });
  listing.text_filter("email", [](const Contact& c) { return c.email; });
  listing.text_filter("phone", [](const Contact& c) { return c.phone; });
  listing.modified_filter(false);
  if (const auto value = listing.sent("contact_type")) {
    if (*value != "customer" && *value != "vendor") refuse_value("contact_type");
    listing.keep([vendor = *value == "vendor"](const Contact& c) { return c.is_vendor == vendor; });
  }
  if (const auto value = listing.sent("filter_by")) {
    if (*value == "Status.Active" || *value == "Status.Inactive") {
      listing.keep([active = *value == "Status.Active"](const Contact& c) { return c.is_active == active; });
    } else if (*value != "Status.All") {
      refuse_value("filter_by");
    }
  }
  listing.column("contact_name", [](const Contact& c) { return by_text(c.name); });
  listing.column("first_name", [](const Contact& c) { return by_text(c.first_name); });
  listing.column("last_name", [](const Contact& c) { return by_text(c.last_name); });
  listing.column("email", [](const Contact& c) { return by_text(c.email); });
  listing.column("outstanding_receivable_amount",
                 [this](const Contact& c) { return by_number(books_.balance_of(c.id).receivable); });
  listing.column("created_time", [](const Contact& c) { return by_number(c.created); });
  listing.column("last_modified_time", [](const Contact& c) { return by_number(c.modified); });
  return list(call, {"contacts", "Contacts", "Status.All", "contact_name", 'A'}, listing, contact_row);
}

Response Api::items(const ApiCall& call) {
  Listing<Item> listing(books_.items.all(), call.request.query, zone_, call.undocumented);
  listing.text_filter("name", [](const Item& i) { return i.name; });
  listing.text_filter("description", [](const Item& i) { return i.description; });
  listing.amount_filter("rate", [](const Item& i) { return i.rate; });
  listing.id_filter("tax_id", [](const Item& i) { return i.tax; });
  listing.id_filter("account_id", [](const Item& i) { return i.account; });
  listing.modified_filter(false);
  if (const auto value = listing.sent("filter_by")) {
    if (*value == "Status.Active" || *value == "Status.Inactive") {
      listing.keep([active = *value == "Status.Active"](const Item& i) { return i.is_active == active; });
    } else if (*value != "Status.All") {
      refuse_value("filter_by");
    }
  }
  listing.column("name", [](const Item& i) { return by_text(i.name); });
  listing.column("rate", [](const Item& i) { return by_number(i.rate); });
  listing.column("tax_name", [this](const Item& i) {
    const auto* tax = books_.tax(i.tax);
    return by_text(tax == nullptr ? "" : tax->name);
  });
  listing.column(
      "created_time", [](const Item& i) { return by_number(i.created); }, false);
  listing.column(
      "last_modified_time", [](const Item& i) { return by_number(i.modified); }, false);
  return list(call, {"items", "Items", "Status.All", "name", 'A'}, listing, item_row);
}

Response Api::payments(const ApiCall& call) {
  Listing<Payment> listing(books_.payments.all(), call.request.query, zone_, call.undocumented);
  listing.text_filter("reference_number", [](const Payment& p) { return p.reference; });
  listing.text_filter("customer_name", [this](const Payment& p) { return party_of(books_, p.contact).name; });
  listing.text_filter("payment_mode", [](const Payment& p) { return p.mode; });
  listing.id_filter("customer_id", [](const Payment& p) { return p.contact; });
  listing.amount_filter("amount", [](const Payment& p) { return p.amount; });
  listing.date_filter("date", [](const Payment& p) { return p.date; });
  listing.modified_filter(false);
  if (const auto value = listing.sent("filter_by")) {
    static const std::map<std::string, std::string> kModes = {{"Check", "Check"},
                                                              {"Cash", "Cash"},
                                                              {"BankTransfer", "Bank Transfer"},
                                                              {"CreditCard", "Credit Card"},
                                                              {"Stripe", "Stripe"},
                                                              {"BankRemittance", "Bank Remittance"},
                                                              {"Paypal", "Paypal"},
                                                              {"Others", "Others"}};
    const auto found = value->rfind("PaymentMode.", 0) == 0 ? kModes.find(value->substr(12)) : kModes.end();
    if (found != kModes.end())
      listing.keep([mode = found->second](const Payment& p) { return p.mode == mode; });
    else if (*value != "PaymentMode.All")
      refuse_value("filter_by");
  }
  listing.column("date", [](const Payment& p) { return by_number(p.date); });
  listing.column("created_time", [](const Payment& p) { return by_number(p.created); });
  listing.column("amount", [](const Payment& p) { return by_number(p.amount); });
  listing.column("payment_number", [](const Payment& p) { return by_number(parse_decimal(p.number, 0).value_or(0)); });
  listing.column(
      "last_modified_time", [](const Payment& p) { return by_number(p.modified); }, false);
  return list(call, {"customerpayments", "Payments Received", "PaymentMode.All", "date", 'D'}, listing, payment_row);
}

Response Api::credit_notes(const ApiCall& call) {
  Listing<CreditNote> listing(books_.credit_notes.all(), call.request.query, zone_, call.undocumented);
  const auto customer = [this](const CreditNote& n) { return party_of(books_, n.contact).name; };
  listing.text_filter("creditnote_number", [](const CreditNote& n) { return n.number; });
  listing.text_filter("reference_number", [](const CreditNote& n) { return n.reference; });
  listing.text_filter("customer_name", customer);
  listing.id_filter("customer_id", [](const CreditNote& n) { return n.contact; });
  listing.date_filter("date", [](const CreditNote& n) { return n.date; });
  listing.amount_filter("total", [](const CreditNote& n) { return n.total; });
  listing.modified_filter(true);
  const auto by_status = [&](const std::string& wanted, std::string_view parameter) {
    if (wanted != "open" && wanted != "closed" && wanted != "draft" && wanted != "void") refuse_value(parameter);
    listing.keep([this, wanted](const CreditNote& n) { return books_.status_of(n) == wanted; });
  };
  if (const auto value = listing.sent("status")) by_status(*value, "status");
  if (const auto value = listing.sent("filter_by")) {
    if (value->rfind("Status.", 0) != 0) refuse_value("filter_by");
    if (*value != "Status.All") by_status(lower(value->substr(7)), "filter_by");
  }
  listing.column("created_time", [](const CreditNote& n) { return by_number(n.created); });
  listing.column("customer_name", [customer](const CreditNote& n) { return by_text(customer(n)); });
  listing.column("creditnote_number", [](const CreditNote& n) { return by_text(n.number); });
  listing.column("balance", [](const CreditNote& n) { return by_number(n.balance()); });
  listing.column("total", [](const CreditNote& n) { return by_number(n.total); });
  listing.column("date", [](const CreditNote& n) { return by_number(n.date); });
  listing.column("last_modified_time", [](const CreditNote& n) { return by_number(n.modified); });
  return list(call, {"creditnotes", "Credit Notes", "Status.All", "created_time", 'D'}, listing, credit_note_row);
}

Response Api::currencies(const ApiCall& call) {
  Listing<Currency> listing(books_.currencies, call.request.query, zone_, call.undocumented);
  if (const auto value = listing.sent("filter_by")) {
    if (*value != "Currencies.ExcludeBaseCurrency") refuse_value("filter_by");
    listing.keep([](const Currency& c) { return !c.is_base; });
  }
  listing.column("currency_code", [](const Currency& c) { return by_text(c.code); });
  return list(call, {"currencies", "Currencies", "", "currency_code", 'A'}, listing,
              [](JsonWriter& json, const RenderContext&, const Currency& c) { currency_row(json, c); });
}

Response Api::taxes(const ApiCall& call) {
  Listing<Tax> listing(books_.taxes, call.request.query, zone_, call.undocumented);
  listing.column("tax_name", [](const Tax& t) { return by_text(t.name); });
  return list(call, {"taxes", "Taxes", "Taxes.Active", "tax_name", 'A'}, listing,
              [](JsonWriter& json, const RenderContext&, const Tax& t) { tax_row(json, t); });
}

Response Api::accounts(const ApiCall& call) {
  Listing<Account> listing(books_.accounts, call.request.query, zone_, call.undocumented);
  const auto filter = listing.sent("filter_by").value_or("AccountType.Active");
  if (filter == "AccountType.Active" || filter == "AccountType.Inactive") {
    listing.keep([active = filter == "AccountType.Active"](const Account& a) { return a.is_active == active; });
  } else if (filter != "AccountType.All") {
    refuse_value("filter_by");
  }
  listing.column("account_type", [](const Account& a) { return by_text(a.type); });
  listing.column("account_name", [](const Account& a) { return by_text(a.name); });
  listing.column("account_code", [](const Account&) { return SortKey{}; });
  // Five thousand a page by default (wire recordings).
  return list(call, {"chartofaccounts", "Chart of Accounts", "AccountType.Active", "account_type", 'A', 5000}, listing,
              account_row);
}

Response Api::bank_accounts(const ApiCall& call) {
  Listing<Account> listing(books_.accounts, call.request.query, zone_, call.undocumented);
  listing.keep([](const Account& a) { return a.is_bank; });
  if (const auto value = listing.sent("filter_by")) {
    if (*value != "Status.All" && *value != "Status.Active" && *value != "Status.Inactive") refuse_value("filter_by");
    if (*value != "Status.All")
      listing.keep([active = *value == "Status.Active"](const Account& a) { return a.is_active == active; });
  }
  listing.column("account_name", [](const Account& a) { return by_text(a.name); });
  listing.column("account_type", [](const Account& a) { return by_text(a.type); });
  listing.column("account_code", [](const Account&) { return SortKey{}; });
  return list(call, {"bankaccounts", "Bank Accounts", "Status.All", "account_name", 'A'}, listing, bank_account_row);
}

}  // namespace zoho_sim
