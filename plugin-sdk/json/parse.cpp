// The one place that includes Boost.JSON. Its SAX parser checks the grammar; this handler builds our tree and keeps the
// digits of numbers, which arrive in pieces (on_number_part) that have to be joined: the last call alone does not have
// them.
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <unordered_set>

#include "berth/json.hpp"

namespace berth::json {
namespace {

namespace bj = boost::json;

// Objects with fewer members than this are searched one by one; larger ones get a hash set, so that a hostile document
// with a million keys does not cost their square.
constexpr std::size_t kScanMembers = 16;

struct Frame {
  bool is_object = false;
  Array items;
  Object members;
  std::string key;
  std::unordered_set<std::string> keys;
};

class Handler {
 public:
  constexpr static std::size_t max_object_size = static_cast<std::size_t>(-1);
  constexpr static std::size_t max_array_size = static_cast<std::size_t>(-1);
  constexpr static std::size_t max_key_size = static_cast<std::size_t>(-1);
  constexpr static std::size_t max_string_size = static_cast<std::size_t>(-1);

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { return open(true); }
  bool on_object_end(std::size_t, bj::error_code&) {
    Value value(std::move(frames_.back().members));
    return close(std::move(value));
  }
  bool on_array_begin(bj::error_code&) { return open(false); }
  bool on_array_end(std::size_t, bj::error_code&) {
    Value value(std::move(frames_.back().items));
    return close(std::move(value));
  }
  bool on_key_part(bj::string_view s, std::size_t, bj::error_code&) { return append(s); }
  bool on_key(bj::string_view s, std::size_t, bj::error_code& ec) {
    append(s);
    Frame& frame = frames_.back();
    if (!is_new(frame)) {
      duplicate_ = text_;
      ec = bj::error::syntax;
      return false;
    }
    frame.key = std::move(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(bj::string_view s, std::size_t, bj::error_code&) { return append(s); }
  bool on_string(bj::string_view s, std::size_t, bj::error_code&) {
    append(s);
    return add(Value(take()));
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
  bool append(bj::string_view s) {
    text_.append(s.data(), s.size());
    return true;
  }
  std::string take() { return std::exchange(text_, std::string()); }
  bool number(bj::string_view s) {
    append(s);
    return add(Value(Number{take()}));
  }
  bool open(bool is_object) {
    frames_.emplace_back().is_object = is_object;
    return true;
  }
  bool close(Value value) {
    frames_.pop_back();
    return add(std::move(value));
  }
  bool add(Value value) {
    if (frames_.empty()) {
      result_ = std::move(value);
    } else if (Frame& frame = frames_.back(); frame.is_object) {
      frame.members.emplace_back(std::move(frame.key), std::move(value));
      frame.key.clear();
    } else {
      frame.items.push_back(std::move(value));
    }
    return true;
  }
  bool is_new(Frame& frame) {
    if (frame.members.size() < kScanMembers) {
      return std::none_of(frame.members.begin(), frame.members.end(),
                          [&](const Member& member) { return member.first == text_; });
    }
    if (frame.keys.empty()) {
      for (const Member& member : frame.members) frame.keys.insert(member.first);
    }
    return frame.keys.insert(text_).second;
  }

  std::vector<Frame> frames_;
  std::string text_;
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
  bj::basic_parser<Handler> parser(rules);
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
