// Answers that are whole and wrong: pages that are no data, error codes, lists that lie.
#include <doctest/doctest.h>

#include "bad_input/remote.hpp"

using namespace bad_input;

namespace {

constexpr const char* kSync = "berth sync zoho";
constexpr auto kSection = Section::kAnswers;

const Row kHtml(kSection, "answer.html", "an HTML page with HTTP 200 instead of a list", kSync, "zoho_books.remote.not_json");
const Row kEmpty(kSection, "answer.empty", "an empty body with HTTP 200", kSync, "zoho_books.remote.not_json");
const Row kMaintenance(kSection, "answer.maintenance", "Zoho's maintenance page, HTTP 503", kSync, "zoho_books.remote.outage");
const Row kGateway(kSection, "answer.gateway", "HTTP 502 of a gateway, without a body", kSync, "zoho_books.remote.outage");
const Row kInternal(kSection, "answer.code_1000", "code 1000, an error inside Zoho", kSync, "zoho_books.remote.internal");
const Row kCode(kSection, "answer.code_under_200", "HTTP 200 with an error code", kSync, "zoho_books.list.refused");
const Row kOrganization(kSection, "answer.code_6041", "code 6041: the user lost this organisation", kSync, "zoho_books.organization.refused");
const Row kRedirect(kSection, "answer.redirect", "a redirect to another host", kSync, "zoho_books.remote.redirected");
const Row kNested(kSection, "answer.nested", "JSON nested 10,000 deep", kSync, "zoho_books.remote.not_json");
const Row kUtf8(kSection, "answer.utf8", "text that is not UTF-8, and a NUL byte", kSync, "zoho_books.remote.not_json");
const Row kDuplicate(kSection, "answer.duplicate_key", "a member that stands twice in an object", kSync, "zoho_books.remote.not_json");
const Row kShape(kSection, "answer.shape", "JSON without the rows that were asked for", kSync, "zoho_books.list.shape");
const Row kContextArray(kSection, "list.context_array", "`page_context` as a list of one object", kSync, "");
const Row kContextMissing(kSection, "list.context_missing", "a full page without `page_context`", "berth sync zoho --full", "zoho_books.list.no_page_context");
const Row kEndless(kSection, "list.endless", "a list that promises another page for ever", "berth sync zoho --full", "zoho_books.list.endless");
const Row kRepeated(kSection, "list.repeated", "the same page, whatever page is asked for", "berth sync zoho --full", "zoho_books.list.repeated");
const Row kRemoved(kSection, "list.removed", "rows removed between two pages, which pulls others onto the page before", "berth sync zoho --full", "zoho_books.list.shifted");
const Row kRemovedPayments(kSection, "list.removed_payments", "the same in the list of payments", "berth sync zoho --full", "zoho_books.list.shifted");
const Row kRemovedContacts(kSection, "list.removed_contacts", "the same in the list of contacts", "berth sync zoho --full", "zoho_books.list.shifted");
const Row kRemovedItems(kSection, "list.removed_items", "the same in the list of items", "berth sync zoho --full", "zoho_books.list.shifted");
const Row kRemovedCreditNotes(kSection, "list.removed_credit_notes", "the same in the list of credit notes", "berth sync zoho --full", "zoho_books.list.shifted");
const Row kUnsteady(kSection, "list.unsteady", "rows removed faster than a list can be read", kSync, "berth.list_unsteady");
const Row kAdded(kSection, "list.added", "rows added between two pages, which come twice", "berth sync zoho --full", "");

/// The first of the remote's list that is in the books here.
std::string newest_posted_invoice(const Remote& remote) {
  const std::string token(remote.simulator.post("tokens/issue", R"({"scope":"ZohoBooks.fullaccess.all"})").text_of("access_token"));
  const e2e::Value list = e2e::get(remote.simulator.origin() + "/books/v3/invoices?organization_id=927000001&sort_column=created_time&sort_order=D",
                                   {{"Authorization", "Zoho-oauthtoken " + token}})
                              .json();
  for (const e2e::Value& row : list.find("invoices")->items()) {
    std::string id(row.text_of("invoice_id"));
    if (remote.record(id).text_of("state") == "posted") return id;
  }
  FAIL("no invoice of the first page is posted");
  return {};
}

const std::string kItems = R"("path":"/books/v3/items","count":-1})";

}  // namespace

TEST_CASE("D13.9 A10: answers that are no data change nothing, are repeated a few times and say what came") {
  const Remote remote;
  remote.takes(R"({"kind":"html","status":200,)" + kItems, kHtml);
  remote.takes(R"({"kind":"status","status":200,"body":"",)" + kItems, kEmpty);
  remote.takes(R"({"kind":"html","status":503,"body":"<html><head><title>Maintenance</title></head><body><h1>Zoho Books will be back at 10:00.</h1></body></html>",)" + kItems,
               kMaintenance);
  CHECK(remote.berth.must({"runs", "zoho"}).find("zoho_books.remote.outage") != std::string::npos);
  remote.takes(R"({"kind":"empty","status":502,)" + kItems, kGateway);
  remote.takes(R"({"kind":"status","status":500,"body":"{\"code\":1000,\"message\":\"Internal error\"}",)" + kItems, kInternal);
  remote.takes(R"({"kind":"status","status":200,"body":"{\"code\":2,\"message\":\"Invalid value passed for sort_column\"}",)" + kItems, kCode);
  remote.takes(R"({"kind":"nested",)" + kItems, kNested);
  remote.takes(R"({"kind":"field","field":"name","body":"\"\\xff\\xfe\\x00\"",)" + kItems, kUtf8);
  remote.takes(R"({"kind":"field","field":"name","body":"\"a\",\"name\":\"b\"",)" + kItems, kDuplicate);
  remote.takes(R"({"kind":"field","field":"items","body":"{\"no\":\"rows\"}",)" + kItems, kShape);
  remote.takes(R"({"kind":"status","status":400,"body":"{\"code\":6041,\"message\":\"This user is not associated with the CompanyID/CompanyName: 927000001.\"}",)" + kItems,
               kOrganization);
  // The whole answer is kept with the run (A10).
  const e2e::Value runs = remote.berth.json({"runs", "zoho"});
  const std::string shown = remote.berth.must({"run", "show", std::string(runs.find("runs")->items().at(1).text_of("run"))});
  CHECK(shown.find("This user is not associated with the CompanyID/CompanyName: 927000001.") != std::string::npos);
  CHECK(shown.find("\"status\": 400") != std::string::npos);
  remote.books_are_undisturbed();
}

TEST_CASE("a redirect is not followed, and no token reaches the other host") {
  const Remote remote;
  const e2e::Simulator other({.contacts = 1, .items = 1, .invoices = 1, .payments = 0, .credit_notes = 0});
  other.reset_counters();
  remote.takes(R"({"kind":"redirect","body":")" + other.origin() + R"(/books/v3/items",)" + kItems, kRedirect);
  CHECK(e2e::number_at(other.control("counters"), "calls") == 0);
}

TEST_CASE("lists that lie about their pages end, lose no record and are read whole afterwards") {
  // More invoices than a page has.
  const Remote remote({.contacts = 6, .items = 4, .invoices = 230, .payments = 5, .credit_notes = 0});
  remote.takes(R"({"kind":"page_context_array","path":"/books/v3/","count":-1})", kContextArray, 0);
  remote.takes(R"({"kind":"more_pages",)" + kItems, kEndless);
  const std::string invoices = R"("path":"/books/v3/invoices","count":-1})";
  remote.takes(R"({"kind":"same_page",)" + invoices, kRepeated);
  remote.takes(R"({"kind":"page_context_missing",)" + invoices, kContextMissing, 0);

  // A row on page 1 is deleted before page 2 is read. This pass has seen it: that it is gone is found by the next one.
  const std::string gone = newest_posted_invoice(remote);
  remote.breaks(R"({"kind":"first","path":"/books/v3/invoices","skip":1,"field":"DELETE invoices/)" + gone + R"(","body":"{}"})");
  remote.sync_shows(kRemoved, 0);
  CHECK(remote.record(gone).text_of("state") == "posted");
  remote.mends();
  // And one is made before page 2 is read.
  remote.breaks(R"({"kind":"first","path":"/books/v3/invoices","skip":1,"field":"POST invoices","body":"{\"line_items\":[{\"name\":\"Work\",\"quantity\":1,\"rate\":20}]}"})");
  remote.sync_shows(kAdded, 0);
  remote.mends();
  CHECK(remote.record(gone).text_of("state") == "archived");
  CHECK(e2e::number_at(remote.simulator.control("books"), "counts.invoices") == 230);
  const e2e::Value all = remote.berth.json({"records", "list", "zoho", "--entity", "invoice", "--limit", "1000"});
  CHECK(all.find("records")->items().size() == 231);   // with the deleted one
}

TEST_CASE("rows removed between two pages are noticed on every list, and no record is lost") {
  const Remote remote({.contacts = 26, .items = 24, .invoices = 24, .payments = 24, .credit_notes = 24}, 8);
  // What is made and fetched within one second is fetched again: nothing here is so young.
  remote.simulator.post("clock", R"({"advance":-60})");
  const std::string customer(e2e::row_where(*remote.berth.json({"records", "list", "zoho", "--entity", "contact", "--limit", "100"}).find("records"), "state", "posted").text_of("remote_id"));
  struct List {
    const Row& row;
    std::string path, name, entity, first;   // `first` makes what comes first in the list, with nothing that hangs on it
  };
  const std::vector<List> lists{
      {kRemovedPayments, "customerpayments", "payments", "customer_payment", R"({"amount":5,"payment_mode":"Cash","date":"2031-01-01","customer_id":")" + customer + "\"}"},
      {kRemovedContacts, "contacts", "contacts", "contact", R"({"contact_name":"New Ltd","contact_type":"customer"})"},
      {kRemovedItems, "items", "items", "item", R"({"name":"0 first","rate":5})"},
      {kRemovedCreditNotes, "creditnotes", "credit_notes", "credit_note", R"({"customer_id":")" + customer + R"(","line_items":[{"name":"Back","quantity":1,"rate":5}]})"},
  };
  const auto stored = [&](const std::string& entity) {
    return remote.berth.json({"records", "list", "zoho", "--entity", entity, "--limit", "1000"}).find("records")->size();
  };
  for (const List& list : lists) {
    CAPTURE(list.path);
    const std::string first(remote.simulator.post(list.name, list.first).text_of("id"));
    remote.mends();
    const std::size_t before = stored(list.entity);
    remote.breaks(R"({"kind":"first","path":"/books/v3/)" + list.path + R"(","skip":1,"field":"DELETE )" + list.name + "/" + first + R"(","body":"{}"})");
    remote.sync_shows(list.row, 0);
    CHECK(stored(list.entity) == before);
    // A whole pass settles what is gone, so that the next list has nothing to tell of this one.
    e2e::http("DELETE", remote.simulator.origin() + "/_control/faults");
    remote.berth.must({"sync", "zoho", "--full"});
  }
}

TEST_CASE("a list that loses rows faster than it can be read ends its phase as incomplete, and the next sync reads it again") {
  const e2e::Simulator simulator({.contacts = 6, .items = 260, .invoices = 12, .payments = 5, .credit_notes = 0});
  const e2e::Workspace berth(simulator, fast_settings(8));
  berth.connect();
  simulator.post("faults", R"({"kind":"first","path":"/books/v3/items","count":-1,"field":"DELETE items/first?count=9","body":"{}"})");
  simulator.reset_counters();
  kUnsteady.refused(berth, 0, of_syncs());
  CHECK(e2e::number_at(simulator.control("counters"), "calls") < 80);
  const e2e::Value newest = berth.json({"runs", "zoho"}).find("runs")->items().at(0);
  CHECK(newest.text_of("outcome") == "incomplete");
  CHECK(newest.text_of("reason") == "berth.list_unsteady");
  CHECK(berth.status().text_of("status") == "initial_sync");
  CHECK(berth.status().text_of("reason") == "berth.list_unsteady");
  simulator.clear_faults();
  const e2e::Value next = berth.json({"sync", "zoho", "--strict"});
  CHECK(next.text_of("outcome") == "succeeded");
  CHECK(berth.status().text_of("status") == "setup_incomplete");
  const auto living = static_cast<std::size_t>(e2e::number_at(simulator.control("books"), "counts.items"));
  CHECK(living < 200);
  CHECK(berth.json({"records", "list", "zoho", "--entity", "item", "--limit", "1000"}).find("records")->size() >= living);
}

TEST_CASE("a first sync that loses a row between two pages still takes every record") {
  const e2e::Simulator simulator({.contacts = 6, .items = 4, .invoices = 230, .payments = 0, .credit_notes = 0});
  const e2e::Workspace berth(simulator, fast_settings());
  berth.connect();
  const std::string newest(simulator.post("invoices", R"({"line_items":[{"name":"Work","quantity":1,"rate":5}]})").text_of("id"));
  simulator.post("faults", R"({"kind":"first","path":"/books/v3/invoices","skip":1,"field":"DELETE invoices/)" + newest + R"(","body":"{}"})");
  const e2e::Outcome first = berth.run({"sync", "zoho"});
  CHECK_MESSAGE(first.exit == 0, first.out, first.err);
  CHECK(first.out.find("zoho_books.list.shifted") != std::string::npos);
  std::size_t alive = 0;
  const e2e::Value all = berth.json({"records", "list", "zoho", "--entity", "invoice", "--limit", "1000"});
  for (const e2e::Value& record : all.find("records")->items()) alive += record.text_of("ref") != "invoice/" + newest ? 1 : 0;
  CHECK(alive == 230);
}
