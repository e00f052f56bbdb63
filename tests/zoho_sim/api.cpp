#include "tests/zoho_sim/api.hpp"

namespace zoho_sim {
namespace {

constexpr std::string_view kRoot = "/books/v3/";

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto end = path.find('/');
    if (end != 0) parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return parts;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 19 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The token's scopes cover `needed` ("invoices.READ") directly, by ALL, or by full access. Letter case does not matter.
bool covers(std::string_view scopes, const std::string& needed) {
  const std::string area = needed.substr(0, needed.find('.'));
  const std::string wanted[] = {lower("ZohoBooks." + needed), lower("ZohoBooks." + area + ".ALL"),
                                "zohobooks.fullaccess.all"};
  std::string small = lower(scopes);
  std::replace(small.begin(), small.end(), ' ', ',');
  while (!small.empty()) {
    const auto end = small.find(',');
    const auto scope = small.substr(0, end);
    if (std::find(std::begin(wanted), std::end(wanted), scope) != std::end(wanted)) return true;
    small.erase(0, end == std::string::npos ? small.size() : end + 1);
  }
  return false;
}

bool wants_pdf(const Request& request) {
  return value_of(request.query, "accept") == "pdf" ||
         header_of(request.headers, "Accept").rfind("application/pdf", 0) == 0;
}

}  // namespace

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers = {
      {"Content-Type", "application/json;charset=UTF-8"}, {"Content-Disposition", "attachment;"}, {"Server", "ZGS"}};
  response.body = std::move(body);
  return response;
}

std::string_view name_of(CallKind kind) {
  switch (kind) {
    case CallKind::kList:
      return "list";
    case CallKind::kDetail:
      return "detail";
    case CallKind::kFile:
      return "file";
    case CallKind::kToken:
      return "token";
    case CallKind::kOther:
      return "other";
  }
  return "other";
}

CallKind kind_of(const Request& request) {
  const std::string_view path = request.path;
  if (path == "/oauth/v2/token") return CallKind::kToken;
  if (path.rfind(kRoot, 0) != 0 || request.method != "GET") return CallKind::kOther;
  const auto parts = split(path.substr(kRoot.size()));
  const bool detail = std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return is_number(part); });
  if (detail && wants_pdf(request)) return CallKind::kFile;
  return detail ? CallKind::kDetail : CallKind::kList;
}

std::string path_family(std::string_view path) {
  std::string family;
  for (const auto& part : split(path)) family += "/" + (is_number(part) ? std::string("{id}") : part);
  return family.empty() ? "/" : family;
}

Api::Api(Books& books, const OrgTime& zone) : books_(books), zone_(zone) {
  route("GET", "organizations", "settings.READ", &Api::organizations);
  route("GET", "organizations/*", "settings.READ", &Api::organization);
  route("GET", "invoices", "invoices.READ", &Api::invoices);
  route("POST", "invoices", "invoices.CREATE", &Api::create_invoice);
  route("GET", "invoices/*", "invoices.READ", &Api::invoice);
  route("DELETE", "invoices/*", "invoices.DELETE", &Api::remove_invoice);
  route("GET", "invoices/*/payments", "invoices.READ", &Api::payments_of_invoice);
  route("GET", "invoices/*/creditsapplied", "invoices.READ", &Api::credits_of_invoice);
  route("POST", "invoices/*/status/sent", "invoices.CREATE", &Api::change_invoice_status);
  route("POST", "invoices/*/status/void", "invoices.CREATE", &Api::change_invoice_status);
  route("POST", "invoices/*/status/draft", "invoices.CREATE", &Api::change_invoice_status);
  route("GET", "contacts", "contacts.READ", &Api::contacts);
  route("POST", "contacts", "contacts.CREATE", &Api::create_contact);
  route("GET", "contacts/*", "contacts.READ", &Api::contact);
  route("GET", "items", "settings.READ", &Api::items);
  route("GET", "items/*", "settings.READ", &Api::item);
  route("GET", "customerpayments", "customerpayments.READ", &Api::payments);
  route("POST", "customerpayments", "customerpayments.CREATE", &Api::create_payment);
  route("GET", "customerpayments/*", "customerpayments.READ", &Api::payment);
  route("DELETE", "customerpayments/*", "customerpayments.DELETE", &Api::remove_payment);
  route("GET", "creditnotes", "creditnotes.READ", &Api::credit_notes);
  route("GET", "creditnotes/*", "creditnotes.READ", &Api::credit_note);
  route("GET", "creditnotes/*/invoices", "creditnotes.READ", &Api::invoices_of_credit_note);
  route("GET", "creditnotes/*/refunds", "creditnotes.READ", &Api::refunds_of_credit_note);
  route("GET", "settings/currencies", "settings.READ", &Api::currencies);
  route("GET", "settings/currencies/*/exchangerates", "settings.READ", &Api::exchange_rates);
  route("GET", "settings/taxes", "settings.READ", &Api::taxes);
  route("GET", "chartofaccounts", "accountants.READ", &Api::accounts);
  route("GET", "bankaccounts", "banking.READ", &Api::bank_accounts);
}

void Api::route(const char* method, const char* pattern, const char* scope, Handler handler) {
  routes_.push_back({method, split(pattern), scope, handler});
}

Response Api::handle(ApiCall call) {
  const std::string_view path = call.request.path;
  const auto parts = path.rfind(kRoot, 0) == 0 ? split(path.substr(kRoot.size())) : std::vector<std::string>();
  bool known = false;
  for (const auto& candidate : routes_) {
    if (candidate.pattern.size() != parts.size()) continue;
    call.ids.clear();
    bool matches = true;
    for (std::size_t i = 0; i < parts.size() && matches; ++i) {
      if (candidate.pattern[i] == "*" && is_number(parts[i]))
        call.ids.push_back(std::stoull(parts[i]));
      else
        matches = candidate.pattern[i] == parts[i];
    }
    if (!matches) continue;
    known = true;
    if (candidate.method != call.request.method) continue;
    if (!covers(call.scopes, candidate.scope))
      throw ApiError{401, 57, "You are not authorized to perform this operation"};
    // Only the organisations may be asked for without naming one.
    if (parts.front() != "organizations" && value_of(call.request.query, "organization_id") != books_.organization.id) {
      throw ApiError{400, 6041,
                     "This user is not associated with the CompanyID/CompanyName:" +
                         std::string(value_of(call.request.query, "organization_id")) + "."};
    }
    ++reads_;
    return (this->*candidate.handler)(call);
  }
  if (known)
    throw ApiError{405, 37, "The HTTP method " + call.request.method + " is not allowed for the requested resource"};
  throw ApiError{404, 5, "Invalid URL Passed"};
}

RenderContext Api::context(const ApiCall& call) {
  return {books_, zone_, call.now, zone_.day_of(call.now), reads_};
}

Response Api::one(const ApiCall& call, const char* key,
                  const std::function<void(JsonWriter&, const RenderContext&)>& write, int status,
                  const char* message) {
  JsonWriter inner;
  write(inner, context(call));
  return json_response(
      status, JsonWriter().object().integer("code", 0).text("message", message).raw(key, inner.take()).end().take());
}

Response Api::said(const char* message) {
  return json_response(200, JsonWriter().object().integer("code", 0).text("message", message).end().take());
}

Response Api::organizations(const ApiCall& call) {
  return one(call, "organizations",
             [](JsonWriter& json, const RenderContext& c) {  // no page_context here (wire recordings)
               json.array();
               organization_row(json, c);
               json.end();
             });
}

Response Api::organization(const ApiCall& call) {
  if (std::to_string(call.ids.front()) != books_.organization.id)
    throw ApiError{400, 6041, "This user is not associated with the CompanyID/CompanyName."};
  return one(call, "organization", [](JsonWriter& json, const RenderContext& c) { organization_row(json, c); });
}

Response Api::invoice(const ApiCall& call) {
  const auto& found = books_.require_invoice(call.ids.front());
  const auto accept = value_of(call.request.query, "accept");
  if (!accept.empty() && accept != "json" && accept != "pdf" && accept != "html") refuse_value("accept");
  if (!wants_pdf(call.request))
    return one(call, "invoice", [&](JsonWriter& json, const RenderContext& c) { invoice_detail(json, c, found); });
  Response response;
  response.headers = {{"Content-Type", "application/pdf;charset=UTF-8"},
                      {"Content-Disposition", "attachment; filename=\"" + found.number + ".pdf\""},
                      {"Server", "ZGS"}};
  response.body = pdf_of(context(call), found);
  return response;
}

Response Api::payments_of_invoice(const ApiCall& call) {
  const auto& found = books_.require_invoice(call.ids.front());
  return one(call, "payments", [&](JsonWriter& json, const RenderContext& c) {
    json.array();
    invoice_payments(json, c, found);
    json.end();
  });
}

Response Api::credits_of_invoice(const ApiCall& call) {
  const auto& found = books_.require_invoice(call.ids.front());
  return one(call, "credits", [&](JsonWriter& json, const RenderContext& c) {
    json.array();
    invoice_credits(json, c, found);
    json.end();
  });
}

Response Api::contact(const ApiCall& call) {
  const auto& found = books_.require_contact(call.ids.front());
  return one(call, "contact", [&](JsonWriter& json, const RenderContext& c) { contact_detail(json, c, found); });
}

Response Api::item(const ApiCall& call) {
  const auto& found = books_.require_item(call.ids.front());
  return one(call, "item", [&](JsonWriter& json, const RenderContext& c) { item_detail(json, c, found); });
}

Response Api::payment(const ApiCall& call) {
  const auto& found = books_.require_payment(call.ids.front());
  return one(call, "payment", [&](JsonWriter& json, const RenderContext& c) { payment_detail(json, c, found); });
}

Response Api::credit_note(const ApiCall& call) {
  const auto& found = books_.require_credit_note(call.ids.front());
  return one(call, "creditnote", [&](JsonWriter& json, const RenderContext& c) { credit_note_detail(json, c, found); });
}

Response Api::invoices_of_credit_note(const ApiCall& call) {
  const auto& found = books_.require_credit_note(call.ids.front());
  return one(call, "invoices_credited", [&](JsonWriter& json, const RenderContext& c) {
    json.array();
    credit_note_invoices(json, c, found);
    json.end();
  });
}

Response Api::refunds_of_credit_note(const ApiCall& call) {
  const auto& found = books_.require_credit_note(call.ids.front());
  return one(call, "creditnote_refunds", [&](JsonWriter& json, const RenderContext& c) {
    json.array();
    credit_note_refunds(json, c, found);
    json.end();
  });
}

Response Api::exchange_rates(const ApiCall& call) {
  const auto found = std::find_if(books_.currencies.begin(), books_.currencies.end(),
                                  [&](const Currency& c) { return c.id == call.ids.front(); });
  if (found == books_.currencies.end()) throw ApiError{404, 1002, "Currency does not exist."};
  const auto asked = value_of(call.request.query, "from_date");
  const auto day = asked.empty() ? std::optional<Day>(zone_.day_of(call.now)) : parse_date(asked);
  if (!day) refuse_value("from_date");
  return one(call, "exchange_rates", [&](JsonWriter& json, const RenderContext&) {
    json.array()
        .object()
        .id("exchange_rate_id", found->id + 500)
        .id("currency_id", found->id)
        .text("currency_code", found->code);
    json.text("effective_date", date_text(*day)).number("rate", {found->rate, kRateScale}).end().end();
  });
}

}  // namespace zoho_sim
