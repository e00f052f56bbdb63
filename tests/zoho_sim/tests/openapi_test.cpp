// Compares the names of the fields the simulator sends with those in Zoho's own OpenAPI documents. The documents are
// not part of this repository: BERTH_ZOHO_OPENAPI names the folder that holds them, and without it the test is skipped.
#include "tests/zoho_sim/tests/fixture.hpp"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace sim_test;

namespace {

const char* folder() {
  return std::getenv("BERTH_ZOHO_OPENAPI");
}

class Document {
 public:
  explicit Document(const std::string& file) : root_(YAML::LoadFile(std::string(folder()) + "/" + file)) {}

  // Paths of the properties of what `schema` calls `key`: "line_items[].tax_id".
  std::set<std::string> paths(const std::string& schema, const std::string& key) const {
    std::set<std::string> found;
    const auto node = root_["components"]["schemas"][schema];
    REQUIRE(node.IsDefined());
    auto inner = resolve(resolve(node)["properties"][key]);
    if (inner["items"].IsDefined()) inner = resolve(inner["items"]);
    walk(inner, "", found, 0);
    REQUIRE_FALSE(found.empty());
    return found;
  }

 private:
  YAML::Node resolve(YAML::Node node) const {
    while (node.IsMap() && node["$ref"].IsDefined()) {
      const auto reference = node["$ref"].as<std::string>();
      node.reset(root_["components"]["schemas"][reference.substr(reference.rfind('/') + 1)]);
    }
    return node;
  }
  void walk(const YAML::Node& node, const std::string& at, std::set<std::string>& found, int depth) const {
    if (depth > 5 || !node.IsMap() || !node["properties"].IsDefined()) return;
    for (const auto& property : node["properties"]) {
      const auto path = at + property.first.as<std::string>();
      found.insert(path);
      const auto value = resolve(property.second);
      if (!value.IsMap()) continue;
      if (value["items"].IsDefined())
        walk(resolve(value["items"]), path + "[].", found, depth + 1);
      else
        walk(value, path + ".", found, depth + 1);
    }
  }

  YAML::Node root_;
};

void walk(const json::object& object, const std::string& at, std::set<std::string>& found) {
  for (const auto& [key, value] : object) {
    const auto path = at + std::string(key);
    found.insert(path);
    if (value.is_object()) walk(value.get_object(), path + ".", found);
    if (!value.is_array()) continue;
    for (const auto& element : value.get_array()) {
      if (element.is_object()) walk(element.get_object(), path + "[].", found);
    }
  }
}

struct Deviation {
  std::string kind, resource, path, source;
  bool used = false;
};

// Lines "extra|missing RESOURCE SOURCE: PATH PATH …"; a PATH may end in "*".
std::vector<Deviation> deviations() {
  std::ifstream file(ZOHO_SIM_FOLDER "/openapi_deviations.txt");
  REQUIRE(file.good());
  std::vector<Deviation> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    CAPTURE(line);
    const auto colon = line.find(": ");
    REQUIRE(colon != std::string::npos);
    std::istringstream head(line.substr(0, colon)), paths(line.substr(colon + 2));
    Deviation deviation;
    head >> deviation.kind >> deviation.resource;
    std::getline(head >> std::ws, deviation.source);
    CHECK((deviation.kind == "extra" || deviation.kind == "missing"));
    CHECK_FALSE(deviation.source.empty());
    while (paths >> deviation.path) all.push_back(deviation);
  }
  return all;
}

bool covers(Deviation& deviation, const std::string& kind, const std::string& resource, const std::string& path) {
  if (deviation.kind != kind || (deviation.resource != resource && deviation.resource != "*")) return false;
  const bool open = !deviation.path.empty() && deviation.path.back() == '*';
  const auto stem = open ? deviation.path.substr(0, deviation.path.size() - 1) : deviation.path;
  const bool under = path.rfind(stem + ".", 0) == 0 || path.rfind(stem + "[].", 0) == 0;  // what a named path contains
  const bool hit = open ? path.rfind(stem, 0) == 0 : path == stem || under;
  deviation.used = deviation.used || hit;
  return hit;
}

struct Resource {
  const char* name;
  const char* file;
  const char* schema;
  const char* key;  // in the OpenAPI document
  std::vector<std::string> targets;
  const char* sent_key;  // on the wire
};

}  // namespace

TEST_CASE("field names are those of Zoho's OpenAPI documents, but for the deviations that are named") {
  if (folder() == nullptr) {
    MESSAGE("skipped: BERTH_ZOHO_OPENAPI does not name a folder with Zoho's OpenAPI documents");
    return;
  }
  auto options = small_options();
  options.books.foreign = 1000;
  World world(options);
  const auto invoices = world.all("/invoices?status=partially_paid", "invoices");
  std::vector<std::string> invoice_details, payment_details, note_details, note_invoices, note_refunds;
  for (const auto& row : world.all("/invoices", "invoices"))
    invoice_details.push_back("/invoices/" + text(row, "invoice_id"));
  for (const auto& row : world.all("/customerpayments", "customerpayments"))
    payment_details.push_back("/customerpayments/" + text(row, "payment_id"));
  for (const auto& row : world.all("/creditnotes", "creditnotes")) {
    note_details.push_back("/creditnotes/" + text(row, "creditnote_id"));
    note_invoices.push_back(note_details.back() + "/invoices");
    note_refunds.push_back(note_details.back() + "/refunds");
  }
  const auto contact = text(world.rows("/contacts", "contacts").at(0).as_object(), "contact_id");
  const auto item = text(world.rows("/items", "items").at(0).as_object(), "item_id");
  const std::vector<Resource> resources = {
      {"invoice_row", "invoices.yml", "list-invoices-response", "invoices", {"/invoices"}, "invoices"},
      {"invoice", "invoices.yml", "get-an-invoice-response", "invoice", invoice_details, "invoice"},
      {"contact_row", "contacts.yml", "list-contacts-response", "contacts", {"/contacts"}, "contacts"},
      {"contact", "contacts.yml", "get-contact-response", "contact", {"/contacts/" + contact}, "contact"},
      {"item_row", "items.yml", "list-items-response", "items", {"/items"}, "items"},
      {"item", "items.yml", "get-an-item-response", "item", {"/items/" + item}, "item"},
      {"payment_row",
       "customer-payments.yml",
       "list-customer-payments-response",
       "customer_payments",
       {"/customerpayments"},
       "customerpayments"},
      {"payment", "customer-payments.yml", "retrieve-a-payment-response", "payment", payment_details, "payment"},
      {"credit_note_row",
       "credit-notes.yml",
       "list-all-credit-notes-response",
       "creditnotes",
       {"/creditnotes"},
       "creditnotes"},
      {"credit_note", "credit-notes.yml", "get-a-credit-note-response", "creditnote", note_details, "creditnote"},
      {"credit_note_invoice", "credit-notes.yml", "list-invoices-credited-response", "invoices_credited", note_invoices,
       "invoices_credited"},
      {"credit_note_refund", "credit-notes.yml", "list-refunds-of-a-credit-note-response", "creditnote_refunds",
       note_refunds, "creditnote_refunds"},
      {"currency_row",
       "currency.yml",
       "list-currencies-response",
       "currencies",
       {"/settings/currencies"},
       "currencies"},
      {"tax_row", "taxes.yml", "list-taxes-response", "taxes", {"/settings/taxes"}, "taxes"},
      {"account_row",
       "chart-of-accounts.yml",
       "list-chart-of-accounts-response",
       "chartofaccounts",
       {"/chartofaccounts"},
       "chartofaccounts"},
      {"bank_account_row",
       "bank-accounts.yml",
       "list-view-of-accounts-response",
       "bankaccounts",
       {"/bankaccounts"},
       "bankaccounts"},
      {"organization_row",
       "organizations.yml",
       "list-organizations-response",
       "organizations",
       {"/organizations"},
       "organizations"}};
  auto known = deviations();
  std::map<std::string, Document> documents;
  for (const auto& resource : resources) {
    auto document = documents.find(resource.file);
    if (document == documents.end()) document = documents.emplace(resource.file, Document(resource.file)).first;
    const auto documented = document->second.paths(resource.schema, resource.key);
    std::set<std::string> sent;
    for (const auto& target : resource.targets) {
      const auto answer = world.get(target);
      REQUIRE(answer.status == 200);
      const auto& value = answer.body.at(resource.sent_key);
      if (value.is_object())
        walk(value.get_object(), "", sent);
      else
        for (const auto& element : value.get_array()) walk(element.as_object(), "", sent);
    }
    const auto compare = [&](const char* kind, const std::set<std::string>& from,
                             const std::set<std::string>& against) {
      std::string parent = "/";  // of a name that is not there, what it contains is not named again
      for (const auto& path : from) {
        if (against.count(path) != 0) continue;
        if (path.rfind(parent + ".", 0) == 0 || path.rfind(parent + "[].", 0) == 0) continue;
        parent = path;
        bool covered = false;
        for (auto& deviation : known) covered = covers(deviation, kind, resource.name, path) || covered;
        const auto line = std::string(kind) + " " + resource.name + " " + path;
        CHECK_MESSAGE(covered, "not in openapi_deviations.txt: " << line);
      }
    };
    compare("extra", sent, documented);
    compare("missing", documented, sent);
  }
  for (const auto& deviation : known) {
    CHECK_MESSAGE(deviation.used,
                  "no longer a deviation: " << deviation.kind << " " << deviation.resource << " " << deviation.path);
  }
}
