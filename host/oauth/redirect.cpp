#include "host/oauth/redirect.hpp"

#include <map>

#include "host/core/text.hpp"
#include "host/oauth/authorization.hpp"

namespace berth::oauth {
namespace {

Error invalid(const std::string& why) {
  return make_error(Code::kInvalidArgument, "oauth.redirect_invalid", "The redirect is refused: " + why + ".");
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Decodes once. Broken escapes and what decodes to control characters or to no text are refused.
Result<std::string> decode(std::string_view text, const std::string& what) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte <= ' ' || byte > '~') return invalid("its query has a blank, control or non-ASCII character");
    if (text[i] == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))) {
      return invalid(what + " has a broken escape");
    }
  }
  auto plain = percent_decode(text, true);
  if (!is_valid_utf8(plain)) return invalid(what + " is no UTF-8");
  for (const char c : plain) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return invalid(what + " has a control character");
  }
  return plain;
}

/// The alphabet of codes and states: base64url and what Zoho's codes are made of ("1000.ab12.cd34").
bool is_token_text(std::string_view text) {
  for (const char c : text) {
    const bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      std::string_view("-._~+/=").find(c) != std::string_view::npos;
    if (!fine) return false;
  }
  return !text.empty();
}

}  // namespace

Result<Redirect> parse_redirect(std::string_view query, const Provider& provider) {
  constexpr std::size_t kParametersMax = 20;
  constexpr std::size_t kValueBytesMax = 1'024;
  if (query.size() > kRedirectQueryBytesMax) return invalid("its query is longer than 4,096 bytes");
  if (query.starts_with('?')) query.remove_prefix(1);
  std::map<std::string, std::string> found;
  for (const auto& part : split(query, '&')) {
    if (part.empty()) continue;  // Zoho's query ends in a stray "&"
    if (found.size() >= kParametersMax) return invalid("it has more than 20 parameters");
    const auto equals = part.find('=');
    const auto name = BERTH_TRY(decode(std::string_view(part).substr(0, equals), "a parameter name"));
    const auto value = equals == std::string::npos ? std::string_view{} : std::string_view(part).substr(equals + 1);
    if (value.size() > kValueBytesMax) return invalid("a parameter is longer than 1,024 bytes");
    auto plain = BERTH_TRY(decode(value, "the parameter " + shortened(name, 40)));
    // Two values for one name: whoever reads the first and whoever reads the last disagree.
    if (!found.emplace(name, std::move(plain)).second)
      return invalid("the parameter " + shortened(name, 40) + " comes twice");
  }
  const auto value_of = [&](const std::string& name) {
    const auto at = name.empty() ? found.end() : found.find(name);
    return at == found.end() ? std::string{} : at->second;
  };
  Redirect redirect;
  redirect.state = value_of("state");
  if (redirect.state.empty()) return invalid("it has no state");
  if (!is_token_text(redirect.state)) return invalid("its state has characters that no state of ours has");
  redirect.error = value_of("error");
  auto code = value_of("code");
  if (found.contains("code") && found.contains("error")) return invalid("it has both a code and an error");
  if (code.empty() && redirect.error.empty()) return invalid("it has no code");
  if (!code.empty() && !is_token_text(code)) return invalid("its code has characters that no code has");
  redirect.code = Secret(std::move(code));
  redirect.accounts_server = value_of(provider.accounts_server_param);
  if (found.contains(provider.accounts_server_param) && redirect.accounts_server.empty()) {
    return invalid("its accounts server is empty");
  }
  redirect.location = value_of(provider.location_param);
  return redirect;
}

}  // namespace berth::oauth
