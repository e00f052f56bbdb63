#include "host/http/crew.hpp"

#include <chrono>

namespace berth::http {
namespace {

constexpr std::chrono::seconds kIdleMax{2};

}  // namespace

Crew::~Crew() {
  {
    const std::scoped_lock lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  for (Member& member : members_) member.thread.join();
}

void Crew::start(std::function<void()> task) {
  {
    const std::scoped_lock lock(mutex_);
    join_left();
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_) {
      Member& member = members_.emplace_back();
      try {
        member.thread = std::thread([this, &member] { work(member); });
      } catch (...) {
        members_.pop_back();
        tasks_.pop_back();
        throw;
      }
    }
  }
  changed_.notify_one();
}

void Crew::join_left() {
  for (auto member = members_.begin(); member != members_.end();) {
    if (!member->has_left) {
      ++member;
      continue;
    }
    member->thread.join();  // it does nothing any more that takes time or the lock
    member = members_.erase(member);
  }
}

void Crew::work(Member& member) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool has_task = changed_.wait_for(lock, kIdleMax, [this] { return !tasks_.empty() || is_ending_; });
    --idle_;
    if (!has_task || tasks_.empty()) break;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
  member.has_left = true;
}

}  // namespace berth::http
