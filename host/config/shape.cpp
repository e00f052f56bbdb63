#include "host/config/shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "host/config/config.hpp"
#include "host/config/storage_address.hpp"
#include "host/core/decimal.hpp"
#include "host/core/text.hpp"
#include "host/core/time.hpp"

namespace berth::config {
namespace {

bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_small(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_small(c) || is_digit(c) || c == '_' || c == '-'; });
}
bool is_account_id(std::string_view text) {
  const auto is_letter = [](char c) { return is_small(c) || (c >= 'A' && c <= 'Z') || is_digit(c); };
  return !text.empty() && text.size() <= 63 && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || c == '_' || c == '.' || c == ':' || c == '-'; });
}

/// As the address of a remote's API has it (host/oauth/provider.cpp).
bool is_api_version(std::string_view text) {
  return text.size() >= 2 && text.size() <= 8 && text.front() == 'v' && std::all_of(text.begin() + 1, text.end(), is_digit);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> names_of(std::span<const std::string_view> words) {
  return {words.begin(), words.end()};
}

class Checker {
 public:
  explicit Checker(Findings& findings) : findings_(findings) {}

  void map(const Node& node, const Shape& shape) {
    if (!node.is_map()) {
      // People write `backfill: all` for {from: all}.
      const bool is_short = node.is_scalar() && shape.keys.size() == 1;
      wrong_type(node, fmt::format("{} must be a map of keys", shape.name),
                 is_short ? fmt::format("write {{{}: {}}}", shape.keys.front().name, shortened(node.scalar, 60)) : "");
      return;
    }
    std::vector<std::string> known;
    for (const Key& key : shape.keys) known.emplace_back(key.name);
    for (const Member& member : node.members) {
      const Key* key = shape.find(member.key);
      if (key != nullptr) {
        values(member.value, *key);
      } else if (shape.name == "an integration" && member.key == "limits") {
        // People look for it here; the built-in data centres keep the remote's own limits.
        findings_.error(member.key_place, "config.limits_misplaced",
                        "`limits` belongs to a data centre that the file adds",
                        "move it into an item of `data_centers`");
      } else {
        findings_.error(member.key_place, "config.unknown_key",
                        fmt::format("`{}` is not a key of {}", shortened(member.key, 60), shape.name),
                        unknown_hint(member.key, known));
      }
    }
    for (const Key& key : shape.keys) {
      const Node* value = node.find(key.name);
      if (key.is_required && (value == nullptr || value->is_null())) {
        findings_.error(value == nullptr ? node.place : value->place, "config.missing_key",
                        fmt::format("{} needs `{}`", shape.name, key.name), std::string(key.help));
      }
    }
  }

 private:
  static std::string unknown_hint(std::string_view text, const std::vector<std::string>& known) {
    const std::string near = did_you_mean(text, known);
    return near.empty() ? fmt::format("known keys: {}", join(known, ", ")) : near;
  }

  void wrong_type(const Node& node, std::string_view expected, std::string hint = "") {
    findings_.error(node.place, "config.type", fmt::format("{}, found {}", expected, node.describe()), std::move(hint));
  }

  void values(const Node& node, const Key& key) {
    if (node.is_null()) return;  // the same as a missing key
    if (key.holds == Holds::kOne) {
      one(node, key);
    } else if (key.holds == Holds::kList) {
      if (!node.is_list()) return wrong_type(node, fmt::format("`{}` must be a list", key.name));
      for (const Node& item : node.items) one(item, key);
    } else {
      if (!node.is_map()) return wrong_type(node, fmt::format("`{}` must be a map", key.name));
      for (const Member& member : node.members) {
        if (key.type == ValueType::kTiming && member.key == kScheduleZone) {
          zone(member.value);
        } else {
          one(member.value, key);
        }
      }
    }
  }

  void one(const Node& node, const Key& key) {
    switch (key.type) {
      case ValueType::kMap:
        map(node, *key.shape);
        return;
      case ValueType::kStorage:
        storage(node, key);
        return;
      case ValueType::kAccounts:
        accounts(node);
        return;
      case ValueType::kSecret:
      case ValueType::kKeySecret:
        secret(node, key);
        return;
      default:
        break;
    }
    if (!node.is_scalar()) return wrong_type(node, fmt::format("`{}` must be one value", key.name));
    if (node.scalar.empty()) {
      findings_.error(node.place, "config.empty", fmt::format("`{}` is empty", key.name), std::string(key.help));
      return;
    }
    scalar(node, key);
  }

  void refuse(const Node& node, std::string id, const Key& key, std::string_view expected, std::string hint = "") {
    findings_.error(node.place, std::move(id),
                    fmt::format("`{}` must be {}, found {}", key.name, expected, node.describe()), std::move(hint));
  }

  void scalar(const Node& node, const Key& key) {
    const std::string& text = node.scalar;
    switch (key.type) {
      case ValueType::kVersion:
        if (text != "1")
          refuse(node, "config.version", key, "the version of the format", "this program reads version 1");
        return;
      case ValueType::kBoolean:
        if (!node.boolean()) refuse(node, "config.type", key, "true or false");
        return;
      case ValueType::kInteger: {
        const auto value = node.integer();
        if (!value) return refuse(node, "config.type", key, "a whole number");
        if (*value < key.min || *value > key.max)
          refuse(node, "config.range", key, fmt::format("from {} to {}", key.min, key.max));
        return;
      }
      case ValueType::kPercent:
        return percent(node, key);
      case ValueType::kId:
        if (!is_id(text)) refuse(node, "config.id", key, "small letters, digits, _ and -, beginning with a letter");
        return;
      case ValueType::kAccountId:
        if (!is_account_id(text)) refuse(node, "config.id", key, "an account id: letters, digits and _ . : -");
        return;
      case ValueType::kDuration:
        if (!node.duration() || node.duration()->count() == 0)
          refuse(node, "config.duration", key, "a duration above zero", "write it like 30s, 5m, 1h or 5d");
        return;
      case ValueType::kTiming:
        return timing(node, key);
      case ValueType::kBudget:
        if (!parse_budget(text))
          refuse(node, "config.budget", key, "a number of calls or a share", "write it like 2000 or 40%");
        return;
      case ValueType::kOrigin:
        if (!parse_origin(text))
          refuse(node, "config.url", key, "an address of scheme, host and port alone",
                 "write it like https://books.example.com or http://127.0.0.1:8484");
        return;
      case ValueType::kAddress:
        if (!parse_address(text))
          refuse(node, "config.address", key, "an address and a port", "write it like 127.0.0.1:8484");
        return;
      case ValueType::kCurrency:
        return currency(node, key);
      case ValueType::kChoice:
        return choice(node, key);
      case ValueType::kBackfill:
        return backfill(node, key);
      case ValueType::kApiVersion:
        if (!is_api_version(text))
          refuse(node, "config.api_version", key, "a version", is_api_version("v" + text) ? fmt::format("did you mean `v{}`?", text) : "write it like v3");
        return;
      case ValueType::kSetting:
        if (!SecretRef::parse(text) && has_reference_prefix(text))
          refuse(node, "config.secret_reference", key, "a text or a reference", "a name belongs behind the colon");
        return;
      default:
        return;
    }
  }

  static bool has_reference_prefix(std::string_view text) {
    constexpr std::string_view kPrefixes[] = {"env:", "file:", "vault:", "credential:"};
    return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                       [&](std::string_view prefix) { return text.starts_with(prefix); });
  }

  void timing(const Node& node, const Key& key) {
    if (Cron::looks_like_one(node.scalar)) {
      if (const auto cron = Cron::parse(node.scalar); !cron.ok()) {
        findings_.error(node.place, "config.cron", cron.error().message,
                        "minute, hour, day of the month, month, day of the week: \"0 6 * * mon-fri\" is six in the morning on workdays");
      }
    } else if (!node.duration() || *node.duration() < kTimingMin) {
      refuse(node, "config.duration", key, "a duration of a minute or more, or a cron expression", "write it like 5m, 1h, 5d or \"0 6 * * mon-fri\"");
    }
  }

  void zone(const Node& node) {
    if (!node.is_scalar()) return wrong_type(node, "`zone` must be a time zone");
    if (!node.is_null() && (node.scalar.empty() || !zone_exists(node.scalar))) {
      const std::string what = node.scalar.empty() ? "`zone` is empty" : fmt::format("`{}` is not a time zone of this machine", shortened(node.scalar, 60));
      findings_.error(node.place, "config.zone", what,
                      "write it like Europe/Berlin or UTC");
    }
  }

  void percent(const Node& node, const Key& key) {
    const std::string_view text = node.scalar;
    const auto value = text.ends_with('%') ? whole_number(text.substr(0, text.size() - 1)) : std::nullopt;
    if (!value) return refuse(node, "config.type", key, "a share of the whole", "write it like 20%");
    if (*value < key.min || *value > key.max)
      refuse(node, "config.range", key, fmt::format("from {}% to {}%", key.min, key.max));
  }

  void currency(const Node& node, const Key& key) {
    if (Currency::of(node.scalar)) return;
    std::string upper = node.scalar;
    for (char& c : upper) c = is_small(c) ? static_cast<char>(c - 'a' + 'A') : c;
    refuse(node, "config.currency", key, "a currency code of ISO 4217",
           Currency::of(upper) ? fmt::format("did you mean `{}`?", upper) : "write it like USD");
  }

  void choice(const Node& node, const Key& key) {
    const std::vector<std::string> words = names_of(key.choices);
    if (std::find(words.begin(), words.end(), node.scalar) != words.end()) return;
    const std::string expected = key.type == ValueType::kBackfill
                                     ? fmt::format("one of {} or a date", join(words, ", "))
                                     : fmt::format("one of {}", join(words, ", "));
    std::string hint = did_you_mean(node.scalar, words);
    if (hint.empty() && key.type == ValueType::kBackfill) hint = "one of these words, or a date like 2025-01-31";
    refuse(node, "config.choice", key, expected, std::move(hint));
  }

  void backfill(const Node& node, const Key& key) {
    const auto date = parse_date(node.scalar);
    if (!date.ok()) return choice(node, key);
    // By the calendar of the place that is ahead of all others.
    constexpr std::int64_t kFarthestEastMs = 14 * 3'600'000, kDayMs = 24 * 3'600'000;
    if (date->day_number() > (SystemClock().now().unix_ms + kFarthestEastMs) / kDayMs) {
      findings_.error(node.place, "config.date_future", fmt::format("`{}` is {}, which is still to come", key.name, node.scalar),
                      "name the day from which on documents are pulled");
    }
  }

  void secret(const Node& node, const Key& key) {
    if (!node.is_scalar()) return wrong_type(node, fmt::format("`{}` must be a reference to a secret", key.name));
    const auto reference = SecretRef::parse(node.scalar);
    if (!reference && has_reference_prefix(node.scalar)) {
      findings_.error(node.place, "config.secret_reference", fmt::format("`{}` names no secret", key.name),
                      "a name belongs behind the colon");
    } else if (!reference) {
      literal_secret(node, key.name);
    } else if (key.type == ValueType::kKeySecret && reference->kind == SecretRef::Kind::kVault) {
      findings_.error(node.place, "config.secret_reference", "the key of the vault cannot be in the vault",
                      "use file:PATH, env:NAME or credential:NAME");
    }
  }

  void literal_secret(const Node& node, std::string_view name, std::string_view kinds = "env:NAME, file:PATH or vault:NAME") {
    findings_.error(node.place, "config.secret_literal",
                    fmt::format("`{}` is written out; secrets are only named here", name),
                    fmt::format("put it into the environment or a file and write {}", kinds));
    findings_.mask(node.scalar);
    secrets_.push_back(node.scalar);
  }

  void storage(const Node& node, const Key& key) {
    constexpr std::string_view kScheme = "postgresql://";
    const Node* url = node.is_map() ? node.find("url") : &node;
    if (node.is_map()) {
      for (const Member& member : node.members) {
        if (member.key == "password") {
          storage_password(member.value);
        } else if (member.key != "url") {
          findings_.error(member.key_place, "config.unknown_key",
                          fmt::format("`{}` is not a key of storage", shortened(member.key, 60)),
                          unknown_hint(member.key, {"url", "password"}));
        }
      }
    }
    if (url == nullptr) {
      findings_.error(node.place, "config.missing_key", "storage needs `url`", std::string(key.help));
      return;
    }
    if (!url->is_scalar()) return wrong_type(*url, "`storage` must be sqlite or an address of PostgreSQL");
    const std::string_view text = url->scalar;
    if (text == "sqlite") return;
    // First of all: whatever else is wrong with it is told with the address.
    if (const auto written = password_in(text)) {
      Node password = *url;
      password.scalar = *written;
      literal_secret(password, "password", kPasswordKinds);
      return;
    }
    if (!text.starts_with(kScheme) || text.size() == kScheme.size()) {
      findings_.error(
          url->place, "config.storage",
          fmt::format("`storage` must be sqlite or postgresql://user@host:5432/name, found {}", url->describe()),
          text.starts_with("postgres") ? fmt::format("did you mean `{}`?", kScheme) : did_you_mean(text, {"sqlite"}));
      return;
    }
    if (const auto fault = address_fault(text)) findings_.error(url->place, "config.storage_address", fault->what, fault->hint);
  }

  /// The vault is in the database that the password opens.
  static constexpr std::string_view kPasswordKinds = "env:NAME, file:PATH or credential:NAME, as in storage: {url: ..., password: env:NAME}";
  void storage_password(const Node& node) {
    const auto reference = node.is_scalar() ? SecretRef::parse(node.scalar) : std::nullopt;
    if (reference && reference->kind == SecretRef::Kind::kVault) {
      findings_.error(node.place, "config.secret_reference", "the password of the database cannot be in the vault, which is in that database",
                      "use env:NAME, file:PATH or credential:NAME");
    } else if (node.is_scalar() && !reference && !has_reference_prefix(node.scalar)) {
      literal_secret(node, "password", kPasswordKinds);
    } else {
      secret(node, {.name = "password", .type = ValueType::kSecret, .help = ""});
    }
  }

  void accounts(const Node& node) {
    if (!node.is_map()) return wrong_type(node, "`accounts` must be a map of kinds");
    std::vector<std::string> kinds;
    for (const AccountKind& kind : account_kinds()) kinds.emplace_back(kind.name);
    for (const Member& member : node.members) {
      const auto kind = std::find_if(account_kinds().begin(), account_kinds().end(),
                                     [&](const AccountKind& each) { return each.name == member.key; });
      if (kind == account_kinds().end()) {
        findings_.error(member.key_place, "config.unknown_account_kind",
                        fmt::format("`{}` is not a kind of the account table", shortened(member.key, 60)),
                        unknown_hint(member.key, kinds));
      } else if (kind->has_key && !member.value.is_map()) {
        wrong_type(member.value, fmt::format("`{}` must be a map from key to account", kind->name));
      } else if (!kind->has_key && !member.value.is_scalar()) {
        wrong_type(member.value, fmt::format("`{}` must be one account", kind->name));
      }
    }
  }

  Findings& findings_;
  std::vector<std::string> secrets_;

 public:
  /// Findings made after a literal secret was met may show its line too.
  void mask_secrets() {
    for (const std::string& secret : secrets_) findings_.mask(secret);
  }
};

}  // namespace

const Key* Shape::find(std::string_view key) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& each) { return each.name == key; });
  return found == keys.end() ? nullptr : &*found;
}

void check(const Node& node, const Shape& shape, Findings& findings) {
  Checker checker(findings);
  checker.map(node, shape);
  checker.mask_secrets();
}

std::optional<Origin> parse_origin(std::string_view text) {
  Origin origin;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  origin.scheme = text.substr(0, scheme);
  if (origin.scheme != "http" && origin.scheme != "https") return std::nullopt;
  if (text.ends_with('/')) text.remove_suffix(1);
  origin.text = text;
  std::string_view rest = text.substr(std::min(text.size(), scheme + 3));
  std::size_t port = std::string_view::npos;
  if (rest.starts_with('[')) {  // IPv6
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    origin.host = rest.substr(1, end - 1);
    if (end + 1 < rest.size()) port = end + 1;
  } else {
    port = rest.find(':');
    origin.host = rest.substr(0, port);
  }
  if (port != std::string_view::npos) {
    const auto number = rest[port] == ':' ? whole_number(rest.substr(port + 1)) : std::nullopt;
    if (!number || *number < 1 || *number > 65535) return std::nullopt;
  }
  const bool is_host = !origin.host.empty() && std::all_of(origin.host.begin(), origin.host.end(), [&](char c) {
    return is_small(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' || c == '-' ||
           (c == ':' && rest.starts_with('['));
  });
  if (!is_host) return std::nullopt;
  return origin;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // 127.0.0.0/8 as four numbers: a name such as 127.example.com is a host like any other.
  const std::vector<std::string> parts = split(host, '.');
  return parts.size() == 4 && parts.front() == "127" &&
         std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           const auto number = whole_number(part);
           return number && *number >= 0 && *number <= 255 && part.size() <= 3;
         });
}

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto port = whole_number(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("/ []") != std::string_view::npos) return std::nullopt;
  return Address{std::string(host), static_cast<std::uint16_t>(*port)};
}

}  // namespace berth::config
