// What both runners must do alike: calls and answers, refusals of posted calls, limits, exceptions, stop.
#include "fixture.hpp"

using namespace runner_tests;

TEST_CASE_TEMPLATE("a thrown 42 is a bug of the plugin and not the end of the host", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  const Status status = opened.run("throw_42");
  CHECK(reason_of(status) == "sdk.unknown_exception");
  CHECK(code_of(status) == Code::kInternal);
  CHECK(reason_of(opened.run("throw_runtime_error")) == "sdk.exception");
  CHECK(reason_of(opened.run("nothing")) == "ok");
}

TEST_CASE_TEMPLATE("the C++ layer of the SDK turns a thrown 42 into the same reason", Runner, InProcess, Worker) {
  const auto opened = open<Runner>("throws_42");
  CHECK(reason_of(opened.run("{}")) == "sdk.unknown_exception");
  CHECK(reason_of(opened.plugin->check({})) == "sdk.exception");
}

TEST_CASE_TEMPLATE("statuses and texts of a plugin are not trusted", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  Status status = opened.run("unknown_status");
  CHECK(reason_of(status) == "plugin.unknown_status");
  CHECK(code_of(status) == Code::kInternal);
  status = opened.run("status_without_text");
  CHECK(reason_of(status) == "plugin.unnamed_error");
  CHECK(code_of(status) == Code::kBadResponse);
  CHECK(status.error().message == "plugin probe returned status 6 without a readable message");
  CHECK(reason_of(opened.run("bad_text")) == "plugin.unnamed_error");
  CHECK(code_of(opened.run("no_such_act")) == Code::kUnsupported);
}

TEST_CASE_TEMPLATE("posted calls that are refused are answered by the next call, and nothing is committed", Runner,
                   InProcess, Worker) {
  const std::pair<const char*, const char*> cases[] = {
      {"record_too_large", "sdk.record_too_large"},  {"record_far_too_large", "sdk.record_too_large"},
      {"record_not_json", "sdk.record_not_json"},    {"record_not_object", "sdk.record_not_json"},
      {"record_not_utf8", "sdk.record_not_json"},    {"ref_not_utf8", "sdk.text_invalid"},
      {"ref_without_id", "sdk.ref_invalid"},         {"deleted_with_document", "sdk.record_invalid"},
      {"unknown_entity", "sdk.unknown_entity"},      {"attachment_too_large", "sdk.attachment_too_large"},
      {"records_overdue", "sdk.checkpoint_overdue"}, {"bytes_overdue", "sdk.checkpoint_overdue"},
  };
  const auto opened = open<Runner>();
  for (const auto& [act, reason] : cases) {
    CAPTURE(act);
    const Status status = opened.run(act);
    CHECK(reason_of(status) == reason);
    CHECK(code_of(status) == Code::kInternal);
  }
  CHECK(opened.services->checkpoints.empty());
}

TEST_CASE_TEMPLATE("an error of the host's own store reaches the plugin with the next call and comes back as it was",
                   Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  opened.services->emit_error = Error{Code::kEnvironment, "storage.full", "the disk is full", 60'000};
  const Status status = opened.run("thousand_records");
  CHECK(reason_of(status) == "storage.full");
  CHECK(code_of(status) == Code::kEnvironment);
  CHECK(status.error().retry_after_ms == 60'000);
  CHECK(opened.services->checkpoints.empty());
}

TEST_CASE_TEMPLATE("a phase with a lost record does not end well, whatever the plugin says", Runner, InProcess,
                   Worker) {
  const auto opened = open<Runner>();
  CHECK(reason_of(opened.run("refused_and_ignored")) == "sdk.record_not_json");
  CHECK(reason_of(opened.run("refused_then_committed")) == "sdk.record_not_json");
  CHECK(opened.services->checkpoints.empty());
  CHECK(reason_of(opened.run("nothing")) == "ok");
}

TEST_CASE_TEMPLATE("calls with an answer are refused at once when an argument is wrong", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  CHECK(reason_of(opened.run("cursor_too_large")) == "sdk.cursor_too_large");
  CHECK(reason_of(opened.run("cursor_not_json")) == "sdk.cursor_not_json");
  CHECK(reason_of(opened.run("too_many_known")) == "sdk.known_too_large");
  CHECK(reason_of(opened.run("batch_of_257")) == "sdk.batch_too_large");
  CHECK(reason_of(opened.run("unknown_flag")) == "sdk.argument_invalid");
  CHECK(reason_of(opened.run("null_text")) == "sdk.argument_null");
  CHECK(opened.services->requests.empty());
  CHECK(opened.services->records.empty());
}

TEST_CASE_TEMPLATE("records arrive as they were emitted and are committed together with the cursor", Runner, InProcess,
                   Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("kinds_of_records")) == "ok");
  const auto& records = opened.services->records;
  REQUIRE(records.size() == 4);
  CHECK(records[0].json == R"({"total":12.10})");
  CHECK(records[0].list_only);
  CHECK(records[0].ref.version == "1");
  CHECK(records[1].json == "{\"note\":\"d\xc3\xa9j\xc3\xa0 \\u0000\"}");
  CHECK(records[2].part == "comments");
  CHECK(records[3].deleted);
  REQUIRE(opened.services->checkpoints.size() == 1);
  CHECK(opened.services->checkpoints[0].cursor == R"({"page":2})");
  CHECK(opened.services->checkpoints[0].pass_complete);
  CHECK(opened.services->checkpoints[0].committed == std::vector<std::string>{"row", "whole", "whole", "gone"});
}

TEST_CASE_TEMPLATE("a thousand records may lie between two checkpoints", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  CHECK(reason_of(opened.run("thousand_records")) == "ok");
  CHECK(opened.services->checkpoints.at(0).committed.size() == 1'000);
  CHECK(reason_of(opened.run("many_records")) == "ok");
  CHECK(opened.services->records.size() == 5'000);
  CHECK(opened.services->checkpoints.back().committed.back() == "m3999");
}

TEST_CASE_TEMPLATE("known, the detail queue, files, progress and time go there and back", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  RecordingServices& services = *opened.services;
  REQUIRE(reason_of(opened.run("known")) == "ok");
  CHECK(services.report() == "012");
  services.records.clear();
  REQUIRE(reason_of(opened.run("queue")) == "ok");
  CHECK(services.report() == "73");
  CHECK(services.wanted.at(0) == std::pair<std::string, std::int32_t>("7", 500));
  CHECK(services.attached == std::string("7 a.pdf application/pdf %PDF\0\xff", 30));
  services.records.clear();
  services.fixed_now = Instant{1'234'567'890'123};
  REQUIRE(reason_of(opened.run("progress_and_time")) == "ok");
  CHECK(services.report() == "1234567890123");
  CHECK(services.progresses.at(0) == std::pair<std::int64_t, std::int64_t>(3, 10));
}

TEST_CASE_TEMPLATE("a plugin gets the cursor that it was given", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("cursor_back", {}, "[17]")) == "ok");
  CHECK(opened.services->report() == "[17]");
}

TEST_CASE_TEMPLATE("long and broken log lines are made fit and end nothing", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("long_log")) == "ok");
  const auto logs = opened.services->logs();
  REQUIRE(logs.size() == 2);
  CHECK(logs[0].message.size() <= 16u << 10u);
  CHECK(logs[0].level == 2);
  CHECK(logs[1].message == "(10 bytes that are not UTF-8)");
  CHECK(logs[1].level == 3);
  CHECK(logs[1].fields.find("dropped") != std::string::npos);
}

TEST_CASE_TEMPLATE("a plugin that floods the log is cut off and goes on", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("log_flood")) == "ok");
  const auto logs = opened.services->logs();
  REQUIRE(logs.size() == 10'000);
  CHECK(logs.back().message.find("further ones are dropped") != std::string::npos);
}

TEST_CASE_TEMPLATE("each request of a batch has one reply, and records of replies are kept", Runner, InProcess,
                   Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("batch")) == "ok");
  CHECK(opened.services->report() == "0=200x-test9;1=200x-test9;2=200x-test9;sent 0 inside -1");
  CHECK(opened.services->requests == std::vector<std::string>{"GET /things/0", "GET /things/1", "GET /things/2"});
  CHECK(opened.services->records.size() == 4);
  REQUIRE(reason_of(opened.run("batch_of_256")) == "ok");
  CHECK(opened.services->records.size() == 4 + 257);
}

TEST_CASE_TEMPLATE("a plugin that says stop in a batch starts at most a window of further requests", Runner, InProcess,
                   Worker) {
  const auto opened = open<Runner>();
  const Status status = opened.run("batch_stopped");
  CHECK(code_of(status) == Code::kCancelled);
  CHECK(opened.services->requests.size() >= 2);
  CHECK(opened.services->requests.size() <= 2 + 16);
}

TEST_CASE_TEMPLATE("calls that are added have one reply each, with checkpoints and further calls between them", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("stream")) == "ok");
  CHECK(opened.services->report() == "0=200x-test9;1=200x-test9;2=200x-test9;3=200x-test9;4=200x-test9;5");
  CHECK(opened.services->checkpoints.at(0).committed == std::vector<std::string>{"r0", "r1"});
  CHECK(opened.services->checkpoints.at(1).committed == std::vector<std::string>{"r2", "r3", "r4", "report"});
  // What was added and never taken is forgotten with its phase.
  REQUIRE(reason_of(opened.run("stream_left_behind")) == "ok");
  opened.services->records.clear();
  REQUIRE(reason_of(opened.run("stream")) == "ok");
  CHECK(opened.services->report().ends_with(";5"));
}

TEST_CASE_TEMPLATE("a plugin that says stop to one reply has all the others, and nothing more is begun", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("stream_stopped")) == "ok");
  CHECK(opened.services->report() == "100");
  // Two replies at a time, of which the first was the one; a worker gets both together.
  CHECK(opened.services->requests.size() == (Runner::kIsWorker ? 2 : 1));
}

TEST_CASE_TEMPLATE("a stop is passed on before anything else, also while other replies wait to be handed over", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("stream_of_large_bodies_stopped")) == "ok");
  REQUIRE(opened.services->checkpoints.size() >= 1);
  CHECK(opened.services->checkpoints[0].are_calls_stopped);
  CHECK(opened.services->requests.size() == (Runner::kIsWorker ? 2 : 1));
  CHECK(opened.services->report().ends_with("2=berth.cancelled;"));
}

TEST_CASE_TEMPLATE("what a plugin does wrong with calls that it adds is refused", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  CHECK(reason_of(opened.run("stream_of_257")) == "sdk.batch_too_large");
  CHECK(reason_of(opened.run("stream_throws")) == "sdk.unknown_exception");
  REQUIRE(reason_of(opened.run("stream_calls_back")) == "ok");
  CHECK(opened.services->report() == "7");
  opened.services->records.clear();
  REQUIRE(reason_of(opened.run("stream_fails")) == "ok");
  CHECK(opened.services->report() == "0=http.no_route;");
}

TEST_CASE_TEMPLATE("bodies of 15 MiB go through one after the other", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("stream_of_large_bodies")) == "ok");
  CHECK(opened.services->report() == "0=200x-test15728640;1=200x-test15728640;2=200x-test15728640;");
}

TEST_CASE_TEMPLATE("a callback that throws ends the batch with an error", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  CHECK(reason_of(opened.run("batch_throws")) == "sdk.unknown_exception");
  CHECK(reason_of(opened.run("nothing")) == "ok");
}

TEST_CASE_TEMPLATE("a callback may not checkpoint, and another thread may only log", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("batch_calls_back")) == "ok");
  CHECK(opened.services->report() == "0=200x-test9;sent 0 inside 7");
  opened.services->records.clear();
  REQUIRE(reason_of(opened.run("wrong_thread")) == "ok");
  CHECK(opened.services->report() == "7sdk.wrong_thread");
  CHECK(opened.services->logged("from a thread"));
}

TEST_CASE_TEMPLATE("a failed request keeps its reason and gets back its code", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("send")) == "ok");
  CHECK(opened.services->report() == "0=200x-test9;");
  const Status status = opened.run("send_fails");
  CHECK(reason_of(status) == "http.no_route");
  CHECK(code_of(status) == Code::kEnvironment);
  CHECK(status.error().retry_after_ms == 1'500);
}

TEST_CASE_TEMPLATE("a body of 15 MiB of any bytes goes through", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  REQUIRE(reason_of(opened.run("large_body")) == "ok");
  CHECK(opened.services->report() == "0=200x-test15728640;");
}

TEST_CASE_TEMPLATE("a stop reaches a plugin that polls, and what it has is still taken", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  std::stop_source stop;
  opened.services->stop_on_log = &stop;
  const Status status = opened.run("until_stopped", stop.get_token());
  CHECK(reason_of(status) == "probe.stopped");
  CHECK(code_of(status) == Code::kCancelled);
  CHECK(opened.services->checkpoints.size() == 1);
  // The next call is not stopped any more.
  CHECK(reason_of(opened.run("batch")) == "ok");
}

TEST_CASE_TEMPLATE("the end of the slice and the host's own wish to stop are stops too", Runner, InProcess, Worker) {
  const auto opened = open<Runner>();
  CHECK(reason_of(opened.run("until_stopped", {}, "", SystemClock().now() + std::chrono::milliseconds(20))) ==
        "probe.stopped");
  opened.services->stop = true;
  CHECK(reason_of(opened.run("until_stopped")) == "probe.stopped");
}

TEST_CASE_TEMPLATE("check, organisations and the end of a connector", Runner, InProcess, Worker) {
  auto opened = open<Runner>();
  CHECK(reason_of(opened.plugin->check({})) == "ok");
  CHECK(opened.services->requests.at(0) == "GET /check");
  const auto found = opened.plugin->organizations({});
  REQUIRE(found.ok());
  REQUIRE(found.value().size() == 2);
  CHECK(found.value()[0].json == R"({"currency":"USD"})");
  CHECK(found.value()[1].name == "Bm\xc3\xbcller");
  REQUIRE(reason_of(opened.run("nothing", {}, "none")) == "ok");  // from now on the probe offers no extension
  CHECK(opened.plugin->organizations({}).error().reason == "plugin.unsupported");
  opened.plugin.reset();
  if (!Runner::kIsWorker) CHECK(opened.services->logged("destroyed"));
}

TEST_CASE_TEMPLATE("a configuration that a plugin refuses is the operator's to edit", Runner, InProcess, Worker) {
  const auto runner = Runner::make();
  const Manifest manifest = manifest_of("probe");
  const Error refused = refusal(*runner, manifest, manifest.sha256, "refuse");
  CHECK(refused.reason == "probe.config");
  CHECK(refused.code == Code::kInvalidConfig);
  CHECK(refused.message == "key `colour` is missing");
  const Error thrown = refusal(*runner, manifest, manifest.sha256, "throw");
  CHECK(thrown.reason == "sdk.unknown_exception");
  CHECK(thrown.code == Code::kInternal);
}

TEST_CASE_TEMPLATE("a plugin in plain C uses every service of the host", Runner, InProcess, Worker) {
  const auto opened = open<Runner>("plain_c");
  const Status status = opened.run(R"({"mode":"changes"})");
  CHECK(reason_of(status) == "sdk.record_not_json");  // the recording services answer paths, not JSON objects
  CHECK(opened.services->logged("plan"));
}

TEST_CASE_TEMPLATE("two instances at once do not see each other", Runner, InProcess, Worker) {
  const auto one = open<Runner>();
  const auto two = open<Runner>();
  REQUIRE(reason_of(one.run("cursor_back", {}, "[1]")) == "ok");
  REQUIRE(reason_of(two.run("cursor_back", {}, "[2]")) == "ok");
  CHECK(one.services->report() == "[1]");
  CHECK(two.services->report() == "[2]");
}
