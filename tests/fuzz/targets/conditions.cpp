// Conditions of a phase over any document. Input: three lines (a field, another field, values with commas between),
// then the document.
#include "berth/phases.hpp"
#include "fuzz/fuzz.hpp"
#include "host/core/decimal.hpp"
#include "host/core/text.hpp"

namespace berth::fuzz {

void fuzz_conditions(std::string_view input) {
  using Kind = phases::Condition::Kind;
  Input in(input);
  phases::Condition condition;
  condition.field = in.line();
  condition.other = in.line();
  condition.values = split(in.line(), ',');
  const auto parsed = json::parse(in.rest());
  if (!parsed.ok()) return;
  const json::Value& document = parsed.value;
  const auto is = [&](Kind kind) {
    condition.kind = kind;
    const bool found = phases::holds(condition, document);
    FUZZ_CHECK(found == phases::holds(condition, document), condition.field);
    return found;
  };
  (void)is(Kind::kIn);
  FUZZ_CHECK(!is(Kind::kOffered), condition.field);
  condition.present = true;
  const bool present = is(Kind::kPresent);
  condition.present = false;
  FUZZ_CHECK(is(Kind::kPresent) != present, condition.field);

  const bool differs = is(Kind::kDiffersFrom);
  std::swap(condition.field, condition.other);
  FUZZ_CHECK(is(Kind::kDiffersFrom) == differs, condition.field);
  // Of two exact numbers the comparison is that of their values.
  const json::Value* one = document.at_path(condition.field);
  const json::Value* two = document.at_path(condition.other);
  if (one != nullptr && two != nullptr && one->is_number() && two->is_number()) {
    const std::string both = std::string(one->text()) + " " + std::string(two->text());
    const auto a = Decimal::parse(one->text());
    const auto b = Decimal::parse(two->text());
    const bool is_plain = both.find_first_of("eE") == std::string::npos;
    if (a.ok() && b.ok() && is_plain) FUZZ_CHECK(differs == !(*a == *b), both);
  }
  condition.other = condition.field;
  FUZZ_CHECK(!is(Kind::kDiffersFrom), condition.field);
}

}  // namespace berth::fuzz
