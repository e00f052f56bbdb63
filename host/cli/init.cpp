#include "host/cli/init.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "host/admin/api.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/templates.hpp"
#include "host/core/new_file.hpp"
#include "host/plugins/manifest.hpp"

namespace berth::cli {

namespace {

namespace fs = std::filesystem;

constexpr mode_t kPublicMode = 0644;

Error unwritable(const fs::path& path, std::string_view why) {
  return make_error(Code::kEnvironment, "cli.file_unwritable", fmt::format("{} cannot be written: {}", path.string(), why));
}

Error already_there(const fs::path& path) {
  return make_error(Code::kConflict, "cli.file_exists", fmt::format("{} is there already; nothing was overwritten", path.string()));
}

/// Where plugins are found without a configuration: --plugin-dir, BERTH_PLUGIN_PATH, beside the program.
std::vector<fs::path> initial_plugin_folders(const Global& global) {
  std::vector<fs::path> first;
  for (const std::string& folder : global.plugin_dirs) first.emplace_back(fs::absolute(folder));
  std::vector<fs::path> folders = app::plugin_folders({}, first);
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  if (!failure) {
    for (const fs::path& candidate : {program.parent_path().parent_path() / "plugins", program.parent_path().parent_path() / "lib/berth/plugins"}) {
      if (fs::is_directory(candidate, failure)) folders.push_back(candidate);
    }
  }
  return folders;
}

}  // namespace

WorkingSet::~WorkingSet() {
  if (is_kept_) return;
  std::error_code ignored;
  // Only what was made here; a folder in which somebody else has put something stays.
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) fs::remove(*path, ignored);
}

Status WorkingSet::make_folder(const fs::path& path) {
  std::error_code failure;
  if (path.empty() || fs::is_directory(path, failure)) return success();
  BERTH_CHECK(make_folder(path.parent_path()));
  if (!fs::create_directory(path, failure)) return unwritable(path, failure ? failure.message() : "it is not a folder");
  made_.push_back(path);
  return success();
}

Status WorkingSet::write_file(const std::string& name, std::string_view text) {
  const fs::path path = folder_ / name;
  BERTH_CHECK(make_folder(path.parent_path()));
  const std::error_code failure = make_new_file("init.file", path.string(), text, kPublicMode);
  if (failure == std::errc::file_exists) {
    // That of an init which was killed is ours.
    std::ifstream there(path, std::ios::binary);
    if (const std::string content{std::istreambuf_iterator<char>(there), {}}; !there || content != text) return already_there(path);
  } else if (failure) {
    return unwritable(path, failure.message());
  } else {
    made_.push_back(path);
  }
  files_.push_back(name);
  return success();
}

Status WorkingSet::write(std::span<const fs::path> plugin_folders) {
  std::error_code failure;
  if (fs::exists(folder_ / "berth.yaml", failure)) return already_there(folder_ / "berth.yaml");
  const auto found = plugins::discover(plugin_folders);
  // The configuration names its mapping, so without one it would not load.
  const auto zoho = std::find_if(found.begin(), found.end(), [](const plugins::Discovered& each) {
    return each.manifest && each.manifest->id == "zoho_books" && each.manifest->mapping;
  });
  if (zoho == found.end()) {
    return make_error(Code::kNotFound, "cli.plugin_missing", "no zoho_books plugin was found; name its folder with --plugin-dir");
  }
  std::ifstream mapping(*zoho->manifest->mapping, std::ios::binary);
  const std::string rules{std::istreambuf_iterator<char>(mapping), {}};
  if (!mapping || rules.empty()) {
    return make_error(Code::kEnvironment, "cli.file_unwritable", fmt::format("{} cannot be copied", zoho->manifest->mapping->string()));
  }
  const std::string plugin_path = fs::absolute(zoho->manifest->folder).parent_path().string();
  BERTH_CHECK(write_file("accounts/main.yaml", kAccountsYaml));
  BERTH_CHECK(write_file("zoho_books/mapping.yaml", rules));
  BERTH_CHECK(make_folder(folder_ / "secrets"));
  if (chmod((folder_ / "secrets").c_str(), S_IRWXU) != 0) return unwritable(folder_ / "secrets", "it cannot be closed to others");
  SystemRandom random;
  const fs::path key = folder_ / "secrets/vault.key";
  const Status key_made = vault::create_key_file(key.string(), random);
  if (key_made.ok()) made_.push_back(key);
  // A key is never written over; one without a berth.yaml beside it is that of an init which was killed, or waits for this one.
  if (!key_made.ok() && key_made.error().reason != "vault.key_exists") return key_made;
  files_.emplace_back("secrets/vault.key");
  // Last: where it is, the set is whole.
  BERTH_CHECK(write_file("berth.yaml", fmt::format(fmt::runtime(kBerthYaml), fmt::arg("plugin_path", plugin_path))));
  std::rotate(files_.begin(), files_.end() - 1, files_.end());   // and first for whoever reads the list
  return success();
}

int init(const Global& global, const std::string& where) {
  const fs::path folder = fs::absolute(where);
  WorkingSet set(folder);
  const Status made = set.write(initial_plugin_folders(global));
  if (!made.ok()) return fail(global, made.error());
  Global inside = global;
  inside.config = (folder / "berth.yaml").string();
  auto opened = open_storage(inside);
  if (!opened.ok()) return fail(global, opened.error());
  SystemRandom random;
  const auto token = admin::create_token(*opened->database, "first", "admin", *opened->clock, random);
  if (!token.ok()) return fail(global, token.error());
  set.keep();
  if (global.json) {
    json::Value files = json::Value::array();
    for (const std::string& file : set.files()) files.push_back(file);
    print_json(json::Value::object({{"folder", folder.string()}, {"files", std::move(files)}, {"token", *token}}));
    return kFine;
  }
  for (const std::string& file : set.files()) print_line("wrote  " + file);
  print_line("");
  print_line("API token (shown once, role admin): " + *token);
  print_line("");
  print_line("Next: put ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REDIRECT_URI into the environment, then");
  print_line(fmt::format("  cd {}", folder.string()));
  print_line("  berth plugin trust zoho_books");
  print_line("  berth connect zoho");
  print_line("  berth sync zoho");
  return kFine;
}

}  // namespace berth::cli
