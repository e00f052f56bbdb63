// The symptoms of the troubleshooting table, each as it comes about: what a record, a run or an integration says of itself,
// by REST and on the command line alike.
#include "host/lineage/lineage.hpp"
#include "host/admin/master_rows.hpp"
#include "host/admin/router.hpp"
#include "host/core/text.hpp"
#include "host/reasons/reasons.hpp"
#include "host/runs/classifications.hpp"
#include "host/storage/rows.hpp"
#include "integration/shown.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

json::Value last_run(World& world) {
  json::Value view;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    view = admin::run_view(BERTH_TRY(storage::runs::list(connection, kIntegration, {.after = {}, .limit = 1})).items.front());
    return success();
  }).ok());
  return view;
}

/// The symptom is named, and its cause and resolution stand beside it.
void check_shown(const json::Value& view, std::string_view symptom, std::string_view in_resolution) {
  CAPTURE(json::dump(view));
  CHECK(view.text_of("symptom") == symptom);
  CHECK(!view.text_of("cause").empty());
  CHECK(view.text_of("resolution").find(in_resolution) != std::string_view::npos);
  CHECK(!view.text_of("who_acts").empty());
}

/// The hint of the warning that begins so.
std::string hint_of(const json::Value& view, std::string_view beginning) {
  const json::Value* warnings = view.find("warnings");
  if (warnings == nullptr) return {};
  for (const json::Value& warning : warnings->items()) {
    if (warning.text_of("what").starts_with(beginning)) return std::string(warning.text_of("hint"));
  }
  return {};
}

}  // namespace

TEST_CASE("D13.1: a connection that the remote or the host refuses ends with 424, its symptom, cause and resolution, and stores nothing") {
  World world({.invoices = 1, .payments = 0, .credit_notes = 0});
  std::string reason, to_do;
  std::chrono::minutes waits{0};
  SUBCASE("the code is too old") {
    waits = std::chrono::minutes(5);
    reason = "oauth.code_expired_or_used";
    to_do = "Authorize again";
  }
  SUBCASE("the client's secret is another one at Zoho") {
    world.control("POST", "options", R"({"client_secret":"rotated-made-up"})");
    reason = "oauth.client_rejected";
    to_do = "against the API console";
  }
  SUBCASE("the redirect names an accounts server of elsewhere") {
    world.control("POST", "options", R"({"accounts_server":"https://accounts.evil.example"})");
    reason = "oauth.accounts_server_refused";
    to_do = "`accounts-server` of the redirect unchanged";
  }
  SUBCASE("the user belongs to no organisation") {
    world.transport.before = always("/books/v3/organizations", 200, R"({"code":0,"organizations":[]})");
    reason = "runs.no_organization";
    to_do = "Connect with a user who does";
  }
  const auto connect = [&]() -> Result<runs::Connected> {
    const oauth::Authorization begun = BERTH_TRY(world.connector->begin(world.unit()));
    const std::string redirect = world.consent(begun.url);
    world.later(waits);
    auto [owner, grant] = BERTH_TRY(world.connector->accept_redirect(redirect, "/oauth/callback"));
    return world.connector->complete(*owner, grant, {});
  };
  const auto refused = connect();
  REQUIRE_FALSE(refused.ok());
  CHECK_MESSAGE(refused.error().reason == reason, refused.error().message);
  const server::Response answer = admin::problem(refused.error(), 424);
  CHECK(answer.status == 424);
  check_shown(json::parse(answer.body).value, "Connecting ends with 424 or an OAuth error.", to_do);
  CHECK(world.integration().connected.unix_ms == 0);
  CHECK(world.records().empty());
}

TEST_CASE("D13.2: a draft says that it is a draft, and what to do at the remote") {
  World world({.drafts = 3000});
  world.connect();
  world.sync();
  const auto ignored = world.records("invoice", "ignored");
  const auto draft = std::find_if(ignored.begin(), ignored.end(), [](const auto& record) { return record.reason == "zoho_books.invoice.draft"; });
  REQUIRE(draft != ignored.end());
  check_shown(admin::record_view(*draft), "An invoice never appears.", "");
  CHECK(admin::record_view(*draft).text_of("resolution") == "It posts when it is sent.");
}

TEST_CASE("D13.3 D18: an invoice that waits for its customer says so, and posts at once when a person makes or links it, with no call") {
  World world({.payments = 0, .credit_notes = 0});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  world.sync(only("invoices"));
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  world.apply();
  const json::Value waiting = view_of(world, "invoice", invoice);
  CHECK(waiting.text_of("state") == "parked");
  CHECK(waiting.text_of("reason") == "mapping.waits");
  check_shown(waiting, "An invoice or payment waits because its customer is missing.", "berth customers link");
  std::string contact;
  for (const json::Value& key : waiting.find("waits_for")->items()) {
    if (key.text().starts_with("customer/")) contact = key.text().substr(9);
  }
  REQUIRE(!contact.empty());
  const runs::Setup& setup = world.unit().setup;
  const Instant now = world.clock.now();
  world.transport.forget_calls();

  // What nobody named is no customer of the remote.
  CHECK(admin::create_customer(*world.database, setup, "999", "Bowman", "test", now).error().reason == "admin.customer_remote_unknown");
  CHECK(admin::link_customer(*world.database, setup, contact, "Bowman", "test", now).error().reason == "admin.customer_unknown");
  std::string party;
  SUBCASE("made") {
    const auto made = admin::create_customer(*world.database, setup, contact, "Bowman", "test", now);
    REQUIRE_MESSAGE(made.ok(), made.error().message);
    party = made->text_of("customer");
    CHECK(admin::create_customer(*world.database, setup, contact, "Bowman", "test", now).error().reason == "admin.customer_exists");
  }
  SUBCASE("linked to one that is here") {
    add_customer(world, "cus_other", "Bowman Furniture");
    const Error near = admin::link_customer(*world.database, setup, contact, "Bowman Furnitur", "test", now).error();
    CHECK(near.message.find("did you mean \"Bowman Furniture\" (cus_other)?") != std::string::npos);
    const auto linked = admin::link_customer(*world.database, setup, contact, "Bowman Furniture", "test", now);
    REQUIRE_MESSAGE(linked.ok(), linked.error().message);
    party = linked->text_of("customer");
    CHECK(party == "cus_other");
  }
  world.apply();
  CHECK(world.record("invoice", invoice).state == "posted");
  CHECK(world.transport.calls().empty());
  CHECK(world.number("SELECT COUNT(*) FROM entry_line WHERE party = '" + party + "'") > 0);

  // The pull of contacts fills in what was made, leaves alone what was linked, and makes no second one.
  world.sync();
  CHECK(world.record("contact", contact).state == "posted");
  CHECK(world.record("contact", contact).local_id == party);
  CHECK(world.record("invoice", invoice).state == "posted");
  const bool is_linked = party == "cus_other";
  CHECK((world.lines("SELECT name FROM local_row WHERE id = '" + party + "'").front() == "Bowman Furniture") == is_linked);
  CHECK(world.lines("SELECT name FROM local_row WHERE id = '" + party + "'").front() != "Bowman");   // filled in
  CHECK(world.number("SELECT COUNT(*) FROM local_row WHERE kind = 'customer' AND remote_id = '" + contact + "'") == (is_linked ? 0 : 1));
}

TEST_CASE("D13.4: a payment that waits for the account of its mode names the row to map") {
  World world({.payments = 0});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Cheque"})");
  world.sync();
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  world.apply();
  const json::Value waiting = view_of(world, "customer_payment", payment);
  check_shown(waiting, "A payment waits because its account is not found.", "berth accounts map ID payment_mode/MODE/COMPANY ACCOUNT");
  CHECK(json::dump(waiting).find("account/payment_mode/Cheque/acme_us") != std::string::npos);
}

TEST_CASE("D10: a payment mode that is one letter from a mapped one says which, and where that posts") {
  World world({.payments = 0});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  world.sync();
  world.map_all();
  world.map("payment_mode", "Stripe", "acme_us", "bank_main");
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Strpe"})");
  world.later(std::chrono::hours(1));
  world.sync();
  const json::Value waiting = view_of(world, "customer_payment", payment);
  CHECK(waiting.text_of("state") == "parked");
  CHECK(hint_of(waiting, "account/payment_mode/Strpe/") == "nearest: \"Stripe\", which posts to bank_main");
  CHECK(waiting.text_of("message").find("nearest: \"Stripe\"") != std::string_view::npos);
}

TEST_CASE("D13.5: a payment of more than there is, confirmed by fresh data, is skipped for good and says what can be done") {
  World world({.payments = 0});
  OverPayment over(world);
  over.keep_disagreeing();
  world.sync(only("customer_payments"));
  const json::Value skipped = view_of(world, "customer_payment", over.payment);
  CHECK(skipped.text_of("state") == "skipped");
  check_shown(skipped, "A payment or another record is skipped for good.", "accept that it stays out");
}

TEST_CASE("D13.6 D8: a label that differs in one character gives no dimension, and the record names the label that was meant") {
  // The remote's label is "Service Line"; the rules ask for another one.
  World world({.mapping = replace_all(rules_of_the_connector(), "custom_field: Service Line", "custom_field: Service Lime")});
  world.connect();
  const std::string invoice = world.make_invoice("10.00", R"("cf_service_line":"Consulting")");
  world.sync();
  world.map_all();
  const json::Value view = view_of(world, "invoice", invoice);
  CHECK(view.text_of("state") == "posted");
  CHECK(hint_of(view, "custom_field/Service Lime") == "nearest: \"Service Line\"");
  check_shown(view, "Location, service type or company is missing on an entry.", "berth classifications add");
}

TEST_CASE("D19: a line that is added gives the dimension to what was posted without it, with no remote call") {
  World world;
  world.connect();
  const std::string invoice = world.make_invoice("10.00", R"("cf_service_line":"Calibration 100%_a")");
  world.sync();
  world.map_all();
  const json::Value without = view_of(world, "invoice", invoice);
  CHECK(without.text_of("state") == "posted");
  check_shown(without, "Location, service type or company is missing on an entry.", "berth classifications add");
  world.transport.forget_calls();
  runs::Declared declared;
  REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) -> Status {
    declared = BERTH_TRY(runs::declare_classification(connection, "Service Type", "Calibration 100%_a", world.clock.now()));
    return success();
  }).ok());
  CHECK(declared.is_new);
  CHECK(declared.woken == 1);
  world.apply();
  CHECK(world.transport.calls().empty());
  const json::Value with = view_of(world, "invoice", invoice);
  CHECK(with.text_of("state") == "posted");
  CHECK(with.find("warnings") == nullptr);
  bool is_there = false;
  for (const std::string& line : world.journal(true)) {
    is_there = is_there || (line.find("invoice/" + invoice + " ") != std::string::npos && line.find("classification_line/Calibration 100%_a") != std::string::npos);
  }
  CHECK(is_there);
  world.check_books();
}

TEST_CASE("D19: where the classification itself is missing, the record says so, and so does what doctor asks") {
  World world({.mapping = replace_all(rules_of_the_connector(), "in: Service Type", "in: Service Tipe")});
  world.connect();
  const std::string invoice = world.make_invoice("10.00", R"("cf_service_line":"Consulting")");
  world.sync();
  world.map_all();
  CHECK(hint_of(view_of(world, "invoice", invoice), "classification_line/Service Tipe/Consulting") ==
        "there is no classification \"Service Tipe\"; nearest: \"Service Type\"");
  std::vector<std::string> missing;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    missing = BERTH_TRY(runs::missing_classifications(connection, *world.unit().setup.rules));
    return success();
  }).ok());
  CHECK(missing == std::vector<std::string>{"Service Tipe"});
}

TEST_CASE("D13.7: a PDF that failed is explained in the report of the run, and the invoice is posted") {
  World world;
  world.connect();
  world.transport.before = always("?accept=pdf", 200, "<html>busy</html>");
  world.sync();
  world.map_all();
  CHECK(world.records("invoice", "posted").size() > 20);
  const json::Value run = last_run(world);
  bool is_noted = false;
  for (const json::Value& phase : run.find("report")->find("phases")->items()) {
    for (const json::Value& note : phase.find("notes")->items()) {
      if (note.text_of("reason") != "zoho_books.attachment.failed") continue;
      is_noted = true;
      check_shown(note, "The PDF of an invoice is missing.", "");
    }
  }
  CHECK(is_noted);
}

TEST_CASE("D13.7: an invoice whose PDF is missing says so itself, with cause and resolution, until it is here, and when it was given up") {
  World world({.invoices = 3, .payments = 0, .credit_notes = 0});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  const auto lineage = [&] {
    auto view = lineage::of({world.config, world.registry->discovered(), *world.database}, kIntegration, "invoice/" + invoice);
    if (!view.ok()) FAIL(view.error().message);
    return std::move(view).value();
  };
  world.transport.before = always("GET /books/v3/invoices/" + invoice + "?accept=pdf", 503, R"({"code":1,"message":"the printer is out"})");
  world.sync();
  world.map_all();
  const json::Value missing = lineage();
  CHECK(missing.find("record")->text_of("state") == "posted");
  REQUIRE(missing.find("missing_files")->size() == 1);
  const json::Value& file = missing.find("missing_files")->items().front();
  check_shown(file, "The PDF of an invoice is missing.", "later runs fetch the files");
  CHECK(file.text_of("reason") == "berth.files_missing");
  CHECK(file.text_of("message") == "the file pdf could not be taken in 1 run; the last answer: HTTP 503 the printer is out");
  const std::string text = lineage::to_text(missing);
  CHECK_MESSAGE(text.find("  berth.files_missing: the file pdf could not be taken in 1 run") != std::string::npos, text);
  CHECK_MESSAGE(text.find("    do:    The documents are posted; later runs") != std::string::npos, text);

  SUBCASE("it comes later") {
    world.transport.before = nullptr;
    world.later(std::chrono::hours(1));
    world.sync();
    const json::Value whole = lineage();
    CHECK(whole.find("missing_files")->size() == 0);
    CHECK(whole.find("files")->size() == 1);
    CHECK(lineage::to_text(whole).find("files_missing") == std::string::npos);
  }
  SUBCASE("it is given up") {
    world.transport.before = always("GET /books/v3/invoices/" + invoice + "?accept=pdf", 200, "<html>no</html>");
    for (int run = 0; run < 16; ++run) {
      world.later(std::chrono::hours(24));
      world.sync();
    }
    const json::Value given_up = lineage();
    REQUIRE(given_up.find("missing_files")->size() == 1);
    const json::Value& last = given_up.find("missing_files")->items().front();
    CHECK(last.text_of("reason") == "berth.file_given_up");
    CHECK(last.text_of("resolution").find("take the file from the remote by hand") != std::string_view::npos);
    CHECK(last.text_of("who_acts") == "operator");
  }
}

TEST_CASE("D13.7: a PDF that nobody wants, of a draft or without a budget, is told as that") {
  World world({.invoices = 0, .payments = 0, .credit_notes = 0, .more = "    budgets: {invoices.pdf: 0}\n"});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  const std::string draft = world.make_invoice("90.00", R"("status":"draft")");
  world.sync();
  const auto missing_of = [&](const std::string& id) {
    auto view = lineage::of({world.config, world.registry->discovered(), *world.database}, kIntegration, "invoice/" + id);
    if (!view.ok()) FAIL(view.error().message);
    return *view->find("missing_files");
  };
  REQUIRE(missing_of(invoice).size() == 1);
  CHECK(missing_of(invoice).items().front().text_of("message") == "the file pdf is not fetched: `budgets:` gives invoices.pdf no calls");
  CHECK(missing_of(draft).size() == 0);
}

TEST_CASE("D13.8: a refresh that is refused says on the integration and on the run to connect again") {
  World world;
  world.connect();
  world.sync();
  world.control("POST", "tokens/revoke");
  world.control("POST", "tokens/expire");
  world.later(std::chrono::hours(2));
  world.sync();
  check_shown(integration_view(world), "Calls are refused with 401.", "berth connect ID");
  check_shown(last_run(world), "Calls are refused with 401.", "berth connect ID");
}

TEST_CASE("D13.9: an outage and a time-out carry the address of the remote's status page, on the run and on the integration") {
  World world;
  world.connect();
  world.transport.before = always("/books/v3/", 503, "busy");
  world.sync();
  const json::Value run = last_run(world);
  CHECK(run.text_of("outcome") == "failed");
  check_shown(run, "Zoho answers with errors of its own, or not at all.", "");
  CHECK(run.text_of("link") == "https://status.zoho.com/");
  check_shown(integration_view(world), "Zoho answers with errors of its own, or not at all.", "");
  const auto timed_out = reasons::catalogue().explain({.reason = "http.timeout"});
  REQUIRE(timed_out.has_value());
  CHECK(timed_out->link == "https://status.zoho.com/");
}

TEST_CASE("D7: items wait for the default accounts and say so, then are services with these, also those that are made from a service line") {
  World world;
  world.connect();
  const std::string invoice = world.make_invoice("10.00", R"("cf_service_line":"Consulting")");
  world.sync();
  const auto waiting = world.records("item", "parked");
  REQUIRE(!waiting.empty());
  const json::Value view = admin::record_view(waiting.front());
  CHECK(view.text_of("message").find("account/default_income/-/acme_us") != std::string_view::npos);
  CHECK(view.text_of("message").find("account/default_expense/-/acme_us") != std::string_view::npos);
  CHECK(!view.text_of("resolution").empty());
  world.map_all();
  CHECK(world.records("item", "parked").empty());
  CHECK(world.record("invoice", invoice).state == "posted");
  std::size_t from_line = 0, from_list = 0;
  for (const std::string& text : world.lines("SELECT document_json FROM local_row WHERE kind = 'item'")) {
    const json::Value item = json::parse(text).value;
    CAPTURE(text);
    CHECK(item.text_of("type") == "service");
    CHECK(item.text_of("income_account") == "sales");
    CHECK(item.text_of("expense_account") == "cogs");
    ++(item.text_of("origin").empty() ? from_list : from_line);
  }
  CHECK(from_list > 0);
  CHECK(from_line > 0);
}
