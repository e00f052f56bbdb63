// A connector to Zoho Books that connects like the real one and dies in every run, by a write through a null pointer after
// one call.
#include "berth/connector.hpp"
#include "crashing_books_descriptor.hpp"
#include "organization.hpp"

#include <cstdio>

namespace {

class CrashingBooks final : public berth::Connector, public berth::ConnectExtension {
 public:
  CrashingBooks(berth::Host host, std::string_view) : host_(host) {}
  void check() override { static_cast<void>(organizations()); }
  void run_phase(const berth::Run&) override {
    berth::Request request;
    request.path = "/organizations";
    static_cast<void>(host_.send(request));
    std::fprintf(stderr, "last words of crashing_books\n");
    volatile int* volatile nothing = nullptr;
    *nothing = 1;
  }
  std::vector<berth::Organization> organizations() override {
    berth::Request request;
    request.path = "/organizations";
    return zoho_books::organizations_of(host_.send(request).body);
  }

 private:
  berth::Host host_;
};

}  // namespace

BERTH_PLUGIN(CrashingBooks, "crashing_books", "0.1.0", zoho_books::kDescriptorJson)
