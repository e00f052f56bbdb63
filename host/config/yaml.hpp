#pragma once
// YAML as a tree that knows where every value and every key stands, and whether a scalar was quoted.
//
//   Findings findings;
//   const Node root = BERTH_TRY(load_yaml("berth.yaml", findings));
//   const Node* server = root.find("server");
//   const auto port = server->integer_of("port");                  // berth.yaml:8:14: `port` must be a whole number,
//   ...
//
// Stricter than YAML: refused are duplicate keys, merge keys (<<), tags, more than one document, keys that are not
// plain text, tabs as indentation, quotes that never close (the library accepts those), text that is not UTF-8, and
// plain yes, no, on, off, True and their like, as values and as keys: programs disagree on what they mean. Aliases are
// expanded; unknown ones are errors.
//
// Nodes are plain data: copyable, no threads, no I/O. yaml-cpp is included by yaml.cpp alone.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/config/findings.hpp"
#include "host/core/result.hpp"

namespace berth::config {

struct Member;

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  bool is_quoted = false;       // of a scalar: in quotes or a block (|, >), so always text
  std::string scalar;           // the text of a scalar, quotes removed: "12.10", "007"
  std::vector<Node> items;      // of a list
  std::vector<Member> members;  // of a map, in their order; keys are unique
  Place place;

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }

  /// The member of that key, or nullptr (also where this is not a map).
  [[nodiscard]] const Member* member(std::string_view key) const;
  /// The value of that key, or nullptr.
  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> keys() const;

  // Typed readings of this node. Errors: config.type, with the place and what was found:
  // "berth.yaml:8:14: expected a whole number, found \"many\"".
  [[nodiscard]] Result<std::string> text() const;                    // any scalar
  [[nodiscard]] Result<bool> boolean() const;                        // true or false, not quoted
  [[nodiscard]] Result<std::int64_t> integer() const;                // not quoted
  [[nodiscard]] Result<std::chrono::milliseconds> duration() const;  // "30s", "5m", "5d"
  [[nodiscard]] Result<std::vector<std::string>> text_list() const;  // a list of scalars

  // The same of a member that must be there. Errors: config.missing_key at the place of this map, and as above with the
  // key's name.
  [[nodiscard]] Result<std::string> text_of(std::string_view key) const;
  [[nodiscard]] Result<bool> boolean_of(std::string_view key) const;
  [[nodiscard]] Result<std::int64_t> integer_of(std::string_view key) const;
  [[nodiscard]] Result<std::chrono::milliseconds> duration_of(std::string_view key) const;
  [[nodiscard]] Result<std::vector<std::string>> text_list_of(std::string_view key) const;

  /// "a map", "a list", "nothing", "\"many\"": what this is, for messages.
  [[nodiscard]] std::string describe() const;
};

struct Member {
  std::string key;
  Place key_place;
  bool key_is_quoted = false;
  Node value;
};

/// Limits of one file, so that a hostile or broken one cannot eat the machine. Aliases count each time they are used.
struct YamlLimits {
  std::size_t bytes_max = 16u << 20u;
  std::size_t nodes_max = 200'000;
  std::size_t depth_max = 64;
};

/// Reads one document. `file` is the name that findings print. A file without content is a null node.
/// What does not stop the reading (duplicate keys, ambiguous words) goes to `findings` as errors and a tree comes back;
/// the first of two equal keys is kept. What stops it is added to `findings` too, and comes back as an error:
/// config.yaml_syntax, config.yaml_quote_open, config.yaml_tab, config.yaml_alias, config.yaml_tag, config.yaml_key,
/// config.yaml_documents, config.yaml_encoding, config.yaml_limit.
[[nodiscard]] Result<Node> parse_yaml(std::string text, std::string file, Findings& findings,
                                      const YamlLimits& limits = {});

/// The same for a file, named in findings as `shown` (its path if that is empty). Errors besides:
/// config.file_unreadable.
[[nodiscard]] Result<Node> load_yaml(const std::filesystem::path& path, Findings& findings,
                                     const YamlLimits& limits = {}, std::string shown = "");

/// Plain scalars that are JSON numbers become numbers with the same digits, true and false booleans, null, ~ and
/// nothing null; all others, and everything quoted, become strings.
[[nodiscard]] json::Value to_json(const Node& node);

/// The error of a value of the wrong kind, with its place.
[[nodiscard]] Error type_error(const Node& node, std::string_view expected);

}  // namespace berth::config
