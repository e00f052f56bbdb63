// vault, token and plugin.
#include <fmt/format.h>

#include "host/admin/api.hpp"
#include "host/cli/commands.hpp"
#include "host/plugins/library_file.hpp"
#include "host/plugins/manifest.hpp"
#include "host/storage/pins.hpp"
#include "host/storage/tokens.hpp"

namespace berth::cli {

namespace fs = std::filesystem;

int vault_init(const Global& global) {
  const auto config = load_config(global);
  if (!config.ok()) return fail(global, config.error());
  if (!config->vault_key || config->vault_key->kind != config::SecretRef::Kind::kFile) {
    return fail(global, make_error(Code::kInvalidConfig, "cli.vault_key_not_file",
                                   "only a key in a file can be made here; write `vault: {key: file:./secrets/vault.key}` into the configuration"));
  }
  SystemRandom random;
  std::error_code failure;
  fs::create_directories(fs::path(config->vault_key->name).parent_path(), failure);
  const Status made = vault::create_key_file(config->vault_key->name, random);
  if (!made.ok()) return fail(global, made.error());
  print_line(fmt::format("wrote {}; keep a copy in a safe place: without it the stored tokens are lost", config->vault_key->name));
  return kFine;
}

namespace {

Result<std::unique_ptr<vault::Vault>> open_vault(const Opened& opened, Random& random) {
  return std::make_unique<vault::Vault>(*opened.database, BERTH_TRY(app::open_master_key(opened.config)), random, *opened.clock);
}

}  // namespace

int vault_status(const Global& global) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  SystemRandom random;
  const auto vault = open_vault(*opened, random);
  if (!vault.ok()) return fail(global, vault.error());
  const auto status = (*vault)->status();
  if (!status.ok()) return fail(global, status.error());
  if (global.json) {
    print_json(json::Value::object({{"key_id", status->key_id}, {"secrets", status->secrets}, {"sealed_by_other_key", status->other_key}}));
  } else {
    print_line(fmt::format("key {}  secrets {}  sealed by another key {}", status->key_id, status->secrets, status->other_key));
  }
  return status->other_key == 0 ? kFine : kFindings;
}

int vault_rotate(const Global& global, const std::string& new_key) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  SystemRandom random;
  const auto vault = open_vault(*opened, random);
  if (!vault.ok()) return fail(global, vault.error());
  auto key = vault::load_master_key(new_key);
  if (!key.ok()) return fail(global, key.error());
  const auto sealed = (*vault)->rotate(std::move(key).value());
  if (!sealed.ok()) return fail(global, sealed.error());
  print_line(fmt::format("{} secrets are sealed with the new key; now name it in berth.yaml: vault: {{key: {}}}", *sealed, new_key));
  return kFine;
}

int token_create(const Global& global, const std::string& name, const std::string& role) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  SystemRandom random;
  const auto token = admin::create_token(*opened->database, name, role, *opened->clock, random);
  if (!token.ok()) return fail(global, token.error());
  if (global.json) {
    print_json(json::Value::object({{"name", name}, {"role", role}, {"token", *token}}));
  } else {
    print_line(*token);
    note(global, "This text is shown once; only its hash is stored.");
  }
  return kFine;
}

int token_list(const Global& global) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  json::Value list = json::Value::array();
  Table table({"id", "name", "role", "created", "revoked"});
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    for (const storage::ApiToken& token : BERTH_TRY(storage::tokens::list(connection))) {
      const std::string revoked = token.revoked.unix_ms == 0 ? "" : to_string(token.revoked);
      table.add({token.id, token.name, token.role, to_string(token.created), revoked});
      list.push_back(json::Value::object({{"id", token.id}, {"name", token.name}, {"role", token.role}, {"created", to_string(token.created)}, {"revoked", revoked}}));
    }
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(json::Value::object({{"tokens", std::move(list)}}));
  } else {
    print(table.text());
  }
  return kFine;
}

int token_revoke(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  bool revoked = false;
  const Status done = opened->database->write("api_token.revoke", [&](storage::Connection& connection) -> Status {
    revoked = BERTH_TRY(storage::tokens::revoke(connection, id, opened->clock->now()));
    return success();
  });
  if (!done.ok()) return fail(global, done.error());
  if (!revoked) return fail(global, make_error(Code::kNotFound, "admin.token_unknown", fmt::format("there is no valid token {}", id)));
  print_line("revoked");
  return kFine;
}

namespace {

std::string refused(const Error& why) { return fmt::format("refused[{}]: {}", why.reason, why.message); }

}  // namespace

int plugin_list(const Global& global) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  std::vector<fs::path> first;
  for (const std::string& folder : global.plugin_dirs) first.emplace_back(folder);
  json::Value list = json::Value::array();
  Table table({"plugin", "version", "state", "file"});
  bool has_refused = false;
  for (const plugins::Discovered& found : plugins::discover(app::plugin_folders(opened->config, first))) {
    std::string id, version, state;
    if (found.manifest) {
      id = found.manifest->id;
      version = found.manifest->version;
      std::optional<storage::PluginPin> pin;
      const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
        pin = BERTH_TRY(storage::pins::find(connection, id));
        return success();
      });
      if (!read.ok()) return fail(global, read.error());
      const auto hash = plugins::hash_for_pin(*found.manifest);
      has_refused = has_refused || !hash.ok();
      state = !hash.ok() ? refused(hash.error()) : !pin ? "not trusted" : pin->sha256 == *hash ? "trusted" : "changed since it was trusted";
    } else {
      state = refused(*found.refusal);
      has_refused = true;
    }
    table.add({id, version, state, found.file.string()});
    list.push_back(json::Value::object({{"plugin", id}, {"version", version}, {"state", state}, {"file", found.file.string()}}));
  }
  if (global.json) {
    print_json(json::Value::object({{"plugins", std::move(list)}}));
  } else {
    print(table.text());
  }
  return has_refused ? kFindings : kFine;
}

int plugin_trust(const Global& global, const std::string& path) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  std::optional<plugins::Manifest> manifest;
  std::vector<fs::path> folders;
  if (fs::is_directory(path)) folders.emplace_back(path);
  for (const std::string& folder : global.plugin_dirs) folders.emplace_back(folder);
  std::string why;
  for (const plugins::Discovered& found : plugins::discover(app::plugin_folders(opened->config, folders))) {
    if (found.refusal) {
      const fs::path folder = found.file.parent_path();
      std::error_code failure;
      if (!manifest && (folder.filename() == path || fs::equivalent(folder, path, failure))) return fail(global, *found.refusal);
      why += fmt::format("; {} was refused: {}", found.file.string(), found.refusal->message);
    }
    if (!found.manifest || manifest) continue;
    if (found.manifest->id == path || (fs::is_directory(path) && fs::equivalent(found.manifest->folder, path))) manifest = found.manifest;
  }
  if (!manifest) return fail(global, make_error(Code::kNotFound, "runs.plugin_missing", fmt::format("no plugin at or named {}{}", path, why)));
  const auto hash = plugins::hash_for_pin(*manifest);
  if (!hash.ok()) return fail(global, hash.error());
  const Status pinned = opened->database->write("plugin.trust", [&](storage::Connection& connection) {
    return storage::pins::set(connection, {.plugin = manifest->id, .sha256 = *hash, .pinned = opened->clock->now(), .pinned_by = "cli"});
  });
  if (!pinned.ok()) return fail(global, pinned.error());
  if (global.json) {
    print_json(json::Value::object({{"plugin", manifest->id}, {"version", manifest->version}, {"sha256", *hash}}));
  } else {
    print_line(fmt::format("trusted {} {} ({})", manifest->id, manifest->version, hash->substr(0, 16)));
  }
  return kFine;
}

}  // namespace berth::cli
