// Lineage: from any name to the document, from the document to every version, field, entry and reversal, and back.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "host/lineage/differences.hpp"
#include "host/lineage/lineage.hpp"
#include "host/core/text.hpp"
#include "host/ledger/opening.hpp"
#include "host/ledger/queries.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// A world whose books are posted, and which is asked for lineages.
struct Posted : World {
  explicit Posted(WorldOptions options = {.contacts = 6, .items = 4, .invoices = 12, .payments = 8, .credit_notes = 3}) : World(std::move(options)) {
    connect();
    sync();
    map_all();
    later(std::chrono::hours(1));
  }
  void next() {
    sync();
    map_all();
    later(std::chrono::hours(1));
  }
  Result<json::Value> try_lineage(const std::string& name) { return lineage::of({config, registry->discovered(), *database}, kIntegration, name); }
  json::Value lineage(const std::string& name) {
    auto view = try_lineage(name);
    if (!view.ok()) FAIL(name << ": " << view.error().reason << ": " << view.error().message);
    return std::move(view).value();
  }
  std::string refusal(const std::string& name) {
    const auto view = try_lineage(name);
    REQUIRE_FALSE(view.ok());
    return view.error().reason + ": " + view.error().message;
  }
};

const json::Value* where(const json::Value& list, std::string_view member, std::string_view value) {
  for (const json::Value& one : list.items()) {
    if (one.text_of(member) == value) return &one;
  }
  return nullptr;
}

/// An invoice that is edited and paid, one that is voided, one that waits.
struct Eventful : Posted {
  Eventful() {
    edited = make_invoice("250.00");
    voided = make_invoice("80.00");
    next();
    payment = make_payment(R"({"invoice_id":")" + edited + R"(","amount":100,"payment_mode":"Check"})");
    control("POST", "invoices/" + voided + "/void");
    next();
    control("POST", "invoices/" + edited, R"({"line_items":[{"name":"Work","rate":300,"quantity":1}]})");
    const std::string other = make_invoice("40.00");
    sync();
    waiting = make_payment(R"({"invoice_id":")" + other + R"(","payment_mode":"Barter"})");
    later(std::chrono::hours(1));
    sync();
  }
  std::string edited, voided, payment, waiting;
};

}  // namespace

TEST_CASE("B4: every line of the journal leads to its document, whose lineage has that line, and every entry is in one lineage") {
  Eventful world;
  struct Line {
    std::int64_t entry;
    std::size_t number;
    std::string account, amount, side;
  };
  std::vector<Line> lines;
  std::set<std::string> entries;
  REQUIRE(world.database->read([&](storage::Connection& connection) {
    return ledger::each_entry(connection, {}, [&](const ledger::StoredEntry& entry) -> Status {
      entries.insert(std::to_string(entry.id));
      for (std::size_t i = 0; i < entry.lines.size(); ++i) {
        lines.push_back({entry.id, i + 1, entry.lines[i].account, entry.lines[i].base.to_string(), entry.lines[i].side == ledger::Side::kDebit ? "debit" : "credit"});
      }
      return success();
    });
  }).ok());
  REQUIRE(lines.size() > 80);
  for (const Line& line : lines) {
    CAPTURE(line.entry);
    CAPTURE(line.number);
    const json::Value view = world.lineage(fmt::format("line/{}.{}", line.entry, line.number));
    const json::Value* entry = where(*view.find("entries"), "id", std::to_string(line.entry));
    REQUIRE(entry != nullptr);
    const json::Value* found = where(*entry->find("lines"), "line", std::to_string(line.number));
    REQUIRE(found != nullptr);
    CHECK(found->text_of("account") == line.account);
    CHECK(found->text_of("amount") == line.amount);
    CHECK(found->text_of("side") == line.side);
    CHECK(view.find("record") != nullptr);
    CHECK(view.find("asked")->text_of("entry") == std::to_string(line.entry));
  }
  // The way back: the lineages of all documents have every entry, each once.
  std::multiset<std::string> led_to;
  for (const storage::Record& record : world.records()) {
    const json::Value view = world.lineage(fmt::format("{}/{}", record.entity, record.remote_id));
    CHECK(view.text_of("ref") == record.entity + "/" + record.remote_id);
    CHECK_FALSE(view.find("versions")->items().empty());
    for (const json::Value& entry : view.find("entries")->items()) led_to.emplace(entry.text_of("id"));
  }
  CHECK(led_to.size() == entries.size());
  CHECK((std::set<std::string>(led_to.begin(), led_to.end()) == entries));
}

TEST_CASE("B4: after an edit the lineage names what changed at the remote, and which entry replaced which") {
  Eventful world;
  const json::Value view = world.lineage("invoice/" + world.edited);
  const json::Value* changed = nullptr;
  for (const json::Value& version : view.find("versions")->items()) {
    if (version.text_of("kind") != "detail" || !version.find("differences")->is_array()) continue;
    if (const json::Value* total = where(*version.find("differences"), "path", "total")) changed = total;
    CHECK(version.text_of("run").starts_with("run_"));
  }
  REQUIRE(changed != nullptr);
  CHECK(Decimal::parse(changed->text_of("before")).value().to_string().starts_with("250"));
  CHECK(Decimal::parse(changed->text_of("after")).value().to_string().starts_with("300"));

  const json::Value* reversed = nullptr;
  for (const json::Value& entry : view.find("entries")->items()) {
    if (entry.text_of("state") == "reversed" && entry.text_of("event") == "post") reversed = &entry;
  }
  REQUIRE(reversed != nullptr);
  const json::Value* reversal = where(*view.find("entries"), "id", reversed->text_of("reversed_by"));
  REQUIRE(reversal != nullptr);
  CHECK(reversal->text_of("reverses") == reversed->text_of("id"));
  const json::Value* replacement = where(*view.find("entries"), "id", reversed->text_of("replaced_by"));
  REQUIRE(replacement != nullptr);
  CHECK(replacement->text_of("state") == "live");
  CHECK(replacement->text_of("replaces") == reversed->text_of("id"));
  CHECK(replacement->text_of("version") != reversed->text_of("version"));
  // What moved its open amount, from the other side too.
  const json::Value* moved = where(*view.find("moved_by"), "by", "customer_payment/" + world.payment);
  REQUIRE(moved != nullptr);
  CHECK(moved->text_of("amount") == "-100.00");
  CHECK(where(*world.lineage("customer_payment/" + world.payment).find("moves"), "item", "invoice/" + world.edited) != nullptr);
  // Every field with the rule that made it.
  const json::Value* fields = view.find("mapping")->find("fields");
  REQUIRE(fields != nullptr);
  const json::Value* total = where(*fields, "field", "total");
  REQUIRE(total != nullptr);
  CHECK(total->text_of("rule").find("mapping.yaml:") != std::string_view::npos);
  CHECK_FALSE(total->text_of("how").empty());

  const std::string text = lineage::to_text(view);
  INFO(text);
  for (const char* words : {"received", "total: ", " → ", "mapped to invoice by rules", "posted", "reversed by ", "replaced by ", "replaces ", "what is open of it was moved by"}) {
    CHECK_MESSAGE(text.find(words) != std::string::npos, words);
  }
}

TEST_CASE("B4: a voided invoice shows its reversal, the state that it has now, and the run that brought it") {
  Eventful world;
  const json::Value view = world.lineage(world.voided);   // the remote id alone
  CHECK(view.find("record")->text_of("state") == "ignored");
  CHECK(view.find("row")->text_of("state") == "void");
  REQUIRE(view.find("entries")->size() == 2);
  CHECK(view.find("entries")->items()[0].text_of("state") == "reversed");
  CHECK(view.find("entries")->items()[1].text_of("state") == "reversal");
  CHECK(view.find("entries")->items()[1].text_of("event") == "void");
  const std::string run(view.find("entries")->items()[1].text_of("run"));
  CHECK(world.number("SELECT COUNT(*) FROM run WHERE id = '" + run + "'") == 1);
  CHECK(run != view.find("entries")->items()[0].text_of("run"));
}

TEST_CASE("B4: a document that waits says for what and why that is not there, and its invoice is posted and says nothing of the kind") {
  Eventful world;
  const json::Value view = world.lineage("customer_payment/" + world.waiting);
  CHECK(view.find("record")->text_of("reason") == "ledger.unmapped");
  REQUIRE(view.find("waits_for")->size() == 1);
  CHECK(view.find("waits_for")->items()[0].text_of("key") == "account/payment_mode/Barter/acme_us");
  CHECK_FALSE(view.find("waits_for")->items()[0].text_of("why").empty());
  CHECK(view.find("entries")->items().empty());
  const std::string text = lineage::to_text(view);
  CHECK(text.find("waits for account/payment_mode/Barter/acme_us") != std::string::npos);
  CHECK(text.find("no entries") != std::string::npos);
}

TEST_CASE("B4: who waits for a document is told in its lineage") {
  World world({.contacts = 4, .items = 3, .invoices = 6, .payments = 0, .credit_notes = 0});
  world.connect();
  world.sync();
  const auto waiting = world.lines("SELECT awaited FROM waiting WHERE awaited LIKE 'customer/%' OR awaited LIKE 'invoice/%'");
  const auto accounts = world.lines("SELECT awaited FROM waiting WHERE awaited LIKE 'account/%'");
  CHECK_FALSE(accounts.empty());
  const std::string invoice = world.make_invoice("30.00");
  world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Check"})");
  world.later(std::chrono::hours(1));
  world.sync();   // no account is mapped: the invoice waits, and the payment for the invoice
  const auto view = lineage::of({world.config, world.registry->discovered(), *world.database}, kIntegration, "invoice/" + invoice);
  REQUIRE(view.ok());
  REQUIRE(view->find("waited_for_by")->size() == 1);
  CHECK(view->find("waited_for_by")->items()[0].text_of("ref").starts_with("customer_payment/"));
  CHECK(lineage::to_text(*view).find(" waits for it (parked") != std::string::npos);
}

TEST_CASE("B4: a document is found by every name that a person has for it, also where it did not post") {
  Eventful world;
  const storage::Record record = world.record("invoice", world.edited);
  const std::string number = world.lines("SELECT name FROM local_row WHERE id = '" + record.local_id + "'").at(0);
  const std::string entry = std::to_string(world.number("SELECT MAX(id) FROM entry WHERE local_id = '" + record.local_id + "'"));
  const std::vector<std::string> names = {"invoice/" + world.edited, world.edited, number, "invoice/" + number, record.local_id,
                                          "record/" + std::to_string(record.id), "record " + std::to_string(record.id), "entry/" + entry, "entry " + entry,
                                          "line/" + entry + ".1", "  " + number + " "};
  for (const std::string& name : names) CHECK_MESSAGE(world.lineage(name).text_of("ref") == "invoice/" + world.edited, name);
  // A customer by the rules' word, the remote's, and its name.
  const std::string contact = world.lines("SELECT remote_id FROM record WHERE entity = 'contact' AND state = 'posted' ORDER BY id LIMIT 1").at(0);
  CHECK(world.lineage("customer/" + contact).text_of("ref") == "contact/" + contact);
  CHECK(world.lineage("contact/" + contact).find("row")->text_of("kind") == "customer");
  // A draft never posts; its number is in what the remote sent.
  const std::string draft = world.make_invoice("9.00", R"("status":"draft","invoice_number":"INV-DRAFT-7")");
  world.sync();
  CHECK(world.record("invoice", draft).state == "ignored");
  CHECK(world.lineage("INV-DRAFT-7").text_of("ref") == "invoice/" + draft);
}

TEST_CASE("B4: a name that nobody has is refused with the nearest one, one that several have with all of them") {
  Eventful world;
  const storage::Record record = world.record("invoice", world.edited);
  const std::string number = world.lines("SELECT name FROM local_row WHERE id = '" + record.local_id + "'").at(0);
  std::string wrong = number;
  wrong.back() = wrong.back() == 'x' ? 'y' : 'x';
  const std::string unknown = world.refusal(wrong);
  CHECK_MESSAGE(unknown.find("runs.record_unknown") != std::string::npos, unknown);
  CHECK_MESSAGE(unknown.find("did you mean \"") != std::string::npos, unknown);
  CHECK(world.refusal("customer_payment/" + world.edited).find("did you mean \"invoice/" + world.edited + "\"") != std::string::npos);
  CHECK(world.refusal("record/99999").starts_with("runs.record_unknown"));
  CHECK(world.refusal("").starts_with("runs.record_unknown"));
  const std::string last = std::to_string(world.number("SELECT MAX(id) FROM entry"));
  CHECK(world.refusal("entry/99999").find("the last one is " + last) != std::string::npos);
  CHECK(world.refusal("line/1.99").starts_with("admin.entry_unknown"));
  CHECK(world.refusal("line/1.0").starts_with("admin.entry_unknown"));
  CHECK(world.refusal("entry/abc").starts_with("admin.entry_unknown"));
  CHECK(world.refusal(std::string(500, 'z')).size() < 400);
  // An invoice whose number is the id of another record.
  world.make_invoice("5.00", R"("invoice_number":"3")");
  world.next();
  const std::string ambiguous = world.refusal("3");
  CHECK_MESSAGE(ambiguous.starts_with("admin.record_ambiguous"), ambiguous);
  CHECK(ambiguous.find("invoice/") != std::string::npos);
  CHECK(ambiguous.find(world.lines("SELECT entity || '/' || remote_id FROM record WHERE id = 3").at(0)) != std::string::npos);
  CHECK(world.lineage("record/3").find("record")->text_of("record") == "3");
}

TEST_CASE("B4: the rules that decided a document are shown, not those of today, and after a re-mapping the new ones are") {
  std::ifstream in(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml", std::ios::binary);
  const std::string rules{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  Posted world({.contacts = 6, .items = 4, .invoices = 12, .payments = 8, .credit_notes = 3, .mapping = rules});
  const std::string invoice = world.lines("SELECT remote_id FROM record WHERE entity = 'invoice' AND state = 'posted' ORDER BY id LIMIT 1").at(0);
  const json::Value before = world.lineage("invoice/" + invoice);
  CHECK(before.find("mapping")->find("is_current")->boolean());
  const std::string revision(before.find("mapping")->text_of("rules"));

  world.folder.write("mapping.yaml", "# changed\n" + rules);
  world.restart();
  const json::Value between = world.lineage("invoice/" + invoice);
  CHECK(between.find("mapping")->text_of("rules") == revision);
  CHECK_FALSE(between.find("mapping")->find("is_current")->boolean());
  CHECK(between.find("mapping")->find("fields")->size() == before.find("mapping")->find("fields")->size());

  REQUIRE(world.engine->remap(world.unit().setup, {}, {}, {}).ok());
  const json::Value after = world.lineage("invoice/" + invoice);
  CHECK(after.find("mapping")->text_of("rules") != revision);
  CHECK(after.find("mapping")->find("is_current")->boolean());
  // Nothing that posts has changed: the entry is still that of the earlier rules, and says so.
  CHECK(after.find("entries")->items()[0].text_of("rules_revision") == revision);
  // Rules that cannot be read keep nobody from seeing the rest.
  world.folder.write("mapping.yaml", "no: rules\n");
  const json::Value without = world.lineage("invoice/" + invoice);
  CHECK_FALSE(without.find("mapping")->text_of("unavailable").empty());
  CHECK(without.find("entries")->size() == after.find("entries")->size());
}

TEST_CASE("B4: what the remote wrote moves no terminal's cursor and begins no line of its own") {
  Posted world({.contacts = 4, .items = 3, .invoices = 4, .payments = 0, .credit_notes = 0});
  const std::string invoice = world.make_invoice("30.00", R"("reference_number":"\u001b[2J\nposted\u009b1A")");
  world.next();
  const std::string text = lineage::to_text(world.lineage("invoice/" + invoice));
  INFO(text);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
  std::size_t headings = 0;
  for (auto at = text.find("\nposted\n"); at != std::string::npos; at = text.find("\nposted\n", at + 1)) ++headings;
  CHECK(headings == 1);
}

TEST_CASE("B4: an opening receivable has entries and no document of the remote, and says so") {
  Posted world({.contacts = 4, .items = 3, .invoices = 4, .payments = 0, .credit_notes = 0});
  const std::string customer = world.lines("SELECT id FROM local_row WHERE kind = 'customer' ORDER BY id LIMIT 1").at(0);
  ledger::BooksContext context;
  context.companies = world.registry->companies();
  context.integration = {std::string(kIntegration), "acme_us", "USD"};
  const auto openings = ledger::parse_openings("invoice,number,customer,company,currency,open,base,date\nOLD1,INV-OLD-1," + customer + ",acme_us,USD,90.00,,2025-12-31\n",
                                               context.companies);
  REQUIRE(openings.ok());
  REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(ledger::post_opening(connection, openings->front(), context, "inv_old1", world.clock.now()));
    return success();
  }).ok());
  const std::string entry = std::to_string(world.number("SELECT MAX(id) FROM entry"));
  for (const std::string& name : {"entry/" + entry, std::string("INV-OLD-1"), std::string("invoice/OLD1"), std::string("inv_old1")}) {
    CAPTURE(name);
    const json::Value view = world.lineage(name);
    CHECK(view.text_of("ref") == "invoice/OLD1");
    CHECK(view.find("record") == nullptr);
    REQUIRE(view.find("entries")->size() == 1);
    CHECK(view.find("entries")->items()[0].text_of("event") == "opening");
    CHECK(lineage::to_text(view).find("no document of the remote") != std::string::npos);
  }
}

TEST_CASE("differences: members that came, went and changed, list elements by their ids where they have some") {
  const auto differ = [](std::string_view before, std::string_view after) {
    std::vector<std::string> texts;
    for (const lineage::Difference& one : lineage::differences(json::parse(before).value, json::parse(after).value)) {
      texts.push_back(fmt::format("{} {} {}", one.path, one.before ? json::dump(*one.before) : "-", one.after ? json::dump(*one.after) : "-"));
    }
    return texts;
  };
  using Texts = std::vector<std::string>;
  CHECK(differ(R"({"a":1,"b":{"c":"x"}})", R"({"b":{"c":"x"},"a":1})").empty());
  CHECK(differ(R"({"a":1,"b":{"c":"x"},"gone":true})", R"({"a":2,"b":{"c":"y","d":null}})") == Texts{"a 1 2", "b.c \"x\" \"y\"", "b.d - null", "gone true -"});
  CHECK(differ(R"({"l":[{"tax_id":"t","line_id":"1","r":1},{"tax_id":"t","line_id":"2","r":2}]})", R"({"l":[{"tax_id":"t","line_id":"2","r":3}]})") ==
        Texts{"l[2].r 2 3", "l[1] {\"tax_id\":\"t\",\"line_id\":\"1\",\"r\":1} -"});
  CHECK(differ(R"({"l":[1,2]})", R"({"l":[1,3,4]})") == Texts{"l[1] 2 3", "l[2] - 4"});
  CHECK(differ(R"({"l":[]})", R"({"l":{}})") == Texts{"l [] {}"});
}
