// Details, parts and files of single records, several at a time. One record that is refused, unreadable or gone never
// stops the others; a stop, a spent budget or a lost connection ends the phase after what was answered has been committed.
#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>

#include "berth/severity.hpp"
#include "calls.hpp"
#include "session.hpp"

namespace berth::pulling {
namespace {

/// Documents that are begun and not committed. A crash loses at most these with their files, so they are few: where a
/// hundred calls a minute are allowed, less than half a minute's. Most of them are committed together, so that the others
/// keep calls under way: as many as may be made at once as a rule.
constexpr std::size_t kUncommittedMax = 20;
constexpr std::size_t kCommitAt = 15;
/// What is kept of unfinished records at most; the boundary takes cursors of 64 KiB.
constexpr std::size_t kUnfinishedBytes = std::size_t{40} << 10u;
/// Documents with parts that are begun before the first of them is whole: as many as may be asked for at once as a rule.
/// One after the other, each would wait for two answers while nothing else is asked for.
constexpr std::size_t kWholeAtOnce = 5;
/// How near to its end a file must hold what `must_contain_end` names.
constexpr std::size_t kFileTailBytes = 1024;
/// Characters that need no encoding in a path; other ids would have to be escaped, which no host accepts.
constexpr std::string_view kIdCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~:@";

/// A larger document is sent at once, without waiting for its first file.
constexpr std::size_t kHeldDocumentMax = std::size_t{1} << 20u;
/// Of documents that are not committed; no more is begun while they hold more.
constexpr std::size_t kHeldBytesMax = std::size_t{32} << 20u;

struct Job {
  Wanted wanted;
  std::optional<std::string> document = {};                     // the detail's JSON, once it is here and until it is sent
  std::string version = {};                                     // of the document
  std::vector<std::pair<std::string, std::string>> parts = {};  // name and JSON
  std::vector<const phases::Part*> wished_parts = {};           // that belong to it
  std::vector<const phases::Attachment*> wished_files = {};
  std::size_t open = 0;                                         // calls that are under way for it
  bool is_broken = false;                                       // nothing more is asked or sent for it
  bool is_restored = false;                                     // an earlier call had its detail
  bool is_done = false;                                         // nothing is under way for it any more
};

/// What a call is for: a part or a file of a document, else its detail.
struct Purpose {
  Job* job = nullptr;
  const phases::Part* part = nullptr;
  const phases::Attachment* file = nullptr;
};

bool is_path_safe(std::string_view id) {
  return !id.empty() && id != "." && id != ".." && id.find_first_not_of(kIdCharacters) == std::string_view::npos;
}

template <typename Wish>
bool is_wished(const Wish& wish, const json::Value& document) {
  return !(wish.when && !phases::holds(*wish.when, document)) &&
         !(wish.unless && phases::holds(*wish.unless, document));
}

/// Keeps calls for a few documents under way: the detail of one is asked for while the parts and files of others come. What
/// is whole is committed a few at a time.
class Fetcher {
 public:
  /// The next entries, at most so many; none: nothing is left, or nothing before the next commit.
  using Source = std::function<std::vector<Wanted>(std::size_t most)>;
  explicit Fetcher(Session& session) : session_(session), phase_(session.phase()), calls_(session) {}

  /// Fetches what the source has and commits it. Throws what ended it early, after the commit.
  void run(const Source& next) {
    session_.stop_if_asked();
    while (true) {
      if (!ended_ && session_.host().should_stop()) ended_ = session_.stop_failure();
      const bool is_exhausted = ended_ || !fill(next);
      if (calls_.under_way() > 0) {
        calls_.take([this](std::size_t number, const Reply& reply) { return judge(number, reply); },
                    [this](std::size_t number, Reply&& reply) { take(number, std::move(reply)); });
        if (done_ >= kCommitAt && !ended_) commit();
        continue;
      }
      if (ended_) {
        keep_unfinished();
        commit();
        throw Failure(*ended_);
      }
      if (done_ == 0 && is_exhausted) return;
      commit();
    }
  }

  /// What ended the files while details went on.
  [[nodiscard]] const std::optional<Failure>& files_ended() const { return files_ended_; }

 private:
  static json::Value id_field(std::string_view id) { return json::Value::object({{"id", id.substr(0, 80)}}); }

  void skip(Job& job, std::string_view rest, std::string_view message, std::string_view what) {
    job.is_broken = true;
    json::Value fields = id_field(job.wanted.ref.remote_id);
    if (!what.empty()) fields.set("what", what);
    session_.warn(rest, message, std::move(fields));
  }

  /// The answer's JSON, or nothing after a log line; a record that is gone is emitted as such.
  std::optional<json::Value> read(Job& job, Reply&& reply, bool is_detail) {
    if (reply.failure) {
      if (reply.failure->status() == BERTH_UNAVAILABLE || reply.failure->status() == BERTH_BAD_RESPONSE) {
        skip(job, "detail.unavailable", "A record could not be fetched; it stays in the queue.",
             reply.failure->reason());
      }
      job.is_broken = true;  // any other failure ends the batch and is reported by it
      return std::nullopt;
    }
    const Response& answer = *reply.response;
    if (answer.verdict == Verdict::kGone && is_detail) {
      job.is_broken = true;
      Record gone;
      gone.ref = job.wanted.ref;
      gone.deleted = true;
      session_.emit(gone);
      return std::nullopt;
    }
    if (answer.verdict != Verdict::kNone || answer.status < 200 || answer.status > 299) {
      skip(
          job, "detail.refused", "The remote refused a record; it is skipped.",
          "HTTP " + std::to_string(answer.status) + (answer.remote_code.empty() ? "" : ", code " + answer.remote_code));
      return std::nullopt;
    }
    if (const std::size_t values = values_in(answer.body); values > kMaxValues) {
      skip(job, "detail.too_dense", "The answer for a record has more values than can be read; it is skipped.",
           std::to_string(values) + " values, at most " + std::to_string(kMaxValues));
      return std::nullopt;
    }
    json::Parsed parsed = json::parse(answer.body);
    reply.response->body = {};  // the tree is many times as large
    if (!parsed.ok()) {
      skip(job, "detail.unreadable", "The answer for a record is not JSON; it is skipped.", parsed.error.message);
      return std::nullopt;
    }
    return std::move(parsed.value);
  }

  /// The document as an earlier call left it, if it is still that version which is wanted.
  bool take_unfinished(Job& job) {
    auto& all = session_.cursor.unfinished;
    const auto kept = std::find_if(all.begin(), all.end(),
                                   [&](const Unfinished& one) { return one.id == job.wanted.ref.remote_id; });
    if (!job.wanted.detail || kept == all.end()) return false;
    const bool is_same = !kept->version.empty() && kept->version == job.wanted.ref.version;
    if (is_same) {
      take_document(job, kept->document);
      for (const auto& [name, rows] : kept->parts.members()) job.parts.emplace_back(name, json::dump(rows));
    }
    all.erase(kept);
    return is_same;
  }

  /// What came of documents that are not whole, as far as there is room.
  void keep_unfinished() {
    std::size_t bytes = 0;
    for (const Unfinished& one : session_.cursor.unfinished) {
      bytes += json::dump(one.document).size() + json::dump(one.parts).size();
    }
    for (const Job& job : jobs_) {
      if (job.document) keep_unfinished(job, bytes);
    }
  }

  void keep_unfinished(const Job& job, std::size_t& bytes) {
    if (job.wanted.ref.version.empty()) return;  // nobody could tell later whether it is still current
    std::size_t own = job.document->size();
    for (const auto& [name, text] : job.parts) own += text.size();
    if (bytes + own > kUnfinishedBytes) return;
    Unfinished kept{job.wanted.ref.remote_id, job.wanted.ref.version, json::parse(*job.document).value, json::Value::object()};
    for (const auto& [name, text] : job.parts) kept.parts.set(name, json::parse(text).value);
    bytes += own;
    session_.cursor.unfinished.push_back(std::move(kept));
    // Within the cursor it lies deeper than in the answer: one that nobody could read back would end the phase for good.
    if (!json::parse(json::dump(session_.cursor.to_json())).ok()) session_.cursor.unfinished.pop_back();
  }

  static bool has_part(const Job& job, std::string_view name) {
    return std::any_of(job.parts.begin(), job.parts.end(), [&](const auto& part) { return part.first == name; });
  }

  bool is_unfinished(const Wanted& wanted) const {
    const auto& all = session_.cursor.unfinished;
    return std::any_of(all.begin(), all.end(), [&](const Unfinished& one) { return one.id == wanted.ref.remote_id; });
  }

  // ---- one document after the other

  /// Begins as many as there is room for. False: the source has nothing more for now.
  bool fill(const Source& next) {
    const std::size_t active_max = phase_.parts.empty() ? kUncommittedMax : kWholeAtOnce;
    bool has_more = true;
    while (has_more && active_ < active_max && jobs_.size() < kUncommittedMax && held_bytes() <= kHeldBytesMax) {
      if (pending_.empty()) {
        auto wanted = next(std::min(active_max - active_, kUncommittedMax - jobs_.size()));
        has_more = !wanted.empty();
        // First those of which an earlier call kept the detail, so that no number of calls is too small to get further.
        for (const bool is_first : {true, false}) {
          for (const Wanted& one : wanted) {
            if (is_unfinished(one) == is_first) pending_.push_back(one);
          }
        }
        continue;
      }
      const bool must_wait = !is_unfinished(pending_.front()) &&
                             std::any_of(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.is_restored && !job.is_done; });
      if (must_wait) break;
      Wanted wanted = std::move(pending_.front());
      pending_.pop_front();
      begin(std::move(wanted));
    }
    calls_.begin();
    return has_more;
  }

  void begin(Wanted wanted) {
    if (!is_path_safe(wanted.ref.remote_id)) {
      session_.warn("detail.id", "A record has an id that cannot stand in a path; it is skipped.",
                    id_field(wanted.ref.remote_id));
      return;
    }
    Job& job = jobs_.emplace_back(Job{std::move(wanted)});
    ++active_;
    job.is_restored = !phase_.parts.empty() && take_unfinished(job);
    if (job.wanted.detail && phase_.detail && !job.document) return ask(job, *phase_.detail, CallKind::kDetail, {&job});
    ask_parts(job);
  }

  template <typename Described>
  void ask(Job& job, const Described& source, CallKind kind, Purpose purpose) {
    Request out = session_.request(source.path, source.query, job.wanted.ref.remote_id, std::nullopt);
    out.cost = source.cost;
    out.kind = kind;
    if (purpose.file != nullptr) out.headers.emplace_back("Accept", purpose.file->accept);
    ++job.open;
    purposes_.emplace(calls_.add(std::move(out)), purpose);
  }

  /// Of documents that are here and not sent.
  [[nodiscard]] std::size_t held_bytes() const {
    std::size_t bytes = 0;
    for (const Job& job : jobs_) {
      bytes += job.document ? job.document->size() : 0;
      for (const auto& part : job.parts) bytes += part.second.size();
    }
    return bytes;
  }

  /// The document is here, or was not wanted. Its parts are asked for together.
  void ask_parts(Job& job) {
    for (const phases::Part* part : job.wished_parts) {
      if (has_part(job, part->name)) continue;
      if (ended_) return finish(job);  // what came of it is kept
      ask(job, *part, CallKind::kDetail, {&job, part});
    }
    if (job.open == 0) ask_files(job);
  }

  /// The document is whole. It is sent when its first file is here, so that they are committed together as a rule.
  void ask_files(Job& job) {
    for (const phases::Attachment& file : phase_.attachments) {
      if (!job.wanted.attachments || files_ended_ || ended_) break;
      // Of a record whose detail was not asked for now, nothing is known here: the host has chosen it.
      const auto& wished = job.wished_files;
      if (job.document && std::find(wished.begin(), wished.end(), &file) == wished.end()) continue;
      ask(job, file, CallKind::kFile, {&job, nullptr, &file});
    }
    if (job.document && (job.open == 0 || job.document->size() > kHeldDocumentMax)) emit_detail(job);
    if (job.open == 0) finish(job);
  }

  void finish(Job& job) {
    job.is_done = true;
    --active_;
    ++done_;
  }

  void commit() {
    if (session_.cursor.draining_ms) session_.cursor.draining_ms = session_.host().now_unix_ms();
    session_.checkpoint();
    jobs_.remove_if([](const Job& job) { return job.is_done; });
    done_ = 0;
    unavailable_ = unavailable_files_ = 0;
    if (!ended_) ended_ = session_.slice_over();
  }

  // ---- replies

  /// Whether anything more may be begun. What is about one record, or may be, ends nothing.
  bool judge(std::size_t number, const Reply& reply) {
    if (!reply.failure) return true;
    const Failure& failure = *reply.failure;
    const bool is_spent = failure.status() == BERTH_QUOTA_EXHAUSTED && failure.reason() == "berth.budget";
    if (failure.status() == BERTH_BAD_RESPONSE) return true;
    if (purposes_.at(number).file != nullptr && (is_spent || failure.status() == BERTH_UNAVAILABLE)) {
      // Files are best effort: details go on, also where the remote has no files to give now.
      if (is_spent || ++unavailable_files_ >= kMaxUnavailable) files_ended_ = failure;
      return true;
    }
    if (failure.status() == BERTH_UNAVAILABLE && ++unavailable_ < kMaxUnavailable) return true;
    if (failure.status() == BERTH_CANCELLED && has_stopped_) return false;  // by what follows
    if (!ended_ || severity(failure.status(), failure.reason()) > severity(ended_->status(), ended_->reason())) ended_ = failure;
    // A spent budget refuses the others by itself; a stop would also reach calls that were granted and wait for their turn.
    has_stopped_ = has_stopped_ || !refuses_by_itself(*ended_);
    return !has_stopped_;
  }

  static bool refuses_by_itself(const Failure& failure) { return failure.reason() == "berth.budget" || failure.reason() == "berth.run_cap"; }

  void take(std::size_t number, Reply&& reply) {
    const Purpose purpose = purposes_.extract(number).mapped();
    Job& job = *purpose.job;
    --job.open;
    if (purpose.file != nullptr) return take_file(job, *purpose.file, reply);
    if (purpose.part != nullptr) return take_part(job, *purpose.part, std::move(reply));
    take_detail(job, std::move(reply));
    if (job.document) {
      ask_parts(job);
    } else {
      finish(job);
    }
  }

  void take_detail(Job& job, Reply&& reply) {
    const auto answer = read(job, std::move(reply), true);
    if (!answer) return;
    const json::Value* row = first_of(*answer, phase_.detail->row);
    if (row == nullptr || !row->is_object()) {
      return skip(job, "detail.unreadable",
                  "The answer for a record has no \"" + phase_.detail->row.front() + "\"; it is skipped.", "");
    }
    const json::Value* id = row->at_path(phase_.list.id);
    if (id != nullptr && !id->text().empty() && id->text() != job.wanted.ref.remote_id) {
      return skip(job, "detail.unreadable", "The answer for a record is about another record; it is skipped.", id->text());
    }
    take_document(job, *row);
  }

  /// Keeps what is needed of the document later. Its tree, many times as large as its text, is not.
  void take_document(Job& job, const json::Value& document) {
    for (const std::string* field : {&phase_.detail->version, &phase_.list.version}) {
      const json::Value* version = field->empty() ? nullptr : document.at_path(*field);
      if (version == nullptr || version->text().empty()) continue;
      job.version = version->text();
      break;
    }
    for (const phases::Part& part : phase_.parts) {
      if (is_wished(part, document)) job.wished_parts.push_back(&part);
    }
    for (const phases::Attachment& file : phase_.attachments) {
      if (is_wished(file, document)) job.wished_files.push_back(&file);
    }
    job.document = json::dump(document);
  }

  void take_part(Job& job, const phases::Part& part, Reply&& reply) {
    if (const auto answer = read(job, std::move(reply), false)) {
      const json::Value* rows = first_of(*answer, part.rows);
      if (rows == nullptr) {
        skip(job, "detail.unreadable",
             "The part \"" + part.name + "\" of a record has no \"" + part.rows.front() + "\"; it is skipped.", "");
      } else {
        const bool is_nothing = rows->is_null() || (rows->is_string() && rows->text().empty());
        job.parts.emplace_back(part.name, is_nothing ? "[]" : json::dump(*rows));
      }
    }
    if (job.open > 0) return;
    // A detail without one of its parts would pass for a whole document; it waits for the next attempt.
    if (job.is_broken) return finish(job);
    ask_files(job);
  }

  void emit_detail(Job& job) {
    Record record;
    record.ref = job.wanted.ref;
    if (!job.version.empty()) record.ref.version = job.version;
    for (auto& [name, text] : job.parts) {
      record.part = name;
      record.json = std::move(text);
      session_.emit(record);
    }
    record.part.clear();
    record.json = std::move(*job.document);
    session_.emit(record);
    job.wanted.ref = record.ref;
    job.document.reset();
    job.parts.clear();
  }

  void take_file(Job& job, const phases::Attachment& file, const Reply& reply) {
    if (job.document) emit_detail(job);
    attach(job.wanted.ref, file, reply);
    if (job.open == 0) finish(job);
  }

  void attach(const Ref& ref, const phases::Attachment& file, const Reply& reply) {
    const auto failed = [&](const std::string& what) {
      json::Value fields = id_field(ref.remote_id);
      fields.set("file", file.name);
      fields.set("what", what);
      session_.warn("attachment.failed", "A file of a record could not be taken; the record is not touched.",
                    std::move(fields));
    };
    // It was not asked for any more, or not granted: nothing is wrong with the file.
    if (reply.failure && (reply.failure->status() == BERTH_CANCELLED || reply.failure->status() == BERTH_QUOTA_EXHAUSTED)) return;
    if (reply.failure) return failed(reply.failure->reason());
    const Response& answer = *reply.response;
    if (answer.verdict != Verdict::kNone || answer.status < 200 || answer.status > 299) {
      return failed("HTTP " + std::to_string(answer.status));
    }
    const std::string_view body = answer.body;
    if (!body.starts_with(file.must_start)) return failed("it does not begin with " + file.must_start);
    const std::string_view tail = body.substr(body.size() - std::min(body.size(), kFileTailBytes));
    if (tail.find(file.must_contain_end) == std::string_view::npos)
      return failed("it does not end with " + file.must_contain_end);
    session_.host().attach(ref, file.name, file.accept, body);
  }

  Session& session_;
  const phases::Phase& phase_;
  Calls calls_;
  std::list<Job> jobs_;            // begun and not committed
  std::deque<Wanted> pending_;     // handed out and not begun
  std::map<std::size_t, Purpose> purposes_;  // of the calls under way, by number
  std::size_t active_ = 0;         // jobs that are not done
  std::size_t done_ = 0;           // jobs that are done and not committed
  std::size_t unavailable_ = 0;    // answers that the remote could not give, since the last commit; of details and parts
  std::size_t unavailable_files_ = 0;
  std::optional<Failure> ended_;        // the worst of what came
  bool has_stopped_ = false;            // an answer was that nothing more is to be begun
  std::optional<Failure> files_ended_;
};

}  // namespace

void run_queue(Session& session) {
  const phases::Phase& phase = session.phase();
  if (!phase.detail && phase.attachments.empty()) return;
  Fetcher fetcher(session);
  try {
    fetcher.run([&](std::size_t most) {
      while (true) {
        std::vector<Wanted> wanted = session.host().next_details(static_cast<std::uint32_t>(most));
        const bool only_files = std::none_of(wanted.begin(), wanted.end(), [](const Wanted& one) { return one.detail; });
        if (only_files && fetcher.files_ended()) wanted.clear();  // they come last
        if (wanted.empty()) return wanted;
        std::erase_if(wanted, [&](const Wanted& one) { return one.ref.entity != phase.entity; });
        if (!wanted.empty()) return wanted;
      }
    });
    session.cursor.unfinished.clear();  // nobody wants them any more
  } catch (const Failure& failure) {
    // Budget and quota come back in another run, which has to read the list again.
    if (failure.status() == BERTH_QUOTA_EXHAUSTED && session.cursor.draining_ms) {
      session.cursor.draining_ms.reset();
      session.checkpoint();
    }
    throw;
  }
  if (session.cursor.draining_ms) {
    session.cursor.draining_ms.reset();
    session.checkpoint();
  }
  // A spent budget comes back; files that the remote did not give are missing for now, and the host asks again.
  if (fetcher.files_ended() && fetcher.files_ended()->status() == BERTH_QUOTA_EXHAUSTED) throw Failure(*fetcher.files_ended());
}

void run_ids(Session& session, const std::vector<std::string>& ids) {
  Fetcher fetcher(session);
  std::size_t from = 0;
  fetcher.run([&](std::size_t most) {
    std::vector<Wanted> wanted;
    for (; from < ids.size() && wanted.size() < most; ++from) {
      wanted.push_back({Ref{session.phase().entity, ids[from], ""}, true, false});
    }
    return wanted;
  });
}

}  // namespace berth::pulling
