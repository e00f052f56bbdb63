#include "bench/support/documents.hpp"

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>

#include <stdexcept>

namespace bench {

namespace {

struct List {
  const char *phase, *path, *rows, *id, *query;
  bool has_detail;
};
constexpr List kLists[] = {{"invoices", "/invoices", "invoices", "invoice_id", "", true},
                           {"customer_payments", "/customerpayments", "customerpayments", "payment_id", "", true},
                           {"contacts", "/contacts", "contacts", "contact_id", "&contact_type=customer", false},
                           {"items", "/items", "items", "item_id", "", false}};

const List& list_of(const std::string& phase) {
  for (const List& list : kLists) {
    if (list.phase == phase) return list;
  }
  throw std::runtime_error("no phase " + phase);
}

/// One connection that is kept open, as the host keeps its own.
class Client {
 public:
  explicit Client(const e2e::Simulator& simulator)
      : uri_(simulator.origin()),
        session_(uri_.getHost(), uri_.getPort()),
        token_(simulator.post("tokens/issue", R"({"scope":"ZohoBooks.fullaccess.all"})").text_of("access_token")) {
    session_.setKeepAlive(true);
    session_.setTimeout(Poco::Timespan(60, 0));
    const auto organizations = berth::json::parse(get("/organizations"));
    organization_ = organizations.value.find("organizations")->items().at(0).text_of("organization_id");
  }
  std::string get(const std::string& target) {
    Poco::Net::HTTPRequest request("GET", "/books/v3" + target, "HTTP/1.1");
    request.set("Authorization", "Zoho-oauthtoken " + token_);
    session_.sendRequest(request);
    Poco::Net::HTTPResponse response;
    std::string body;
    Poco::StreamCopier::copyToString(session_.receiveResponse(response), body);
    if (response.getStatus() != 200) throw std::runtime_error(target + ": " + body.substr(0, 300));
    return body;
  }
  [[nodiscard]] std::string organization() const { return "organization_id=" + organization_; }

 private:
  Poco::URI uri_;
  Poco::Net::HTTPClientSession session_;
  std::string token_, organization_;
};

}  // namespace

std::vector<Answer> fetch_documents(const e2e::Simulator& simulator) {
  Client client(simulator);
  std::vector<Answer> answers;
  for (const List& list : kLists) {
    for (int page = 1;; ++page) {
      std::string body = client.get(list.path + ("?" + client.organization()) + "&per_page=200&page=" + std::to_string(page) + list.query);
      const auto parsed = berth::json::parse(body);
      answers.push_back({list.phase, std::move(body), true});
      if (list.has_detail) {
        for (const e2e::Value& row : parsed.value.find(list.rows)->items()) {
          if (row.text_of("status") == "draft") continue;
          answers.push_back({list.phase, client.get(std::string(list.path) + "/" + std::string(row.text_of(list.id)) + "?" + client.organization()), false});
        }
      }
      const e2e::Value* more = parsed.value.at_path("page_context.has_more_page");
      if (more == nullptr || !more->boolean()) break;
    }
  }
  return answers;
}

std::string rows_of(const std::string& phase) { return list_of(phase).rows; }
std::string id_of(const std::string& phase) { return list_of(phase).id; }

}  // namespace bench
