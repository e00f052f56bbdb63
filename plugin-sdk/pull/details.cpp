// Details, parts and files of single records, in batches. One record that is refused, unreadable or gone never stops
// the others; a stop, a spent budget or a lost connection ends the phase after what was answered has been committed.
#include <algorithm>
#include <span>

#include "session.hpp"

namespace berth::pulling {
namespace {

/// Records of one commit. A crash loses at most these with their files, so it is small: where a hundred calls a minute
/// are allowed, less than half a minute's. It is not smaller because the next batch begins when this one has ended: a few
/// rounds of as many calls as may be made at once.
constexpr std::uint32_t kQueueSlice = 20;
/// What is kept of unfinished records at most; the boundary takes cursors of 64 KiB.
constexpr std::size_t kUnfinishedBytes = std::size_t{40} << 10u;
/// Documents with parts that are begun before the first of them is whole: as many as may be asked for at once as a rule.
/// One after the other, each would wait for two answers while nothing else is asked for.
constexpr std::size_t kWholeAtOnce = 5;
/// How near to its end a file must hold what `must_contain_end` names.
constexpr std::size_t kFileTailBytes = 1024;
/// Characters that need no encoding in a path; other ids would have to be escaped, which no host accepts.
constexpr std::string_view kIdCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~:@";

struct Job {
  Wanted wanted;
  std::optional<json::Value> document;                     // the detail, once it is here
  std::vector<std::pair<std::string, std::string>> parts;  // name and JSON
  bool is_broken = false;                                  // nothing more is asked or sent for it
  bool is_sent = false;                                    // with its parts
};

bool is_path_safe(std::string_view id) {
  return !id.empty() && id != "." && id != ".." && id.find_first_not_of(kIdCharacters) == std::string_view::npos;
}

template <typename Wish>
bool is_wished(const Wish& wish, const json::Value& document) {
  return !(wish.when && !phases::holds(*wish.when, document)) &&
         !(wish.unless && phases::holds(*wish.unless, document));
}

class Fetcher {
 public:
  explicit Fetcher(Session& session) : session_(session), phase_(session.phase()) {}

  /// Fetches what the entries want and commits it. Throws what ended the batch, after the commit.
  void fetch(std::vector<Wanted> wanted) {
    std::vector<Job> jobs;
    for (Wanted& one : wanted) {
      if (is_path_safe(one.ref.remote_id)) {
        jobs.push_back({std::move(one), {}, {}, false});
      } else {
        session_.warn("detail.id", "A record has an id that cannot stand in a path; it is skipped.",
                      id_field(one.ref.remote_id));
      }
    }
    std::optional<Failure> ended = phase_.parts.empty() ? fetch_details(jobs) : fetch_whole(jobs);
    if (!ended) ended = fetch_files(jobs);
    session_.checkpoint();
    if (ended) throw Failure(*ended);
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
    json::Parsed parsed = json::parse(answer.body);
    if (!parsed.ok()) {
      skip(job, "detail.unreadable", "The answer for a record is not JSON; it is skipped.", parsed.error.message);
      return std::nullopt;
    }
    return std::move(parsed.value);
  }

  /// Documents that have parts, a few at a time: whatever ends the batch cuts those and not all, and of them everything
  /// that came is kept in the cursor. The details of a few are asked for together, and then their parts; before them those
  /// of which an earlier call kept the detail, so that no number of calls is too small to get further.
  std::optional<Failure> fetch_whole(std::vector<Job>& jobs) {
    const auto fresh = std::stable_partition(jobs.begin(), jobs.end(), [&](Job& job) { return take_unfinished(job); });
    for (const std::span<Job> all : {std::span<Job>(jobs.begin(), fresh), std::span<Job>(fresh, jobs.end())}) {
      for (std::size_t from = 0; from < all.size(); from += kWholeAtOnce) {
        if (auto ended = fetch_few(all.subspan(from, std::min(kWholeAtOnce, all.size() - from)))) {
          keep_unfinished(jobs);
          return ended;
        }
      }
    }
    return std::nullopt;
  }

  std::optional<Failure> fetch_few(std::span<Job> jobs) {
    std::optional<Failure> ended = fetch_details(jobs);
    if (!ended) ended = fetch_parts(jobs);
    for (Job& job : jobs) {
      if (!job.document || job.is_broken || wants_part(job)) continue;
      emit_detail(job);
      job.is_sent = true;
    }
    return ended;
  }

  /// The document as an earlier call left it, if it is still that version which is wanted.
  bool take_unfinished(Job& job) {
    auto& all = session_.cursor.unfinished;
    const auto kept = std::find_if(all.begin(), all.end(),
                                   [&](const Unfinished& one) { return one.id == job.wanted.ref.remote_id; });
    if (!job.wanted.detail || kept == all.end()) return false;
    const bool is_same = !kept->version.empty() && kept->version == job.wanted.ref.version;
    if (is_same) {
      job.document = std::move(kept->document);
      for (const auto& [name, rows] : kept->parts.members()) job.parts.emplace_back(name, json::dump(rows));
    }
    all.erase(kept);
    return is_same;
  }

  /// What came of documents that are not whole, as far as there is room.
  void keep_unfinished(const std::vector<Job>& jobs) {
    std::size_t bytes = 0;
    for (const Unfinished& one : session_.cursor.unfinished) {
      bytes += json::dump(one.document).size() + json::dump(one.parts).size();
    }
    for (const Job& job : jobs) {
      if (job.document && !job.is_sent) keep_unfinished(job, bytes);
    }
  }

  void keep_unfinished(const Job& job, std::size_t& bytes) {
    if (job.wanted.ref.version.empty()) return;  // nobody could tell later whether it is still current
    Unfinished kept{job.wanted.ref.remote_id, job.wanted.ref.version, *job.document, json::Value::object()};
    std::size_t own = json::dump(kept.document).size();
    for (const auto& [name, text] : job.parts) {
      kept.parts.set(name, json::parse(text).value);
      own += text.size();
    }
    if (bytes + own > kUnfinishedBytes) return;
    bytes += own;
    session_.cursor.unfinished.push_back(std::move(kept));
    // Within the cursor it lies deeper than in the answer: one that nobody could read back would end the phase for good.
    if (!json::parse(json::dump(session_.cursor.to_json())).ok()) session_.cursor.unfinished.pop_back();
  }

  static bool has_part(const Job& job, std::string_view name) {
    return std::any_of(job.parts.begin(), job.parts.end(), [&](const auto& part) { return part.first == name; });
  }

  bool wants_part(const Job& job) const {
    return std::any_of(phase_.parts.begin(), phase_.parts.end(), [&](const phases::Part& part) {
      return is_wished(part, *job.document) && !has_part(job, part.name);
    });
  }

  std::optional<Failure> fetch_details(std::span<Job> jobs) {
    std::vector<std::size_t> of;
    std::vector<Request> requests;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (!jobs[i].wanted.detail || !phase_.detail || jobs[i].document) continue;
      of.push_back(i);
      requests.push_back(request(*phase_.detail, jobs[i], CallKind::kDetail));
    }
    return session_.send_all(requests, [&](std::size_t index, Reply&& reply) {
      Job& job = jobs[of[index]];
      const auto answer = read(job, std::move(reply), true);
      if (!answer) return;
      const json::Value* row = first_of(*answer, phase_.detail->row);
      if (row == nullptr || !row->is_object()) {
        skip(job, "detail.unreadable",
             "The answer for a record has no \"" + phase_.detail->row.front() + "\"; it is skipped.", "");
        return;
      }
      const json::Value* id = row->at_path(phase_.list.id);
      if (id != nullptr && !id->text().empty() && id->text() != job.wanted.ref.remote_id) {
        skip(job, "detail.unreadable", "The answer for a record is about another record; it is skipped.", id->text());
        return;
      }
      job.document = *row;
      if (phase_.parts.empty()) emit_detail(job);  // nothing more to wait for
    });
  }

  std::optional<Failure> fetch_parts(std::span<Job> jobs) {
    std::vector<std::pair<std::size_t, const phases::Part*>> of;
    std::vector<Request> requests;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i].is_broken || !jobs[i].document) continue;
      for (const phases::Part& part : phase_.parts) {
        if (!is_wished(part, *jobs[i].document) || has_part(jobs[i], part.name)) continue;
        of.emplace_back(i, &part);
        requests.push_back(request(part, jobs[i], CallKind::kDetail));
      }
    }
    std::vector<bool> is_here(of.size(), false);
    std::optional<Failure> ended = session_.send_all(requests, [&](std::size_t index, Reply&& reply) {
      const auto [i, part] = of[index];
      const auto answer = read(jobs[i], std::move(reply), false);
      if (!answer) return;
      const json::Value* rows = first_of(*answer, part->rows);
      if (rows == nullptr) {
        skip(jobs[i], "detail.unreadable",
             "The part \"" + part->name + "\" of a record has no \"" + part->rows.front() + "\"; it is skipped.", "");
        return;
      }
      const bool is_nothing = rows->is_null() || (rows->is_string() && rows->text().empty());
      jobs[i].parts.emplace_back(part->name, is_nothing ? "[]" : json::dump(*rows));
      is_here[index] = true;
    });
    // A detail without one of its parts would pass for a whole document; it waits for the next attempt.
    for (std::size_t index = 0; index < of.size(); ++index) {
      if (!is_here[index]) jobs[of[index].first].is_broken = true;
    }
    return ended;
  }

  void emit_detail(Job& job) {
    Record record;
    record.ref = job.wanted.ref;
    for (const std::string* field : {&phase_.detail->version, &phase_.list.version}) {
      const json::Value* version = field->empty() ? nullptr : job.document->at_path(*field);
      if (version == nullptr || version->text().empty()) continue;
      record.ref.version = version->text();
      break;
    }
    for (auto& [name, text] : job.parts) {
      record.part = name;
      record.json = std::move(text);
      session_.emit(record);
    }
    record.part.clear();
    record.json = json::dump(*job.document);
    session_.emit(record);
    job.wanted.ref = record.ref;
  }

  // ---- files

  std::optional<Failure> fetch_files(std::vector<Job>& jobs) {
    if (files_ended_) return std::nullopt;
    std::vector<std::pair<std::size_t, const phases::Attachment*>> of;
    std::vector<Request> requests;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (!jobs[i].wanted.attachments || jobs[i].is_broken) continue;
      for (const phases::Attachment& file : phase_.attachments) {
        // Of a record whose detail was not asked for now, nothing is known here: the host has chosen it.
        if (jobs[i].document && !is_wished(file, *jobs[i].document)) continue;
        of.emplace_back(i, &file);
        requests.push_back(request(file, jobs[i], CallKind::kFile));
        requests.back().headers.emplace_back("Accept", file.accept);
      }
    }
    std::optional<Failure> ended = session_.send_all(requests, [&](std::size_t index, Reply&& reply) {
      const auto [i, file] = of[index];
      take_file(jobs[i].wanted.ref, *file, reply);
    });
    // Files are best effort: details go on, also where the remote has no files to give now.
    const bool is_spent = ended && ended->status() == BERTH_QUOTA_EXHAUSTED && ended->reason() == "berth.budget";
    if (is_spent || (ended && ended->status() == BERTH_UNAVAILABLE)) {
      files_ended_ = ended;
      return std::nullopt;
    }
    return ended;
  }

  void take_file(const Ref& ref, const phases::Attachment& file, const Reply& reply) {
    const auto failed = [&](const std::string& what) {
      json::Value fields = id_field(ref.remote_id);
      fields.set("file", file.name);
      fields.set("what", what);
      session_.warn("attachment.failed", "A file of a record could not be taken; the record is not touched.",
                    std::move(fields));
    };
    if (reply.failure && reply.failure->status() == BERTH_CANCELLED) return;  // it was not asked for any more
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

  template <typename Source>
  Request request(const Source& source, const Job& job, CallKind kind) const {
    Request out = session_.request(source.path, source.query, job.wanted.ref.remote_id, std::nullopt);
    out.cost = source.cost;
    out.kind = kind;
    return out;
  }

  Session& session_;
  const phases::Phase& phase_;
  std::optional<Failure> files_ended_;
};

}  // namespace

void run_queue(Session& session) {
  const phases::Phase& phase = session.phase();
  if (!phase.detail && phase.attachments.empty()) return;
  Fetcher fetcher(session);
  try {
    while (true) {
      session.stop_if_asked();
      std::vector<Wanted> wanted = session.host().next_details(kQueueSlice);
      if (wanted.empty()) break;
      const bool only_files = std::none_of(wanted.begin(), wanted.end(), [](const Wanted& one) { return one.detail; });
      if (only_files && fetcher.files_ended()) break;  // they come last
      std::erase_if(wanted, [&](const Wanted& one) { return one.ref.entity != phase.entity; });
      if (session.cursor.draining_ms) session.cursor.draining_ms = session.host().now_unix_ms();
      fetcher.fetch(std::move(wanted));
    }
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
  for (std::size_t from = 0; from < ids.size(); from += kQueueSlice) {
    session.stop_if_asked();
    std::vector<Wanted> wanted;
    for (std::size_t i = from; i < std::min<std::size_t>(ids.size(), from + kQueueSlice); ++i) {
      wanted.push_back({Ref{session.phase().entity, ids[i], ""}, true, false});
    }
    fetcher.fetch(std::move(wanted));
  }
}

}  // namespace berth::pulling
