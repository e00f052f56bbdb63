// Random documents through the ledger's public functions: docs/tests.md, "Property tests". BERTH_PROPERTY_DOCUMENTS and
// BERTH_PROPERTY_SEED choose other sizes and other documents.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "property/books.hpp"
#include "property/judges.hpp"

namespace berth::property {
namespace {

std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
}
#ifdef BERTH_SANITIZED
constexpr std::size_t kDocuments = 3'000;
#else
constexpr std::size_t kDocuments = 100'000;
#endif
std::size_t document_count() {
  return from_environment("BERTH_PROPERTY_DOCUMENTS", kDocuments);
}
std::uint64_t seed() {
  return from_environment("BERTH_PROPERTY_SEED", 20260504);
}
/// How often everything is checked and compared.
std::size_t point_count() {
  return from_environment("BERTH_PROPERTY_POINTS", 100);
}
/// Whether such a program is to judge: all of them, or those that BERTH_PROPERTY_JUDGES names.
bool is_asked(const std::string& program) {
  const char* names = std::getenv("BERTH_PROPERTY_JUDGES");
  return names == nullptr || (',' + std::string(names) + ',').find(',' + program + ',') != std::string::npos;
}

class Watch {
 public:
  explicit Watch(std::string what) : what_(std::move(what)) {}
  ~Watch() {
    MESSAGE(what_ << ": " << fmt::format("{:.1f}", std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count()) << " s");
  }

 private:
  std::string what_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// The order in which versions arrive: shuffled, but a document's own versions one after the other, as a remote has only its
/// current one to show. Some arrive twice, some are skipped, and some are wrong.
/// What was open before comes first, and sometimes alone.
std::vector<Step> arrivals(const World& world, const std::vector<VersionOf>& versions, Random& random) {
  constexpr int kBringIn = -2;
  std::map<int, std::vector<int>> of;
  for (const VersionOf& one : versions) {
    if (one.version == 0 && world.documents()[static_cast<std::size_t>(one.document)].opening) of[one.document].push_back(kBringIn);
    of[one.document].push_back(one.version);
  }
  std::vector<int> slots;
  for (const auto& [document, list] : of) {
    for (std::size_t i = 0; i < list.size(); ++i) slots.push_back(document);
  }
  random.shuffle(slots);
  std::map<int, std::size_t> at;
  std::vector<Step> steps;
  for (const int document : slots) {
    const std::vector<int>& list = of[document];
    const std::size_t next = at[document]++;
    if (list[next] == kBringIn) {
      steps.push_back({.document = document, .is_opening = true});
      continue;
    }
    if (next == 1 && list.front() == kBringIn && list.size() == 2 && random.chance(30)) continue;
    // A version that is replaced before anybody fetched it.
    if (next + 1 < list.size() && random.chance(20)) continue;
    steps.push_back({.document = document, .version = list[next]});
    if (random.chance(4)) steps.push_back({.document = document, .version = list[next]});
    if (random.chance(1)) steps.push_back({.document = document, .is_wrong = true});
  }
  return steps;
}

std::string read_all(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / fmt::format("berth-property-{}", std::random_device{}())) {
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void accept(const std::string& program, Books& books, ledger::ExportFormat format, const Folder& folder) {
  if (!is_asked(program)) return;
  const Watch watch(program);
  const auto file = folder / program.c_str();
  REQUIRE(books.export_to(format, file) == "");
  const Judgement judged = judge(program, file, books.companies(), books.nets());
  if (!judged.is_installed) {
    MESSAGE("skipped: " << program << " is not installed");
    return;
  }
  CHECK(judged.complaint == "");
}

void show(const Books& books) {
  const Counts& counts = books.counts();
  MESSAGE(fmt::format("planned {} times ({} of them woken), {} entries, {} reversals, {} refusals, {} shares waited",
                      counts.planned, counts.again, counts.entries, counts.reversals, counts.refusals, counts.waiting_shares)
          << fmt::format("; {} openings, {} held by closed months, {} skipped for them", counts.openings, counts.locked - counts.skipped,
                         counts.skipped));
}

/// One company nets discounts, asks for the tax of bad debts back and has the bank for both; the other shows discounts apart.
constexpr PoliciesOfAll kPolicies{{{.gross = false, .relief = true, .due_to_from = true}, {.gross = true, .relief = false, .due_to_from = false}}};
constexpr PoliciesOfAll kOtherPolicies{{{.gross = true, .relief = false, .due_to_from = false}, {.gross = false, .relief = true, .due_to_from = true}}};

TEST_CASE("I1 to I8 hold after each of many random documents, and a second implementation and hledger and ledger agree") {
  const std::size_t count = document_count();
  CAPTURE(seed());
  World world(seed(), kPolicies);
  Random random(seed() + 1);
  Books books(world, {});
  Folder folder;
  const std::size_t points = point_count();
  int closed = 0;
  double checking = 0;
  double comparing = 0;
  const auto since = [](std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  {
    const Watch watch("documents with all checks");
    for (std::size_t point = 1; point <= points; ++point) {
      CAPTURE(world.documents().size());
      std::vector<Step> steps = arrivals(world, world.grow(count * point / points), random);
      // A month is closed now and then; what belongs there posts on the first open day.
      if (closed < 11 && point * 12 / points > static_cast<std::size_t>(closed) + 1) steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2), {.month = ++closed});
      REQUIRE(books.run(std::move(steps)) == "");
      REQUIRE(books.settle() == "");
      const auto begun = std::chrono::steady_clock::now();
      REQUIRE(books.check_all() == "");
      checking += since(begun);
      const auto checked = std::chrono::steady_clock::now();
      const bool with_dates = point % 10 == 0 || point == points;
      const Expected expected = expect(world, books.history(), with_dates);
      REQUIRE(books.compare(expected, point == points) == "");
      if (with_dates) {
        REQUIRE(books.compare_dates(expected) == "");
        const int currency = point % 20 == 0 ? kEur : kJpy;
        REQUIRE(books.revalue(expected, currency, currency == kEur ? 1'183'000 : 6'417, 700 + static_cast<int>(point)) == "");
        REQUIRE(books.compare(expected, false) == "");
      }
      comparing += since(checked);
    }
  }
  MESSAGE(fmt::format("of which at the points: {:.1f} s for I1 to I8, {:.1f} s for the comparison", checking, comparing));
  show(books);
  REQUIRE(world.documents().size() == count);
  accept("hledger", books, ledger::ExportFormat::kHledger, folder);
  accept("ledger", books, ledger::ExportFormat::kLedger, folder);
}

TEST_CASE("I9: the recorded order gives the same journal byte for byte, any order the same balances and open items") {
  const std::size_t count = document_count();
  CAPTURE(seed());
  World world(seed(), kOtherPolicies);
  Random random(seed() + 2);
  Folder folder;
  const std::vector<VersionOf> versions = world.grow(count);
  const std::vector<Step> steps = arrivals(world, versions, random);
  Books first(world, {.checks_each = false});
  {
    const Watch watch("any order");
    REQUIRE(first.run(steps) == "");
    REQUIRE(first.settle() == "");
    const Expected expected = expect(world, first.history());
    REQUIRE(first.compare(expected) == "");
    REQUIRE(first.compare_dates(expected) == "");
    REQUIRE(first.check_all() == "");
  }
  show(first);
  REQUIRE(first.export_to(ledger::ExportFormat::kJsonLines, folder / "first") == "");
  {
    const Watch watch("recorded order");
    // In other transactions: what is committed together must not matter.
    Books second(world, {.checks_each = false, .transaction = 700});
    REQUIRE(second.run(first.log()) == "");
    REQUIRE(second.export_to(ledger::ExportFormat::kJsonLines, folder / "second") == "");
  }
  const std::string journal = read_all(folder / "first");
  CHECK(journal.size() > count * 100);
  CHECK(journal == read_all(folder / "second"));
}

TEST_CASE("C3: what a closed month holds or skips posts when the month is open again, at its own date, and nothing before") {
  const std::size_t count = document_count() / 10;
  constexpr std::size_t kPoints = 20;
  CAPTURE(seed());
  World world(seed() + 3, kPolicies);
  Random random(seed() + 4);
  Books books(world, {.periods = {ledger::PeriodPolicy::kHold, ledger::PeriodPolicy::kSkip}});
  const Watch watch("closed months");
  for (std::size_t point = 1; point <= kPoints; ++point) {
    CAPTURE(point);
    std::vector<Step> steps = arrivals(world, world.grow(count * point / kPoints), random);
    // Last month and this one, roughly.
    const int month = std::max(1, (world.day() - static_cast<int>(random.between(0, 40))) / 31 + 1);
    const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 3);
    steps.insert(middle, {.month = month});
    REQUIRE(books.run(std::move(steps)) == "");
    REQUIRE(books.settle(false) == "");
    REQUIRE(books.check_all() == "");
    REQUIRE(books.check_dates() == "");
    REQUIRE(books.run({{.month = month, .opens = true}}) == "");
    books.retry_held();
    REQUIRE(books.settle() == "");
    const Expected expected = expect(world, books.history());
    REQUIRE(books.compare(expected) == "");
    REQUIRE(books.compare_dates(expected) == "");
  }
  CHECK(books.check_all() == "");
  show(books);
  CHECK(books.counts().skipped > count / 100);
  CHECK(books.counts().locked > books.counts().skipped + count / 100);
}

TEST_CASE("hledger, ledger and beancount accept the journal of 10,000 random documents and agree on every balance") {
  World world(seed() + 7, kPolicies);
  Random random(seed() + 8);
  Books books(world, {.checks_each = false});
  Folder folder;
  REQUIRE(books.run(arrivals(world, world.grow(std::min<std::size_t>(document_count(), 10'000)), random)) == "");
  REQUIRE(books.settle() == "");
  accept("hledger", books, ledger::ExportFormat::kHledger, folder);
  accept("ledger", books, ledger::ExportFormat::kLedger, folder);
  accept("beancount", books, ledger::ExportFormat::kBeancount, folder);
}

}  // namespace
}  // namespace berth::property
