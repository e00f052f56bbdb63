#pragma once
// What the engines share: one writer session behind a lock, a small pool of readers, transactions that roll back by themselves.
// A session that is dead (its server went away) is dropped, and the next user opens another one.
//
// Session has run_script(sql), commit(), in_transaction() and is_dead(). Threads: any; a session is used by one at a time.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/core/assert.hpp"
#include "host/core/durable_write.hpp"
#include "host/core/result.hpp"

namespace berth::storage {

struct SessionOptions {
  std::string database;  // for messages
  std::size_t readers_max = 4;
  std::chrono::milliseconds busy_limit{10000};
  std::string begin_write, begin_read;  // SQL
};

/// Ends the transaction by rolling back unless it was committed, also when the work throws.
template <class Session>
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) {}
  ~Transaction() {
    // After a full disk or an I/O error the engine has rolled back by itself.
    if (session_.in_transaction()) static_cast<void>(session_.run_script("ROLLBACK"));
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Status begin(std::string_view how) { return session_.run_script(how); }
  Status commit() { return session_.commit(); }

 private:
  Session& session_;
};

template <class Session>
class Sessions {
 public:
  using Open = std::function<Result<std::unique_ptr<Session>>(bool is_reader)>;

  /// `writer` may be nullptr: it is opened when it is needed.
  Sessions(SessionOptions options, std::unique_ptr<Session> writer, Open open)
      : options_(std::move(options)), open_(std::move(open)), writer_(std::move(writer)) {}

  /// Not re-entrant. Errors: storage.busy, and those of the engine and of the work.
  template <class Work>
  Status write(WriteName name, const Work& work) {
    const auto self = std::this_thread::get_id();
    BERTH_ASSERT(writing_.load() != self, "Database::write is not called inside Database::write");
    const std::unique_lock lock(writer_mutex_, options_.busy_limit);
    if (!lock.owns_lock()) return busy("The writer of " + options_.database);
    writing_.store(self);
    const struct Reset {
      std::atomic<std::thread::id>& writing;
      ~Reset() { writing.store(std::thread::id()); }
    } reset{writing_};
    if (writer_ == nullptr || writer_->is_dead()) {
      writer_.reset();
      writer_ = BERTH_TRY(open_(false));
    }
    const DurableWrite durable(name);
    Transaction<Session> transaction(*writer_);
    BERTH_CHECK(transaction.begin(options_.begin_write));
    BERTH_CHECK(work(*writer_));
    durable.is_written();
    BERTH_CHECK(transaction.commit());
    durable.is_durable();
    return success();
  }

  /// One snapshot.
  template <class Work>
  Status read(const Work& work) {
    return with_reader([&](Session& session) -> Status {
      Transaction<Session> transaction(session);
      BERTH_CHECK(transaction.begin(options_.begin_read));
      return work(session);
    });
  }

  /// A reader without a transaction.
  template <class Work>
  Status with_reader(const Work& work) {
    auto session = BERTH_TRY(take_reader());
    const struct GiveBack {
      Sessions& sessions;
      std::unique_ptr<Session>& session;
      ~GiveBack() { sessions.give_back(std::move(session)); }
    } give_back{*this, session};
    return work(*session);
  }

 private:
  Error busy(const std::string& what) const {
    Error error = make_error(Code::kUnavailable, "storage.busy",
                             what + " was not free within " + std::to_string(options_.busy_limit.count()) + " ms");
    error.retry_after_ms = 1000;
    return error;
  }

  Result<std::unique_ptr<Session>> take_reader() {
    std::unique_lock lock(readers_mutex_);
    const bool free = reader_free_.wait_for(lock, options_.busy_limit,
                                            [&] { return !idle_readers_.empty() || readers_ < options_.readers_max; });
    if (!free) return busy("A reader of " + options_.database);
    if (!idle_readers_.empty()) {
      auto session = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return session;
    }
    ++readers_;
    lock.unlock();
    auto opened = open_(true);
    if (!opened.ok()) give_back(nullptr);
    return opened;
  }

  /// nullptr: one that could not be opened.
  void give_back(std::unique_ptr<Session> session) {
    if (session != nullptr && session->is_dead()) session.reset();
    {
      const std::lock_guard lock(readers_mutex_);
      if (session == nullptr) {
        --readers_;
      } else {
        idle_readers_.push_back(std::move(session));
      }
    }
    reader_free_.notify_one();
  }

  const SessionOptions options_;
  const Open open_;
  std::timed_mutex writer_mutex_;  // guards writer_
  std::atomic<std::thread::id> writing_{};
  std::unique_ptr<Session> writer_;
  std::mutex readers_mutex_;  // guards the two below
  std::vector<std::unique_ptr<Session>> idle_readers_;
  std::size_t readers_ = 0;  // open, idle or not
  std::condition_variable reader_free_;
};

}  // namespace berth::storage
