// Conditions: a value and one test, or a combination of conditions.
#include <fmt/format.h>

#include <algorithm>

#include "host/mapping/value_compiler.hpp"

namespace berth::mapping {
namespace {

const std::vector<std::string> kTests{"is", "is_not", "in", "present", "matches"};
const std::vector<std::string> kCombinations{"all", "any", "not"};

}  // namespace

void ValueCompiler::condition(const Node& node, Condition& out) {
  if (!node.is_map()) {
    report_.add(node.place, "mapping.condition", fmt::format("a condition must be a map, not {}", node.describe()));
    return;
  }
  for (const config::Member& member : node.members) {
    if (!is_one_of(member.key, kCombinations)) continue;
    if (node.members.size() > 1) report_.add(node.place, "mapping.condition", fmt::format("`{}` must stand alone", member.key), "use `all` to combine");
    if (member.key == "not") {
      out.op = Condition::Op::kNot;
      condition(member.value, out.children.emplace_back());
      return;
    }
    out.op = member.key == "all" ? Condition::Op::kAll : Condition::Op::kAny;
    if (!member.value.is_list() || member.value.items.empty()) {
      report_.add(member.value.place, "mapping.condition", fmt::format("`{}` must be a list of conditions", member.key));
    }
    for (const Node& child : member.value.items) condition(child, out.children.emplace_back());
    return;
  }

  Node without_test = node;
  std::vector<config::Member> tests;
  std::erase_if(without_test.members, [&](const config::Member& member) {
    if (!is_one_of(member.key, kTests)) return false;
    tests.push_back(member);
    return true;
  });
  if (tests.size() != 1) {
    report_.add(node.place, "mapping.condition",
                tests.empty() ? "a condition needs a test" : fmt::format("`{}` and `{}` are two tests", tests[0].key, tests[1].key));
    if (tests.empty()) return;
  }
  out.value = std::make_unique<Value>();
  out.holds = file_.points.add(node.place, "no case in which this condition holds");
  value(without_test, *out.value, nullptr);

  const config::Member& test = tests.front();
  const auto literal = [&](const Node& at) {
    if (auto one = literal_of(report_, at, fmt::format("`{}`", test.key))) out.literals.push_back(std::move(*one));
  };
  if (test.key == "present") {
    out.op = Condition::Op::kPresent;
    out.present = boolean_of(report_, test.value, "`present`");
  } else if (test.key == "matches") {
    out.op = Condition::Op::kMatches;
    out.pattern = text_of(report_, test.value, "`matches`");
  } else if (test.key == "in") {
    out.op = Condition::Op::kIn;
    if (!test.value.is_list() || test.value.items.empty()) report_.add(test.value.place, "mapping.condition", "`in` must be a list of values");
    for (const Node& item : test.value.items) literal(item);
  } else {
    out.op = test.key == "is" ? Condition::Op::kIs : Condition::Op::kIsNot;
    literal(test.value);
  }
}

}  // namespace berth::mapping
