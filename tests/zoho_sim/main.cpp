// The simulator as a program: flags to options, one line when ready, a clean end.
#include "tests/zoho_sim/http_face.hpp"

#include <CLI/CLI.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <iostream>

namespace {

// "5%" or "0.5" as basis points.
CLI::Option* share(CLI::App& app, const std::string& name, int& target, const std::string& what) {
  return app
      .add_option_function<std::string>(
          name,
          [&target, name](std::string text) {
            if (!text.empty() && text.back() == '%') text.pop_back();
            const auto value = zoho_sim::parse_decimal(text, 2);
            if (!value || *value < 0 || *value > 10'000)
              throw CLI::ValidationError(name, "\"" + text + "\" is no percentage");
            target = static_cast<int>(*value);
          },
          what)
      ->type_name("PERCENT");
}

// Waits for a signal to end, or for the parent to be gone.
void wait_for_end(const sigset_t& signals, int parent) {
  const timespec poll{1, 0};
  while (true) {
    const int signal_number = sigtimedwait(&signals, nullptr, &poll);
    if (signal_number > 0) return;
    if (parent > 0 && kill(parent, 0) != 0 && errno == ESRCH) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace zoho_sim;
  Options options;
  auto& books = options.books;
  std::string now_text, clock_mode = "running", undocumented = "honoured";
  int port = 0, parent = 0, threads = 64;
  bool no_throttle = false;

  CLI::App app{"zoho_sim: a simulator of Zoho Accounts and Zoho Books API v3 on a loopback port"};
  app.add_option("--port", port, "Port on 127.0.0.1; 0 takes any free one (default 0)");
  app.add_option("--threads", threads, "Connections served at the same time (default 64)");
  app.add_option("--parent-pid", parent, "End when this process is gone");
  app.add_option("--seed", books.seed, "Seed of the books (default 1)");
  app.add_option("--contacts", books.contacts, "Number of contacts (default 300)");
  app.add_option("--items", books.items, "Number of items (default 100)");
  app.add_option("--invoices", books.invoices, "Number of invoices (default 2000)");
  app.add_option("--payments", books.payments, "Number of customer payments (default 1200)");
  app.add_option("--credit-notes", books.credit_notes, "Number of credit notes, at most (default 60)");
  share(app, "--drafts", books.drafts, "Share of invoices that are drafts (default 5%)");
  share(app, "--voids", books.voids, "Share of the other invoices that are void (default 3%)");
  share(app, "--custom-fields", books.custom_fields, "Share of invoices with custom fields (default 45%)");
  share(app, "--vendors", books.vendors, "Share of contacts that are vendors (default 8%)");
  share(app, "--inactive", books.inactive, "Share of contacts and items that are inactive (default 5%)");
  share(app, "--foreign", books.foreign, "Share of contacts with currency EUR (default 0%)");
  share(app, "--write-offs", books.write_offs, "Share of open invoices that are written off (default 0%)");
  app.add_option("--history-days", books.history_days,
                 "Days before --now over which documents are spread (default 730)");
  app.add_option(
      "--now", now_text,
      "Moment the books end at, as 2026-06-09T10:00:00-0400 (default: the current hour); also sets the clock");
  app.add_option("--clock", clock_mode, "running or frozen (default running)")
      ->check(CLI::IsMember({"running", "frozen"}));
  app.add_option("--time-zone", books.time_zone, "Time zone of the organisation (default America/New_York)");
  app.add_option("--organization-id", books.organization_id, "Id of the organisation (default 927000001)");
  app.add_option("--organization-name", books.organization_name, "Name of the organisation");
  app.add_option("--client-id", options.oauth.client_id, "OAuth client id");
  app.add_option("--client-secret", options.oauth.client_secret, "OAuth client secret");
  app.add_option("--redirect-uri", options.oauth.redirect_uris,
                 "Registered redirect URI, repeatable; * is any loopback URI (default *)");
  app.add_option("--location", options.oauth.location, "Name of this data centre in the redirect (default us)");
  app.add_flag("--auto-consent", options.oauth.auto_consent, "Redirect at once instead of showing the consent page");
  app.add_flag("--no-token-throttle", no_throttle, "Do not limit codes and tokens to 10 in 10 minutes");
  app.add_option("--per-minute", options.limits.per_minute, "Calls per minute, 0 is no limit (default 100)");
  app.add_option("--per-day", options.limits.per_day, "Calls per day, 0 is no limit and no headers (default 10000)");
  app.add_option("--concurrent", options.limits.concurrent, "Calls at the same time, 0 is no limit (default 10)");
  app.add_option("--undocumented", undocumented,
                 "Filters and sorts that Zoho does not document: honoured, ignored or refused")
      ->check(CLI::IsMember({"honoured", "ignored", "refused"}));
  app.add_option("--latency-ms", options.latency_ms, "Milliseconds every answer takes at least (default 0)");
  app.add_option("--public-origin", options.public_origin,
                 "Origin to give in redirects and tokens (default: http:// and the Host header)");
  CLI11_PARSE(app, argc, argv);

  options.oauth.throttle = !no_throttle;
  options.undocumented = undocumented == "ignored"   ? Undocumented::kIgnored
                         : undocumented == "refused" ? Undocumented::kRefused
                                                     : Undocumented::kHonoured;

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread is started, so that all inherit it
  signal(SIGPIPE, SIG_IGN);

  try {
    const OrgTime zone(books.time_zone);
    const Time real = std::time(nullptr);
    Time start = real;
    books.now = real - real % 3600;
    if (!now_text.empty()) {
      const auto parsed = zone.parse_timestamp(now_text);
      if (!parsed) {
        std::cerr << "zoho_sim: --now " << now_text << " is no time like 2026-06-09T10:00:00-0400\n";
        return 2;
      }
      books.now = start = *parsed;
    } else if (clock_mode == "frozen") {
      start = books.now;
    }
    std::cerr << "zoho_sim: seed " << books.seed << ", --now " << zone.timestamp(books.now) << "\n";
    const auto clock = std::make_shared<VirtualClock>(start, clock_mode == "running");
    Simulator simulator(options, clock);
    HttpFace face(simulator, port, threads);
    std::cout << "zoho_sim listening on " << face.origin() << std::endl;
    wait_for_end(signals, parent);
    simulator.clear_faults();  // nobody shall wait for an answer that is held back
    face.stop();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "zoho_sim: " << error.what() << "\n";
    return 1;
  }
}
