// Throws something that is not an exception, through the C++ layer. check() throws a std::exception, so that both ways
// through the guard can be seen.
#include <stdexcept>

#include "berth/connector.hpp"

namespace {

class Throws final : public berth::Connector {
 public:
  Throws(const berth::Host&, std::string_view config_json) {
    if (config_json.find("refuse_config") != std::string_view::npos) {
      throw berth::Failure(BERTH_INVALID_CONFIG, "throws_42.config", "The key refuse_config is not known.");
    }
  }
  void check() override { throw std::runtime_error("check went wrong"); }
  void run_phase(const berth::Run&) override { throw 42; }
};

}  // namespace

BERTH_PLUGIN(Throws, "throws_42", "1.0.0",
             R"({"id":"throws_42","name":"Test plugin throws_42","version":"1.0.0",)"
             R"("phases":[{"id":"things","entity":"thing","after":[],"optional":false}],)"
             R"("entities":[{"id":"thing","version":"opaque"}],"cost_classes":[],"configuration":{}})")
