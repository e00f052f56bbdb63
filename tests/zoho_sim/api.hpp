// The resources under /books/v3: which paths and methods there are, which scope each needs, and what it answers.
//
// The caller has checked the token and the quota, holds the lock, and turns a thrown ApiError into its JSON answer.
#pragma once

#include "tests/zoho_sim/listing.hpp"
#include "tests/zoho_sim/render.hpp"

#include <deque>
#include <functional>

namespace zoho_sim {

enum class PageContext { kObject, kMissing, kArray };

struct ApiCall {
  const Request& request;
  std::string scopes;
  Time now = 0;
  Undocumented undocumented = Undocumented::kHonoured;
  PageContext page_context = PageContext::kObject;
  std::vector<Id> ids = {};  // those of the path, filled in by the route
};

enum class CallKind { kList, kDetail, kFile, kToken, kOther };
std::string_view name_of(CallKind kind);
CallKind kind_of(const Request& request);
std::string path_family(std::string_view path);  // ids become {id}

class Api {
 public:
  Api(Books& books, const OrgTime& zone);
  Response handle(ApiCall call);

 private:
  using Handler = Response (Api::*)(const ApiCall&);
  struct Route {
    std::string method;
    std::vector<std::string> pattern;  // "*" stands for an id
    std::string scope;
    Handler handler;
  };
  struct ListShape {
    const char* root;
    const char* report;
    const char* filter;
    const char* sort_column;
    char sort_order;
    std::int64_t page_size = 200;
  };

  RenderContext context(const ApiCall& call);
  void route(const char* method, const char* pattern, const char* scope, Handler handler);
  template <class Record, class Row>
  Response list(const ApiCall& call, const ListShape& shape, Listing<Record>& listing, Row row);
  Response one(const ApiCall& call, const char* key,
               const std::function<void(JsonWriter&, const RenderContext&)>& write, int status = 200,
               const char* message = "success");
  Response said(const char* message);

  Response organizations(const ApiCall& call);
  Response organization(const ApiCall& call);
  Response invoices(const ApiCall& call);
  Response invoice(const ApiCall& call);
  Response payments_of_invoice(const ApiCall& call);
  Response credits_of_invoice(const ApiCall& call);
  Response contacts(const ApiCall& call);
  Response contact(const ApiCall& call);
  Response items(const ApiCall& call);
  Response item(const ApiCall& call);
  Response payments(const ApiCall& call);
  Response payment(const ApiCall& call);
  Response credit_notes(const ApiCall& call);
  Response credit_note(const ApiCall& call);
  Response invoices_of_credit_note(const ApiCall& call);
  Response refunds_of_credit_note(const ApiCall& call);
  Response currencies(const ApiCall& call);
  Response exchange_rates(const ApiCall& call);
  Response taxes(const ApiCall& call);
  Response accounts(const ApiCall& call);
  Response bank_accounts(const ApiCall& call);

  Response create_invoice(const ApiCall& call);
  Response change_invoice_status(const ApiCall& call);
  Response remove_invoice(const ApiCall& call);
  Response create_payment(const ApiCall& call);
  Response remove_payment(const ApiCall& call);
  Response create_contact(const ApiCall& call);

  struct CachedOrder {
    std::string key;
    std::vector<std::size_t> rows;
    Page page;
  };

  Books& books_;
  const OrgTime& zone_;
  std::vector<Route> routes_;
  std::uint64_t reads_ = 0;
  std::deque<CachedOrder> orders_;  // so that reading a long list page by page does not sort it on every page
};

Response json_response(int status, std::string body);

}  // namespace zoho_sim
