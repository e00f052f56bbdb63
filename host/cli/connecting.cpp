// `berth connect`: prints the address of the consent page and waits for the redirect, or takes a code that came another way.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "host/admin/api.hpp"
#include "host/cli/commands.hpp"
#include "host/server/server.hpp"
#include "host/storage/integrations.hpp"

namespace berth::cli {

namespace {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

/// Host and port of a redirect URI that points at this machine; nothing for any other.
std::optional<Address> local_address(std::string_view uri) {
  constexpr std::string_view kScheme = "http://";
  if (!uri.starts_with(kScheme)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  const std::string_view authority = uri.substr(0, uri.find('/'));
  const auto colon = authority.rfind(':');
  Address address;
  address.host = authority.substr(0, colon);
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (!address.host.starts_with("127.")) return std::nullopt;
  address.port = 80;
  if (colon != std::string_view::npos) address.port = static_cast<std::uint16_t>(std::strtoul(std::string(authority.substr(colon + 1)).c_str(), nullptr, 10));
  return address;
}

int print_connected(const Global& global, const std::string& id, const std::string& name, const std::string& remote_id) {
  if (global.json) {
    print_json(json::Value::object({{"id", id}, {"connected", true}, {"name", name}, {"remote_id", remote_id}}));
  } else {
    print_line(fmt::format("{} is connected to {} ({}); `berth sync {}` pulls", id, name, remote_id, id));
  }
  return kFine;
}

}  // namespace

int connect(const Global& global, const ConnectOptions& options) {
  const auto opened = open_host(global);
  if (!opened.ok()) return fail(global, opened.error());
  app::Host& host = **opened;
  const auto unit = host.registry().unit(options.id);
  if (!unit.ok()) return fail(global, unit.error());

  if (!options.code.empty() || !options.self_client.empty()) {
    const bool is_self_client = !options.self_client.empty();
    std::string accounts_server = options.accounts_server;
    if (accounts_server.empty() && !options.location.empty()) {
      const oauth::DataCenter* center = (*unit)->provider.by_location(options.location);
      if (center == nullptr) {
        return fail(global, make_error(Code::kInvalidArgument, "oauth.accounts_server_refused", fmt::format("there is no data centre \"{}\"", options.location)));
      }
      accounts_server = center->accounts;
    }
    const auto attempt = [&]() -> Result<runs::Connected> {
      const oauth::Grant grant = BERTH_TRY(host.connector().accept_code(
          **unit, Secret(is_self_client ? options.self_client : options.code), accounts_server, is_self_client));
      return host.connector().complete(**unit, grant, {});
    };
    const auto connected = attempt();
    if (!connected.ok()) return fail(global, connected.error());
    return print_connected(global, options.id, connected->name, connected->remote_id);
  }

  const auto begun = host.connector().begin(**unit);
  if (!begun.ok()) return fail(global, begun.error());
  admin::Api api(host.api_services([] {}, [] { return true; }));
  const std::string path = admin::redirect_path((*unit)->client.redirect_uri);
  const auto address = local_address((*unit)->client.redirect_uri);
  std::atomic<int> answering = 0;   // redirects whose answer is being made; it outlives the listener
  std::unique_ptr<server::Server> listener;
  if (address) {
    listener = std::make_unique<server::Server>(server::ServerOptions{.host = address->host, .port = address->port, .log = host.log()},
                                                [&](const server::Request& request) {
                                                  // Only the redirect: the rest of the API belongs to `berth serve`.
                                                  if (request.path == path) {
                                                    const struct Answering {
                                                      std::atomic<int>& count;
                                                      explicit Answering(std::atomic<int>& of) : count(of) { ++count; }
                                                      ~Answering() { --count; }
                                                    } counted(answering);
                                                    return api.handle(request);
                                                  }
                                                  return server::Response{.status = 404, .content_type = "text/plain", .headers = {}, .body = "not here\n"};
                                                });
    // A port that is taken is that of a running `berth serve`, which takes the redirect; then storage says when it came.
    if (!listener->start().ok()) listener.reset();
  }
  if (global.json) {
    print_json(json::Value::object({{"url", begun->url}, {"expires", to_string(begun->expires_at)}}));
  } else {
    print_line("Open this address and accept:");
    print_line(begun->url);
  }
  flush_output();
  const Instant began = host.clock().now();
  const Instant until = began + std::chrono::seconds(options.wait_seconds);
  // What is stored comes before the calls that follow it, and the browser still reads the answer: ending the listener would cut it off.
  const auto stop_listening = [&] {
    constexpr std::chrono::seconds kAnswerMax{60};
    if (!listener) return;
    const auto asked = std::chrono::steady_clock::now();
    while (answering > 0 && std::chrono::steady_clock::now() - asked < kAnswerMax) host.clock().sleep_for(std::chrono::milliseconds(50), {});
    host.clock().sleep_for(std::chrono::milliseconds(300), {});
    listener->stop();
  };
  while (host.clock().now() < until) {
    std::optional<storage::Integration> row;
    const Status read = host.database().read([&](storage::Connection& connection) -> Status {
      row = BERTH_TRY(storage::integrations::find(connection, options.id));
      return success();
    });
    if (!read.ok()) return fail(global, read.error());
    if (row && row->connected >= began) {
      stop_listening();
      return print_connected(global, options.id, row->name, row->remote_id);
    }
    if (const auto failure = host.connector().failure_of(options.id)) {
      stop_listening();
      return fail(global, *failure);
    }
    host.clock().sleep_for(std::chrono::milliseconds(200), {});
  }
  return fail(global, make_error(Code::kUnavailable, "oauth.state_expired", fmt::format("no redirect came within {} seconds", options.wait_seconds)));
}

}  // namespace berth::cli
