// One wrong plugin, or one wrong file, for each reason to refuse it; both runners refuse alike.
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "fixture.hpp"

using namespace runner_tests;

namespace {

/// A copy of a built plugin that a test may spoil.
class PluginCopy {
 public:
  explicit PluginCopy(const std::string& plugin) {
    std::string pattern = (fs::temp_directory_path() / "berth-runner-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    fs::copy(folder_of(plugin), folder_, fs::copy_options::recursive);
  }
  ~PluginCopy() { fs::remove_all(folder_); }
  PluginCopy(const PluginCopy&) = delete;
  PluginCopy& operator=(const PluginCopy&) = delete;
  [[nodiscard]] Manifest manifest() const {
    auto loaded = load_manifest(folder_ / "plugin.yaml");
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    return std::move(loaded).value();
  }
  [[nodiscard]] const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

std::string reason_to_refuse(PluginRunner& runner, const Manifest& manifest) {
  return refusal(runner, manifest, manifest.sha256).reason;
}

}  // namespace

TEST_CASE_TEMPLATE("each wrong plugin is refused with its own reason", Runner, InProcess, Worker) {
  const std::pair<const char*, const char*> cases[] = {
      {"wrong_major", "plugin.abi_mismatch"},
      {"wrong_struct_size", "plugin.identity_invalid"},
      {"no_entry", "plugin.no_entry"},
      {"entry_null", "entry_null.refused"},
      {"bad_descriptor", "plugin.descriptor_invalid"},
      {"other_descriptor", "plugin.descriptor_mismatch"},
  };
  const auto runner = Runner::make();
  for (const auto& [plugin, reason] : cases) {
    CAPTURE(plugin);
    CHECK(reason_to_refuse(*runner, manifest_of(plugin)) == reason);
  }
}

TEST_CASE_TEMPLATE("a phase that is in the phase file but not in the library is a mismatch", Runner, InProcess,
                   Worker) {
  const PluginCopy copy("probe");
  const auto runner = Runner::make();
  Manifest manifest = copy.manifest();
  manifest.phase_ids->push_back("invoices");
  CHECK(reason_to_refuse(*runner, manifest) == "plugin.descriptor_mismatch");
  manifest.phase_ids->clear();
  CHECK(reason_to_refuse(*runner, manifest) == "plugin.descriptor_mismatch");
}

TEST_CASE_TEMPLATE("a library that nobody trusts does not start", Runner, InProcess, Worker) {
  const auto runner = Runner::make();
  const Error error = refusal(*runner, manifest_of("probe"), "");
  CHECK(error.reason == "plugin.untrusted");
  CHECK(error.message.find("berth plugin trust probe") != std::string::npos);
}

TEST_CASE_TEMPLATE("a library that changed after it was trusted does not start", Runner, InProcess, Worker) {
  const PluginCopy copy("probe");
  const auto runner = Runner::make();
  const Manifest manifest = copy.manifest();
  {
    std::ofstream library(manifest.library, std::ios::binary | std::ios::app);
    library << "one byte more";
  }
  const Error error = refusal(*runner, manifest, manifest.sha256);
  CHECK(error.reason == "plugin.changed");
  CHECK(error.code == Code::kForbidden);
  CHECK(hash_for_pin(manifest).error().reason == "plugin.changed");
}

TEST_CASE_TEMPLATE("a library that others may write, or that is none, does not start", Runner, InProcess, Worker) {
  const PluginCopy copy("probe");
  const auto runner = Runner::make();
  Manifest manifest = copy.manifest();
  for (const mode_t mode : {0775, 0757}) {
    REQUIRE(chmod(manifest.library.c_str(), mode) == 0);
    CHECK(reason_to_refuse(*runner, manifest) == "plugin.file_unsafe");
  }
  REQUIRE(chmod(manifest.library.c_str(), 0755) == 0);
  if (geteuid() == 0) {
    REQUIRE(chown(manifest.library.c_str(), 12'345, 0) == 0);
    CHECK(reason_to_refuse(*runner, manifest) == "plugin.file_unsafe");
  }
  fs::remove(manifest.library);
  CHECK(reason_to_refuse(*runner, manifest) == "plugin.file_missing");
  REQUIRE(mkfifo(manifest.library.c_str(), 0600) == 0);
  CHECK(reason_to_refuse(*runner, manifest) == "plugin.file_unsafe");
}

TEST_CASE_TEMPLATE("a file that is no library, or half of one, is refused before the loader sees it", Runner, InProcess, Worker) {
  const PluginCopy copy("probe");
  const auto runner = Runner::make();
  Manifest manifest = copy.manifest();
  manifest.sha256.clear();
  std::string good(static_cast<std::size_t>(fs::file_size(manifest.library)), '\0');
  REQUIRE(std::ifstream(manifest.library, std::ios::binary).read(good.data(), static_cast<std::streamsize>(good.size())));
  std::string other = good;
  other[18] = 40;  // e_machine: ARM
  const std::pair<std::string, const char*> cases[] = {
      {"this is text, and enough of it to be longer than the header of a library would be", "plugin.not_library"},
      {good.substr(0, 40), "plugin.truncated"},
      {good.substr(0, 4096), "plugin.truncated"},  // the loader would end by SIGBUS
      {other, "plugin.other_machine"}};
  for (const auto& [bytes, reason] : cases) {
    CAPTURE(reason);
    std::ofstream(manifest.library, std::ios::binary | std::ios::trunc) << bytes;
    CHECK(refusal(*runner, manifest, std::string(64, 'a')).reason == reason);
    CHECK(hash_for_pin(manifest).error().reason == reason);
  }
}

TEST_CASE_TEMPLATE("a descriptor is read without a connector", Runner, InProcess, Worker) {
  const auto runner = Runner::make();
  const Manifest manifest = manifest_of("probe");
  const auto read = runner->descriptor({&manifest, manifest.sha256, ""});
  REQUIRE(read.ok());
  CHECK(read.value().name == "Probe");
  CHECK(read.value().entity("thing")->version == VersionKind::kCounter);
  CHECK(read.value().phase("acts")->entity == "thing");
  CHECK(read.value().cost_classes.at(0).default_budget == "40%");
  CHECK(read.value().oauth.find("pkce") != nullptr);
  CHECK(runner->descriptor({&manifest, "", ""}).error().reason == "plugin.untrusted");
}
