#include "host/reasons/reasons.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace berth;
using namespace berth::reasons;

namespace {

const std::string kShop = R"(title: Shop
symptoms:
  never_paid:
    symptom: A payment waits because its account is not found.
    cause: The row is not mapped.
    resolution: Map it.
    who: operator
    when: {reasons: [ledger.unmapped], waits_for: [account/payment_mode/]}
  left_out:
    symptom: A record is left out for good.
    cause: A rule forbids it.
    resolution: Correct it.
    who: operator
    link: https://example.com/help
    when: {states: [skipped]}
  down:
    symptom: The shop does not answer.
    cause: It is down.
    resolution: Wait.
    who: time
    link: https://status.example.com/
    when: {reasons: [shop.down]}
reasons:
  shop.down: {cause: The shop answers with an error., resolution: The next run goes on., who: time}
  shop.draft: {cause: "Ignored: a draft.", resolution: It posts when it is sent., who: nobody}
)";

File shop() {
  auto file = read(kShop, "reasons.yaml", "shop");
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  return std::move(file).value();
}

std::string with(std::string_view from, std::string_view to) {
  std::string text = kShop;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a file of reasons that is wrong is refused with its place, and a good one is not") {
  struct Wrong {
    std::string text, reason, message;
  };
  const Wrong cases[] = {
      {with("  shop.down: {cause", "  other.down: {cause"), "config.id", "reasons.yaml:24:3: \"other.down\" must be a reason id that begins with shop."},
      {with("who: nobody", "who: nobdy"), "config.choice", "did you mean `nobody`?"},
      {with("cause: \"Ignored: a draft.\"", "casue: \"Ignored: a draft.\""), "config.unknown_key", "did you mean `cause`?"},
      {with(", resolution: It posts when it is sent.", ""), "config.missing_key", "resolution"},
      {with("https://status.example.com/", "http://status.example.com/"), "config.url", "must be an https address"},
      {with("when: {states: [skipped]}", "when: {}"), "config.missing_key", "left_out would be seen everywhere"},
      {with("when: {states: [skipped]}", "when: {sates: [skipped]}"), "config.unknown_key", "did you mean `states`?"},
      {with("cause: It is down.", "cause: \"" + std::string(kTextBytesMax + 1, 'x') + "\""), "config.range", "1 to 800 bytes, found 801"},
      {with("reasons:\n  shop.down", "resons:\n  shop.down"), "config.unknown_key", "did you mean `reasons`?"},
      {with("  shop.draft: {cause", "  shop.down: {cause"), "config.duplicate_key", "reasons.yaml:25:3"},
      {"[1, 2]\n", "config.type", "a map"},
      {"title: \"open\nreasons: {}\n", "config.yaml", "reasons.yaml:"},
      {std::string(kFileBytesMax + 1, '#'), "config.yaml_limit", "reasons.yaml"},
  };
  for (const Wrong& wrong : cases) {
    CAPTURE(wrong.message);
    const auto file = read(wrong.text, "reasons.yaml", "shop");
    REQUIRE_FALSE(file.ok());
    CHECK(file.error().code == Code::kInvalidConfig);
    CHECK_MESSAGE(file.error().reason.starts_with(wrong.reason), file.error().reason);
    CHECK_MESSAGE(file.error().message.find(wrong.message) != std::string::npos, file.error().message);
  }
  CHECK(shop().entries.size() == 2);
  CHECK(shop().symptoms.size() == 3);
}

TEST_CASE("text of a connector cannot move a terminal or begin a line") {
  auto file = read(with("resolution: Wait.", R"(resolution: "Wait\u001b[2J\nerror[x.y]: forged")"), "reasons.yaml", "shop");
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  for (const char c : file->symptoms[2].resolution) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("what a symptom says counts before what the reason says, where the symptom is the more specific") {
  Catalogue catalogue;
  catalogue.add(shop());
  File own;
  own.entries.push_back({"ledger.unmapped", "Parked: account rows are not mapped.", "Map them.", Who::kOperator, {}});
  catalogue.add(own);

  const std::vector<std::string> mode{"invoice/46", "account/payment_mode/Check/main"}, tax{"account/tax/7/main"};
  const auto by_mode = catalogue.explain({.reason = "ledger.unmapped", .state = "parked", .waits_for = mode});
  REQUIRE(by_mode.has_value());
  CHECK(by_mode->resolution == "Map it.");
  CHECK(by_mode->symptom == "A payment waits because its account is not found.");
  const auto by_tax = catalogue.explain({.reason = "ledger.unmapped", .state = "parked", .waits_for = tax});
  REQUIRE(by_tax.has_value());
  CHECK(by_tax->resolution == "Map them.");
  CHECK(by_tax->symptom.empty());
  // Without a reason the signs are enough.
  CHECK(catalogue.explain({.state = "skipped"})->link == "https://example.com/help");
  // A symptom of reasons alone names itself and keeps the reason's own words.
  const auto down = catalogue.explain({.reason = "shop.down"});
  REQUIRE(down.has_value());
  CHECK(down->cause == "The shop answers with an error.");
  CHECK(down->symptom == "The shop does not answer.");
  CHECK(down->link == "https://status.example.com/");
  CHECK_FALSE(catalogue.explain({.reason = "shop.unheard_of", .state = "parked"}).has_value());
  CHECK_FALSE(catalogue.explain({}).has_value());
}

TEST_CASE("a source is asked once, when something is not there, and the first entry of an id counts") {
  Catalogue catalogue;
  int asked = 0;
  catalogue.add(shop());
  catalogue.add_later([&] {
    ++asked;
    File late = shop();
    late.entries.front().cause = "Another.";
    late.entries.push_back({"late.one", "Late.", "Nothing.", Who::kNobody, {}});
    return std::vector<File>{late};
  });
  CHECK(catalogue.find("shop.down")->cause == "The shop answers with an error.");
  CHECK(asked == 0);
  CHECK(catalogue.find("not an id") == nullptr);
  CHECK(asked == 0);
  CHECK(catalogue.find("late.one") != nullptr);
  CHECK(catalogue.find("late.two") == nullptr);
  CHECK(asked == 1);
  CHECK(catalogue.find("shop.down")->cause == "The shop answers with an error.");
  CHECK(catalogue.ids() == std::vector<std::string>{"late.one", "shop.down", "shop.draft"});
}

TEST_CASE("every file of the host is read, and none is left out") {
  CHECK(own_files().size() == embedded().size());
  CHECK(embedded().size() >= 16);
  REQUIRE(catalogue().find("ledger.unmapped") != nullptr);
  CHECK(catalogue().find("ledger.unmapped")->who == Who::kOperator);
}

TEST_CASE("near ids: a part that is remembered first, then by letters") {
  const std::vector<std::string> ids{"ledger.unmapped", "ledger.unsound", "mapping.waits", "oauth.clock"};
  CHECK(nearest_ids("unmapped", ids, 3) == std::vector<std::string>{"ledger.unmapped"});
  CHECK(nearest_ids("ledger.unmaped", ids, 1) == std::vector<std::string>{"ledger.unmapped"});
  CHECK(nearest_ids("ledger", ids, 5).size() == 2);
  CHECK(nearest_ids("quite another thing", ids, 5).empty());
}
