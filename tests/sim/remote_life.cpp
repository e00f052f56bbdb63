#include "sim/remote_life.hpp"

#include <fmt/format.h>

namespace berth::sim {

using integration::World;

namespace {

constexpr std::uint64_t kChangesMax = 3;  // of one stretch of time
constexpr int kDocumentsMax = 60;

std::vector<std::string> ids_of(const json::Value& books, std::string_view list) {
  std::vector<std::string> ids;
  if (const json::Value* found = books.find(list)) {
    for (const json::Member& one : found->members()) ids.push_back(one.first);
  }
  return ids;
}

}  // namespace

std::string RemoteLife::some(const std::vector<std::string>& ids) { return ids.empty() ? "0" : ids[random_.below(ids.size())]; }

std::string RemoteLife::amount() { return fmt::format("{}.{:02}", 5 + random_.below(900), random_.below(100)); }

/// Refused changes are changes that nobody made: the books that two worlds have in common refuse the same.
bool RemoteLife::ask(World& world, const std::string& method, const std::string& path, const std::string& body) {
  zoho_sim::Request request = zoho_sim::make_request(method, "/_control/" + path);
  request.body = body;
  const zoho_sim::Response answer = world.simulator.handle(request);
  if (answer.status >= 300) return false;
  ++changes_;
  const json::Parsed parsed = json::parse(answer.body);
  const std::string id(parsed.ok() ? parsed.value.text_of("id") : std::string_view());
  if (method == "POST" && path == "payments" && !id.empty()) payments_.push_back(id);
  if (method == "POST" && path == "credit_notes" && !id.empty()) notes_.push_back(id);
  return true;
}

void RemoteLife::change(World& world) {
  const json::Value books = world.books();
  const std::vector<std::string> invoices = ids_of(books, "invoices");
  const std::string invoice = some(invoices);
  // Zoho lets nobody void, withdraw or delete what is paid or credited.
  const json::Value* chosen = books.find("invoices")->find(invoice);
  const bool is_free = chosen != nullptr && json::dump(*chosen->find("balance")) == json::dump(*chosen->find("total"));
  const std::uint64_t which = random_.below(100);
  const std::string line = fmt::format(R"({{"line_items":[{{"name":"Work","rate":{},"quantity":{}}}]}})", amount(), 1 + random_.below(3));
  const bool is_full = static_cast<int>(invoices.size()) >= kDocumentsMax;
  if (which < 25 && !is_full) {
    ask(world, "POST", "invoices", line);
  } else if (which < 40) {
    ask(world, "POST", "invoices/" + invoice, line);
  } else if (which < 48) {
    ask(world, "POST", "invoices/" + invoice, fmt::format(R"({{"notes":"seen {}"}})", random_.below(1000)));
  } else if (which < 53) {
    if (is_free) ask(world, "POST", "invoices/" + invoice + "/void");
  } else if (which < 57) {
    if (is_free) ask(world, "POST", "invoices/" + invoice + "/" + (random_.below(2) == 0 ? "draft" : "sent"));
  } else if (which < 72) {
    ask(world, "POST", "payments", fmt::format(R"({{"invoice_id":"{}"}})", invoice));
  } else if (which < 76) {
    ask(world, "POST", "payments/" + some(payments_), fmt::format(R"({{"description":"call {}"}})", random_.below(1000)));
  } else if (which < 79) {
    ask(world, "DELETE", "payments/" + some(payments_));
  } else if (which < 84) {
    ask(world, "POST", "credit_notes", line);
  } else if (which < 89) {
    ask(world, "POST", "credit_notes/" + some(notes_) + "/apply", fmt::format(R"({{"invoice_id":"{}","amount":{}}})", invoice, 1 + random_.below(5)));
  } else if (which < 91) {
    ask(world, "POST", "credit_notes/" + some(notes_) + "/void");
  } else if (which < 93) {
    if (is_free) ask(world, "DELETE", "invoices/" + invoice);
  } else if (which < 96) {
    ask(world, "POST", "contacts", fmt::format(R"({{"contact_name":"Customer {}"}})", random_.below(1000000)));
  } else {
    ask(world, "POST", "contacts/" + some(ids_of(books, "contacts")), fmt::format(R"({{"notes":"{}"}})", random_.below(1000)));
  }
}

void RemoteLife::live(World& world, Instant until) {
  const std::uint64_t changes = random_.below(kChangesMax + 1);
  const std::int64_t first = until.unix_ms - 60'000 * static_cast<std::int64_t>(kChangesMax + 1);
  for (std::uint64_t i = 0; i < changes; ++i) {
    const Instant at{first + 60'000 * static_cast<std::int64_t>(i)};
    REQUIRE_MESSAGE(world.clock.now().unix_ms <= at.unix_ms, "a run took longer than the time until the next change");
    world.later(std::chrono::milliseconds(at.unix_ms - world.clock.now().unix_ms));
    change(world);
  }
  world.later(std::chrono::milliseconds(until.unix_ms - world.clock.now().unix_ms));
}

}  // namespace berth::sim
