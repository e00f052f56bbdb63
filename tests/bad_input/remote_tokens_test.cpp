// Tokens that end, are refused or cannot be had; clocks that disagree; codes that were used.
#include <doctest/doctest.h>

#include "bad_input/remote.hpp"

using namespace bad_input;

namespace {

constexpr const char* kSync = "berth sync zoho";
constexpr auto kSection = Section::kTokens;

const Row kOnce(kSection, "token.refused_once", "401 in the middle of a run, once", kSync, "zoho_books.auth.rejected");
const Row kForever(kSection, "token.refused", "401 although the token was renewed", kSync, "zoho_books.auth.rejected");
const Row kRevoked(kSection, "token.revoked", "the connection is revoked at Zoho in the middle of a run", kSync, "oauth.refresh_refused");
const Row kAgain(kSection, "token.revoked_again", "another sync after that", kSync, "oauth.needs_reauth");
const Row kClient(kSection, "token.client", "HTTP 200 with `invalid_client`", kSync, "oauth.client_rejected");
const Row kThrottled(kSection, "token.throttled", "HTTP 200 with `Access Denied`: too many token requests", kSync, "oauth.throttled");
const Row kUnknown(kSection, "token.error_unknown", "HTTP 200 with an error that nobody knows", kSync, "oauth.rejected");
const Row kHtml(kSection, "token.html", "an HTML page instead of tokens", kSync, "oauth.answer_unreadable");
const Row kOutage(kSection, "token.outage", "the accounts server answers 503", kSync, "oauth.unreachable");
const Row kSilent(kSection, "token.reset", "the accounts server resets the connection", kSync, "oauth.unreachable");
const Row kElsewhere(kSection, "token.data_center", "the token of one data centre used at another", "berth connect zoho", "zoho_books.auth.rejected");
const Row kLifetime(kSection, "clock.lifetime", "tokens with an absurd lifetime", kSync, "");
const Row kAhead(kSection, "clock.ahead", "Zoho's clock 30 days ahead of this machine's", kSync, "zoho_books.list.clock");
const Row kBehind(kSection, "clock.behind", "this machine's clock an hour ahead of Zoho's", kSync, "zoho_books.list.clock");
const Row kUsed(kSection, "code.used", "an authorisation code that was used before", "berth connect zoho --code 1000.made.up --accounts-server ADDRESS --location test",
                "oauth.code_expired_or_used");
const Row kClock(kSection, "code.clock", "a code while this machine's clock is wrong", "berth connect zoho --code 1000.another --accounts-server ADDRESS --location test",
                 "oauth.clock");

const std::string kToken = R"("path":"/oauth/v2/token","count":-1})";

/// What the end of a token leaves in the report.
const Replacements kOfExpiring{{R"(what went wrong[^\n]*\n +1 x zoho_books\.auth\.rejected[^\n]*\n)", ""}, {R"( +1 x zoho_books\.auth\.rejected[^\n]*\n)", ""}};

/// Access tokens end now; the next call asks for another one.
void expire(const Remote& remote) { remote.simulator.post("tokens/expire"); }

}  // namespace

TEST_CASE("D13.8: 401 in the middle of a run is renewed once and the run goes on, refused for ever a person has to connect again") {
  const Remote remote;
  const std::string added = remote.invoice("10.00");
  remote.breaks(R"({"kind":"first","path":"/books/v3/invoices/","field":"POST tokens/expire","body":"{}"})");
  const e2e::Outcome once = remote.sync_shows(kOnce, 0);
  CHECK(once.out.find("HTTP 401") != std::string::npos);
  CHECK(remote.simulator.calls("token") == 1);
  CHECK(remote.record(added).text_of("state") == "posted");
  remote.mends();

  remote.breaks(R"({"kind":"status","status":401,"body":"{\"code\":57,\"message\":\"You are not authorized to perform this operation\"}","path":"/books/v3/customerpayments","count":-1})");
  remote.sync_shows(kForever, 1, 12);
  CHECK(remote.simulator.calls("token") <= 1);
  CHECK(remote.berth.status().text_of("status") == "needs_reauth");
  e2e::http("DELETE", remote.simulator.origin() + "/_control/faults");
  remote.berth.connect();
  remote.mends();
  remote.books_are_undisturbed();
}

TEST_CASE("a connection that is revoked in the middle of a run stops it, and nothing is asked until a person connects again") {
  const Remote remote;
  const std::string added = remote.invoice("10.00");
  remote.breaks(R"({"kind":"first","path":"/books/v3/invoices/","field":"POST tokens/revoke","body":"{}"})");
  remote.sync_shows(kRevoked, 1, 12);
  CHECK(remote.simulator.calls("token") == 1);
  CHECK(remote.berth.status().text_of("status") == "needs_reauth");
  remote.simulator.reset_counters();
  kAgain.refused(remote.berth, 1, of_syncs());
  CHECK(e2e::number_at(remote.simulator.control("counters"), "calls") == 0);
  e2e::http("DELETE", remote.simulator.origin() + "/_control/faults");
  remote.berth.connect();
  remote.mends();
  CHECK(remote.record(added).text_of("state") == "posted");
  remote.books_are_undisturbed();
}

TEST_CASE("token errors are known by their body whatever the status, and asked about once") {
  const Remote remote;
  const auto takes = [&](const std::string& fault, const Row& row) {
    expire(remote);
    remote.takes(fault, row, 1, 6);
  };
  const auto answers = [](const std::string& body) { return R"({"kind":"status","status":200,"body":")" + body + "\"," + kToken; };
  takes(answers(R"({\"error\":\"invalid_client\"})"), kClient);
  takes(answers(R"({\"error\":\"Access Denied\",\"error_description\":\"You have made too many requests continuously.\",\"status\":\"failure\"})"), kThrottled);
  takes(answers(R"({\"error\":\"something_new\"})"), kUnknown);
  takes(R"({"kind":"html","status":200,)" + kToken, kHtml);
  takes(R"({"kind":"html","status":503,)" + kToken, kOutage);
  takes(R"({"kind":"reset",)" + kToken, kSilent);
  remote.books_are_undisturbed();
}

TEST_CASE("clocks that disagree lose nothing and end no connection") {
  const Remote remote;
  for (const char* lifetime : {"-1", "0", "99999999999999999999", "\\\"soon\\\"", "null"}) {
    expire(remote);
    remote.breaks(std::string(R"({"kind":"field","field":"expires_in","body":")") + lifetime + "\"," + kToken);
    if (std::string_view(lifetime) == "-1") {
      remote.sync_shows(kLifetime, 0, 60, kOfExpiring);
    } else {
      CHECK(remote.berth.run({"sync", "zoho"}).exit == 0);
    }
    remote.mends();
  }
  // What was changed "in the future" is taken, and so is what is changed after their clock was set right.
  remote.simulator.post("clock", R"({"advance":2592000})");
  const std::string future = remote.invoice("10.00");
  expire(remote);
  remote.sync_shows(kAhead, 0, 60, kOfExpiring);
  CHECK(remote.record(future).text_of("state") == "posted");
  remote.simulator.post("clock", R"({"advance":-2592000})");
  const std::string now = remote.invoice("20.00");
  expire(remote);
  remote.mends();
  CHECK(remote.record(now).text_of("state") == "posted");
  remote.simulator.post("clock", R"({"advance":-3600})");
  const std::string past = remote.invoice("30.00");
  expire(remote);
  remote.sync_shows(kBehind, 0, 60, kOfExpiring);
  CHECK(remote.record(past).text_of("state") == "posted");
  remote.simulator.post("clock", R"({"advance":3600})");
  remote.mends();
  CHECK(remote.berth.run({"ledger", "check"}).exit == 0);
}

TEST_CASE("D13.1 A12: a code that is not good says why, and is never sent twice") {
  const Remote remote;
  const auto connect = [&](const Row& row) {
    remote.simulator.reset_counters();
    const e2e::Outcome outcome =
        remote.berth.run({"connect", "zoho", "--code", "1000.made.up", "--accounts-server", remote.simulator.origin(), "--location", "test"});
    row.answered(remote.berth, outcome, 1);
    CHECK(remote.simulator.calls("token") == 1);
  };
  connect(kUsed);
  remote.breaks(R"({"kind":"delay","headers":{"Date":"Fri, 01 Jan 2010 00:00:00 GMT"},"path":"/oauth/v2/token","count":-1})");
  const e2e::Outcome skewed =
      remote.berth.run({"connect", "zoho", "--code", "1000.another", "--accounts-server", remote.simulator.origin(), "--location", "test"});
  kClock.answered(remote.berth, skewed, 1, {{R"(\d{6,} s )", "… s "}});
  // The connection that was there is as good as before.
  remote.mends();
  CHECK(remote.berth.status().text_of("status") == "connected");
}

TEST_CASE("a token of one data centre used at another is told as that") {
  const Remote remote;
  const e2e::Simulator other({.contacts = 1, .items = 1, .invoices = 1, .payments = 0, .credit_notes = 0});
  std::string yaml = remote.berth.read("berth.yaml");
  const std::string good = yaml;
  yaml.insert(yaml.find("      - {location: test"), "      - {location: west, accounts: \"" + other.origin() + "\", api: \"" + other.origin() + "\", allow_http_loopback: true}\n");
  remote.berth.write("berth.yaml", yaml);
  // Zoho's answer names the API of the other data centre.
  remote.simulator.post("options", R"({"api_domain":")" + other.origin() + "\"}");
  const auto connecting = remote.berth.start({"connect", "zoho", "--wait", "60"});
  const std::string url = connecting->wait_for_line("http");
  REQUIRE(!url.empty());
  e2e::get(e2e::accept_consent(url));
  const e2e::Outcome outcome = connecting->wait();
  kElsewhere.answered(remote.berth, outcome, 1, {{R"(http://[^\s]*/oauth/v2/auth\?[^\s]*)", "http://127.0.0.1:9100/oauth/v2/auth?…"}});
  remote.simulator.post("options", R"({"api_domain":"-"})");
  remote.berth.write("berth.yaml", good);
  remote.mends();
}
