#include "sim/remote_life.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::sim {

using integration::World;

namespace {

constexpr std::uint64_t kChangesMax = 3;  // of one stretch of time
constexpr int kDocumentsMax = 60;
constexpr const char* kModes[] = {"Check", "Check", "Check", "Cash", "Bank Transfer", "Stripe", "PayPal"};

std::vector<std::string> ids_of(const json::Value& books, std::string_view list) {
  std::vector<std::string> ids;
  if (const json::Value* found = books.find(list)) {
    for (const json::Member& one : found->members()) ids.push_back(one.first);
  }
  return ids;
}

bool is_payable(const json::Value& invoice) { return invoice.text_of("status") != "draft" && invoice.text_of("status") != "void"; }

}  // namespace

std::string RemoteLife::some(const std::vector<std::string>& ids) { return ids.empty() ? "0" : ids[random_.below(ids.size())]; }

std::string RemoteLife::amount() { return fmt::format("{}.{:02}", 5 + random_.below(900), random_.below(100)); }

std::string RemoteLife::line() { return fmt::format(R"("line_items":[{{"name":"Work","rate":{},"quantity":{}}}])", amount(), 1 + random_.below(3)); }

/// Refused changes are changes that nobody made: the books that two worlds have in common refuse the same.
bool RemoteLife::ask(World& world, const std::string& method, const std::string& path, const std::string& body, const std::string& customer) {
  zoho_sim::Request request = zoho_sim::make_request(method, "/_control/" + path);
  request.body = body;
  const zoho_sim::Response answer = world.simulator.handle(request);
  if (answer.status >= 300) return false;
  ++changes_;
  const json::Parsed parsed = json::parse(answer.body);
  const std::string id(parsed.ok() ? parsed.value.text_of("id") : std::string_view());
  if (method == "POST" && path == "payments" && !id.empty()) payments_.push_back(id);
  if (method == "POST" && path == "credit_notes" && !id.empty()) notes_.push_back(id);
  if (method == "POST" && path == "invoices" && !id.empty()) own_.push_back(id);
  if (!customer.empty()) customers_[id] = customer;
  return true;
}

/// Zoho takes no money for a draft or a void invoice.
std::string RemoteLife::some_payable() {
  std::vector<std::string> ids;
  for (const json::Member& one : books_.find("invoices")->members()) {
    if (is_payable(one.second)) ids.push_back(one.first);
  }
  return some(ids);
}

std::string RemoteLife::some_invoice_of(const std::string& customer, bool is_own) {
  std::vector<std::string> ids;
  for (const json::Member& one : books_.find("invoices")->members()) {
    const bool is_one = !is_own || std::find(own_.begin(), own_.end(), one.first) != own_.end();
    if (is_one && is_payable(one.second) && one.second.text_of("customer_id") == customer) ids.push_back(one.first);
  }
  return some(ids);
}

void RemoteLife::change_invoice(World& world, std::uint64_t which) {
  const std::vector<std::string> invoices = ids_of(books_, "invoices");
  const std::string invoice = some(invoices);
  // Zoho lets nobody void, withdraw or delete what is paid or credited.
  const json::Value* chosen = books_.find("invoices")->find(invoice);
  const bool is_free = chosen != nullptr && json::dump(*chosen->find("balance")) == json::dump(*chosen->find("total"));
  const bool is_full = static_cast<int>(invoices.size()) >= kDocumentsMax;
  if (which < 24) {
    // Of the same customers as documents that are there, some of which are in euros.
    const std::string customer = chosen == nullptr ? "0" : std::string(chosen->text_of("customer_id"));
    if (!is_full) ask(world, "POST", "invoices", fmt::format(R"({{"customer_id":"{}","date":"{}",{}}})", customer, day_, line()));
  } else if (which < 39) {
    ask(world, "POST", "invoices/" + invoice, "{" + line() + "}");
  } else if (which < 46) {
    ask(world, "POST", "invoices/" + invoice, fmt::format(R"({{"notes":"seen {}"}})", random_.below(1000)));
  } else if (which < 50) {
    if (is_free) ask(world, "POST", "invoices/" + invoice + "/void");
  } else if (which < 54) {
    if (is_free) ask(world, "POST", "invoices/" + invoice + "/" + (random_.below(2) == 0 ? "draft" : "sent"));
  } else {
    if (is_free) ask(world, "DELETE", "invoices/" + invoice);
  }
}

void RemoteLife::change_payment(World& world, std::uint64_t which) {
  const std::string invoice = some_payable();
  const json::Value* chosen = books_.find("invoices")->find(invoice);
  const std::string customer = chosen == nullptr ? "" : std::string(chosen->text_of("customer_id"));
  const std::string payment = some(payments_);
  const std::string mode = kModes[random_.below(std::size(kModes))];
  if (which < 66) {
    ask(world, "POST", "payments", fmt::format(R"({{"invoice_id":"{}","payment_mode":"{}","date":"{}"}})", invoice, mode, day_), customer);
  } else if (which < 71) {
    // More or less than what is open: the rest is unused.
    ask(world, "POST", "payments", fmt::format(R"({{"invoice_id":"{}","payment_mode":"{}","date":"{}","amount":{}}})", invoice, mode, day_, amount()), customer);
  } else if (which < 74) {
    ask(world, "POST", "payments/" + payment, fmt::format(R"({{"description":"call {}","payment_mode":"{}"}})", random_.below(1000), mode));
  } else if (which < 76) {
    ask(world, "POST", "payments/" + payment + "/refund", fmt::format(R"({{"amount":{},"refund_mode":"{}","date":"{}"}})", 1 + random_.below(20), mode, day_));
  } else if (which < 78) {
    ask(world, "POST", "payments/" + payment + "/apply", fmt::format(R"({{"invoice_id":"{}","amount":{},"date":"{}"}})", some_invoice_of(customers_[payment], false), 1 + random_.below(20), day_));
  } else {
    ask(world, "DELETE", "payments/" + payment);
  }
}

void RemoteLife::change_note(World& world, std::uint64_t which) {
  const std::string note = some(notes_);
  const json::Value* invoices = books_.find("invoices");
  const std::string invoice = some(ids_of(books_, "invoices"));
  const json::Value* chosen = invoices->find(invoice);
  if (which < 85) {
    const std::string customer = chosen == nullptr ? "0" : std::string(chosen->text_of("customer_id"));
    ask(world, "POST", "credit_notes", fmt::format(R"({{"customer_id":"{}","date":"{}",{}}})", customer, day_, line()), customer);
  } else if (which < 89) {
    ask(world, "POST", "credit_notes/" + note + "/apply", fmt::format(R"({{"invoice_id":"{}","amount":{},"date":"{}"}})", some_invoice_of(customers_[note], true), 1 + random_.below(5), day_));
  } else if (which < 91) {
    ask(world, "POST", "credit_notes/" + note + "/refund", fmt::format(R"({{"amount":{},"refund_mode":"Cash","date":"{}"}})", 1 + random_.below(5), day_));
  } else if (which < 92) {
    ask(world, "POST", "credit_notes/" + note + "/void");
  } else {
    ask(world, "DELETE", "credit_notes/" + note);
  }
}

void RemoteLife::change(World& world) {
  books_ = world.books();
  const std::uint64_t which = random_.below(100);
  if (which < 58) {
    change_invoice(world, which);
  } else if (which < 80) {
    change_payment(world, which);
  } else if (which < 93) {
    change_note(world, which);
  } else if (which < 96) {
    ask(world, "POST", "contacts", fmt::format(R"({{"contact_name":"Customer {}"}})", random_.below(1000000)));
  } else if (which < 99) {
    // By what documents name: of contacts the books have no list.
    const json::Value* chosen = books_.find("invoices")->find(some(ids_of(books_, "invoices")));
    if (chosen != nullptr) ask(world, "POST", "contacts/" + std::string(chosen->text_of("customer_id")), fmt::format(R"({{"notes":"{}"}})", random_.below(1000)));
  } else {
    ask(world, "DELETE", "items/first?count=1");
  }
}

void RemoteLife::live(World& world, Instant until) {
  int now = 0;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t changes = when_.below(kChangesMax + 1);
    kept_back_ = changes == 0 ? 0 : static_cast<int>(when_.below(changes + 1));
    now = static_cast<int>(changes) - kept_back_;
    day_ = to_string(date_in_zone({until.unix_ms - 86'400'000}, "").value());   // a day that has begun in every zone
  }
  const std::int64_t first = until.unix_ms - 60'000 * static_cast<std::int64_t>(kChangesMax + 1);
  for (int i = 0; i < now; ++i) {
    const Instant at{first + 60'000 * static_cast<std::int64_t>(i)};
    REQUIRE_MESSAGE(world.clock.now().unix_ms <= at.unix_ms, "a run took longer than the time until the next change");
    world.later(std::chrono::milliseconds(at.unix_ms - world.clock.now().unix_ms));
    const std::lock_guard lock(mutex_);
    change(world);
  }
  world.later(std::chrono::milliseconds(until.unix_ms - world.clock.now().unix_ms));
}

bool RemoteLife::interfere(World& world) {
  const std::lock_guard lock(mutex_);
  if (kept_back_ == 0) return false;
  --kept_back_;
  change(world);
  return true;
}

void RemoteLife::catch_up(World& world) {
  while (interfere(world)) {
  }
}

}  // namespace berth::sim
