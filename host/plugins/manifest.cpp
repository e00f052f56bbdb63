#include "host/plugins/manifest.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "berth/abi/abi.h"
#include "host/config/yaml.hpp"
#include "host/core/text.hpp"

namespace berth::plugins {

namespace {

namespace fs = std::filesystem;
using config::Node;

constexpr std::size_t kManifestBytesMax = 64u << 10u;
const std::vector<std::string> kKeys = {"id",      "version", "abi",    "library",   "phases", "mapping",
                                        "reasons", "tie_out", "limits", "stability", "docs",   "sha256"};

Error invalid(const Node& node, std::string_view message) {
  return make_error(Code::kInvalidConfig, "plugin.manifest_invalid",
                    fmt::format("{}: {}", node.place.to_string(), message));
}

/// The same error under this folder's reason id; the place is in its message.
Error as_manifest_error(Error error) {
  error.code = Code::kInvalidConfig;
  error.reason = "plugin.manifest_invalid";
  return error;
}

template <class T>
Result<T> manifest_result(Result<T> result) {
  if (!result.ok()) return as_manifest_error(std::move(result).error());
  return result;
}

Result<Node> load_map(const fs::path& file, std::size_t bytes_max) {
  config::Findings findings;
  config::YamlLimits limits;
  limits.bytes_max = bytes_max;
  Node root = BERTH_TRY(manifest_result(config::load_yaml(file, findings, limits)));
  if (findings.has_errors()) {
    const auto& all = findings.all();
    const auto first =
        std::find_if(all.begin(), all.end(), [](const auto& f) { return f.severity == config::Severity::kError; });
    return make_error(Code::kInvalidConfig, "plugin.manifest_invalid",
                      fmt::format("{}:{}:{}: {}", first->file, first->line, first->column, first->message));
  }
  if (!root.is_map()) return invalid(root, "expected a map, found " + root.describe());
  return root;
}

Status check_keys(const Node& map, const std::vector<std::string>& allowed, std::string_view of) {
  for (const auto& member : map.members) {
    if (std::find(allowed.begin(), allowed.end(), member.key) != allowed.end()) continue;
    const std::string hint = config::did_you_mean(member.key, allowed);
    return make_error(Code::kInvalidConfig, "plugin.manifest_invalid",
                      fmt::format("{}: `{}` is not a key of {}{}{}", member.key_place.to_string(), member.key, of,
                                  hint.empty() ? "" : "; ", hint));
  }
  return success();
}

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 40 || text.front() < 'a' || text.front() > 'z') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

/// "512MiB", "2GiB".
std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || number == 0 || number > (1u << 20u)) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "KiB") return number << 10u;
  if (unit == "MiB") return number << 20u;
  if (unit == "GiB") return number << 30u;
  return std::nullopt;
}

/// A file named in the manifest: a plain relative path below its folder.
Result<fs::path> file_of(const Node& root, std::string_view key, const fs::path& folder) {
  const std::string name = BERTH_TRY(manifest_result(root.text_of(key)));
  const fs::path path(name);
  const bool climbs = std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (name.empty() || path.is_absolute() || climbs) {
    return invalid(*root.find(key),
                   fmt::format("`{}` must name a file in the plugin's folder, found \"{}\"", key, name));
  }
  return folder / path;
}

Result<Limits> limits_of(const Node& node) {
  Limits limits;
  if (!node.is_map()) return invalid(node, "`limits` must be a map, found " + node.describe());
  BERTH_CHECK(check_keys(node, {"memory", "cpu"}, "limits"));
  if (const Node* memory = node.find("memory")) {
    const std::string text = BERTH_TRY(manifest_result(memory->text()));
    const auto bytes = parse_bytes(text);
    if (!bytes || *bytes < Limits::kMemoryMin || *bytes > Limits::kMemoryMax) {
      return invalid(*memory, fmt::format("`memory` must be a size from 64MiB to 16GiB, found \"{}\"", text));
    }
    limits.memory_bytes = *bytes;
  }
  if (const Node* cpu = node.find("cpu")) {
    const auto time = std::chrono::duration_cast<std::chrono::seconds>(BERTH_TRY(manifest_result(cpu->duration())));
    if (time < std::chrono::seconds(1) || time > std::chrono::hours(24)) {
      return invalid(*cpu, fmt::format("`cpu` must be from 1s to 24h, found \"{}\"", cpu->scalar));
    }
    limits.cpu = time;
  }
  return limits;
}

/// The names of one kind of answer, each a text at its place in `into`; all but those of `optional` have to be there.
Status read_names(const Node& tie_out, std::string_view kind, std::initializer_list<std::pair<std::string_view, std::string*>> into,
                  const std::vector<std::string_view>& optional = {}) {
  const Node* node = tie_out.find(kind);
  if (node == nullptr) return success();
  const std::string what = fmt::format("`{}` of tie_out", kind);
  if (!node->is_map()) return invalid(*node, what + " must be a map, found " + node->describe());
  std::vector<std::string> names;
  for (const auto& [name, text] : into) names.emplace_back(name);
  BERTH_CHECK(check_keys(*node, names, what));
  for (const auto& [name, text] : into) {
    const Node* value = node->find(name);
    if (value == nullptr && std::find(optional.begin(), optional.end(), name) != optional.end()) continue;
    if (value == nullptr) return invalid(*node, fmt::format("{} needs `{}`", what, name));
    *text = BERTH_TRY(manifest_result(value->text()));
    if (text->empty()) return invalid(*value, fmt::format("`{}` must not be empty", name));
  }
  return success();
}

Result<documents::RemoteBalances> tie_out_of(const Node& node) {
  if (!node.is_map()) return invalid(node, "`tie_out` must be a map, found " + node.describe());
  BERTH_CHECK(check_keys(node, {"invoice", "credit_note", "payment", "customer"}, "tie_out"));
  documents::RemoteBalances made;
  const auto read_document = [&](std::string_view kind, documents::RemoteBalances::Document& document) {
    return read_names(node, kind,
                      {{"entity", &document.entity},
                       {"number", &document.number},
                       {"customer", &document.customer},
                       {"currency", &document.currency},
                       {"balance", &document.balance},
                       {"invoices", &document.invoices}},
                      {"number", "customer", "invoices"});
  };
  if (node.find("invoice") == nullptr) return invalid(node, "`tie_out` needs `invoice`");
  BERTH_CHECK(read_document("invoice", made.invoice));
  BERTH_CHECK(read_document("credit_note", made.credit_note));
  documents::RemoteBalances::Payment& payment = made.payment;
  BERTH_CHECK(read_names(node, "payment", {{"entity", &payment.entity}, {"customer", &payment.customer}, {"invoices", &payment.invoices}}, {"customer"}));
  documents::RemoteBalances::Customer& customer = made.customer;
  BERTH_CHECK(read_names(node, "customer",
                         {{"entity", &customer.entity},
                          {"name", &customer.name},
                          {"currency", &customer.currency},
                          {"outstanding", &customer.outstanding},
                          {"unused", &customer.unused}},
                         {"name", "unused"}));
  return made;
}

/// The ids of the phases in a phase file, in their order.
Result<std::vector<std::string>> phase_ids_of(const fs::path& file) {
  const Node root = BERTH_TRY(load_map(file, config::YamlLimits{}.bytes_max));
  const Node* phases = root.find("phases");
  if (phases == nullptr || !phases->is_list()) return invalid(root, "`phases` must be a list of phases");
  std::vector<std::string> ids;
  for (const Node& phase : phases->items) ids.push_back(BERTH_TRY(manifest_result(phase.text_of("id"))));
  return ids;
}

Status read_abi(const Node& root, Manifest& manifest) {
  const Node* abi = root.find("abi");
  if (abi == nullptr || !abi->is_map()) return invalid(root, "`abi` must be a map like {major: 0, minor: 1}");
  BERTH_CHECK(check_keys(*abi, {"major", "minor"}, "abi"));
  const auto number = [&](std::string_view key) -> Result<std::uint32_t> {
    const std::int64_t value = BERTH_TRY(manifest_result(abi->integer_of(key)));
    if (value < 0 || value > 65'535)
      return invalid(*abi, fmt::format("`{}` must be from 0 to 65535, found {}", key, value));
    return static_cast<std::uint32_t>(value);
  };
  manifest.abi_major = BERTH_TRY(number("major"));
  manifest.abi_minor = BERTH_TRY(number("minor"));
  return check_abi(manifest.abi_major, manifest.abi_minor, manifest.id);
}

Result<std::string> optional_text(const Node& root, std::string_view key) {
  if (root.find(key) == nullptr) return std::string();
  return manifest_result(root.text_of(key));
}

void discover_in(const fs::path& folder, std::vector<fs::path>& files, std::vector<Discovered>& found) {
  std::error_code failure;
  if (fs::is_regular_file(folder / "plugin.yaml", failure)) {
    files.push_back(folder / "plugin.yaml");
    return;
  }
  std::vector<fs::path> inside;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
    if (files.size() + inside.size() >= kDiscoveredMax) break;
    std::error_code ignored;  // an entry that cannot be looked at is no plugin
    if (fs::is_regular_file(it->path() / "plugin.yaml", ignored)) inside.push_back(it->path() / "plugin.yaml");
  }
  if (failure) {
    found.push_back(
        {folder, std::nullopt,
         make_error(Code::kEnvironment, "plugin.folder_unreadable",
                    fmt::format("cannot list the plugin folder {}: {}", folder.string(), failure.message()))});
  }
  std::sort(inside.begin(), inside.end());
  files.insert(files.end(), inside.begin(), inside.end());
}

}  // namespace

Status check_abi(std::uint32_t major, std::uint32_t minor, std::string_view plugin) {
  const bool minor_counts = BERTH_ABI_MAJOR == 0u;
  if (major == BERTH_ABI_MAJOR && (!minor_counts || minor == BERTH_ABI_MINOR)) return success();
  return make_error(Code::kUnsupported, "plugin.abi_mismatch",
                    fmt::format("plugin {} is built for plugin ABI {}.{}, this host has {}.{}", plugin, major, minor,
                                BERTH_ABI_MAJOR, BERTH_ABI_MINOR));
}

Result<Manifest> load_manifest(const fs::path& file) {
  const Node root = BERTH_TRY(load_map(file, kManifestBytesMax));
  BERTH_CHECK(check_keys(root, kKeys, "plugin.yaml"));
  Manifest manifest;
  manifest.folder = file.parent_path();
  manifest.id = BERTH_TRY(manifest_result(root.text_of("id")));
  if (!is_id(manifest.id)) {
    return invalid(
        *root.find("id"),
        fmt::format("`id` must be at most 40 lower-case letters, digits and underscores and begin with a letter, "
                    "found \"{}\"",
                    shortened(manifest.id, 80)));
  }
  manifest.version = BERTH_TRY(manifest_result(root.text_of("version")));
  if (manifest.version.empty() || manifest.version.size() > 40)
    return invalid(*root.find("version"), "`version` must be 1 to 40 characters");
  BERTH_CHECK(read_abi(root, manifest));
  manifest.library = BERTH_TRY(file_of(root, "library", manifest.folder));
  if (root.find("phases") != nullptr) {
    manifest.phases = BERTH_TRY(file_of(root, "phases", manifest.folder));
    manifest.phase_ids = BERTH_TRY(phase_ids_of(*manifest.phases));
  }
  if (root.find("mapping") != nullptr) manifest.mapping = BERTH_TRY(file_of(root, "mapping", manifest.folder));
  if (root.find("reasons") != nullptr) {
    const fs::path reasons_file = BERTH_TRY(file_of(root, "reasons", manifest.folder));
    manifest.explained = std::make_shared<reasons::File>(
        BERTH_TRY(manifest_result(reasons::load(reasons_file, manifest.id))));
  }
  if (const Node* tie_out = root.find("tie_out")) manifest.tie_out = BERTH_TRY(tie_out_of(*tie_out));
  if (const Node* limits = root.find("limits")) manifest.limits = BERTH_TRY(limits_of(*limits));
  manifest.stability = BERTH_TRY(optional_text(root, "stability"));
  manifest.docs = BERTH_TRY(optional_text(root, "docs"));
  manifest.sha256 = lower_ascii(BERTH_TRY(optional_text(root, "sha256")));
  const bool is_hex = manifest.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!manifest.sha256.empty() && (manifest.sha256.size() != 64 || !is_hex)) {
    return invalid(*root.find("sha256"), "`sha256` must be 64 hexadecimal digits");
  }
  return manifest;
}

std::vector<Discovered> discover(std::span<const fs::path> folders) {
  std::vector<Discovered> found;
  std::vector<fs::path> files;
  for (const auto& folder : folders) discover_in(folder, files, found);
  std::set<std::string> ids;
  for (const auto& file : files) {
    if (found.size() >= kDiscoveredMax) break;
    auto loaded = load_manifest(file);
    if (!loaded.ok()) {
      found.push_back({file, std::nullopt, std::move(loaded).error()});
    } else if (!ids.insert(loaded.value().id).second) {
      found.push_back(
          {file, std::nullopt,
           make_error(Code::kConflict, "plugin.duplicate",
                      fmt::format("plugin {} is already known from an earlier folder", loaded.value().id))});
    } else {
      found.push_back({file, std::move(loaded).value(), std::nullopt});
    }
  }
  return found;
}

}  // namespace berth::plugins
