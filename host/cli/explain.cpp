// What a reason means, and who has to do what about it.
#include <fmt/format.h>

#include <algorithm>

#include "host/views/explain.hpp"
#include "host/cli/commands.hpp"

namespace berth::cli {

namespace {

void print_reason(const json::Value& view) {
  print_line(view.text_of("reason"));
  print_line(fmt::format("  cause:    {}", view.text_of("cause")));
  print_line(fmt::format("  do:       {}", view.text_of("resolution")));
  print_line(fmt::format("  who acts: {}", reasons::shown(view.text_of("who_acts"))));
  if (!view.text_of("link").empty()) print_line(fmt::format("  see:      {}", view.text_of("link")));
  for (const json::Value& symptom : view.find("symptoms")->items()) {
    print_line(fmt::format("\nOften met as: {}", symptom.text_of("symptom")));
    print_line(fmt::format("  cause:    {}", symptom.text_of("cause")));
    print_line(fmt::format("  do:       {}", symptom.text_of("resolution")));
  }
}

}  // namespace

int explain(const Global& global, const std::string& reason) {
  know_plugins_reasons(global);
  if (!reason.empty()) {
    const auto view = views::reason_view(reason);
    if (!view.ok()) return fail(global, view.error());
    if (global.json) {
      print_json(*view);
    } else {
      print_reason(*view);
    }
    return kFine;
  }
  json::Value list = json::Value::array();
  Table table({"reason", "cause"});
  for (const std::string& id : views::all_reasons()) {
    const auto view = views::reason_view(id);
    if (!view.ok()) return fail(global, view.error());
    table.add({id, std::string(view->text_of("cause"))});
    list.push_back(*view);
  }
  if (global.json) {
    print_json(json::Value::object({{"reasons", std::move(list)}}));
  } else {
    print(table.text());
  }
  return kFine;
}

void print_ways_out(const std::vector<json::Value>& views) {
  constexpr std::size_t kShown = 8;
  std::vector<std::pair<std::string, std::string>> said;  // what, and what to do
  for (const json::Value& view : views) {
    const std::string_view resolution = view.text_of("resolution");
    if (resolution.empty()) continue;
    std::string what(view.text_of("symptom").empty() ? view.text_of("reason") : view.text_of("symptom"));
    const bool is_said = std::any_of(said.begin(), said.end(), [&](const auto& one) { return one.first == what; });
    if (!is_said) said.emplace_back(std::move(what), fmt::format("  cause: {}\n  do:    {}", view.text_of("cause"), resolution));
  }
  if (said.empty()) return;
  print_line("");
  for (std::size_t i = 0; i < said.size() && i < kShown; ++i) print_line(said[i].first + "\n" + said[i].second);
  if (said.size() > kShown) print_line(fmt::format("and {} more: `berth explain REASON`", said.size() - kShown));
}

}  // namespace berth::cli
