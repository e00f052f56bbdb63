#include "tests/zoho_sim/tests/fixture.hpp"

using namespace sim_test;

namespace {

json::object invoice(World& world, const std::string& id) {
  return world.get("/invoices/" + id).body.at("invoice").as_object();
}

std::vector<std::string> problems(World& world) {
  return world.simulator.with_books([](Books& books, Time) { return books.problems(); });
}

}  // namespace

TEST_CASE("more than the open balance is refused with 24016 and nothing changes") {
  World world;
  const auto id = add_invoice(world, "100.00");
  const auto customer = text(invoice(world, id), "customer_id");
  const auto before = world.simulator.books_json();
  const auto refused =
      world.call("POST", "/books/v3/customerpayments",
                 R"({"customer_id":")" + customer +
                     R"(","payment_mode":"check","amount":150,"date":"2026-06-09","invoices":[{"invoice_id":")" + id +
                     R"(","amount_applied":150}]})");
  CHECK(refused.status == 400);
  CHECK(refused.code() == 24016);
  CHECK(world.simulator.books_json() == before);
}

TEST_CASE("a payment changes the invoice's last_modified_time and not the contact's") {
  World world;
  const auto id = add_invoice(world, "100.00");
  const auto contact_id = text(invoice(world, id), "customer_id");
  const auto contact_before = world.get("/contacts/" + contact_id).body.at("contact").as_object();
  world.clock->advance(1800);
  const auto payment = text(
      world.control("/payments", R"({"invoice_id":")" + id + R"(","amount":40,"payment_mode":"Stripe"})").body, "id");
  const auto paid = invoice(world, id);
  CHECK(text(paid, "last_modified_time") == "2026-06-09T10:30:00-0400");
  CHECK(text(paid, "status") == "partially_paid");
  CHECK(cents(paid, "balance") == 6000);
  const auto contact_after = world.get("/contacts/" + contact_id).body.at("contact").as_object();
  CHECK(contact_after.at("last_modified_time") == contact_before.at("last_modified_time"));
  CHECK(cents(contact_before, "outstanding_receivable_amount") -
            cents(contact_after, "outstanding_receivable_amount") ==
        4000);
  world.clock->advance(60);
  CHECK(world.call("DELETE", "/_control/payments/" + payment).status == 200);
  CHECK(cents(invoice(world, id), "balance") == 10000);
  CHECK(text(invoice(world, id), "last_modified_time") == "2026-06-09T10:31:00-0400");
  CHECK(world.get("/customerpayments/" + payment).code() == 1002);
  CHECK(problems(world).empty());
}

TEST_CASE("voiding keeps total and balance, and gives payments and credits back to the customer") {
  World world;
  const auto id = add_invoice(world, "100.00");
  const auto payment = text(world.control("/payments", R"({"invoice_id":")" + id + R"(","amount":70})").body, "id");
  const auto note = text(world
                             .control("/credit_notes", R"({"customer_id":")" + text(invoice(world, id), "customer_id") +
                                                           R"(","line_items":[{"name":"Return","rate":30}]})")
                             .body,
                         "id");
  REQUIRE(world.control("/credit_notes/" + note + "/apply", R"({"invoice_id":")" + id + R"(","amount":30})").status ==
          200);
  CHECK(text(invoice(world, id), "status") == "paid");
  world.clock->advance(10);
  CHECK(world.call("POST", "/books/v3/invoices/" + id + "/status/void").status == 200);
  const auto after = invoice(world, id);
  CHECK(text(after, "status") == "void");
  CHECK(cents(after, "total") == 10000);
  CHECK(cents(after, "balance") == 10000);
  const auto back = world.get("/customerpayments/" + payment).body.at("payment").as_object();
  CHECK(cents(back, "unused_amount") == 7000);
  CHECK(back.at("invoices").as_array().empty());
  CHECK(text(world.get("/creditnotes/" + note).body.at("creditnote").as_object(), "status") == "open");
  CHECK(problems(world).empty());
}

TEST_CASE("an invoice with payments is not deleted by the API, a deleted one answers 404 with 1002") {
  World world;
  const auto id = add_invoice(world, "100.00");
  world.control("/payments", R"({"invoice_id":")" + id + R"(","amount":70})");
  CHECK(world.call("DELETE", "/books/v3/invoices/" + id).status == 400);
  CHECK(world.call("DELETE", "/_control/invoices/" + id).status == 200);
  const auto gone = world.get("/invoices/" + id);
  CHECK(gone.status == 404);
  CHECK(gone.code() == 1002);
  CHECK(problems(world).empty());
}

TEST_CASE("an edit recomputes the totals, and below what is applied it is refused") {
  World world;
  const auto id = add_invoice(world, "100.00");
  world.control("/payments", R"({"invoice_id":")" + id + R"(","amount":70})");
  CHECK(world.control("/invoices/" + id, R"({"line_items":[{"name":"Work","rate":60}]})").status == 400);
  CHECK(
      world
          .control(
              "/invoices/" + id,
              R"({"line_items":[{"name":"Work","rate":200,"tax_percentage":10}],"adjustment":"-0.25","cf_location":"Boston"})")
          .status == 200);
  const auto after = invoice(world, id);
  CHECK(cents(after, "total") == 21975);
  CHECK(cents(after, "balance") == 14975);
  CHECK(after.at("custom_field_hash").at("cf_location") == "Boston");
  CHECK(world.control("/invoices/" + id, "{nonsense").body.at("code") == 1038);
}

TEST_CASE("merging a contact moves its documents and its id disappears") {
  World world;
  const auto id = add_invoice(world, "100.00");
  const auto from = text(invoice(world, id), "customer_id");
  std::string into;
  for (const auto& row : world.all("/contacts?contact_type=customer", "contacts")) {
    if (text(row, "contact_id") != from) into = text(row, "contact_id");
  }
  CHECK(world.call("DELETE", "/_control/contacts/" + from).status == 400);  // it has transactions
  CHECK(world.control("/contacts/" + from + "/merge", R"({"into":")" + into + "\"}").status == 200);
  CHECK(world.get("/contacts/" + from).code() == 1002);
  CHECK(text(invoice(world, id), "customer_id") == into);
  CHECK(problems(world).empty());
}

TEST_CASE("a sent invoice turns overdue by the clock alone, without being modified") {
  World world;
  const auto id = add_invoice(world, "100.00");
  const auto before = text(invoice(world, id), "last_modified_time");
  CHECK(text(invoice(world, id), "status") == "sent");
  world.clock->advance(31 * 86400);
  world.token = world.simulator.access_token();
  CHECK(text(invoice(world, id), "status") == "overdue");
  CHECK(text(invoice(world, id), "last_modified_time") == before);
}

TEST_CASE("the control interface answers only to this machine, and knows clock, tokens, faults and limits") {
  World world;
  auto far = make_request("GET", "/_control/books");
  far.from_loopback = false;
  CHECK(world.simulator.handle(far).status == 403);
  CHECK(world.call("GET", "/_control/nothing").status == 404);
  CHECK(text(world.control("/clock", R"({"set":"2026-07-01T00:00:00Z"})").body, "now") == "2026-06-30T20:00:00-0400");
  CHECK(world.control("/clock", R"({"advance":60})").body.at("epoch") == 1'782'864'060);
  CHECK(world.get("/invoices").status == 401);  // the hour is over
  world.token = text(world.control("/tokens/issue").body, "access_token");
  CHECK(world.get("/invoices").status == 200);
  world.control("/tokens/expire");
  CHECK(world.get("/invoices").status == 401);
  world.token = text(world.control("/tokens/issue").body, "access_token");
  world.control("/faults",
                R"({"kind":"rate_limit","code":1070,"retry_after":"7","path":"/books/v3/items","skip":1,"count":2})");
  CHECK(world.get("/items").status == 200);
  CHECK(header_of(world.get("/items").raw.headers, "Retry-After") == "7");
  CHECK(world.get("/items").code() == 1070);
  CHECK(world.get("/items").status == 200);
  CHECK(world.control("/faults", R"({"kind":"nonsense"})").status == 400);
  world.control("/limits", R"({"per_day":50,"used_today":50})");
  CHECK(world.get("/items").code() == 45);
  const auto books = world.call("GET", "/_control/books");
  CHECK(books.body.at("problems").as_array().empty());
  CHECK(books.body.at("counts").at("invoices") == 120);
}

TEST_CASE("a duplicate name or number is refused with the code of its kind") {
  World world;
  const auto contact = world.call("POST", "/books/v3/contacts", R"({"contact_name":"Brand New"})");
  CHECK(contact.status == 201);
  CHECK(world.call("POST", "/books/v3/contacts", R"({"contact_name":"brand new"})").code() == 3062);
  const auto customer = text(contact.body.at("contact").as_object(), "contact_id");
  const auto body =
      R"({"customer_id":")" + customer + R"(","invoice_number":"X-1","line_items":[{"name":"a","rate":1}]})";
  const auto created = world.call("POST", "/books/v3/invoices", body);
  CHECK(created.status == 201);
  CHECK(text(created.body.at("invoice").as_object(), "status") == "draft");
  CHECK(header_of(created.raw.headers, "Location").rfind("/api/v3/invoices/", 0) == 0);
  CHECK(world.call("POST", "/books/v3/invoices", body).code() == 1001);
}
