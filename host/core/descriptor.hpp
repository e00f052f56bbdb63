#pragma once
// A file descriptor that closes itself. Below zero, as open() gives it where it fails, there is nothing to close.
//
//   const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
//   if (file.get() < 0) return make_error(...);
#include <unistd.h>

namespace berth {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

}  // namespace berth
