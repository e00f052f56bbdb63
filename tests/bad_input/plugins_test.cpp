// Connectors that cannot be used: each is refused before its code runs where that is possible, with what is wrong with it.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "bad_input/fixture.hpp"
#include "bad_input/table.hpp"

using namespace bad_input;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSync = "berth sync zoho";
constexpr const char* kTrust = "berth plugin trust zoho_books";
const std::string kBinaries = BERTH_BINARY_DIR;
/// Sizes and sums change with the compiler.
const Replacements kSizes{{"\\d+ bytes, but its header speaks of \\d+", "65536 bytes, but its header speaks of 1284096"},
                          {" {3,}", "  "}};

const Row kMissing(Section::kPlugins, "library.missing", "the library is not there", kSync, "plugin.file_missing");
const Row kNoPermission(Section::kPlugins, "library.permission", "a library that the user may not read", kSync, "plugin.file_missing");
const Row kFolder(Section::kPlugins, "library.folder", "a folder instead of the library", kSync, "plugin.file_unsafe");
const Row kEmpty(Section::kPlugins, "library.empty", "an empty library", kSync, "plugin.file_unsafe");
const Row kWritable(Section::kPlugins, "library.writable", "a library that others may write", kSync, "plugin.file_unsafe");
const Row kText(Section::kPlugins, "library.text", "text instead of a library", kSync, "plugin.not_library");
const Row kTruncated(Section::kPlugins, "library.truncated", "a library that was copied halfway", kSync, "plugin.truncated");
const Row kMachine(Section::kPlugins, "library.machine", "a library for another kind of machine", kSync, "plugin.other_machine");
const Row kForeign(Section::kPlugins, "library.foreign", "a library that is no plugin of Berth", kTrust, "plugin.no_entry");
const Row kProgram(Section::kPlugins, "library.program", "a program instead of a library", kSync, "plugin.load_failed");
const Row kAbi(Section::kPlugins, "library.abi", "a library that was built for another plugin interface", kSync, "plugin.abi_mismatch");
const Row kOther(Section::kPlugins, "library.other", "the library of another plugin", kSync, "plugin.descriptor_mismatch");
const Row kChanged(Section::kPlugins, "library.changed", "a library that changed since it was trusted", kSync, "plugin.changed");
const Row kList(Section::kPlugins, "library.list", "the same, in the list of plugins", "berth plugin list", "plugin.changed");
const Row kUntrusted(Section::kPlugins, "library.untrusted", "a library that nobody trusted yet", kSync, "plugin.untrusted");
const Row kMajor(Section::kPlugins, "manifest.abi_major", "plugin.yaml: another major version of the plugin interface", kSync, "plugin.abi_mismatch");
const Row kMinor(Section::kPlugins, "manifest.abi_minor", "plugin.yaml: another minor version, before version 1", kSync, "plugin.abi_mismatch");
const Row kKey(Section::kPlugins, "manifest.unknown_key", "plugin.yaml: a key that does not exist", kSync, "plugin.manifest_invalid");
const Row kSyntax(Section::kPlugins, "manifest.syntax", "plugin.yaml: not YAML", kSync, "plugin.manifest_invalid");
const Row kPhases(Section::kPlugins, "phases.syntax", "phases.yaml: not YAML", kSync, "plugin.manifest_invalid");
const Row kPhasesKey(Section::kPlugins, "phases.missing_key", "phases.yaml: a phase without its entity", kSync, "runs.phases_invalid");
const Row kPhasesMissing(Section::kPlugins, "phases.missing", "phases.yaml is not there", kSync, "plugin.manifest_invalid");
const Row kNowhere(Section::kPlugins, "plugin.nowhere", "the plugin is in none of the folders", kSync, "runs.plugin_missing");

/// Books whose connector is a copy that can be broken.
struct Copied : Books {
  Copied() {
    fs::create_directories(berth.folder() / "plugins/zoho_books");
    for (const char* file : {"libzoho_books.so", "plugin.yaml", "phases.yaml", "mapping.yaml", "reasons.yaml"}) {
      fs::copy_file(fs::path(kBinaries) / "plugins/zoho_books" / file, folder() / file);
    }
    berth.write("berth.yaml", with_mistake(berth.read("berth.yaml"), kBinaries + "/plugins", "./plugins"));
    // Without the sum in plugin.yaml, as plugins that are built by hand come.
    const std::string manifest = bytes_of(folder() / "plugin.yaml");
    write_bytes(folder() / "plugin.yaml", manifest.substr(0, manifest.find("sha256:")));
    trust();
    check_recovered();
  }
  [[nodiscard]] fs::path folder() const { return berth.folder() / "plugins/zoho_books"; }
  [[nodiscard]] fs::path library() const { return folder() / "libzoho_books.so"; }
  void trust() const { berth.must({"plugin", "trust", "zoho_books"}); }
};

}  // namespace

TEST_CASE("a file that cannot be a plugin's library is refused with what is wrong with it, and is never mapped into memory") {
  const Copied books;
  const e2e::Workspace& berth = books.berth;
  const std::string name = "plugins/zoho_books/libzoho_books.so";
  const std::string good = bytes_of(books.library());
  books.simulator.reset_counters();
  {
    const Broken gone(berth, name, "");
    fs::remove(books.library());
    kMissing.refused(berth, 3);
    fs::create_directory(books.library());
    kFolder.refused(berth, 1);
  }
  const auto with = [&](const std::string& bytes, const Row& row) {
    const Broken broken(berth, name, bytes);
    row.refused(berth, 1, kSizes);
    // Not even on request.
    CHECK(berth.run({"plugin", "trust", "zoho_books"}).exit == 1);
  };
  with("", kEmpty);
  with("this is no library, but some text that is longer than the header of a library would be\n", kText);
  with(good.substr(0, 65'536), kTruncated);
  std::string other = good;
  other[18] = static_cast<char>(183);  // e_machine: ARM, 64 bit
  with(other, kMachine);
  with(bytes_of(kBinaries + "/test_plugins/no_entry/libno_entry.so"), kForeign);
  chmod(books.library().c_str(), 0666);
  kWritable.refused(berth, 1);
  chmod(books.library().c_str(), 0755);
  CHECK(books.simulator.calls("list") == 0);
  books.check_recovered();
}

TEST_CASE("a library that is none of this plugin or of this host is refused though it is trusted") {
  const Copied books;
  const e2e::Workspace& berth = books.berth;
  books.simulator.reset_counters();
  const auto with = [&](const std::string& file, const Row& row) {
    const Broken broken(berth, "plugins/zoho_books/libzoho_books.so", bytes_of(file));
    books.trust();
    row.refused(berth, 1);
  };
  with(kBinaries + "/bin/berth", kProgram);  // a program that even has the right name in it
  with(kBinaries + "/test_plugins/wrong_major/libwrong_major.so", kAbi);
  with(kBinaries + "/test_plugins/other_descriptor/libother_descriptor.so", kOther);
  // The right one again: it is another one than was trusted last.
  kChanged.refused(berth, 1);
  CHECK(books.simulator.calls("list") == 0);
  books.trust();
  books.check_recovered();
}

TEST_CASE("a library that changed behind the back of its plugin.yaml, and one that nobody trusts, do not start") {
  const Copied books;
  const e2e::Workspace& berth = books.berth;
  {
    // plugin.yaml says which library it was built with.
    const std::string manifest = bytes_of(books.folder() / "plugin.yaml");
    const Broken broken(berth, "plugins/zoho_books/plugin.yaml", manifest + "sha256: " + std::string(64, 'a') + "\n");
    kList.refused(berth, 1, kSizes);
  }
  sql(books.database(), "DELETE FROM plugin_pin");
  kUntrusted.refused(berth, 1);
  books.trust();
  books.check_recovered();
}

TEST_CASE("a library that the user may not read says so") {
  const OtherUser other;
  if (!other.is_possible) {
    MESSAGE("skipped: another user cannot run the programs of this build");
    return;
  }
  const Copied books;
  const e2e::Workspace& berth = books.berth;
  give_to_other_user(berth.folder());
  chmod(books.library().c_str(), 0);
  kNoPermission.answered(berth, berth.run_by(other.starter, {"sync", "zoho"}), 3);
  chmod(books.library().c_str(), 0755);
  CHECK(berth.run_by(other.starter, {"sync", "zoho"}).exit == 0);
}

TEST_CASE("plugin.yaml and phases.yaml with a mistake: the place is named") {
  const Copied books;
  const e2e::Workspace& berth = books.berth;
  const std::string manifest = bytes_of(books.folder() / "plugin.yaml"), phases = bytes_of(books.folder() / "phases.yaml");
  books.simulator.reset_counters();
  const auto with = [&](const std::string& file, const std::string& text, const Row& row, int exit = 1) {
    const Broken broken(berth, "plugins/zoho_books/" + file, text);
    row.refused(berth, exit);
  };
  with("plugin.yaml", with_mistake(manifest, "major: 0", "major: 9"), kMajor);
  with("plugin.yaml", with_mistake(manifest, "minor: 1", "minor: 7"), kMinor);
  with("plugin.yaml", with_mistake(manifest, "library:", "libary:"), kKey);
  with("plugin.yaml", "id: [zoho_books\n", kSyntax);
  with("phases.yaml", "phases: [\n", kPhases);
  with("phases.yaml", with_mistake(phases, "    entity: invoice\n", ""), kPhasesKey);
  {
    const Broken gone(berth, "plugins/zoho_books/phases.yaml", "");
    fs::remove(books.folder() / "phases.yaml");
    kPhasesMissing.refused(berth, 1);
  }
  {
    const Broken moved(berth, "berth.yaml", with_mistake(berth.read("berth.yaml"), "./plugins", "./plugings"));
    kNowhere.refused(berth, 1);
  }
  CHECK(books.simulator.calls("list") == 0);
  books.check_recovered();
}
