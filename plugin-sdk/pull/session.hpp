#pragma once
// One call of run_phase: what was asked, where it stands, and the host behind a few rules that everything in the engine
// shares (checkpoints in time, stops noticed, placeholders filled, reasons named after the plugin). One thread.
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "berth/pull.hpp"
#include "cursor.hpp"

namespace berth::pulling {

/// The boundary allows 1,000 records or 8 MiB between two checkpoints; a margin is kept.
inline constexpr std::size_t kRecordsPerCheckpoint = 800;
inline constexpr std::size_t kBytesPerCheckpoint = std::size_t{6} << 20u;
/// Larger ones are refused by every host.
inline constexpr std::size_t kMaxRecordBytes = std::size_t{8} << 20u;
/// So many records between two checkpoints that the remote could not serve just now end the phase: it is the remote, not
/// the record.
inline constexpr std::size_t kMaxUnavailable = 5;
/// An answer with more values than this is not read: in a tree the least of them has 40 bytes, and a worker has half a
/// gigabyte as a rule. An invoice of 12,000 lines has a fifth of them.
inline constexpr std::size_t kMaxValues = 1'000'000;

class Session {
 public:
  Session(const Host& host, const PullConfig& config, const phases::Phase& phase, const Run& run,
          const PullHooks& hooks);

  [[nodiscard]] const Host& host() const { return host_; }
  [[nodiscard]] const phases::Phase& phase() const { return phase_; }
  [[nodiscard]] const PullHooks& hooks() const { return hooks_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] std::optional<std::int64_t> floor_ms() const { return floor_ms_; }
  Cursor cursor;

  /// "zoho_books.list.disobeyed"
  [[nodiscard]] std::string reason(std::string_view rest) const;
  void warn(std::string_view rest, std::string_view message, json::Value fields = json::Value::object()) const;

  /// Sends a record; commits first when it would not fit before the next checkpoint. Too large: skipped and logged.
  void emit(const Record& record);
  void checkpoint(bool pass_complete = false);
  /// Throws BERTH_CANCELLED after a checkpoint when the host wants to stop or the slice is over.
  void stop_if_asked();
  /// That the slice is over, if it is.
  [[nodiscard]] std::optional<Failure> slice_over() const;
  /// That the host wants to stop, or the slice is over.
  [[nodiscard]] Failure stop_failure() const;

  /// Fills placeholders. Nothing when `{since}` or the floor has no value; throws when another one has none.
  [[nodiscard]] std::optional<std::string> expand(std::string_view text, std::string_view id,
                                                  const std::optional<std::int64_t>& since_ms) const;
  /// A GET with the parameters that every request has; parameters without a value are left out.
  [[nodiscard]] Request request(std::string_view path, std::span<const phases::Param> query, std::string_view id,
                                const std::optional<std::int64_t>& since_ms) const;

 private:
  const Host& host_;
  const PullConfig& config_;
  const phases::Phase& phase_;
  const Run& run_;
  const PullHooks& hooks_;
  Plan plan_;
  std::optional<std::int64_t> floor_ms_;
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
};

/// The first of several spellings of a key; nullptr when none is there.
const json::Value* first_of(const json::Value& object, const std::vector<std::string>& keys);

/// How many values a JSON text has at most.
[[nodiscard]] std::size_t values_in(std::string_view text);

/// Reads the list of a phase to its end or to the limit. Returns whether the end was reached.
bool run_list(Session& session);

/// Works off the host's detail queue.
void run_queue(Session& session);

/// Fetches exactly these.
void run_ids(Session& session, const std::vector<std::string>& ids);

}  // namespace berth::pulling
