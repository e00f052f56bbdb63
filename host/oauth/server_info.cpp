#include "host/oauth/server_info.hpp"

#include <fmt/format.h>

#include "berth/json.hpp"
#include "host/core/one_line.hpp"

namespace berth::oauth {

namespace {
constexpr std::chrono::seconds kDeadline{10};
constexpr std::size_t kBytesMax = 64u << 10u;
}  // namespace

Result<std::optional<std::string>> check_server_info(const Provider& provider, http::Transport& transport,
                                                     std::string_view location, std::stop_token stop) {
  const std::optional<std::string> agrees;
  const DataCenter* ours = provider.by_location(location);
  if (provider.serverinfo_url.empty() || ours == nullptr) return agrees;
  http::Request request;
  request.url = with_accounts(provider.serverinfo_url, *ours);
  request.total_deadline = kDeadline;
  request.max_body_bytes = request.max_inflated_bytes = kBytesMax;
  const http::Response response = BERTH_TRY(transport.send(request, std::move(stop)));
  const json::Parsed answer = json::parse(response.body);
  const json::Value* locations = answer.value.find("locations");
  if (!answer.ok() || locations == nullptr || !locations->is_object()) {
    return make_error(Code::kBadResponse, "oauth.answer_unreadable",
                      fmt::format("{} answered {} without a list of data centres", request.url, response.status));
  }
  const std::string_view theirs = locations->text_of(location);
  const DataCenter* listed = provider.by_accounts(theirs);
  if (listed == ours) return agrees;
  if (theirs.empty()) return std::optional(fmt::format("{} does not list a data centre {}", request.url, location));
  return std::optional(fmt::format("data centre {} is {} here, but {} lists it as {}", location, ours->accounts, request.url, one_line(theirs, 120)));
}

}  // namespace berth::oauth
