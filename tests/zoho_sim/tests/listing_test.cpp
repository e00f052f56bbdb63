#include "tests/zoho_sim/tests/fixture.hpp"

using namespace sim_test;

TEST_CASE("a bad value of a known parameter is refused with code 2, an unknown parameter is ignored") {
  World world;
  for (const auto* query : {"page=0", "page=x", "per_page=-1", "sort_order=up", "sort_column=colour",
                            "filter_by=Status.Purple", "status=weird", "date_start=2026-1-1",
                            "last_modified_time=yesterday", "total=1,5", "response_option=9", "customer_id=abc"}) {
    CAPTURE(query);
    const auto answer = world.get(std::string("/invoices?") + query);
    CHECK(answer.status == 400);
    CHECK(answer.code() == 2);
  }
  const auto everything = world.get("/invoices?last_modifed_time=2030-01-01T00:00:00-0400");  // misspelt: a full scan
  CHECK(everything.body.at("invoices").as_array().size() == 120);
}

TEST_CASE("paging covers every row exactly once in every order and page size") {
  World world;
  for (const auto* sort : {"", "sort_column=customer_name&sort_order=D", "sort_column=date&sort_order=A",
                           "sort_column=total", "sort_column=balance"}) {
    for (const int size : {1, 7, 50, 200}) {
      CAPTURE(sort);
      CAPTURE(size);
      std::set<std::string> ids;
      const auto rows = world.all(std::string("/invoices?") + sort, "invoices", size);
      for (const auto& row : rows) ids.insert(text(row, "invoice_id"));
      CHECK(rows.size() == 120);
      CHECK(ids.size() == 120);
    }
  }
  const auto beyond = world.get("/invoices?page=99");
  CHECK(beyond.body.at("invoices").as_array().empty());
  CHECK_FALSE(beyond.page().at("has_more_page").as_bool());
}

TEST_CASE("page_context says what was done: page, size, sort, filter") {
  World world;
  const auto first = world.get("/invoices?per_page=50");
  CHECK(first.page().at("page") == 1);
  CHECK(first.page().at("per_page") == 50);
  CHECK(first.page().at("has_more_page") == true);
  CHECK(first.page().at("sort_column") == "created_time");
  CHECK(first.page().at("sort_order") == "D");
  CHECK(first.page().at("report_name") == "Invoices");
  CHECK(world.get("/invoices?per_page=1000").page().at("per_page") == 200);
  CHECK(world.get("/contacts").page().at("sort_column") == "contact_name");
  CHECK(world.get("/chartofaccounts").page().at("per_page") == 5000);
  CHECK(world.get("/invoices?response_option=2").page().at("total") == 120);
  CHECK_FALSE(world.get("/invoices?response_option=2").body.contains("invoices"));
  CHECK_FALSE(world.get("/organizations").body.contains("page_context"));
}

TEST_CASE("filters select exactly the rows that match") {
  World world;
  const auto rows = world.all("/invoices", "invoices");
  const auto count = [&](auto test) { return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), test)); };
  for (const auto* status : {"draft", "sent", "overdue", "paid", "void", "partially_paid"}) {
    CHECK(world.all(std::string("/invoices?status=") + status, "invoices").size() ==
          count([&](const auto& row) { return text(row, "status") == status; }));
  }
  const auto day = text(rows[60], "date");
  CHECK(world.all("/invoices?date_start=" + day, "invoices").size() ==
        count([&](const auto& row) { return text(row, "date") >= day; }));
  CHECK(world.all("/invoices?date_after=" + day, "invoices").size() ==
        count([&](const auto& row) { return text(row, "date") > day; }));
  CHECK(world.all("/invoices?date_end=" + day, "invoices").size() ==
        count([&](const auto& row) { return text(row, "date") <= day; }));
  CHECK(world.all("/invoices?invoice_number=" + text(rows[5], "invoice_number"), "invoices").size() == 1);
  CHECK(world.all("/contacts?contact_type=vendor", "contacts").size() +
            world.all("/contacts?contact_type=customer", "contacts").size() ==
        30);
  CHECK(world.all("/customerpayments?filter_by=PaymentMode.Stripe", "customerpayments").size() ==
        world.all("/customerpayments?payment_mode=stripe", "customerpayments").size());
}

TEST_CASE("last_modified_time is inclusive, wants an encoded plus, and reads every offset") {
  World world;
  const auto rows = world.all("/invoices", "invoices");
  const auto moment = text(rows[30], "last_modified_time");
  std::size_t expected = 0;
  std::vector<Time> times;
  for (const auto& row : rows)
    times.push_back(*world.simulator.zone().parse_timestamp(text(row, "last_modified_time")));
  const auto limit = *world.simulator.zone().parse_timestamp(moment);
  for (const auto time : times) expected += time >= limit;
  CHECK(world.all("/invoices?last_modified_time=" + percent_encode(moment), "invoices").size() == expected);
  CHECK(world.get("/invoices?last_modified_time=2024-01-01T00:00:00+0000").code() == 2);
  CHECK(world.get("/invoices?last_modified_time=2024-01-01T00:00:00%2B00:00").status == 200);
  CHECK(world.get("/creditnotes?last_modified_time=2030-01-01T00:00:00Z").body.at("creditnotes").as_array().empty());
}

TEST_CASE("what Zoho does not document is honoured, ignored or refused, as told") {
  World world;
  const std::string future = "last_modified_time=2031-01-01T00:00:00Z";
  struct Case {
    const char* path;
    const char* root;
    std::string query;
  };
  const std::vector<Case> filters = {{"/contacts", "contacts", future},
                                     {"/items", "items", future},
                                     {"/customerpayments", "customerpayments", future}};
  const std::vector<Case> sorts = {
      {"/invoices", "invoices", ""}, {"/items", "items", ""}, {"/customerpayments", "customerpayments", ""}};
  for (const auto& [path, root, query] : filters) {
    CAPTURE(path);
    world.simulator.set_undocumented(Undocumented::kHonoured);
    CHECK(world.get(path + ("?" + query)).body.at(root).as_array().empty());
    world.simulator.set_undocumented(Undocumented::kIgnored);
    CHECK_FALSE(world.get(path + ("?" + query)).body.at(root).as_array().empty());
    world.simulator.set_undocumented(Undocumented::kRefused);
    CHECK(world.get(path + ("?" + query)).code() == 2);
  }
  for (const auto& [path, root, query] : sorts) {
    CAPTURE(path);
    const std::string sorted = std::string(path) + "?sort_column=last_modified_time&sort_order=D";
    world.simulator.set_undocumented(Undocumented::kHonoured);
    const auto honoured = world.get(sorted);
    CHECK(honoured.page().at("sort_column") == "last_modified_time");
    std::string before = "9";
    for (const auto& row : honoured.body.at(root).as_array()) {
      const auto moment =
          std::to_string(*world.simulator.zone().parse_timestamp(text(row.as_object(), "last_modified_time")));
      CHECK(moment <= before);
      before = moment;
    }
    world.simulator.set_undocumented(Undocumented::kIgnored);
    CHECK(world.get(sorted).page().at("sort_column") != "last_modified_time");
    world.simulator.set_undocumented(Undocumented::kRefused);
    CHECK(world.get(sorted).code() == 2);
  }
  // Documented ones work in every mode.
  CHECK(world.get("/contacts?sort_column=last_modified_time").status == 200);
  CHECK(world.get("/creditnotes?sort_column=last_modified_time&" + future).status == 200);
  CHECK(world.get("/invoices?" + future).body.at("invoices").as_array().empty());
}

TEST_CASE("page_context can be made to be missing or an array") {
  World world;
  world.simulator.inject({.kind = FaultKind::kPageContextMissing, .path_prefix = "/books/v3/invoices"});
  world.simulator.inject({.kind = FaultKind::kPageContextArray, .path_prefix = "/books/v3/invoices"});
  CHECK_FALSE(world.get("/invoices").body.contains("page_context"));
  CHECK(world.get("/invoices").body.at("page_context").is_array());
  CHECK(world.get("/invoices").body.at("page_context").is_object());
}

TEST_CASE("a new record is in the list at once and a removed one is gone, also between pages") {
  World world;
  const auto before = world.all("/invoices", "invoices").size();
  const auto id = add_invoice(world, "10.00");
  CHECK(world.all("/invoices", "invoices").size() == before + 1);
  CHECK(world.call("DELETE", "/_control/invoices/" + id).status == 200);
  CHECK(world.all("/invoices", "invoices").size() == before);
}
