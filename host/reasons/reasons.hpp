#pragma once
// Why something did not happen, and what to do about it: cause, resolution and who acts for every reason id, and the
// symptoms that people meet first. One source for `berth explain`, the REST API, what stands below an error on a
// terminal, and docs/reference/reasons.md.
//
// The host's own entries are catalogue/*.yaml, built into the program. A connector brings its own in the file that
// `reasons:` of its plugin.yaml names.
//
//   if (const auto why = reasons::catalogue().explain({.reason = "ledger.unmapped", .waits_for = keys})) use(why->resolution);
//
// Texts are sentences without line breaks. Threads: a Catalogue locks itself; what it returned stays where it is until the
// catalogue goes. A file is read when it is first asked about.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/result.hpp"

namespace berth::reasons {

/// Who has to do something. Time: nobody, it goes on by itself. Plugin author and Berth: it is a bug to report.
enum class Who { kOperator, kHostAdmin, kPluginAuthor, kBerth, kTime, kNobody };
/// "operator", "host_admin", ... as files and JSON have it.
[[nodiscard]] std::string_view to_string(Who who);
/// "host admin": for people.
[[nodiscard]] std::string_view shown(Who who);
/// "host_admin" -> "host admin: whoever looks after the machine, disk and network"; other words stay as they are.
[[nodiscard]] std::string shown(std::string_view word);

struct Entry {
  std::string id;          // "ledger.unmapped"
  std::string cause;       // "Parked: account rows are not mapped."
  std::string resolution;  // "`berth accounts map ID ROW ACCOUNT`."
  Who who = Who::kOperator;
  std::string link;        // https://..., or empty
};

/// A trouble as a person meets it. It is recognised where every sign that it has is there; of a list one is enough.
struct Symptom {
  std::string id;       // "customer_missing"
  std::string symptom;  // "An invoice waits: its customer is missing."
  std::string cause, resolution;
  Who who = Who::kOperator;
  std::string link;
  std::vector<std::string> reasons;
  std::vector<std::string> states;     // of the record: "skipped"
  std::vector<std::string> waits_for;  // beginnings of keys: "customer/"
  std::vector<std::string> warnings;   // beginnings of warnings: "classification_line/Service Type/"
  /// It says more than the reason does: then its cause and resolution are shown, else those of the reason.
  [[nodiscard]] bool is_specific() const { return !states.empty() || !waits_for.empty() || !warnings.empty(); }
};

/// One file: an area of the host, or a connector.
struct File {
  std::string title, about;  // of its chapter in the reference; `about` may be empty and may have several lines
  std::vector<Symptom> symptoms;
  std::vector<Entry> entries;
};

inline constexpr std::size_t kFileBytesMax = 256U << 10U;
inline constexpr std::size_t kEntriesMax = 2'000;
inline constexpr std::size_t kTextBytesMax = 800;

/// Reads the text of a file. `owner`: the plugin whose it is, before every reason of it; empty for the host's own.
/// Errors (kInvalidConfig, with file, line and column): config.unknown_key, config.missing_key, config.type,
/// config.choice, config.id, config.url, config.range, and those of the YAML reader.
[[nodiscard]] Result<File> read(std::string text, const std::string& shown, std::string_view owner);
/// The same of a file on disk. Errors besides: config.file_unreadable.
[[nodiscard]] Result<File> load(const std::filesystem::path& path, std::string_view owner);

/// What is known of something that happened.
struct Signs {
  std::string_view reason{};
  std::string_view state{};
  std::span<const std::string> waits_for{};
  std::span<const std::string> warnings{};
};

struct Explanation {
  std::string cause, resolution;
  Who who = Who::kOperator;
  std::string link, symptom;  // may be empty
};

class Catalogue {
 public:
  /// Of two entries with one id the first counts.
  void add(const File& file);
  /// Asked once, when something is not in what is there: for files that need not be read by every command.
  void add_later(std::function<std::vector<File>()> source);

  /// nullptr for a reason that nobody explains.
  [[nodiscard]] const Entry* find(std::string_view id);
  /// The first symptom with these signs, or nullptr.
  [[nodiscard]] const Symptom* recognise(const Signs& signs);
  [[nodiscard]] std::optional<Explanation> explain(const Signs& signs);
  /// Symptoms that name this reason.
  [[nodiscard]] std::vector<const Symptom*> symptoms_of(std::string_view id);
  /// All ids, sorted.
  [[nodiscard]] std::vector<std::string> ids();

 private:
  void add_locked(const File& file);
  void ask_sources();

  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, Symptom, std::less<>> symptoms_;
  std::vector<const Symptom*> in_order_;
  std::vector<std::function<std::vector<File>()>> sources_;
};

/// The one of this process, with the host's own entries. Connectors' are added by whoever discovers plugins.
[[nodiscard]] Catalogue& catalogue();

/// Ids near to one that does not exist, the nearest first.
[[nodiscard]] std::vector<std::string> nearest_ids(std::string_view id, std::vector<std::string> ids, std::size_t most);

/// catalogue/*.yaml as they were when this program was built, by name.
struct Embedded {
  std::string_view name;  // "ledger"
  std::string_view text;
};
[[nodiscard]] std::span<const Embedded> embedded();
/// The same, read. They are checked by tests; one that cannot be read is left out.
[[nodiscard]] std::vector<File> own_files();

}  // namespace berth::reasons
