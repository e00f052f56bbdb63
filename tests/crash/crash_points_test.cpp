// B6: a process is killed with kill -9 at every durable write that the source names, before it, between the write and its
// acknowledgement, and after it, three times each: at its first meeting in the first round of a host's life, in the middle of
// the second and at the end of the third (life.cpp). Then the command is given again, as a person or a service manager does, and
// the books have to be byte for byte those of a life that nothing disturbed, sound, and of what was paid for at most a batch
// may have been fetched again.
//
// Each case goes through the whole life undisturbed, one step after the other, and cuts copies of its folder at its share of the places.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "crash/life.hpp"
#include "crash/writes_in_source.hpp"
#include "support/postgresql_server.hpp"

using namespace crash;
using namespace e2e;

namespace {

constexpr int kRounds = 3;
constexpr int kParts = 4;
constexpr std::size_t kBatch = 20;   // documents under way or uncommitted at most; plugin-sdk/pull/details.cpp
constexpr int kNthTries = 4;         // a write that comes by the clock comes a little more or less often
const Sizes kBooks{.contacts = 10, .items = 5, .invoices = 36, .payments = 20, .credit_notes = 4, .more = {"--foreign", "30"}};
constexpr const char* kMoments[] = {"before", "between", "after"};

/// Writes that no life of a host on one machine meets, and where they are cut instead.
const std::map<std::string, std::string> kElsewhere = {
    {"lease.renew", "comes after half a minute; in_process_test.cpp"},
    {"lease.take_over", "follows a process that was killed; in_process_test.cpp"},
    {"schedule.wake_left", "follows a process that was killed; in_process_test.cpp"},
    {"capture.files", "more than a mebibyte of files at once; in_process_test.cpp"},
    {"capture.unanswered", "a remote that fails for minutes; in_process_test.cpp"},
    {"apply.failed", "a record that the database refuses; in_process_test.cpp"},
    {"command.apply", "while a run holds the lease; in_process_test.cpp"},
    {"run.setup_state", "the end of such a run; in_process_test.cpp"},
    {"run.not_begun", "a plugin that cannot be opened; in_process_test.cpp"},
    {"storage.copy_all", "a move to PostgreSQL; the case below"},
    {"vault.look_again", "reads only, under the lock of the writer; cut nowhere"},
    {"vault.put", "called by tests only; cut nowhere"},
    {"integration.set_desired", "called by tests only; cut nowhere"},
};

struct Kill {
  std::string write, moment;
  int nth = 1;   // of the step's meetings with that moment
  [[nodiscard]] std::string text(int number) const { return write + " " + moment + " " + std::to_string(number); }
};

/// The places of a step: of each write that has not been cut in this round yet, one meeting. The three rounds take the first, the
/// middle and the last one.
std::vector<Kill> kills_of(const std::string& log, const Step& step, int round, std::set<std::string>& cut) {
  std::map<std::string, int> met;
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);) ++met[line];
  std::vector<Kill> kills;
  for (const auto& [line, times] : met) {
    const std::string write = line.substr(0, line.find(' '));
    // What applies is code of its own in every command.
    const std::string key = write == "apply.batch" || step.is_cut_anyway ? write + " " + step.what : write;
    if (!line.ends_with(" before") || !cut.insert(key).second) continue;
    for (const char* moment : kMoments) {
      const auto found = met.find(write + " " + moment);
      if (found == met.end()) continue;   // the command failed inside, as it should
      const int last = found->second;
      kills.push_back({write, moment, round == 1 ? 1 : round == 2 ? (last + 1) / 2 : last});
    }
  }
  return kills;
}

std::map<std::string, int> fetched(const Simulator& simulator) {
  std::map<std::string, int> times;
  for (const std::string& call : simulator.log()) {
    if (call.starts_with("200 GET /books/v3/")) ++times[call];
  }
  return times;
}

/// Documents, with their parts and files, that were answered once more than undisturbed.
std::size_t documents_fetched_again(const std::map<std::string, int>& undisturbed, const std::map<std::string, int>& disturbed) {
  std::set<std::string> documents;
  for (const auto& [call, times] : disturbed) {
    const std::string path = call.substr(std::string("200 GET /books/v3/").size(), call.find('?') == std::string::npos ? std::string::npos : call.find('?') - 18);
    const auto known = undisturbed.find(call);
    if (path.find('/') == std::string::npos || known == undisturbed.end() || times <= known->second) continue;
    documents.insert(path.substr(0, path.find('/', path.find('/') + 1)));
  }
  return documents.size();
}

struct Tally {
  int kills = 0, batch_most = 0;
  std::map<std::string, int> times;   // "capture.checkpoint between" → kills
  std::set<std::string> met;
};

/// Lines that one of them has and the other has not, a few of each.
std::string difference(const std::string& with, const std::string& without) {
  const auto lines_of = [](const std::string& text) {
    std::multiset<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  };
  const auto a = lines_of(with), b = lines_of(without);
  std::string text;
  for (const auto& [more, less, what] : {std::tuple(&a, &b, "only with the cut:    "), std::tuple(&b, &a, "only without the cut: ")}) {
    std::vector<std::string> only;
    std::set_difference(more->begin(), more->end(), less->begin(), less->end(), std::back_inserter(only));
    for (std::size_t i = 0; i < only.size() && i < 12; ++i) text += "\n  " + std::string(what) + only[i];
  }
  return text;
}

/// Cuts the step at this place and gives the command again.
void cut(const Simulator& simulator, const Workspace& before, const Step& step, const Kill& kill, const std::string& journal,
         const std::map<std::string, int>& calls, Tally& tally) {
  for (int nth = kill.nth, tries = 0;; --nth, ++tries) {
    const std::string at = kill.text(nth);
    INFO("cut at " << at << " of: " << step.what);
    const Workspace berth(Workspace::CopyOf{before});
    const std::string log = (berth.folder() / "moments").string();
    simulator.reset_counters();
    bool is_killed = false;
    std::string failure;
    try {
      step.act(Person(berth, log, at));
    } catch (const Killed&) {
      is_killed = true;
    } catch (const std::exception& other) {
      failure = other.what();
    }
    if (!is_killed && tries < kNthTries && nth > 1) continue;
    CHECK_MESSAGE(is_killed, "nothing was killed: " << failure);
    const Person again(berth, true);
    try {
      step.act(again);
      if (step.check) step.check(again);
      if (step.keeps_books) {
        berth.must({"db", "check"});
        const std::string after = berth.sorted_journal();
        const bool is_same = after == journal;
        CHECK_MESSAGE(is_same, difference(after, journal));
      }
    } catch (const std::exception& other) {
      CHECK_MESSAGE(false, "not done again: " << std::string(other.what()));
    }
    if (step.is_sync) {
      const auto documents = documents_fetched_again(calls, fetched(simulator));
      CHECK(documents <= kBatch);
      tally.batch_most = std::max(tally.batch_most, static_cast<int>(documents));
    }
    ++tally.kills;
    ++tally.times[kill.write + " " + kill.moment];
    return;
  }
}

void live(int part) {
  const Simulator simulator(kBooks);
  const Workspace first(simulator);
  auto berth = std::make_unique<Workspace>(Workspace::CopyOf{first});
  Tally tally;
  int number = 0;
  for (int round = 1; round <= kRounds; ++round) {
    std::set<std::string> cut_in_round;
    for (const Step& step : life(simulator, round)) {
      INFO("round " << round << ": " << step.what);
      if (step.remote) step.remote();
      auto next = std::make_unique<Workspace>(Workspace::CopyOf{*berth});
      const std::string log = (next->folder() / "moments").string();
      simulator.reset_counters();
      step.act(Person(*next, log, {}));
      const auto calls = fetched(simulator);
      const auto kills = kills_of(log, step, round, cut_in_round);
      std::filesystem::remove(log);
      for (const std::string& write : cut_in_round) tally.met.insert(write.substr(0, write.find(' ')));
      const std::string journal = step.keeps_books ? next->sorted_journal() : std::string();
      for (const Kill& kill : kills) {
        if (number++ % kParts == part) cut(simulator, *berth, step, kill, journal, calls, tally);
      }
      if (step.check) {
        const Workspace looked_at(Workspace::CopyOf{*next});
        step.check(Person(looked_at));
      }
      berth = std::move(next);
    }
  }
  std::string few;
  for (const auto& [moment, times] : tally.times) few += moment + " " + std::to_string(times) + ", ";
  MESSAGE("part " << part + 1 << " of " << kParts << ": " << tally.met.size() << " writes, " << tally.kills << " kills of " << number << ", documents fetched again at most " << tally.batch_most);
  if (std::getenv("BERTH_CRASH_TABLE") != nullptr) MESSAGE(few);

  // Nobody adds a write without a life that meets it, and a line that says what it is for.
  std::ifstream page(std::string(BERTH_SOURCE_DIR) + "/docs/reference/durable-writes.md");
  const std::string table{std::istreambuf_iterator<char>(page), {}};
  std::string elsewhere;
  for (const auto& [write, file] : writes_in_source()) {
    CHECK_MESSAGE(table.find("| `" + write + "` |") != std::string::npos, write << " of " << file << " has no row in docs/reference/durable-writes.md");
    const auto known = kElsewhere.find(write);
    if (known != kElsewhere.end()) {
      elsewhere += "  " + write + ": " + known->second + "\n";
      CHECK_MESSAGE(!tally.met.contains(write), write << " is met, and said not to be");
    } else {
      CHECK_MESSAGE(tally.met.contains(write), write << " of " << file << " is met by no step of life.cpp");
    }
  }
  MESSAGE("cut elsewhere:\n" << elsewhere);
}

}  // namespace

TEST_CASE("B6: kill -9 before, between and after every durable write, three times each, first quarter") { live(0); }
TEST_CASE("B6: kill -9 before, between and after every durable write, three times each, second quarter") { live(1); }
TEST_CASE("B6: kill -9 before, between and after every durable write, three times each, third quarter") { live(2); }
TEST_CASE("B6: kill -9 before, between and after every durable write, three times each, last quarter") { live(3); }

TEST_CASE("B6: kill -9 at storage.copy_all, three times: the old database is as it was, and the move is made into an empty one") {
  if (const auto why = berth::test::PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  const Simulator simulator(kBooks);
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  const std::string journal = berth.sorted_journal();
  auto& server = berth::test::PostgresqlServer::shared();
  for (const char* moment : kMoments) {
    for (int time = 1; time <= 3; ++time) {
      CAPTURE(moment);
      const Workspace copy(Workspace::CopyOf{berth});
      const std::string log = (copy.folder() / "moments").string();
      CHECK_THROWS_AS(Person(copy, log, "storage.copy_all " + std::string(moment) + " 1").does({"db", "migrate", "--to", server.create_database()}), Killed);
      CHECK(copy.sorted_journal() == journal);
      if (time < 3) continue;
      CHECK(copy.must({"db", "migrate", "--to", server.create_database()}).find("books sound") != std::string::npos);
    }
  }
}
