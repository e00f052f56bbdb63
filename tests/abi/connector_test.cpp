// The C++ layer of the SDK, seen through its C tables as a host sees it.
#include "berth/connector.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "berth/testing/fake_host.hpp"
#include "library.hpp"

namespace {

using berth::testing::Answer;
using berth::testing::FakeHost;

class Sample final : public berth::Connector, public berth::ConnectExtension {
 public:
  Sample(berth::Host host, std::string_view config_json) : host_(host) {
    if (config_json == "bad") throw berth::Failure(BERTH_INVALID_CONFIG, "sample.config", "The key x is wrong.");
    if (config_json == "throw") throw std::logic_error("in the constructor");
  }
  void check() override {
    const auto answer = host_.send({.method = "GET",
                                    .path = "/ping",
                                    .query = {},
                                    .headers = {},
                                    .body = {},
                                    .cost = {},
                                    .kind = berth::CallKind::kOther});
    if (answer.status != 200)
      throw berth::Failure(BERTH_BAD_RESPONSE, "sample.ping", "The remote said " + std::to_string(answer.status) + ".",
                           5000);
  }
  void run_phase(const berth::Run& run) override {
    if (run.phase == "throw_42") throw 42;
    if (run.phase == "throw_string") throw std::string("text");
    if (run.phase == "runtime_error") throw std::runtime_error("it broke");
    if (run.phase == "ok_failure") throw berth::Failure(BERTH_OK, "sample.nonsense", "A failure that says OK.");
    if (run.phase == "long")
      throw berth::Failure(BERTH_INTERNAL, std::string(200, 'r'), std::string(446, 'm') + "é and more");
    if (run.phase == "throw_in_reply") {
      const berth::Request request{.method = "GET",
                                   .path = "/x",
                                   .query = {},
                                   .headers = {},
                                   .body = {},
                                   .cost = {},
                                   .kind = berth::CallKind::kOther};
      host_.send_batch(std::vector{request, request},
                       [](const berth::Reply&) -> bool { throw std::runtime_error("in a reply"); });
    }
    host_.log(berth::Level::kInfo, "ran", berth::json::Value::object({{"plan", run.plan_json}}));
    host_.checkpoint(berth::json::Value::object());
  }
  std::vector<berth::Organization> organizations() override {
    return {{"1", "One", R"({"currency":"USD"})"}, {"2", "Two", "{}"}};
  }

 private:
  berth::Host host_;
};

}  // namespace

BERTH_PLUGIN(Sample, "sample", "1.2.3", R"({"id":"sample"})")

namespace {

struct Made {
  explicit Made(FakeHost& host, std::string_view config = "{}") {
    const auto identity = abi_test::host_identity();
    plugin = berth_plugin_entry(&identity, &error);
    REQUIRE(plugin != nullptr);
    connector = plugin->create(host.c_host(), berth::to_c(config), &error);
  }
  ~Made() {
    if (connector != nullptr) connector->destroy(connector);
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  std::int32_t run(std::string_view phase) {
    const berth_run one{berth::to_c(phase), berth::to_c(R"({"mode":"changes"})"), {nullptr, 0}, 0};
    return connector->run_phase(connector, &one, &error);
  }
  berth_error error{-1, {}, {}};
  const berth_plugin* plugin = nullptr;
  berth_connector* connector = nullptr;
};

std::string refusal(berth_identity host) {
  berth_error error{-1, {}, {}};
  CHECK(berth_plugin_entry(&host, &error) == nullptr);
  return error.reason;
}

}  // namespace

TEST_CASE("a host of another major or minor, or with another identity, is refused with a reason") {
  auto host = abi_test::host_identity();
  host.abi_major += 1;
  CHECK(refusal(host) == "sdk.host_major");
  host = abi_test::host_identity();
  host.abi_minor += 1;
  CHECK(refusal(host) == (BERTH_ABI_MAJOR == 0 ? "sdk.host_minor" : ""));
  host = abi_test::host_identity();
  host.struct_size -= 4;
  CHECK(refusal(host) == "sdk.host_identity");
  berth_error error{-1, {}, {}};
  CHECK(berth_plugin_entry(nullptr, &error) == nullptr);
  CHECK(berth_plugin_entry(nullptr, nullptr) == nullptr);
}

TEST_CASE("a host without one of the four services is refused, not crashed") {
  static FakeHost whole;
  static std::string_view missing;
  berth_host without = *whole.c_host();
  without.extension = [](const berth_host*, berth_str id) -> const void* {
    return berth::from_c(id) == missing ? nullptr : whole.c_host()->extension(whole.c_host(), id);
  };
  const auto identity = abi_test::host_identity();
  for (const char* id : {BERTH_HOST_LOG, BERTH_HOST_HTTP, BERTH_HOST_RECORDS, BERTH_HOST_CONTROL}) {
    CAPTURE(id);
    missing = id;
    berth_error error{-1, {}, {}};
    const berth_plugin* plugin = berth_plugin_entry(&identity, &error);
    REQUIRE(plugin != nullptr);
    CHECK(plugin->create(&without, berth::to_c("{}"), &error) == nullptr);
    CHECK(std::string_view(error.reason) == "sdk.missing_service");
    CHECK(std::string_view(error.message).find(id) != std::string_view::npos);
  }
}

TEST_CASE("whatever a connector throws becomes a status") {
  FakeHost host;
  Made made(host);
  CHECK(made.run("throw_42") == BERTH_INTERNAL);
  CHECK(std::string_view(made.error.reason) == "sdk.unknown_exception");
  CHECK(made.run("throw_string") == BERTH_INTERNAL);
  CHECK(std::string_view(made.error.reason) == "sdk.unknown_exception");
  CHECK(made.run("runtime_error") == BERTH_INTERNAL);
  CHECK(std::string_view(made.error.reason) == "sdk.exception");
  CHECK(std::string_view(made.error.message) == "it broke");
  CHECK(made.run("ok_failure") == BERTH_INTERNAL);
  CHECK(made.run("throw_in_reply") == BERTH_INTERNAL);
  CHECK(std::string_view(made.error.message) == "in a reply");
  CHECK(host.requests.size() == 1);  // the batch ended there
  CHECK(made.run("fine") == BERTH_OK);
}

TEST_CASE("a constructor that throws makes no connector and says why") {
  FakeHost host;
  const Made bad(host, "bad");
  CHECK(bad.connector == nullptr);
  CHECK(std::string_view(bad.error.reason) == "sample.config");
  const Made thrown(host, "throw");
  CHECK(thrown.connector == nullptr);
  CHECK(std::string_view(thrown.error.reason) == "sdk.exception");
}

TEST_CASE("texts of an error fit their buffers and never end in half a character") {
  FakeHost host;
  Made made(host);
  CHECK(made.run("long") == BERTH_INTERNAL);
  CHECK(std::string_view(made.error.reason).size() == 63);
  CHECK(std::string_view(made.error.message) == std::string(446, 'm'));
}

TEST_CASE("a status of the host reaches the caller unchanged, with its reason and its advice") {
  FakeHost host;
  Made made(host);
  host.serve = [](const berth::Request&) { return Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.quota", 60000); };
  CHECK(made.connector->check(made.connector, &made.error) == BERTH_QUOTA_EXHAUSTED);
  CHECK(std::string_view(made.error.reason) == "berth.quota");
  CHECK(made.error.retry_after_ms == 60000);
  host.serve = [](const berth::Request&) { return Answer::json("{}", 503); };
  CHECK(made.connector->check(made.connector, &made.error) == BERTH_BAD_RESPONSE);
  CHECK(made.error.retry_after_ms == 5000);
}

TEST_CASE("organisations come through their interface, an id that is not offered is NULL") {
  FakeHost host;
  Made made(host);
  CHECK(made.connector->extension(made.connector, berth::to_c("berth.push/1")) == nullptr);
  const auto* connect = static_cast<const berth_plugin_connect*>(
      made.connector->extension(made.connector, berth::to_c(BERTH_PLUGIN_CONNECT)));
  REQUIRE(connect != nullptr);
  std::string names;
  const auto sink = [](void* ctx, const berth_organization* one) {
    *static_cast<std::string*>(ctx) += berth::from_c(one->name);
  };
  CHECK(connect->organizations(made.connector, &names, sink, &made.error) == BERTH_OK);
  CHECK(names == "OneTwo");
}

TEST_CASE("identity and descriptor are static text") {
  FakeHost host;
  const Made made(host);
  CHECK(berth::from_c(made.plugin->identity->name) == "sample");
  CHECK(berth::from_c(made.plugin->identity->version) == "1.2.3");
  CHECK(berth::from_c(made.plugin->descriptor_json()) == R"({"id":"sample"})");
}
