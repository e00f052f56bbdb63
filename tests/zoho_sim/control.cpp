#include "tests/zoho_sim/control.hpp"

#include "tests/zoho_sim/changes.hpp"
#include "tests/zoho_sim/simulator.hpp"

namespace zoho_sim {
namespace {

ApiError unknown_path() {
  return {404, 5, "The control interface has no such path."};
}

Response done(Id id = 0) {
  JsonWriter json;
  json.object().integer("code", 0);
  if (id != 0) json.id("id", id);
  return json_response(200, json.end().take());
}

Id id_of(const std::string& text) {
  const auto id = parse_decimal(text, 0);
  if (!id || *id <= 0) throw ApiError{404, 1002, "\"" + text + "\" is no id."};
  return static_cast<Id>(*id);
}

template <class Value>
Value need(std::optional<Value> value, std::string_view name) {
  if (!value) refuse_value(name);
  return *value;
}

}  // namespace

Response Control::handle(const Request& request) {
  std::vector<std::string> parts;
  for (std::string_view rest = std::string_view(request.path).substr(10); !rest.empty();) {
    const auto end = rest.find('/');
    parts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  parts.resize(3);
  const auto& [what, id, action] = std::tie(parts[0], parts[1], parts[2]);
  if (what == "invoices") return invoices(request, id, action);
  if (what == "payments" || what == "applications")
    return payments(request, id, what == "applications" ? "application" : action);
  if (what == "credit_notes") return credit_notes(request, id, action);
  if (what == "contacts") return contacts(request, id, action);
  if (what == "items") return items(request, id, action);
  return system(request, what, id);
}

Response Control::system(const Request& request, const std::string& what, const std::string& action) {
  auto& s = simulator_;
  const bool get = request.method == "GET";
  const Time now = s.clock_->now();
  if (what == "books" && get) return json_response(200, books());
  if (what == "counters" && get) return json_response(200, counters());
  if ((what == "counters" || what == "log") && action == "reset" && !get) {
    s.counters_ = {};
    s.log_.clear();
    return done();
  }
  if (what == "log" && get) {
    JsonWriter json;
    json.object().array("calls");
    for (const auto& line : s.log_) json.element(line);
    return json_response(200, json.end().end().take());
  }
  if (what == "clock") {
    auto* clock = dynamic_cast<VirtualClock*>(s.clock_.get());
    if (!get) {
      if (clock == nullptr) throw ApiError{409, 2, "The clock of this simulator belongs to its caller."};
      const Body body(request.body);
      if (const auto text = body.text("set")) clock->set(need(s.zone_.parse_timestamp(*text), "set"));
      if (const auto seconds = body.number("advance")) clock->advance(*seconds);
      if (const auto run = body.flag("run")) clock->run(*run);
    }
    const Time time = s.clock_->now();
    return json_response(200, JsonWriter()
                                  .object()
                                  .text("now", s.zone_.timestamp(time))
                                  .integer("epoch", time)
                                  .flag("running", clock != nullptr && clock->is_running())
                                  .end()
                                  .take());
  }
  if (what == "tokens" && !get) {
    const Body body(request.body);
    if (action == "expire")
      s.oauth_.expire_access_tokens();
    else if (action == "revoke")
      s.oauth_.revoke_refresh_token(body.text("token").value_or(""));
    else if (action == "issue") {
      const auto scope = body.text("scope").value_or("ZohoBooks.fullaccess.all");
      return json_response(200, JsonWriter()
                                    .object()
                                    .text("access_token", s.oauth_.issue_access_token(scope, now))
                                    .text("refresh_token", s.oauth_.issue_refresh_token(scope, now))
                                    .end()
                                    .take());
    } else
      throw unknown_path();
    return done();
  }
  if (what == "faults") {
    if (request.method == "DELETE")
      s.forget_faults();
    else if (!get)
      s.faults_.add(Body(request.body).fault());
    JsonWriter json;
    json.object().array("faults");
    for (const auto& fault : s.faults_.waiting()) {
      json.object()
          .text("kind", fault_name(fault.kind))
          .text("path", fault.path_prefix)
          .integer("count", fault.count)
          .integer("skip", fault.skip)
          .end();
    }
    return json_response(200, json.end().end().take());
  }
  if (what == "limits") {
    const Body body(get ? std::string() : request.body);
    auto& limits = s.limits_.options();
    if (const auto value = body.number("per_minute")) limits.per_minute = static_cast<int>(*value);
    if (const auto value = body.number("per_day")) limits.per_day = static_cast<int>(*value);
    if (const auto value = body.number("concurrent")) limits.concurrent = static_cast<int>(*value);
    if (const auto value = body.number("used_today")) s.limits_.set_used_today(static_cast<int>(*value));
    return json_response(200, JsonWriter()
                                  .object()
                                  .integer("per_minute", limits.per_minute)
                                  .integer("per_day", limits.per_day)
                                  .integer("concurrent", limits.concurrent)
                                  .integer("used_today", s.limits_.used_today())
                                  .end()
                                  .take());
  }
  if (what == "options" && !get) {
    const Body body(request.body);
    if (const auto value = body.text("undocumented")) {
      if (*value == "honoured")
        s.options_.undocumented = Undocumented::kHonoured;
      else if (*value == "ignored")
        s.options_.undocumented = Undocumented::kIgnored;
      else if (*value == "refused")
        s.options_.undocumented = Undocumented::kRefused;
      else
        refuse_value("undocumented");
    }
    auto& oauth = s.oauth_.options();
    if (const auto value = body.number("latency_ms")) s.latency_ms_ = static_cast<int>(*value);
    if (const auto value = body.flag("auto_consent")) oauth.auto_consent = *value;
    if (const auto value = body.flag("throttle")) oauth.throttle = *value;
    if (const auto value = body.text("accounts_server")) oauth.accounts_server = *value;
    if (const auto value = body.text("api_domain")) oauth.api_domain = *value;
    if (const auto value = body.text("location")) oauth.location = *value;
    if (const auto value = body.text("client_secret")) oauth.client_secret = *value;
    return done();
  }
  throw unknown_path();
}

namespace {

/// A document is in the currency of its customer.
template <class Document>
void take_currency(Document& document, const Books& books, bool has_rate) {
  const Contact* customer = books.contacts.find(document.contact);
  if (customer == nullptr) return;
  document.currency = customer->currency;
  if (!has_rate) document.rate = books.currencies[customer->currency].rate;
}

}  // namespace

Response Control::invoices(const Request& request, const std::string& id, const std::string& action) {
  auto& books = simulator_.books_;
  const Time now = simulator_.clock_->now();
  const bool remove = request.method == "DELETE";
  if (id.empty() && request.method == "POST") {
    const Body body(request.body);
    Invoice invoice;
    invoice.date = simulator_.zone_.day_of(now);
    for (const auto& contact : books.contacts.all()) {
      if (invoice.contact == 0 && !contact.is_vendor && contact.is_active && !contact.is_deleted)
        invoice.contact = contact.id;
    }
    body.read(invoice, books);
    if (body.has("customer_id")) take_currency(invoice, books, body.has("exchange_rate"));
    if (invoice.lines.empty()) refuse_value("line_items");
    if (invoice.due_date == 0) invoice.due_date = invoice.date + 30;
    const auto status = body.text("status").value_or("sent");
    invoice.stage = status == "draft" ? Stage::kDraft : status == "void" ? Stage::kVoid : Stage::kSent;
    return done(books.add_invoice(std::move(invoice), now).id);
  }
  const Id which = id_of(id);
  if (remove)
    books.delete_invoice(which, value_of(request.query, "detach") != "false", now);
  else if (request.method != "POST")
    throw unknown_path();
  else if (action == "void")
    books.set_stage(which, Stage::kVoid, now);
  else if (action == "sent")
    books.set_stage(which, Stage::kSent, now);
  else if (action == "draft")
    books.set_stage(which, Stage::kDraft, now);
  else if (action == "writeoff")
    books.write_off(which, now);
  else if (action == "writeoff_cancel")
    books.undo_write_off(which, now);
  else if (action.empty()) {
    Invoice changed = books.require_invoice(which);
    Body(request.body).read(changed, books);
    books.replace_invoice(changed, now);
  } else
    throw unknown_path();
  return done(which);
}

Response Control::payments(const Request& request, const std::string& id, const std::string& action) {
  auto& books = simulator_.books_;
  const Time now = simulator_.clock_->now();
  const Body body(request.method == "POST" ? request.body : std::string());
  const Day date = body.day("date").value_or(simulator_.zone_.day_of(now));
  if (action == "application" && request.method == "DELETE") {
    books.remove_application(id_of(id), now);
    return done();
  }
  if (id.empty() && request.method == "POST") {
    Payment payment;
    payment.date = date;
    payment.mode = "Check";
    body.read(payment);
    // For tests, an invoice alone is enough: its whole open balance is paid by its customer.
    if (const auto invoice = body.id("invoice_id")) {
      const auto& paid = books.require_invoice(*invoice);
      payment.contact = paid.contact;
      payment.currency = paid.currency;
      payment.rate = paid.rate;
      if (payment.amount == 0) payment.amount = paid.open();
      payment.applications.push_back({0, paid.id, std::min(payment.amount, paid.open()), payment.date});
    }
    return done(books.record_payment(std::move(payment), now).id);
  }
  const Id which = id_of(id);
  if (request.method == "DELETE")
    books.delete_payment(which, now);
  else if (request.method != "POST")
    throw unknown_path();
  else if (action == "apply")
    books.apply_payment(which, need(body.id("invoice_id"), "invoice_id"), need(body.money("amount"), "amount"), date,
                        now);
  else if (action == "refund")
    books.refund_payment(which, need(body.money("amount"), "amount"),
                         body.text("refund_mode").value_or("Bank Transfer"), date, now);
  else if (action.empty()) {
    auto& payment = books.require_payment(which);
    if (body.has("amount") || body.has("invoices") || body.has("customer_id"))
      refuse_value("amount");  // delete it and record another
    body.read(payment);
    books.touch(payment, now);
  } else
    throw unknown_path();
  return done(which);
}

Response Control::credit_notes(const Request& request, const std::string& id, const std::string& action) {
  auto& books = simulator_.books_;
  const Time now = simulator_.clock_->now();
  if (request.method == "DELETE" && !id.empty() && action.empty()) {
    books.delete_credit_note(id_of(id), now);
    return done(id_of(id));
  }
  if (request.method != "POST") throw unknown_path();
  const Body body(request.body);
  const Day date = body.day("date").value_or(simulator_.zone_.day_of(now));
  if (id.empty()) {
    CreditNote note;
    note.date = date;
    body.read(note, books);
    if (body.has("customer_id")) take_currency(note, books, body.has("exchange_rate"));
    if (note.lines.empty()) refuse_value("line_items");
    return done(books.add_credit_note(std::move(note), now).id);
  }
  const Id which = id_of(id);
  if (action == "apply")
    books.apply_credit(which, need(body.id("invoice_id"), "invoice_id"), need(body.money("amount"), "amount"), date,
                       now);
  else if (action == "refund")
    books.refund_credit(which, need(body.money("amount"), "amount"), body.text("refund_mode").value_or("Bank Transfer"),
                        date, now);
  else if (action == "void")
    books.void_credit_note(which, now);
  else
    throw unknown_path();
  return done(which);
}

Response Control::contacts(const Request& request, const std::string& id, const std::string& action) {
  auto& books = simulator_.books_;
  const Time now = simulator_.clock_->now();
  const Body body(request.method == "POST" ? request.body : std::string());
  if (id.empty() && request.method == "POST") {
    Contact contact;
    body.read(contact);
    return done(books.add_contact(std::move(contact), now).id);
  }
  const Id which = id_of(id);
  if (request.method == "DELETE")
    books.delete_contact(which, now);
  else if (request.method != "POST")
    throw unknown_path();
  else if (action == "merge")
    books.merge_contacts(which, need(body.id("into"), "into"), now);
  else if (action.empty()) {
    auto& contact = books.require_contact(which);
    body.read(contact);
    books.touch(contact, now);
  } else
    throw unknown_path();
  return done(which);
}

Response Control::items(const Request& request, const std::string& id, const std::string& action) {
  auto& books = simulator_.books_;
  const Time now = simulator_.clock_->now();
  if (!action.empty()) throw unknown_path();
  if (id == "first" && request.method == "DELETE") {
    const auto count = parse_decimal(value_of(request.query, "count"), 0).value_or(1);
    return done(books.delete_first_items(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)), now));
  }
  const Body body(request.method == "POST" ? request.body : std::string());
  if (id.empty() && request.method == "POST") {
    Item item;
    body.read(item, books);
    return done(books.add_item(std::move(item), now).id);
  }
  const Id which = id_of(id);
  if (request.method == "DELETE")
    books.delete_item(which, now);
  else if (request.method == "POST") {
    auto& item = books.require_item(which);
    body.read(item, books);
    books.touch(item, now);
  } else
    throw unknown_path();
  return done(which);
}

std::string Control::counters() const {
  const auto& c = simulator_.counters_;
  JsonWriter json;
  const auto number = [&](std::string_view key, std::uint64_t value) {
    json.integer(key, static_cast<std::int64_t>(value));
  };
  json.object();
  number("calls", c.calls);
  number("writes", c.writes);
  number("refused", c.refused);
  number("faults", c.faults);
  json.integer("in_process_max", c.in_process_max);
  const auto map = [&](std::string_view key, const std::map<std::string, std::uint64_t>& values) {
    json.object(key);
    for (const auto& [name, value] : values) number(name, value);
    json.end();
  };
  map("by_kind", c.by_kind);
  map("by_path", c.by_path);
  map("by_status", c.by_status);
  return json.end().take();
}

// The books as amounts only, to be compared with a ledger: a void invoice's balance is given as 0 here.
std::string Control::books() const {
  const auto& s = simulator_;
  const auto& books = s.books_;
  const Day today = s.zone_.day_of(s.clock_->now());
  JsonWriter json;
  Minor receivable = 0, paid = 0, unused = 0, credits = 0, charges = 0;
  json.object().text("now", s.zone_.timestamp(s.clock_->now())).object("invoices");
  for (const auto& invoice : books.invoices.all()) {
    if (invoice.is_deleted) continue;
    const Minor open = invoice.stage == Stage::kSent ? invoice.open() : 0;
    receivable += open;
    json.object(std::to_string(invoice.id))
        .text("number", invoice.number)
        .text("status", books.status_of(invoice, today))
        .money("total", invoice.total);
    json.money("balance", open)
        .text("currency", books.currencies[invoice.currency].code)
        .id("customer_id", invoice.contact)
        .end();
  }
  json.end().object("payments");
  for (const auto& payment : books.payments.all()) {
    if (payment.is_deleted) continue;
    paid += payment.amount;
    unused += payment.unused();
    charges += payment.bank_charges;
    json.object(std::to_string(payment.id))
        .text("mode", payment.mode)
        .money("amount", payment.amount)
        .money("unused", payment.unused())
        .money("bank_charges", payment.bank_charges)
        .end();
  }
  json.end().object("credit_notes");
  for (const auto& note : books.credit_notes.all()) {
    if (note.is_deleted) continue;
    const Minor open = note.stage == Stage::kSent ? note.balance() : 0;
    credits += open;
    json.object(std::to_string(note.id))
        .text("number", note.number)
        .text("status", books.status_of(note))
        .money("total", note.total)
        .money("balance", open)
        .end();
  }
  json.end().object("receivables");
  for (const auto& contact : books.contacts.all()) {
    if (contact.is_deleted) continue;
    const auto& balance = books.balance_of(contact.id);
    if (balance.receivable != 0) json.money(std::to_string(contact.id), balance.receivable);
  }
  json.end()
      .object("sums")
      .money("receivable", receivable)
      .money("payments", paid)
      .money("unused", unused)
      .money("bank_charges", charges)
      .money("open_credit_notes", credits)
      .end();
  json.object("counts")
      .integer("contacts", static_cast<std::int64_t>(books.contacts.live()))
      .integer("items", static_cast<std::int64_t>(books.items.live()));
  json.integer("invoices", static_cast<std::int64_t>(books.invoices.live()))
      .integer("payments", static_cast<std::int64_t>(books.payments.live()));
  json.integer("credit_notes", static_cast<std::int64_t>(books.credit_notes.live())).end().array("problems");
  for (const auto& problem : books.problems()) json.element(problem);
  return json.end().end().take();
}

}  // namespace zoho_sim
