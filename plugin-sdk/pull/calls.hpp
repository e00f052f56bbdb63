#pragma once
// Calls that are under way while the engine works on the answers of others. Where the host has no stream they go in
// batches, one after the other, which end with their slowest call; whoever uses this sees no difference but time.
// One thread.
#include <cstddef>
#include <functional>
#include <vector>

#include "session.hpp"

namespace berth::pulling {

class Calls {
 public:
  explicit Calls(Session& session) : session_(session) {}

  /// Returns the number that its reply will have. It goes out with the next begin() or take().
  std::size_t add(Request request);
  void begin();
  /// Added, and not replied.
  [[nodiscard]] std::size_t under_way() const { return under_way_; }

  /// Waits for replies. `judge` sees each as it comes, may call nothing of the host, and says whether anything more is to
  /// be begun; what is not begun is replied as cancelled. After that `consume` gets each, and may call everything.
  void take(const std::function<bool(std::size_t number, const Reply& reply)>& judge,
            const std::function<void(std::size_t number, Reply&& reply)>& consume);

 private:
  void take_batch(const std::function<bool(std::size_t number, const Reply& reply)>& judge,
                  const std::function<void(std::size_t number, Reply&& reply)>& consume);

  Session& session_;
  std::vector<Request> waiting_;
  std::size_t first_waiting_ = 0;  // its number
  std::size_t under_way_ = 0;
  bool is_stopped_ = false;        // without a stream; with one the host remembers it
};

}  // namespace berth::pulling
