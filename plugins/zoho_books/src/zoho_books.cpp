// The Zoho Books connector. How it pulls stands in phases.yaml and is executed by the SDK's pull engine; here is only
// what YAML cannot say: whether the connection works, and which organisations it can see.
#include "berth/connector.hpp"
#include "berth/pull.hpp"
#include "organization.hpp"
#include "zoho_books_descriptor.hpp"

namespace zoho_books {
namespace {

class ZohoBooks final : public berth::Connector, public berth::ConnectExtension {
 public:
  ZohoBooks(berth::Host host, std::string_view config_json)
      : host_(host), config_(berth::read_pull_config(config_json)) {}

  void check() override {
    if (organizations().empty()) {
      throw berth::Failure(BERTH_INVALID_CONFIG, "zoho_books.organizations.none",
                           "The user who connected sees no Zoho Books organisation.");
    }
  }

  void run_phase(const berth::Run& run) override { berth::pull(host_, config_, run); }

  /// "GET /organizations" is the one call of the API that needs no organization_id (Zoho Books API v3, Organizations).
  std::vector<berth::Organization> organizations() override {
    berth::Request request;
    request.path = "/organizations";
    const berth::Response answer = host_.send(request);
    if (answer.status < 200 || answer.status > 299 || answer.verdict != berth::Verdict::kNone) {
      throw berth::Failure(BERTH_BAD_RESPONSE, "zoho_books.organizations.refused",
                           "Zoho Books answered GET /organizations with HTTP " + std::to_string(answer.status) +
                               (answer.remote_code.empty() ? "" : " and code " + answer.remote_code) + ".");
    }
    return organizations_of(answer.body);
  }

 private:
  berth::Host host_;
  berth::PullConfig config_;
};

}  // namespace
}  // namespace zoho_books

BERTH_PLUGIN(zoho_books::ZohoBooks, "zoho_books", "0.1.0", zoho_books::kDescriptorJson)
