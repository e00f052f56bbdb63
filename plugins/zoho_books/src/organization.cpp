#include "organization.hpp"

#include <array>
#include <charconv>
#include <string>

namespace zoho_books {

namespace json = berth::json;

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void copy_text(json::Value& to, std::string key, const json::Value& from, std::string_view field) {
  const std::string_view text = from.text_of(field);
  if (!text.empty()) to.set(std::move(key), text);  // Zoho writes "" for nothing
}

}  // namespace

std::optional<int> month_of(const json::Value& value) {
  const std::string text = lower(value.text());
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) {
    return number >= 1 && number <= 12 ? std::optional<int>(number) : std::nullopt;
  }
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text == kMonths[i] || (text.size() == 3 && kMonths[i].starts_with(text))) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

berth::Organization organization_of(const json::Value& value) {
  berth::Organization out;
  out.remote_id = value.text_of("organization_id");
  out.name = value.text_of("name");
  if (out.remote_id.empty()) {
    throw berth::Failure(BERTH_BAD_RESPONSE, "zoho_books.organizations.shape",
                         "Zoho Books named an organisation without an organization_id.");
  }
  json::Value facts = json::Value::object();
  copy_text(facts, "currency", value, "currency_code");
  copy_text(facts, "time_zone", value, "time_zone");
  copy_text(facts, "country", value, "country_code");
  copy_text(facts, "plan", value, "plan_name");
  if (const json::Value* month = value.find("fiscal_year_start_month")) {
    if (const auto number = month_of(*month)) facts.set("fiscal_year_start_month", *number);
  }
  if (const json::Value* chosen = value.find("is_default_org")) facts.set("is_default", chosen->boolean());
  // At the top in Zoho's documentation, inside org_settings in recorded answers.
  const json::Value* active = value.find("is_org_active");
  if (active == nullptr) active = value.at_path("org_settings.is_org_active");
  if (active != nullptr && active->is_boolean()) facts.set("is_active", active->boolean());
  out.json = json::dump(facts);
  return out;
}

std::vector<berth::Organization> organizations_of(std::string_view body) {
  const json::Parsed parsed = json::parse(body);
  const json::Value* list = parsed.ok() ? parsed.value.find("organizations") : nullptr;
  if (list == nullptr || !list->is_array()) {
    throw berth::Failure(BERTH_BAD_RESPONSE, "zoho_books.organizations.shape",
                         parsed.ok() ? "The answer to GET /organizations has no list of organizations."
                                     : "The answer to GET /organizations is not JSON (" + parsed.error.message + ").");
  }
  std::vector<berth::Organization> out;
  for (const json::Value& one : list->items()) out.push_back(organization_of(one));
  return out;
}

}  // namespace zoho_books
