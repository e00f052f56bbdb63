#include "host/config/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "host/core/text.hpp"

namespace berth::config {
namespace {

/// Ends the reading from inside yaml-cpp's callbacks; caught in parse_yaml and nowhere else.
struct Stop {
  Stop(Place at, std::string reason, std::string what, std::string advice = "")
      : place(std::move(at)), id(std::move(reason)), message(std::move(what)), hint(std::move(advice)) {}
  Place place;
  std::string id;
  std::string message;
  std::string hint;
};

/// Words that YAML 1.1 and 1.2 programs read differently: a truth value there, text here.
bool is_ambiguous(std::string_view word) {
  if (word == "true" || word == "false" || word.size() < 2 || word.size() > 5) return false;
  constexpr std::array<std::string_view, 6> kWords{"yes", "no", "on", "off", "true", "false"};
  return std::find(kWords.begin(), kWords.end(), lower_ascii(word)) != kWords.end();
}

std::string truth_hint(std::string_view word) {
  const std::string lower = lower_ascii(word);
  const bool is_true = lower == "yes" || lower == "on" || lower == "true";
  return fmt::format("write {} for a truth value, or \"{}\" for the text", is_true ? "true" : "false", word);
}

/// Whether the quote that opens at `at` closes again: '' and backslash escapes do not close.
bool quote_closes(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 >= text.size() || text[i + 1] != '\'') return true;
      ++i;
    }
  }
  return false;
}

/// Builds the tree from yaml-cpp's events. The events, unlike its nodes, show duplicates, aliases and the place of
/// keys.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const Source> source, Findings& findings, const YamlLimits& limits)
      : source_(std::move(source)), findings_(findings), limits_(limits) {}

  Node take_root() { return std::move(root_); }
  [[nodiscard]] const Place& last_place() const { return last_place_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0)
      throw Stop{place(mark), "config.yaml_documents", "a second document begins here; one file holds one document",
                 "remove the line ---"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place(mark);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Stop{place(mark), "config.yaml_alias", "this alias stands inside the value it names"};
    const Place at = place(mark);
    count(found->second.nodes, at);
    if (stack_.size() + found->second.depth > limits_.depth_max) too_deep(at);
    Node copy = found->second.node;
    copy.place = at;  // a mistake in the value is shown where it is used
    deliver(std::move(copy));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.place = place(mark);
    check_tag(tag, node.place);
    node.scalar = value;
    node.is_quoted = tag == "!";
    if (node.is_quoted) check_quote(node.place, mark);
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::size_t nodes_before = 0;
    std::size_t depth = 1;  // levels below, this one included
    bool has_key = false;   // of a map: the next value belongs to `key`
    Member key;
    std::set<std::string, std::less<>> keys;
    bool drops_next = false;  // the value of a key that was refused
  };
  struct Anchored {
    Node node;
    std::size_t nodes = 1;
    std::size_t depth = 0;
  };

  Place place(const YAML::Mark& mark) {
    last_place_ = {source_, static_cast<std::size_t>(std::max(mark.line, 0)) + 1,
                   static_cast<std::size_t>(std::max(mark.column, 0)) + 1};
    return last_place_;
  }

  void count(std::size_t nodes, const Place& at) {
    nodes_ += nodes;
    if (nodes_ > limits_.nodes_max) too_many(at);
  }

  [[noreturn]] void too_many(const Place& at) const {
    throw Stop{at, "config.yaml_limit",
               fmt::format("the file has more than {} values, aliases expanded", limits_.nodes_max)};
  }

  [[noreturn]] void too_deep(const Place& at) const {
    throw Stop{at, "config.yaml_limit", fmt::format("values are nested more than {} deep", limits_.depth_max)};
  }

  static void check_tag(const std::string& tag, const Place& at) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Stop{at, "config.yaml_tag", fmt::format("the tag {} is not understood", shortened(tag, 60)),
               "write the value without a tag"};
  }

  /// yaml-cpp accepts a quote that is still open where the file ends.
  void check_quote(const Place& at, const YAML::Mark& mark) const {
    const std::string_view text = source_->text;
    auto offset = static_cast<std::size_t>(std::max(mark.pos, 0));
    // The mark of a value with an anchor (&name) or a tag (!) is that of the anchor or tag.
    while (offset < text.size() && (text[offset] == '&' || text[offset] == '!')) {
      offset = text.find_first_of(" \t\r\n", offset);
      offset = offset == std::string_view::npos ? text.size() : text.find_first_not_of(" \t\r\n", offset);
    }
    if (offset >= text.size() || (text[offset] != '\'' && text[offset] != '"')) return;
    if (!quote_closes(text, offset)) {
      throw Stop{at, "config.yaml_quote_open", "this quote is never closed",
                 fmt::format("add a {} at the end of the text", text[offset])};
    }
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const Place at = place(mark);
    check_tag(tag, at);
    if (stack_.size() >= limits_.depth_max) too_deep(at);
    if (!stack_.empty() && stack_.back().node.is_map() && !stack_.back().has_key) {
      throw Stop{at, "config.yaml_key", "a key must be plain text"};
    }
    count(1, at);
    Open frame;
    frame.node.kind = kind;
    frame.node.place = at;
    frame.anchor = anchor;
    frame.nodes_before = nodes_ - 1;
    stack_.push_back(std::move(frame));
  }

  void close() {
    Open frame = std::move(stack_.back());
    stack_.pop_back();
    if (frame.anchor != 0) {
      const std::size_t nodes = nodes_ - frame.nodes_before;
      anchored_nodes_ += nodes;  // anchors inside anchors keep the inner values many times over
      if (anchored_nodes_ > limits_.nodes_max) too_many(frame.node.place);
      anchors_[frame.anchor] = {frame.node, nodes, frame.depth};
    }
    if (!stack_.empty()) stack_.back().depth = std::max(stack_.back().depth, frame.depth + 1);
    attach(std::move(frame.node));
  }

  void add(Node node, YAML::anchor_t anchor) {
    count(1, node.place);
    if (anchor != 0) anchors_[anchor] = {node, 1, 0};
    deliver(std::move(node));
  }

  void deliver(Node node) {
    if (!stack_.empty() && stack_.back().node.is_map() && !stack_.back().has_key) {
      take_key(node);
      return;
    }
    if (node.is_scalar() && !node.is_quoted && is_ambiguous(node.scalar)) {
      findings_.error(node.place, "config.yaml_ambiguous",
                      fmt::format("`{}` means true or false to some programs and text to others", node.scalar),
                      truth_hint(node.scalar));
    }
    attach(std::move(node));
  }

  void take_key(const Node& node) {
    const Place& at = node.place;
    if (!node.is_scalar()) throw Stop{at, "config.yaml_key", "a key must be plain text"};
    Open& map = stack_.back();
    map.has_key = true;
    map.drops_next = false;
    map.key = Member{node.scalar, at, node.is_quoted, {}};
    if (node.scalar == "<<" && !node.is_quoted) {
      findings_.error(at, "config.yaml_merge", "merge keys (<<) are not supported", "write the keys out");
      map.drops_next = true;
    } else if (!node.is_quoted && is_ambiguous(node.scalar)) {
      findings_.error(at, "config.yaml_ambiguous",
                      fmt::format("the key `{}` is read as true or false by some programs", node.scalar),
                      fmt::format("put it in quotes: \"{}\"", node.scalar));
    }
    if (!map.keys.insert(node.scalar).second) {
      findings_.error(at, "config.duplicate_key",
                      fmt::format("the key `{}` stands twice in this map", shortened(node.scalar, 60)),
                      fmt::format("the first is at line {}", first_line(map.node, node.scalar)));
      map.drops_next = true;
    }
  }

  static std::size_t first_line(const Node& map, std::string_view key) {
    const Member* first = map.member(key);
    return first == nullptr ? 0 : first->key_place.line;
  }

  void attach(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    parent.has_key = false;
    if (parent.drops_next) return;
    parent.key.value = std::move(node);
    // `key:` with nothing behind is marked at the next line by yaml-cpp; people look for it at the key.
    if (parent.key.value.is_null() && parent.key.value.place.line != parent.key.key_place.line)
      parent.key.value.place = parent.key.key_place;
    parent.node.members.push_back(std::move(parent.key));
  }

  std::shared_ptr<const Source> source_;
  Findings& findings_;
  const YamlLimits& limits_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  Node root_;
  Place last_place_;
  std::size_t nodes_ = 0;
  std::size_t anchored_nodes_ = 0;
  int documents_ = 0;
};

Error stopped(Findings& findings, const Stop& stop) {
  findings.error(stop.place, stop.id, stop.message, stop.hint);
  const std::string at = stop.place.to_string();
  return make_error(Code::kInvalidConfig, stop.id, at.empty() ? stop.message : at + ": " + stop.message);
}

/// A quoted text that begins in one line and ends in another.
struct LongQuote {
  Place begin;
  std::size_t end_line = 0;
};

/// The first quoted text before a line that goes over several lines. Where the file is wrong behind it, its end is likely
/// to be missing: the quote that closes it is the one that opens the next text, and all that follow are the wrong way round.
std::optional<LongQuote> long_quote_before(const std::shared_ptr<const Source>& source, std::size_t error_line) {
  const std::string_view text = source->text;
  std::size_t line = 1, line_start = 0;
  char before = '\n';  // the last character that is no blank
  for (std::size_t i = 0; i < text.size() && line <= error_line; ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      line_start = i + 1;
      before = '\n';
    } else if (c == '#' && (i == line_start || text[i - 1] == ' ' || text[i - 1] == '\t')) {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if ((c == '"' || c == '\'') && std::string_view("\n:,[{-?").find(before) != std::string_view::npos) {
      const LongQuote quote{{source, line, i - line_start + 1}, line};
      std::size_t end = i + 1;
      std::size_t end_line = line, end_start = line_start;
      for (; end < text.size() && text[end] != c; ++end) {
        if (c == '"' && text[end] == '\\') ++end;
        if (end < text.size() && text[end] == '\n') {
          ++end_line;
          end_start = end + 1;
        }
      }
      if (end_line > line) return end_line <= error_line ? std::optional(LongQuote{quote.begin, end_line}) : std::nullopt;
      i = end;
      line = end_line;
      line_start = end_start;
      before = c;
    } else if (c != ' ' && c != '\t') {
      before = c;
    }
  }
  return std::nullopt;
}

/// A syntax error of yaml-cpp in words for an operator. Tabs and most slips of indentation come out of the library as
/// "illegal map value" or "end of map not found".
Stop syntax_error(const std::shared_ptr<const Source>& source, const YAML::Exception& error) {
  Place at{source, static_cast<std::size_t>(std::max(error.mark.line, 0)) + 1,
           static_cast<std::size_t>(std::max(error.mark.column, 0)) + 1};
  const std::string_view line = source->line(at.line);
  const std::size_t content = line.find_first_not_of(" \t");
  const std::size_t tab = line.substr(0, content).find('\t');
  if (tab != std::string_view::npos) {
    at.column = tab + 1;
    return {at, "config.yaml_tab", "a tab is used for indentation", "indent with blanks"};
  }
  const std::string_view message = error.msg;
  if (message == "the referenced anchor is not defined")
    return {at, "config.yaml_alias", "this alias has no anchor before it", "aliases name a value marked with &name"};
  if (message == "bad file") return {at, "config.yaml_limit", "values are nested too deep"};
  if (message == "illegal EOF in scalar")
    return {at, "config.yaml_quote_open", "the file ends inside quotes", "close the quote"};
  if (const auto quote = long_quote_before(source, at.line)) {
    return {quote->begin, "config.yaml_quote_open",
            fmt::format("this quote is closed by one in line {} only; an end seems to be missing", quote->end_line),
            fmt::format("add a {} at the end of the text", source->line(quote->begin.line)[quote->begin.column - 1])};
  }
  if (message == "illegal map value")
    return {at, "config.yaml_syntax", "a `:` is not expected here",
            "check the indentation, or put the text in quotes if the : belongs to it"};
  if (message.starts_with("end of map not found"))
    return {at, "config.yaml_syntax", "this does not belong to the map above",
            "check the indentation, and quotes and brackets on this line"};
  if (message.find("flow not found") != std::string_view::npos)
    return {at, "config.yaml_syntax", "a bracket is not closed before this", "add the missing } or ]"};
  if (message == "unknown token")
    return {at, "config.yaml_syntax", "a plain text cannot begin with this character", "put the text in quotes"};
  return {at, "config.yaml_syntax", fmt::format("this is not YAML: {}", message)};
}

/// The place of a byte offset.
Place place_at(const std::shared_ptr<const Source>& source, std::size_t offset) {
  const std::string_view before = std::string_view(source->text).substr(0, offset);
  const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t start = before.rfind('\n');
  return {source, line, start == std::string_view::npos ? offset + 1 : offset - start};
}

/// Where a file stops being UTF-8.
Stop not_utf8(const std::shared_ptr<const Source>& source) {
  const std::string_view text = source->text;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return {{source, 0, 0}, "config.yaml_encoding", "the file is UTF-16, not UTF-8", "save it as UTF-8"};
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = 1;
    while (length <= 4 && !is_valid_utf8(text.substr(at, length))) ++length;
    if (length > 4) break;
    at += length;
  }
  return {place_at(source, at), "config.yaml_encoding", fmt::format("the byte 0x{:02X} here is not UTF-8", static_cast<unsigned char>(text[std::min(at, text.size() - 1)])),
          "save the file as UTF-8"};
}

}  // namespace

Result<Node> parse_yaml(std::string text, std::string file, Findings& findings, const YamlLimits& limits) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // a byte order mark
  const auto source = std::make_shared<const Source>(Source{std::move(file), std::move(text)});
  const Place start{source, 1, 1};
  if (source->text.size() > limits.bytes_max) {
    return stopped(
        findings,
        {{source, 0, 0}, "config.yaml_limit", fmt::format("the file has more than {} bytes", limits.bytes_max)});
  }
  if (!is_valid_utf8(source->text)) return stopped(findings, not_utf8(source));
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  };
  const auto control = std::find_if(source->text.begin(), source->text.end(), is_control);
  if (control != source->text.end()) {
    return stopped(findings, {place_at(source, static_cast<std::size_t>(control - source->text.begin())),
                              "config.yaml_encoding", "there is a control character here", "remove it"});
  }

  TreeBuilder builder(source, findings, limits);
  try {
    std::istringstream stream(source->text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      // OnDocumentStart refuses a second document.
    }
  } catch (const Stop& stop) {
    return stopped(findings, stop);
  } catch (const YAML::Exception& error) {
    return stopped(findings, syntax_error(source, error));
  } catch (const std::exception& error) {
    return stopped(findings, {builder.last_place().source ? builder.last_place() : start, "config.yaml_syntax",
                              fmt::format("this is not YAML: {}", error.what())});
  }
  Node root = builder.take_root();
  if (!root.place.source) root.place = start;
  return root;
}

}  // namespace berth::config
