#pragma once
// What happens at the remote in a world: people make, edit, apply, refund, void and delete documents, in dollars and euros. The
// same seed gives the same changes in the same order, whatever the host does meanwhile and whenever each of them comes, so two
// worlds end with the same remote books: every document has the day of its stretch of time, not that of the clock.
//
//   RemoteLife life(seed);
//   life.live(world, until);        // a handful of changes, then the clock stands at `until`; some are kept back
//   life.interfere(world);          // one of those, while a run turns pages
//   life.catch_up(world);           // those that no run has met
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "host/core/random.hpp"
#include "integration/world.hpp"

namespace berth::sim {

class RemoteLife {
 public:
  explicit RemoteLife(std::uint64_t seed) : random_(seed), when_(seed * 31 + 7) {}
  /// The clock must not be past the first of them.
  void live(integration::World& world, Instant until);
  /// Any thread, also that of a call. False where none is kept back.
  bool interfere(integration::World& world);
  void catch_up(integration::World& world);
  [[nodiscard]] int changes() const { return changes_; }

 private:
  void change(integration::World& world);
  void change_invoice(integration::World& world, std::uint64_t which);
  void change_payment(integration::World& world, std::uint64_t which);
  void change_note(integration::World& world, std::uint64_t which);
  bool ask(integration::World& world, const std::string& method, const std::string& path, const std::string& body = "{}", const std::string& customer = {});
  /// An invoice of this customer: Zoho applies nothing to another's.
  std::string some_invoice_of(const std::string& customer, bool is_own);
  std::string some(const std::vector<std::string>& ids);
  std::string some_payable();
  std::string amount();
  std::string line();
  std::mutex mutex_;   // guards everything
  SeededRandom random_;  // what happens
  SeededRandom when_;    // how much of it, and when
  int changes_ = 0;
  int kept_back_ = 0;
  std::string day_;
  json::Value books_;    // before the change
  std::vector<std::string> payments_, notes_;
  std::map<std::string, std::string> customers_;   // of payments and credit notes
  std::vector<std::string> own_;                    // invoices that were made here: all of one company
};

}  // namespace berth::sim
