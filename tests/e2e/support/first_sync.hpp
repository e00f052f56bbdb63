#pragma once
// The ground on which a first sync is disturbed: the simulator, a workspace that is connected and has not synced, what a
// sync gives that nothing disturbs, and what has to be true after one that was cut and begun again. For test programs:
// it checks by itself.
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "e2e/support/world.hpp"

namespace e2e {

inline const Sizes kFirstSyncSizes{.contacts = 20, .items = 10, .invoices = 80, .payments = 50, .credit_notes = 10};
inline constexpr std::size_t kBatch = 20;   // documents under way or uncommitted at most; plugin-sdk/pull/details.cpp
inline constexpr int kListCallsMax = 2;     // of one page: before the cut and after it
inline constexpr int kPageRows = 8;         // so that every list has several pages

/// Counts the writes of the processes that are started with environment().
class Writes {
 public:
  explicit Writes(const Workspace& berth) : path_((berth.folder() / "writes").string()) {
    const std::int64_t none = 0;
    std::ofstream(path_, std::ios::binary).write(reinterpret_cast<const char*>(&none), sizeof none);
  }
  [[nodiscard]] std::int64_t count() const {
    std::int64_t number = -1;
    std::ifstream(path_, std::ios::binary).read(reinterpret_cast<char*>(&number), sizeof number);
    return number;
  }
  [[nodiscard]] std::map<std::string, std::string> environment(std::int64_t number, int signal) const {
    return {{"LD_PRELOAD", std::string(BERTH_BINARY_DIR) + "/tests/at_write.so"},
            {"AT_WRITE_COUNTER", path_},
            {"AT_WRITE_NUMBER", std::to_string(number)},
            {"AT_WRITE_SIGNAL", std::to_string(signal)}};
  }

 private:
  std::string path_;
};

struct FirstSync {
  Simulator simulator{kFirstSyncSizes};
  std::unique_ptr<Workspace> connected;
  std::string journal;
  std::int64_t calls = 0, writes = 0;
  std::vector<std::int64_t> page_turns;   // of the calls those that ask for a further page of a list

  /// `page_rows` of a page, 0: one page holds any of the lists.
  explicit FirstSync(int page_rows = 0) {
    const std::string rows = rows_of_own_company();
    Settings settings;
    settings.page_rows = page_rows;
    settings.extra = "    accounts: " + rows + "\n";
    connected = std::make_unique<Workspace>(simulator, settings);
    connected->connect();
    const Workspace berth(Workspace::CopyOf{*connected});
    const Writes counted(berth);
    simulator.reset_counters();
    const Outcome synced = berth.start({"sync", "zoho"}, counted.environment(0, 0))->wait();
    REQUIRE_MESSAGE(synced.exit == 0, synced.out << synced.err);
    calls = simulator.control("counters").find("calls")->integer().value();
    writes = counted.count();
    REQUIRE(fetched_again().empty());
    find_page_turns();
    const std::string before = berth.sorted_journal();
    berth.map_all_accounts();
    journal = berth.sorted_journal();
    // The sync posted, and so did the mapping: both ways to the books are in what is compared.
    REQUIRE(before.size() > 10'000);
    REQUIRE(journal.size() > before.size());
    REQUIRE(calls > 200);
    REQUIRE(writes > 100);
  }

  void find_page_turns() {
    std::int64_t number = 0;
    std::set<std::string> lists;
    for (const std::string& call : simulator.log()) {
      ++number;
      const std::size_t page = call.find("&page=");
      if (page != std::string::npos && call.compare(page, 8, "&page=1&") != 0) {
        page_turns.push_back(number);
        lists.insert(call.substr(0, call.find('?')));
      }
    }
    REQUIRE(number == calls);
    REQUIRE(lists.size() == (page_turns.empty() ? 0u : 5u));   // every list, or none
  }

  /// Near the end: how many pages a sync writes differs a little from run to run.
  [[nodiscard]] std::int64_t last_write() const { return writes * 97 / 100; }

  /// Account rows as berth.yaml has them: those of the integration's own company that a first sync makes.
  std::string rows_of_own_company() {
    const Workspace scratch(simulator);
    scratch.connect();
    scratch.must({"sync", "zoho"});
    scratch.map_all_accounts();
    std::string modes, taxes;
    const Value list = scratch.json({"accounts", "list", "zoho"});
    for (const Value& row : list.find("accounts")->items()) {
      std::string name(row.text_of("row"));
      if (!name.ends_with("/acme_us")) continue;
      name.resize(name.size() - std::strlen("/acme_us"));
      std::string* group = name.starts_with("payment_mode/") ? &modes : name.starts_with("tax/") ? &taxes : nullptr;
      if (group == nullptr) continue;
      *group += (group->empty() ? "\"" : ", \"") + name.substr(name.find('/') + 1) + "\": " + std::string(row.text_of("account"));
    }
    return "{default_income: sales, default_expense: cogs, payment_mode: {" + modes + "}, tax: {" + taxes + "}}";
  }

  /// Documents, by entity and id, of which an answer was given more than once since the counters began anew; the parts of
  /// a document and its file are its own.
  [[nodiscard]] std::set<std::string> fetched_again() const {
    std::map<std::string, int> times;
    for (const std::string& call : simulator.log()) {
      if (call.starts_with("200 GET /books/v3/")) ++times[call];
    }
    std::set<std::string> documents;
    for (const auto& [call, count] : times) {
      const std::string path = call.substr(std::strlen("200 GET /books/v3/"), call.find('?') - std::strlen("200 GET /books/v3/"));
      if (path.find('/') == std::string::npos) {
        CHECK_MESSAGE(count <= kListCallsMax, call);
      } else if (count > 1) {
        CHECK_MESSAGE(count == 2, call);
        documents.insert(path.substr(0, path.find('/', path.find('/') + 1)));
      }
    }
    return documents;
  }

  /// Begins again, as whoever runs the host would, and compares. Returns how many documents were fetched again.
  std::size_t recover(const Workspace& berth) const {
    std::string outcome;
    for (int attempt = 0; attempt < 3 && outcome != "succeeded" && outcome != "nothing_changed"; ++attempt) {
      const Outcome sync = berth.run({"--json", "sync", "zoho"});
      outcome = berth::json::parse(sync.out).value.text_of("outcome");
      INFO(sync.out << sync.err);
      CHECK(sync.exit == 0);
    }
    CHECK((outcome == "succeeded" || outcome == "nothing_changed"));
    berth.map_all_accounts();
    const bool is_same = berth.sorted_journal() == journal;
    CHECK(is_same);
    const std::set<std::string> again = fetched_again();
    CHECK(again.size() <= kBatch);
    return again.size();
  }

  /// From the n-th call on the simulator holds its answers back, until clear_faults().
  void hold_from(std::int64_t number) const {
    simulator.reset_counters();
    simulator.post("faults", R"({"kind":"hold","path":"/books/","count":-1,"skip":)" + std::to_string(number - 1) + "}");
  }
  [[nodiscard]] bool is_held() const { return simulator.control("counters").find("faults")->integer().value() > 0; }

  /// Starts a sync that stands still when its n-th call has come to the remote.
  std::unique_ptr<Process> sync_until_call(const Workspace& berth, std::int64_t number) const {
    hold_from(number);
    auto sync = berth.start({"sync", "zoho"});
    REQUIRE(eventually([&] { return is_held() || !sync->is_running(); }));
    REQUIRE_MESSAGE(sync->is_running(), sync->out() << sync->err());
    return sync;
  }
};

}  // namespace e2e
