#include "host/plugins/manifest.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <fstream>

using namespace berth;
using namespace berth::plugins;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "berth-manifest-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path write(const fs::path& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const std::string kGood = "id: shop\nversion: 1.0.0\nabi: {major: 0, minor: 1}\nlibrary: libshop.so\n";

Error refusal_of(const std::string& text) {
  const Folder folder;
  auto loaded = load_manifest(folder.write("plugin.yaml", text));
  REQUIRE_FALSE(loaded.ok());
  return loaded.error();
}

}  // namespace

TEST_CASE("a manifest that is wrong is refused with file, line and what was found") {
  const std::pair<std::string, std::string> cases[] = {
      {"[1, 2]\n", "expected a map"},
      {kGood + "colour: red\n", ":5:1: `colour` is not a key of plugin.yaml"},
      {kGood + "id: twice\n", ":5:1:"},
      {"id: Shop\nversion: 1.0.0\nabi: {major: 0, minor: 1}\nlibrary: l.so\n", "found \"Shop\""},
      {"id: shop\nversion: 1.0.0\nlibrary: l.so\n", "`abi` must be a map"},
      {"id: shop\nversion: 1.0.0\nabi: {major: 0, minor: -1}\nlibrary: l.so\n", "found -1"},
      {"id: shop\nversion: 1.0.0\nabi: {major: 0, minor: 1}\n", "library"},
      {"id: shop\nversion: 1.0.0\nabi: {major: 0, minor: 1}\nlibrary: /usr/lib/libc.so\n",
       "must name a file in the plugin's folder"},
      {"id: shop\nversion: 1.0.0\nabi: {major: 0, minor: 1}\nlibrary: ../other/l.so\n",
       "must name a file in the plugin's folder"},
      {kGood + "phases: phases.yaml\n", "phases.yaml"},
      {kGood + "reasons: reasons.yaml\n", "reasons.yaml"},
      {kGood + "reasons: ../reasons.yaml\n", "must name a file in the plugin's folder"},
      {kGood + "limits: {memory: 1MiB}\n", "from 64MiB to 16GiB, found \"1MiB\""},
      {kGood + "limits: {memory: 512 megabytes}\n", "found \"512 megabytes\""},
      {kGood + "limits: {cpu: 10ms}\n", "from 1s to 24h"},
      {kGood + "limits: {threads: 4}\n", "`threads` is not a key of limits"},
      {kGood + "sha256: abc\n", "64 hexadecimal digits"},
      {kGood + "tie_out: all\n", "`tie_out` must be a map"},
      {kGood + "tie_out: {payment: {entity: p, invoices: i}}\n", "`tie_out` needs `invoice`"},
      {kGood + "tie_out: {invoices: {entity: i, currency: c, balance: b}}\n", "`invoices` is not a key of tie_out; did you mean `invoice`"},
      {kGood + "tie_out: {invoice: {entity: i, currency: c}}\n", "`invoice` of tie_out needs `balance`"},
      {kGood + "tie_out: {invoice: {entity: i, currency: c, balanse: b}}\n", "`balanse` is not a key of `invoice` of tie_out; did you mean `balance`"},
      {kGood + "tie_out: {invoice: {entity: i, currency: c, balance: \"\"}}\n", "`balance` must not be empty"},
      {kGood + "tie_out: {invoice: {entity: i, currency: c, balance: b}, payment: [p]}\n", "`payment` of tie_out must be a map"},
  };
  for (const auto& [text, part] : cases) {
    CAPTURE(text);
    const Error error = refusal_of(text);
    CHECK(error.reason == "plugin.manifest_invalid");
    CHECK(error.code == Code::kInvalidConfig);
    CHECK_MESSAGE(error.message.find(part) != std::string::npos, error.message);
  }
}

TEST_CASE("while the major is 0, another minor is another ABI") {
  CHECK(refusal_of("id: shop\nversion: 1.0.0\nabi: {major: 0, minor: 2}\nlibrary: l.so\n").reason ==
        "plugin.abi_mismatch");
  CHECK(refusal_of("id: shop\nversion: 1.0.0\nabi: {major: 1, minor: 1}\nlibrary: l.so\n").reason ==
        "plugin.abi_mismatch");
}

TEST_CASE("a manifest names files in its folder, limits and the phases of its phase file") {
  const Folder folder;
  folder.write("phases.yaml", "revision: 1\nphases:\n  - id: contacts\n  - {id: invoices, entity: invoice}\n");
  const std::string hash(64, 'A');
  const auto loaded =
      load_manifest(folder.write("plugin.yaml", kGood +
                                                    "phases: phases.yaml\nmapping: mapping.yaml\nlimits: {memory: "
                                                    "1GiB, cpu: 2m}\ndocs: https://example.com\nsha256: " +
                                                    hash + "\n"));
  REQUIRE(loaded.ok());
  const Manifest& manifest = loaded.value();
  CHECK(manifest.library == folder.path() / "libshop.so");
  CHECK(manifest.mapping == folder.path() / "mapping.yaml");
  CHECK(manifest.phase_ids == std::vector<std::string>{"contacts", "invoices"});
  CHECK(manifest.limits.memory_bytes == 1u << 30u);
  CHECK(manifest.limits.cpu == std::chrono::seconds(120));
  CHECK(manifest.sha256 == std::string(64, 'a'));
}

TEST_CASE("plugins are listed by their manifests, and what is refused is listed with its reason") {
  const Folder first;
  const Folder second;
  first.write("b/plugin.yaml", "id: b\nversion: 1.0.0\nabi: {major: 0, minor: 1}\nlibrary: libb.so\n");
  first.write("a/plugin.yaml", "id: a\n");
  first.write("empty/readme.txt", "nothing here");
  second.write("plugin.yaml", "id: b\nversion: 2.0.0\nabi: {major: 0, minor: 1}\nlibrary: libb.so\n");
  const fs::path folders[] = {first.path(), second.path(), first.path() / "gone"};
  const auto found = discover(folders);
  REQUIRE(found.size() == 4);
  // Libraries are not there, and nobody missed them.
  CHECK(found[0].refusal->reason == "plugin.folder_unreadable");
  CHECK(found[1].refusal->reason == "plugin.manifest_invalid");
  CHECK(found[2].manifest->version == "1.0.0");
  CHECK(found[3].refusal->reason == "plugin.duplicate");
  CHECK(found[3].file == second.path() / "plugin.yaml");
}

TEST_CASE("D13: a connector brings the causes and resolutions of its own reasons, and nobody else's") {
  const Folder folder;
  const fs::path manifest = folder.write("plugin.yaml", kGood + "reasons: reasons.yaml\n");
  folder.write("reasons.yaml", "title: Shop\nreasons:\n  shop.down: {cause: It is down., resolution: Wait., who: time}\n");
  const auto loaded = load_manifest(manifest);
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  REQUIRE(loaded->explained != nullptr);
  CHECK(loaded->explained->entries.front().id == "shop.down");
  folder.write("reasons.yaml", "title: Shop\nreasons:\n  ledger.unmapped: {cause: It is down., resolution: Wait., who: time}\n");
  const auto refused = load_manifest(manifest);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().reason == "plugin.manifest_invalid");
  CHECK_MESSAGE(refused.error().message.find("reasons.yaml:3:3: \"ledger.unmapped\" must be a reason id that begins with shop.") != std::string::npos, refused.error().message);
  folder.write("plugin.yaml", kGood);
  CHECK(load_manifest(manifest)->explained == nullptr);
}

TEST_CASE("B8: a manifest says where its remote's answers hold balances") {
  const Folder folder;
  const auto loaded = load_manifest(folder.write("plugin.yaml", kGood + R"(
tie_out:
  invoice:     {entity: bill, number: nr, customer: buyer.id, currency: money.code, balance: money.due}
  credit_note: {entity: note, currency: code, balance: left, invoices: parts.uses.bill}
  payment:     {entity: receipt, invoices: splits.bill}
  customer:    {entity: buyer, currency: code, outstanding: owes}
)"));
  REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
  REQUIRE(loaded->tie_out);
  CHECK(loaded->tie_out->invoice.entity == "bill");
  CHECK(loaded->tie_out->invoice.customer == "buyer.id");
  CHECK(loaded->tie_out->invoice.invoices.empty());
  CHECK(loaded->tie_out->credit_note.invoices == "parts.uses.bill");
  CHECK(loaded->tie_out->payment.invoices == "splits.bill");
  CHECK(loaded->tie_out->customer.outstanding == "owes");
  CHECK(loaded->tie_out->customer.unused.empty());
  CHECK_FALSE(load_manifest(folder.write("plugin.yaml", kGood))->tie_out);
}
