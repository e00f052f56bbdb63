#pragma once
// What cases of bad input share: small worlds, another user, files that are broken for a while.
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "e2e/support/world.hpp"

namespace bad_input {

/// Enough for a configuration that is valid.
inline const e2e::Sizes kTiny{.contacts = 3, .items = 2, .invoices = 3, .payments = 1, .credit_notes = 0};
/// Enough for books.
inline const e2e::Sizes kSmall{.contacts = 20, .items = 10, .invoices = 60, .payments = 30, .credit_notes = 5};

/// A host with books: connected, synced, mapped.
struct Books {
  explicit Books(const e2e::Sizes& sizes = kSmall);
  /// The next sync, which looks at everything, ends well, and the books are as they were.
  void check_recovered() const;
  /// The database as one file, closed: what check_recovered() found, or a copy of it.
  [[nodiscard]] std::filesystem::path database() const { return berth.folder() / "data/berth.db"; }

  e2e::Simulator simulator;
  e2e::Workspace berth;
  std::string journal;
};

/// A file of a workspace with other content while this lives; its old content and mode come back.
class Broken {
 public:
  Broken(const e2e::Workspace& berth, std::string file, const std::string& content);
  Broken(const Broken&) = delete;
  Broken& operator=(const Broken&) = delete;
  ~Broken();

 private:
  std::filesystem::path file_, kept_;
};

/// The text with the first occurrence of `right` replaced, which must be there.
std::string with_mistake(std::string text, const std::string& right, const std::string& wrong);

/// Words that start a command as a user who is not root; empty where this process is not root either. `is_possible`: such a
/// user can run the programs of this build.
struct OtherUser {
  OtherUser();
  std::vector<std::string> starter;
  bool is_possible = true;
};
/// Gives a folder and everything in it to that user.
void give_to_other_user(const std::filesystem::path& folder);

/// Runs SQL on a database file that nobody has open, and returns the first column of the first row.
std::string sql(const std::filesystem::path& database, const std::string& text);
/// Bytes of a file, and back.
std::string bytes_of(const std::filesystem::path& file);
void write_bytes(const std::filesystem::path& file, const std::string& bytes);
/// Overwrites part of a file with bytes that are no text, no zeros and always the same.
void scribble(const std::filesystem::path& file, std::size_t offset, std::size_t size);

}  // namespace bad_input
