// Lists that live while they are read, through the whole path: the connector's own phases file with small pages, the plugin, the host and
// its database, and books in which rows are deleted, made and edited before every page of every list.
#include <fstream>
#include <random>
#include <sstream>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

constexpr int kPage = 8;

/// The connector's phases file, but for the size of a page.
std::string phases_with_small_pages() {
  std::ifstream in(std::filesystem::path(BERTH_SOURCE_DIR) / "plugins/zoho_books/phases.yaml");
  std::ostringstream text;
  text << in.rdbuf();
  std::string phases = text.str();
  const std::size_t at = phases.find("size: 200");
  REQUIRE(at != std::string::npos);
  return phases.replace(at, std::string_view("size: 200").size(), "size: " + std::to_string(kPage));
}

WorldOptions small_pages(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  options.contacts = 30;
  options.items = 30;
  options.invoices = 36;
  options.payments = 24;
  options.credit_notes = 16;
  options.phases = phases_with_small_pages();
  return options;
}

/// The lists of the connector by their path, with the entity that its rows become.
const std::map<std::string, std::string> kLists = {{"invoices", "invoice"},
                                                   {"customerpayments", "customer_payment"},
                                                   {"contacts", "contact"},
                                                   {"items", "item"},
                                                   {"creditnotes", "credit_note"}};

/// Something happens to a table: one row of it is deleted, made or edited.
struct Mover {
  zoho_sim::Books& books;
  zoho_sim::Time now;
  std::mt19937& random;

  std::size_t pick(std::size_t below) { return random() % below; }
  template <class Record>
  Record* any(zoho_sim::Table<Record>& table) {
    for (int attempt = 0; attempt < 20 && !table.all().empty(); ++attempt) {
      Record& record = table.all()[pick(table.all().size())];
      if (!record.is_deleted) return &record;
    }
    return nullptr;
  }
  zoho_sim::Id customer() {
    for (const auto& contact : books.contacts.all()) {
      if (!contact.is_vendor && contact.is_active && !contact.is_deleted) return contact.id;
    }
    return 0;
  }
  template <class Priced>
  Priced priced() {
    Priced document;
    document.contact = customer();
    zoho_sim::Line line;
    line.name = "Work";
    line.rate = 1000;
    document.lines.push_back(line);
    document.date = 20'600;
    return document;
  }
  void act(const std::string& list) {
    const std::size_t what = pick(4);   // 0: make, 1: edit, 2 and 3: delete
    if (list == "invoices") {
      if (what == 0) {
        auto invoice = priced<zoho_sim::Invoice>();
        invoice.due_date = 20'630;
        books.add_invoice(invoice, now);
      } else if (auto* one = any(books.invoices)) {
        what == 1 ? books.touch(*one, now) : books.delete_invoice(one->id, true, now);
      }
    } else if (list == "customerpayments") {
      if (what == 0) {
        zoho_sim::Payment payment;
        payment.contact = customer();
        payment.amount = 500;
        payment.mode = "Cash";
        payment.date = static_cast<zoho_sim::Day>(20'000 + pick(600));   // anywhere in a list by date
        books.record_payment(payment, now);
      } else if (auto* one = any(books.payments)) {
        if (what == 1) one->date = static_cast<zoho_sim::Day>(20'000 + pick(600));
        what == 1 ? books.touch(*one, now) : books.delete_payment(one->id, now);
      }
    } else if (list == "contacts") {
      if (what == 0) {
        zoho_sim::Contact contact;
        contact.name = "New " + std::to_string(pick(100'000));
        books.add_contact(contact, now);
      } else if (auto* one = any(books.contacts)) {
        what == 1 ? books.touch(*one, now) : books.delete_contact(one->id, now);
      }
    } else if (list == "items") {
      if (what == 0) {
        zoho_sim::Item item;
        item.name = std::to_string(pick(100'000)) + " new";
        item.rate = 100;
        books.add_item(item, now);
      } else if (auto* one = any(books.items)) {
        if (what == 1) one->name = std::to_string(pick(100'000)) + " edited";   // anywhere in a list by name
        what == 1 ? books.touch(*one, now) : books.delete_item(one->id, now);
      }
    } else if (what == 0) {
      books.add_credit_note(priced<zoho_sim::CreditNote>(), now);
    } else if (auto* one = any(books.credit_notes)) {
      if (what > 1) one->is_deleted = true;
      books.touch(*one, now);
    }
  }
};

void move(World& world, const std::string& list, std::mt19937& random, std::size_t things) {
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
    for (std::size_t i = 0; i < things; ++i) {
      try {
        Mover{books, now, random}.act(list);
      } catch (const zoho_sim::ApiError&) {   // a customer with documents cannot be deleted
      }
    }
  });
}

/// Living rows of a list that are not stored with the version that they have now.
template <class Table>
void find_lost(World& world, const Table& table, const std::string& entity, std::vector<std::string>& lost) {
  for (const auto& row : table.all()) {
    if (row.is_deleted) continue;
    if constexpr (requires { row.is_vendor; }) {
      if (row.is_vendor) continue;
    }
    const auto record = world.find_record(entity, std::to_string(row.id));
    const std::string version = world.simulator.zone().timestamp(row.modified);
    // Edited between list and detail, it is the detail that is current.
    if (!record || (record->row_version != version && record->detail_version != version)) lost.push_back(entity + "/" + std::to_string(row.id) + " of " + version);
  }
}

std::vector<std::string> lost_rows(World& world) {
  std::vector<std::string> lost;
  const zoho_sim::Books books = world.simulator.with_books([](zoho_sim::Books& all, zoho_sim::Time) { return all; });
  find_lost(world, books.invoices, "invoice", lost);
  find_lost(world, books.payments, "customer_payment", lost);
  find_lost(world, books.contacts, "contact", lost);
  find_lost(world, books.items, "item", lost);
  find_lost(world, books.credit_notes, "credit_note", lost);
  return lost;
}

}  // namespace

TEST_CASE("rows that are deleted, made and edited before every page of every list: none is lost after that sync and one more") {
  int shifts = 0, calls = 0, schedules = 0;
  std::int64_t pages = 0;
  for (std::uint64_t seed = 1; seed <= 200; seed += kEvery) {
    CAPTURE(seed);
    const bool is_first = seed % 2 == 0;
    World world(small_pages(seed));
    std::mt19937 random(static_cast<unsigned>(seed));
    world.transport.takes = std::chrono::milliseconds(1100);   // versions have whole seconds
    world.connect();
    if (!is_first) {
      world.sync();
      REQUIRE(lost_rows(world).empty());
      for (int i = 0; i < 12; ++i) {
        world.later(std::chrono::hours(20));
        for (const auto& [list, entity] : kLists) move(world, list, random, 3);
      }
      world.later(std::chrono::minutes(5));
    }
    world.transport.forget_calls();
    world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      const auto found = kLists.find(call.substr(std::string_view("GET /books/v3/").size()));
      if (call.starts_with("GET /books/v3/") && found != kLists.end()) move(world, found->first, random, random() % 4);
      return std::nullopt;
    };
    const runs::RunReport report = world.sync();
    world.transport.before = nullptr;
    for (const runs::PhaseReport& phase : report.phases) {
      if (phase.outcome == "derived") continue;
      CHECK_MESSAGE((phase.outcome == "succeeded" || phase.reason == "berth.list_unsteady"), phase.phase, ": ", phase.reason, " ", phase.message);
      calls += static_cast<int>(phase.calls.list);
      pages += (phase.listed + kPage - 1) / kPage;
      for (const runs::PhaseNote& note : phase.notes) {
        if (note.reason == "zoho_books.list.shifted") shifts += static_cast<int>(note.times);
      }
      ++schedules;
    }
    world.later(std::chrono::hours(1));
    world.sync();
    for (const std::string& row : lost_rows(world)) FAIL_CHECK(row, " is lost");
  }
  MESSAGE(schedules << " schedules over five lists, " << shifts << " shifts mended, " << calls << " calls of lists for rows of " << pages << " pages");
  CHECK(schedules >= 1000 / kEvery);
  CHECK(shifts > 20 / kEvery);
}

TEST_CASE("a list that loses more than a page before every call ends its phase as incomplete, and the next sync reads it again") {
  WorldOptions options = small_pages(3);
  options.items = 400;
  World world(options);
  world.connect();
  std::atomic<bool> is_losing = true;
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (!is_losing || call != "GET /books/v3/items") return std::nullopt;
    world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
      int left = kPage + 1;
      for (auto& item : books.items.all()) {   // the list is by name, items are made in another order
        if (!item.is_deleted && left > 0 && item.name < "N") --left, item.is_deleted = true;
      }
      books.touch(books.items.all().back(), now);
    });
    return std::nullopt;
  };
  const runs::RunReport report = world.sync();
  CHECK(report.outcome == runs::RunOutcome::kIncomplete);
  CHECK(report.reason == "berth.list_unsteady");
  CHECK(report.message.find("the phase items") != std::string::npos);
  CHECK(phase_of(report, "items").outcome == "incomplete");
  CHECK(phase_of(report, "items").calls.list < 30);
  for (const char* phase : {"invoices", "customer_payments", "contacts", "credit_notes"}) CHECK(phase_of(report, phase).outcome == "succeeded");
  CHECK(world.integration().actual == "initial_sync");
  CHECK(world.integration().reason == "berth.list_unsteady");
  is_losing = false;
  world.later(std::chrono::hours(1));
  const runs::RunReport next = world.sync();
  CHECK(next.outcome == runs::RunOutcome::kSucceeded);
  CHECK(world.integration().actual == "setup_incomplete");
  CHECK(lost_rows(world).empty());
}
