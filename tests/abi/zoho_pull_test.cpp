// The Zoho Books plugin as it is built, its phase file, and the simulator: every phase, with a remote that honours,
// ignores or refuses what Zoho does not document. The host in between is the SDK's fake one.
#include <doctest/doctest.h>

#include <memory>

#include "berth/connector.hpp"
#include "berth/testing/fake_host.hpp"
#include "library.hpp"
#include "tests/zoho_sim/simulator.hpp"
#include "yaml_json.hpp"

namespace {

namespace json = berth::json;
using berth::testing::Answer;
using berth::testing::FakeHost;

constexpr zoho_sim::Time kStart = 1'780'000'000;
const std::vector<std::string> kPhases = {"invoices", "customer_payments", "contacts", "items", "credit_notes"};

zoho_sim::Options options(zoho_sim::Undocumented undocumented) {
  zoho_sim::Options out;
  out.books.seed = 7;
  out.books.now = kStart;
  out.books.contacts = 90;
  out.books.items = 40;
  out.books.invoices = 620;
  out.books.payments = 410;
  out.books.credit_notes = 30;
  out.limits = {0, 0, 0};
  out.undocumented = undocumented;
  return out;
}

struct World {
  explicit World(zoho_sim::Undocumented undocumented)
      : clock(std::make_shared<zoho_sim::VirtualClock>(kStart)),
        sim(options(undocumented), clock),
        token(sim.access_token()) {
    const auto identity = abi_test::host_identity();
    const auto entry = abi_test::entry_of("plugins", "zoho_books");
    REQUIRE((entry != nullptr));
    const std::string phases = (std::filesystem::path(BERTH_SOURCE_DIR) / "plugins/zoho_books/phases.yaml").string();
    const std::string config =
        json::dump(json::Value::object({{"integration", json::Value::object({{"id", "i"}})},
                                        {"connection", json::Value::object({{"organization_id", "927000001"}})},
                                        {"phases", abi_test::yaml_as_json(phases)}}));
    connector = entry(&identity, &error)->create(host.c_host(), berth::to_c(config), &error);
    REQUIRE_MESSAGE(connector != nullptr, error.message);
    host.once_per_record.insert("contact");
    host.now_ms = kStart * 1000;
    host.serve = [this](const berth::Request& request) { return serve(request); };
  }
  ~World() { connector->destroy(connector); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Answer serve(const berth::Request& request) {
    zoho_sim::Request out;
    out.method = request.method;
    out.path = "/books/v3" + request.path;
    out.query = request.query;
    out.headers = request.headers;
    out.headers.emplace_back("Authorization", "Zoho-oauthtoken " + token);
    const zoho_sim::Response in = sim.handle(out);
    Answer answer = Answer::json(in.body, in.status);
    const json::Parsed body = json::parse(in.body);
    if (!body.ok() || body.value.text_of("code") == "0") return answer;
    answer.response.remote_code = body.value.text_of("code");
    const bool is_gone = in.status == 404 && answer.response.remote_code == "1002";
    answer.response.verdict = is_gone ? berth::Verdict::kGone : berth::Verdict::kRefused;
    return answer;
  }

  berth::testing::Outcome run(std::string_view phase, std::string_view mode = "changes",
                              const json::Value& plan = json::Value::object()) {
    return host.run(
        [&](const berth::Run& one) {
          const berth_run c{berth::to_c(one.phase), berth::to_c(one.plan_json), berth::to_c(one.cursor_json),
                            one.deadline_unix_ms};
          const std::int32_t status = connector->run_phase(connector, &c, &error);
          if (status != BERTH_OK) throw berth::Failure(status, error);
        },
        phase, mode, plan);
  }
  void run_all() {
    for (const std::string& phase : kPhases) {
      CAPTURE(phase);
      const auto outcome = run(phase);
      CHECK_MESSAGE(outcome.status == BERTH_OK, outcome.reason << ": " << outcome.message);
    }
  }
  void later(std::int64_t seconds) {
    clock->advance(seconds);
    host.now_ms += seconds * 1000;
    token = sim.access_token();
    host.forget_calls();
  }
  std::size_t stored(std::string_view entity) const {
    std::size_t count = 0;
    for (const auto& [key, one] : host.records) count += key.first == entity ? 1u : 0u;
    return count;
  }

  std::shared_ptr<zoho_sim::VirtualClock> clock;
  zoho_sim::Simulator sim;
  std::string token;
  FakeHost host;
  berth_error error{-1, {}, {}};
  berth_connector* connector = nullptr;
};

}  // namespace

TEST_CASE("D5 D6: all phases are pulled whole, and a pass over unchanged data makes only list calls") {
  for (const auto undocumented :
       {zoho_sim::Undocumented::kHonoured, zoho_sim::Undocumented::kIgnored, zoho_sim::Undocumented::kRefused}) {
    CAPTURE(static_cast<int>(undocumented));
    World world(undocumented);
    world.run_all();
    CHECK(world.stored("invoice") == 620);
    CHECK(world.stored("customer_payment") == 410);
    CHECK(world.stored("contact") == 90 - 90 * 800 / 10'000);  // vendors are not asked for
    CHECK(world.stored("item") == 40);
    CHECK(world.stored("credit_note") == 30);
    for (const auto& [key, one] : world.host.records) {
      const std::string_view status = json::parse(one.row).value.text_of("status");
      const bool wants = key.first != "item" && status != "draft";
      const bool has = !one.detail.empty();
      if (wants != has) MESSAGE(key.first << " " << key.second << " " << status);
      CHECK(wants == has);
    }
    CHECK(world.host.queued() == 0);

    world.later(24 * 3600);
    world.run_all();  // shows who obeys
    CHECK(world.host.count(berth::CallKind::kDetail) == 0);
    world.later(24 * 3600);
    world.run_all();
    CHECK(world.host.count(berth::CallKind::kDetail) == 0);
    CHECK(world.host.logs.empty());
    // One list call a phase; payments (3 pages) and items are read whole where the order is not obeyed.
    const std::size_t expected = undocumented == zoho_sim::Undocumented::kHonoured ? 5u : 7u;
    CHECK(world.host.count(berth::CallKind::kList) == expected);
  }
}

TEST_CASE("D6: an edited invoice costs the list page and one detail") {
  World world(zoho_sim::Undocumented::kHonoured);
  REQUIRE(world.run("invoices").status == BERTH_OK);
  world.later(10 * 24 * 3600);
  std::string id;
  world.sim.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
    auto edited = books.invoices.all().at(17);
    edited.notes = "edited";
    edited.modified = now;
    edited.stage = zoho_sim::Stage::kSent;
    id = std::to_string(edited.id);
    *books.invoices.find(edited.id) = edited;
  });
  REQUIRE(world.run("invoices").status == BERTH_OK);
  CHECK(world.host.count(berth::CallKind::kList) == 1);
  CHECK(world.host.count(berth::CallKind::kDetail) == 1);
  CHECK(world.host.find("invoice", id)->detail.find("edited") != std::string::npos);
}

TEST_CASE("D7: a sweep sees every id and no deleted one, the detail of a deleted one says that it is gone") {
  World world(zoho_sim::Undocumented::kHonoured);
  REQUIRE(world.run("items").status == BERTH_OK);
  REQUIRE(world.run("credit_notes").status == BERTH_OK);
  REQUIRE(world.run("credit_notes", "sweep").status == BERTH_OK);
  CHECK(world.host.seen.size() == 30);
  CHECK(world.run("credit_notes", "ids", json::parse(R"({"ids":["4815162342999999999"]})").value).status == BERTH_OK);
  CHECK(world.host.find("credit_note", "4815162342999999999")->deleted);
}
