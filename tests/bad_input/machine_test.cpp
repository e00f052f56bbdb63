// What the machine and the programs beside a host do to it: ports, second hosts, limits, pipes that close.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "bad_input/fixture.hpp"
#include "bad_input/table.hpp"

using namespace bad_input;

namespace {

const Row kPort(Section::kMachine, "port.in_use", "another program listens on the port", "berth serve", "server.listen");
const Row kSecond(Section::kMachine, "host.second", "a second host on the same data", "berth serve", "app.data_in_use");
const Row kBusy(Section::kMachine, "host.busy", "a sync while another process syncs the same integration", "berth sync zoho", "runs.busy");
const Row kFiles(Section::kMachine, "limit.files", "too few open files (`ulimit -n 20`)", "berth sync zoho", "app.open_files");
const Row kMemory(Section::kMachine, "limit.memory", "too little memory (`ulimit -v`)", "berth sync zoho", "cli.out_of_memory");
const Row kOutput(Section::kMachine, "output.full", "the disk that the output goes to is full (`> /dev/full`)", "berth ledger export --format hledger", "cli.output_failed");
const Row kCommand(Section::kMachine, "command.unknown", "a word that is no command", "berth sycn zoho", "cli.command_unknown");
const Row kIntegration(Section::kMachine, "command.integration", "an integration that does not exist", "berth sync zohoo", "runs.integration_unknown");

/// A listening socket on a port of this machine.
class Listener {
 public:
  explicit Listener(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(socket_, 1) == 0);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { close(socket_); }

 private:
  int socket_;
};

/// `berth ARGUMENTS REDIRECTIONS` by a shell.
e2e::Outcome in_shell(const e2e::Workspace& berth, const std::string& redirections, std::vector<std::string> arguments) {
  return berth.run_by({"sh", "-c", "\"$@\" " + redirections, "sh"}, std::move(arguments));
}

}  // namespace

TEST_CASE("a port that is taken, and a second host on the same data, are two things") {
  const e2e::Simulator simulator(kTiny);
  const e2e::Workspace berth(simulator);
  {
    const Listener listener(std::atoi(berth.origin().substr(berth.origin().rfind(':') + 1).c_str()));
    kPort.refused(berth, 3);
  }
  const auto first = berth.serve();
  kSecond.refused(berth, 3);
  // Commands beside a host are welcome.
  CHECK(berth.run({"status"}).exit == 0);
  // A host that is killed leaves no lock behind.
  first->signal(SIGKILL);
  first->wait();
  const auto next = berth.serve();
  next->signal(SIGTERM);
  CHECK(next->wait().exit == 0);
}

TEST_CASE("two syncs of one integration at once: the second says who is first, and nothing is fetched twice") {
  const e2e::Simulator simulator({.contacts = 20, .items = 10, .invoices = 300, .payments = 30, .credit_notes = 5});
  const e2e::Workspace berth(simulator);
  berth.connect();
  simulator.reset_counters();
  const auto first = berth.start({"sync", "zoho"});
  REQUIRE(e2e::eventually([&] { return simulator.calls("list") > 0; }));
  first->signal(SIGSTOP);
  kBusy.refused(berth, 1);
  first->signal(SIGCONT);
  CHECK(first->wait().exit == 0);
  CHECK(berth.run({"sync", "zoho"}).exit == 0);
  CHECK(simulator.calls("detail") <= 300 + 30 + 20 + 3 * 5);
}

TEST_CASE("limits that are too low are said before anything is begun") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  books.simulator.reset_counters();
  kFiles.answered(berth, berth.run_by({"prlimit", "--nofile=20"}, {"sync", "zoho"}), 3);
  const Replacements which{{"(out of memory|no further thread)", "out of memory"}};
  kMemory.answered(berth, berth.run_by({"prlimit", "--as=50000000"}, {"sync", "zoho"}), 3, which);
  CHECK(books.simulator.calls("list") == 0);
  books.check_recovered();
}

TEST_CASE("memory that cannot be locked does not keep a host from working") {
  const OtherUser other;
  if (!other.is_possible) {
    MESSAGE("skipped: another user cannot run the programs of this build");
    return;
  }
  const Books books;
  give_to_other_user(books.berth.folder());
  std::vector<std::string> starter = other.starter;
  starter.insert(starter.end(), {"prlimit", "--memlock=0"});
  CHECK(books.berth.run_by(starter, {"sync", "zoho"}).exit == 0);
}

TEST_CASE("output that cannot be written is an error, and a reader that has seen enough is none") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  kOutput.answered(berth, in_shell(berth, "> /dev/full", {"ledger", "export", "--format", "hledger"}), 3);
  CHECK(in_shell(berth, "> /dev/full", {"status"}).exit == 3);
  // The pipe is closed before the program begins to write.
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"ledger", "export", "--format", "hledger"}, {"status"}, {"accounts", "list", "zoho"}}) {
    const e2e::Outcome piped = berth.run_by({"bash", "-c", "\"$@\" | exec <&-; exit ${PIPESTATUS[0]}", "bash"}, command);
    CAPTURE(command.front());
    CHECK(piped.exit == 0);
    CHECK_MESSAGE(piped.err.empty(), piped.err);
  }
  // Streams that are closed: what is printed goes nowhere, least of all into the database.
  const e2e::Outcome closed = in_shell(berth, "<&- >&- 2>&-", {"sync", "zoho", "--full"});
  CHECK(closed.exit == 0);
  // A log that cannot be written any more does not stop the host.
  CHECK(in_shell(berth, "2> /dev/full", {"--verbose", "sync", "zoho", "--full"}).exit == 0);
  books.check_recovered();
}

TEST_CASE("what is typed wrong is told with what was meant") {
  const e2e::Simulator simulator(kTiny);
  const e2e::Workspace berth(simulator);
  kCommand.refused(berth, 2);
  kIntegration.refused(berth, 1);
}
