// YAML and what is read from it: berth.yaml and a chart of accounts. Every mistake has a place inside the text, limits
// hold, the same text gives the same findings. Input: the file.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fuzz/findings.hpp"
#include "fuzz/fuzz.hpp"
#include "host/config/config.hpp"
#include "host/config/yaml.hpp"

namespace berth::fuzz {
namespace {

/// Low enough that a small input can reach them.
constexpr config::YamlLimits kLow{.bytes_max = 4'000, .nodes_max = 200, .depth_max = 6};

/// A folder of this process with the one file berth.yaml, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "berth_fuzz_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) fail(__FILE__, __LINE__, "a temporary folder can be made", name);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path file() const { return path_ / "berth.yaml"; }

 private:
  std::filesystem::path path_;
};

struct Size {
  std::size_t nodes = 1;
  std::size_t depth = 0;
};

Size size_of(const config::Node& node) {
  Size size;
  const auto add = [&](const config::Node& child) {
    const Size below = size_of(child);
    size.nodes += below.nodes;
    size.depth = std::max(size.depth, below.depth);
  };
  for (const auto& item : node.items) add(item);
  for (const auto& member : node.members) add(member.value);
  if (node.is_list() || node.is_map()) ++size.depth;
  return size;
}

void check_tree(const config::Node& node, std::string_view text) {
  FUZZ_CHECK(is_inside(text, node.place.line, node.place.column), node.place.to_string());
  FUZZ_CHECK(node.is_scalar() || node.scalar.empty(), node.scalar);
  for (const auto& item : node.items) check_tree(item, text);
  for (const auto& member : node.members) {
    FUZZ_CHECK(node.find(member.key) == &member.value, "the key " + member.key + " is there twice");
    FUZZ_CHECK(is_inside(text, member.key_place.line, member.key_place.column), member.key_place.to_string());
    check_tree(member.value, text);
  }
}

void check_yaml(std::string_view text, const config::YamlLimits& limits) {
  config::Findings findings;
  const auto root = config::parse_yaml(std::string(text), "berth.yaml", findings, limits);
  check_findings(findings, text, "berth.yaml");
  FUZZ_CHECK(root.ok() || findings.has_errors(), root.error().reason);
  if (!root.ok()) return;
  const Size size = size_of(*root);
  // Values, and as many keys at most; a key counts as a value while the file is read.
  FUZZ_CHECK(size.nodes <= limits.nodes_max && size.depth <= limits.depth_max, std::to_string(size.nodes));
  check_tree(*root, text);
  constexpr std::size_t kConvertedMax = 5'000;  // aliases make large trees of small files
  if (size.nodes > kConvertedMax) return;
  const json::Value converted = config::to_json(*root);
  const auto parsed = json::parse(json::dump(converted));
  FUZZ_CHECK(parsed.ok() && parsed.value == converted, parsed.error.message);
}

}  // namespace

void fuzz_yaml_config(std::string_view input) {
  check_yaml(input, kLow);
  check_yaml(input, {});
  config::Findings chart_findings;
  const auto chart = config::parse_chart(std::string(input), "chart.yaml", chart_findings);
  check_findings(chart_findings, input, "chart.yaml");
  FUZZ_CHECK(chart.ok() != chart_findings.has_errors(), chart_findings.print());
  if (chart.ok()) {
    for (const auto& [role, account] : chart->roles) FUZZ_CHECK(chart->find(account) != nullptr, account);
  }

  // A file may name others; only those beside it may be looked at here.
  for (const std::string_view outside : {"/proc", "/dev", "/sys", "../"}) {
    if (input.find(outside) != std::string_view::npos) return;
  }
  static const Folder folder;
  std::ofstream(folder.file(), std::ios::binary | std::ios::trunc) << input;
  config::Findings findings;
  const auto loaded = config::load(folder.file(), findings);
  check_findings(findings, input, folder.file().string());
  FUZZ_CHECK(loaded.ok() != findings.has_errors(), findings.print());
  if (!loaded.ok()) return;
  for (const auto& integration : loaded->integrations) {
    FUZZ_CHECK(loaded->find_company(integration.company) != nullptr, integration.company);
    FUZZ_CHECK(integration.reserve_percent >= 0 && integration.reserve_percent <= 100, integration.id);
    for (const auto& [cost, budget] : integration.budgets)
      FUZZ_CHECK(budget.value >= 0 && (!budget.is_share || budget.value <= 100), cost);
    for (const auto& [phase, timing] : integration.schedule) FUZZ_CHECK(timing.every.count() > 0 || timing.cron, phase);
  }
}

}  // namespace berth::fuzz
