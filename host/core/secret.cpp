#include "host/core/secret.hpp"

#include <sodium.h>

namespace berth {

void Secret::wipe() {
  // The whole buffer, not only the text: a moved-from short string has size 0 and still holds its bytes.
  value_.resize(value_.capacity());
  sodium_memzero(value_.data(), value_.size());
  value_.clear();
}

}  // namespace berth
