#include "fuzz/reference.hpp"

#include <algorithm>

namespace berth::fuzz {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

void Paper::trim(Digits& digits) {
  while (!digits.empty() && digits.back() == 0) digits.pop_back();
}

int Paper::order(const Digits& a, const Digits& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (std::size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

Paper::Digits Paper::sum(const Digits& a, const Digits& b) {
  Digits out;
  int carry = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) || carry > 0; ++i) {
    const int all = carry + (i < a.size() ? a[i] : 0) + (i < b.size() ? b[i] : 0);
    out.push_back(all % 10);
    carry = all / 10;
  }
  trim(out);
  return out;
}

Paper::Digits Paper::difference(const Digits& a, const Digits& b) {
  Digits out;
  int borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int left = a[i] - borrow - (i < b.size() ? b[i] : 0);
    borrow = left < 0 ? 1 : 0;
    out.push_back(left < 0 ? left + 10 : left);
  }
  trim(out);
  return out;
}

Paper::Digits Paper::product(const Digits& a, const Digits& b) {
  Digits out(a.size() + b.size(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    int carry = 0;
    for (std::size_t j = 0; j < b.size() || carry > 0; ++j) {
      const int all = out[i + j] + carry + (j < b.size() ? a[i] * b[j] : 0);
      out[i + j] = all % 10;
      carry = all / 10;
    }
  }
  trim(out);
  return out;
}

Paper::Digits Paper::quotient(const Digits& a, const Digits& b, Digits& rest) {
  Digits out(a.size(), 0);
  rest.clear();
  for (std::size_t i = a.size(); i-- > 0;) {
    rest.insert(rest.begin(), a[i]);
    trim(rest);
    while (order(rest, b) >= 0) {
      rest = difference(rest, b);
      ++out[i];
    }
  }
  trim(out);
  return out;
}

Paper::Digits Paper::at_scale(int scale) const {
  Digits out = digits_;
  if (!out.empty()) out.insert(out.begin(), static_cast<std::size_t>(scale - scale_), 0);
  return out;
}

bool Paper::is_number(std::string_view text) {
  const auto digits = [&] {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    const std::string_view taken = text.substr(0, count);
    text.remove_prefix(count);
    return taken;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::string_view whole = digits();
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits().empty()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (digits().empty()) return false;
  }
  return text.empty();
}

Paper Paper::read(std::string_view text) {
  Paper out;
  out.minus_ = text.starts_with('-');
  if (out.minus_) text.remove_prefix(1);
  const std::size_t e = text.find_first_of("eE");
  int exponent = 0;
  if (e != std::string_view::npos) exponent = std::stoi(std::string(text.substr(e + 1)));
  bool after_point = false;
  for (const char c : text.substr(0, e)) {
    if (c == '.') {
      after_point = true;
      continue;
    }
    out.digits_.insert(out.digits_.begin(), c - '0');
    if (after_point) ++out.scale_;
  }
  out.scale_ -= exponent;
  if (out.scale_ < 0) {
    out.digits_.insert(out.digits_.begin(), static_cast<std::size_t>(-out.scale_), 0);
    out.scale_ = 0;
  }
  trim(out.digits_);
  return out;
}

Paper operator+(const Paper& a, const Paper& b) {
  Paper out;
  out.scale_ = std::max(a.scale_, b.scale_);
  const auto left = a.at_scale(out.scale_);
  const auto right = b.at_scale(out.scale_);
  if (a.minus_ == b.minus_) {
    out.minus_ = a.minus_;
    out.digits_ = Paper::sum(left, right);
  } else {
    const bool left_is_more = Paper::order(left, right) >= 0;
    out.minus_ = left_is_more ? a.minus_ : b.minus_;
    out.digits_ = left_is_more ? Paper::difference(left, right) : Paper::difference(right, left);
  }
  return out;
}

Paper operator-(const Paper& a, const Paper& b) {
  Paper other = b;
  other.minus_ = !b.minus_;
  return a + other;
}

Paper operator*(const Paper& a, const Paper& b) {
  Paper out;
  out.minus_ = a.minus_ != b.minus_;
  out.scale_ = a.scale_ + b.scale_;
  out.digits_ = Paper::product(a.digits_, b.digits_);
  return out;
}

Paper divide(const Paper& a, const Paper& b, int scale) {
  // a.digits × 10^(b.scale - a.scale + scale) ÷ b.digits, the power put on whichever side makes it whole.
  auto above = a.digits_;
  auto below = b.digits_;
  const int shift = b.scale_ - a.scale_ + scale;
  auto& longer = shift >= 0 ? above : below;
  if (!longer.empty()) longer.insert(longer.begin(), static_cast<std::size_t>(shift >= 0 ? shift : -shift), 0);
  Paper out;
  Paper::Digits rest;
  out.digits_ = Paper::quotient(above, below, rest);
  if (Paper::order(Paper::sum(rest, rest), below) >= 0) out.digits_ = Paper::sum(out.digits_, {1});
  out.minus_ = a.minus_ != b.minus_;
  out.scale_ = scale;
  return out;
}

int compare(const Paper& a, const Paper& b) {
  const Paper apart = a - b;
  if (apart.digits_.empty()) return 0;
  return apart.minus_ ? -1 : 1;
}

Paper Paper::rounded(int scale) const {
  Paper one;
  one.digits_ = {1};
  return divide(*this, one, scale);
}

Paper Paper::stripped() const {
  Paper out = *this;
  while (out.scale_ > 0 && (out.digits_.empty() || out.digits_.front() == 0)) {
    if (!out.digits_.empty()) out.digits_.erase(out.digits_.begin());
    --out.scale_;
  }
  return out;
}

std::string Paper::text() const {
  std::string out = minus_ && !digits_.empty() ? "-" : "";
  for (std::size_t i = digits_.size(); i-- > 0;) out += static_cast<char>('0' + digits_[i]);
  if (digits_.empty()) out += '0';
  return out + "e-" + std::to_string(scale_);
}

}  // namespace berth::fuzz
