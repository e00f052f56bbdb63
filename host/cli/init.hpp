#pragma once
// What `berth init` writes into a new folder: berth.yaml, a chart of accounts, the connector's mapping, the vault key.
//
// All or nothing: what was written and made is taken back unless keep() is called, so that a failure leaves the folder as it
// was and the next try does not meet half a set. One that is killed leaves whole files, which the next one takes as its own;
// berth.yaml comes last. One thread.
// Errors: cli.file_exists, cli.plugin_missing (both before anything is written), cli.file_unwritable, and those of the
// vault.
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "host/core/result.hpp"

namespace berth::cli {

class WorkingSet {
 public:
  explicit WorkingSet(std::filesystem::path folder) : folder_(std::move(folder)) {}
  WorkingSet(const WorkingSet&) = delete;
  WorkingSet& operator=(const WorkingSet&) = delete;
  ~WorkingSet();

  /// Writes everything. The connector is looked for in these folders.
  Status write(std::span<const std::filesystem::path> plugin_folders);
  /// The files stay.
  void keep() { is_kept_ = true; }
  /// Names of the files, relative to the folder.
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

 private:
  Status make_folder(const std::filesystem::path& path);
  Status write_file(const std::string& name, std::string_view text);
  std::filesystem::path folder_;
  std::vector<std::string> files_;
  std::vector<std::filesystem::path> made_;  // files and folders in the order in which they came to be
  bool is_kept_ = false;
};

}  // namespace berth::cli
