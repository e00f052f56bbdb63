// The one place that includes Boost.JSON. Its SAX parser checks the grammar; this handler builds our tree and keeps the
// digits of numbers, which arrive in pieces (on_number_part) that have to be joined: the last call alone does not have
// them.
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>
#include <list>

#include "berth/json.hpp"

namespace berth::json {
namespace {

namespace bj = boost::json;

/// How many members of an object are compared one by one. Larger objects get a hash table, so that a hostile document with
/// a million keys does not cost their square.
constexpr std::size_t kScanMembers = 8;

/// The keys of the objects that are open, innermost last: finds those that an object has twice. A key that is written
/// without escapes costs no allocation.
class Keys {
 public:
  /// `text` is what is parsed; it outlives this object.
  explicit Keys(std::string_view text) : text_(text) { keys_.reserve(64); }

  void open() { objects_.push_back({keys_.size(), slots_.size()}); }
  void close() {
    keys_.resize(objects_.back().first_key);
    slots_.resize(objects_.back().first_slot);
    objects_.pop_back();
  }
  /// False where the innermost object has that key already.
  bool add(std::string_view key) {
    const Open& object = objects_.back();
    const std::size_t count = keys_.size() - object.first_key;
    if (count < kScanMembers) {
      const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(object.first_key);
      if (std::find(begin, keys_.end(), key) != keys_.end()) return false;
    } else {
      if (2 * (count + 1) > slots_.size() - object.first_slot) make_table(object, 8 * (count + 1));
      std::uint32_t& slot = slot_of(object, key);
      if (slot != 0) return false;
      slot = static_cast<std::uint32_t>(count + 1);
    }
    keys_.push_back(is_part_of_text(key) ? key : std::string_view(unescaped_.emplace_back(key)));
    return true;
  }

 private:
  struct Open {
    std::size_t first_key, first_slot;
  };
  [[nodiscard]] bool is_part_of_text(std::string_view key) const {
    const std::less_equal<const char*> not_after;
    return not_after(text_.data(), key.data()) && not_after(key.data() + key.size(), text_.data() + text_.size());
  }
  /// Objects within `object` are closed when it gets a key, so its table is the last one and can grow.
  void make_table(const Open& object, std::size_t wanted) {
    std::size_t size = 64;
    while (size < wanted) size *= 2;
    std::fill(slots_.begin() + static_cast<std::ptrdiff_t>(object.first_slot), slots_.end(), 0u);
    slots_.resize(object.first_slot + size, 0);
    for (std::size_t i = object.first_key; i < keys_.size(); ++i) {
      slot_of(object, keys_[i]) = static_cast<std::uint32_t>(i - object.first_key + 1);
    }
  }
  /// Where that key stands or would stand. Slots hold 1 + the place of the key within its object; at most half are taken.
  std::uint32_t& slot_of(const Open& object, std::string_view key) {
    const std::size_t mask = slots_.size() - object.first_slot - 1;
    for (std::size_t at = hash(key) & mask;; at = (at + 1) & mask) {
      std::uint32_t& slot = slots_[object.first_slot + at];
      if (slot == 0 || keys_[object.first_key + slot - 1] == key) return slot;
    }
  }

  /// Eight bytes at a time; every one of them counts.
  static std::size_t hash(std::string_view key) {
    constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = key.size() * kMix;
    while (!key.empty()) {
      std::uint64_t part = 0;
      const std::size_t size = std::min(key.size(), sizeof part);
      std::memcpy(&part, key.data(), size);
      mixed = (mixed ^ part) * kMix;
      mixed ^= mixed >> 32U;
      key.remove_prefix(size);
    }
    return static_cast<std::size_t>(mixed);
  }

  const std::string_view text_;
  std::vector<Open> objects_;
  std::vector<std::string_view> keys_;
  std::vector<std::uint32_t> slots_;      // tables of the larger objects that are open
  std::list<std::string> unescaped_;      // keys that are not in the text as they are
};

/// Builds the tree. Members and elements of all open objects and arrays stand on one stack each and move into a vector of
/// their size when theirs is closed.
class Handler {
 public:
  constexpr static std::size_t max_object_size = static_cast<std::size_t>(-1);
  constexpr static std::size_t max_array_size = static_cast<std::size_t>(-1);
  constexpr static std::size_t max_key_size = static_cast<std::size_t>(-1);
  constexpr static std::size_t max_string_size = static_cast<std::size_t>(-1);

  Handler(std::string_view text, const ParseOptions& options)
      : keys_(text), checks_keys_(!options.was_checked), keeps_member_(options.keeps) {
    open_.reserve(16);
    if (!keeps_member_) members_.reserve(std::min<std::size_t>(256, text.size() / 16));
  }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) {
    if (checks_keys_) keys_.open();
    return open(true, members_.size());
  }
  bool on_object_end(std::size_t, bj::error_code&) {
    if (checks_keys_) keys_.close();
    return close(members_);
  }
  bool on_array_begin(bj::error_code&) {
    return open(false, items_.size());
  }
  bool on_array_end(std::size_t, bj::error_code&) { return close(items_); }
  bool on_key_part(bj::string_view s, std::size_t, bj::error_code&) { return append(s); }
  bool on_key(bj::string_view s, std::size_t, bj::error_code& ec) {
    const std::string_view key = joined(s);
    if (checks_keys_ && !keys_.add(key)) {
      duplicate_ = key;
      ec = bj::error::syntax;
      return false;
    }
    if (keeps_member_ && open_.size() == 1) keeps_ = keeps_member_(key);
    if (keeps_) members_.emplace_back(std::string(key), Value());
    text_.clear();
    return true;
  }
  bool on_string_part(bj::string_view s, std::size_t, bj::error_code&) { return append(s); }
  bool on_string(bj::string_view s, std::size_t, bj::error_code&) {
    if (keeps_) add(Value(joined(s)));
    text_.clear();
    return true;
  }
  bool on_number_part(bj::string_view s, bj::error_code&) { return append(s); }
  bool on_int64(std::int64_t, bj::string_view s, bj::error_code&) { return number(s); }
  bool on_uint64(std::uint64_t, bj::string_view s, bj::error_code&) { return number(s); }
  bool on_double(double, bj::string_view s, bj::error_code&) { return number(s); }
  bool on_bool(bool b, bj::error_code&) { return add(Value(b)); }
  bool on_null(bj::error_code&) { return add(Value()); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

  Value result_;
  std::optional<std::string> duplicate_;

 private:
  struct Open {
    bool is_object;
    std::size_t first;  // of its members or elements
  };

  bool open(bool is_object, std::size_t first) {
    if (keeps_member_ && open_.empty()) keeps_ = false;  // until a key of those comes
    open_.push_back({is_object, first});
    return true;
  }
  bool append(bj::string_view s) {
    text_.append(s.data(), s.size());
    return true;
  }
  /// What came in parts, or the one part there is.
  std::string_view joined(bj::string_view s) {
    if (text_.empty()) return {s.data(), s.size()};
    append(s);
    return text_;
  }
  bool number(bj::string_view s) {
    if (keeps_) add(Value(Number{std::string(joined(s))}));
    text_.clear();
    return true;
  }
  template <class Stack>
  bool close(Stack& stack) {
    const auto begin = stack.begin() + static_cast<std::ptrdiff_t>(open_.back().first);
    open_.pop_back();
    // The outermost object or array is there, however little of it is kept.
    const bool is_kept = keeps_ || open_.empty();
    Value value;
    if (is_kept) value = Value(Stack(std::move_iterator(begin), std::move_iterator(stack.end())));
    stack.erase(begin, stack.end());
    keeps_ = is_kept;
    return add(std::move(value));
  }
  bool add(Value value) {
    if (!keeps_) return true;
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().is_object) {
      members_.back().second = std::move(value);  // its key was put there; what came between is closed and gone
    } else {
      items_.push_back(std::move(value));
    }
    return true;
  }

  Keys keys_;
  const bool checks_keys_;
  const std::function<bool(std::string_view)> keeps_member_;
  bool keeps_ = true;  // whether what is read now becomes part of the result
  std::vector<Open> open_;
  Object members_;
  Array items_;
  std::string text_;  // parts of a key, string or number of which there are several
};

ParseError error_at(std::string_view text, std::size_t offset, std::string_view what) {
  ParseError error;
  error.offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, error.offset);
  error.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t newline = before.rfind('\n');
  error.column = 1 + (newline == std::string_view::npos ? before.size() : before.size() - newline - 1);
  error.message =
      "line " + std::to_string(error.line) + ", column " + std::to_string(error.column) + ": " + std::string(what);
  return error;
}

/// Where the key begins (its opening quote) at whose closing quote the parser stopped.
std::size_t start_of_key(std::string_view text, std::size_t stopped) {
  std::size_t at = std::min(stopped, text.size());
  while (at > 0 && (at == text.size() || text[at] != '"')) --at;  // the closing quote
  while (at > 0) {
    --at;
    if (text[at] != '"') continue;
    std::size_t slashes = 0;
    while (slashes < at && text[at - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) break;  // not an escaped quote: the opening one
  }
  return at;
}

}  // namespace

Parsed parse(std::string_view text, const ParseOptions& options) {
  Parsed parsed;
  if (text.size() > options.max_bytes) {
    parsed.error = error_at(text, 0,
                            "the document has " + std::to_string(text.size()) + " bytes, more than the " +
                                std::to_string(options.max_bytes) + " that are allowed");
    return parsed;
  }
  bj::parse_options rules;
  rules.max_depth = options.max_depth;
  bj::basic_parser<Handler> parser(rules, text, options);
  bj::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  const Handler& handler = parser.handler();
  if (handler.duplicate_) {
    parsed.error = error_at(text, start_of_key(text, used), "duplicate key " + quote(*handler.duplicate_));
  } else if (ec == bj::error::too_deep) {
    parsed.error = error_at(text, used, "nested deeper than " + std::to_string(options.max_depth) + " levels");
  } else if (ec) {
    parsed.error = error_at(text, used, "not JSON: " + ec.message());
  } else if (used < text.size()) {
    parsed.error = error_at(text, used, "not JSON: text after the end of the document");
  } else {
    parsed.value = std::move(parser.handler().result_);
  }
  return parsed;
}

}  // namespace berth::json
