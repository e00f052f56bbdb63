#include "crash/life.hpp"

#include <signal.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace crash {

using namespace e2e;
namespace fs = std::filesystem;

namespace {

std::string shown(const std::vector<std::string>& arguments, const Outcome& outcome) {
  std::string text = "berth";
  for (const std::string& argument : arguments) text += " " + argument;
  return text + " ended with " + std::to_string(outcome.exit) + "\n" + outcome.out + outcome.err;
}

/// A code as another program gets it that showed the consent page itself.
std::string fresh_code(const Simulator& simulator, const Workspace& berth) {
  return query_value(accept_consent(simulator.origin() + "/oauth/v2/auth?response_type=code&access_type=offline&prompt=consent&state=elsewhere&client_id=" +
                                    percent_encoded(kClientId) + "&scope=ZohoBooks.fullaccess.all&redirect_uri=" + percent_encoded(berth.redirect_uri())),
                     "code");
}

void replace_in(const Workspace& berth, const std::string& file, const std::string& from, const std::string& to) {
  std::string text = berth.read(file);
  const auto at = text.find(from);
  if (at == std::string::npos) return;   // done already, before the kill
  berth.write(file, text.replace(at, from.size(), to));
}

void map_everything(const Person& person) {
  for (int round = 0; round < 20; ++round) {
    const Value list = person.berth().json({"accounts", "list", "zoho"});
    bool is_done = true;
    for (const Value& row : list.find("accounts")->items()) {
      if (!row.text_of("account").empty()) continue;
      is_done = false;
      const std::string name(row.text_of("row"));
      const std::string account = name.starts_with("tax/")               ? "sales_tax"
                                  : name.starts_with("payment_mode/")    ? "undeposited"
                                  : name.starts_with("default_expense/") ? "cogs"
                                                                         : "sales";
      person.does({"accounts", "map", "zoho", name, account});
    }
    if (is_done) return;
  }
  throw std::runtime_error("there are always new account rows");
}

/// `berth connect`, and what a person does in the browser.
void connect(const Person& person) {
  const auto waiting = person.starts({"connect", "zoho", "--wait", "60"});
  const std::string url = waiting->wait_for_line("http");
  if (!url.empty()) get(accept_consent(url));
  const Outcome outcome = waiting->wait();
  if (outcome.signal == SIGKILL) throw Killed();
  if (outcome.exit != 0) throw std::runtime_error(shown({"connect"}, outcome));
}

/// `berth serve` for as long as `act` takes; ended as a service manager does it.
void serve(const Person& person, const std::vector<std::string>& more, const std::function<void(const Headers&, const std::string& origin)>& act) {
  std::vector<std::string> arguments{"serve"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Headers admin{{"Authorization", "Bearer " + std::string(person.berth().json({"token", "create", "test", "--role", "admin"}).text_of("token"))}};
  const auto host = person.starts(arguments);
  if (host->wait_for_line("berth serves").empty()) {
    person.notice(*host);
    throw std::runtime_error("berth serve did not start: " + host->err());
  }
  try {
    act(admin, person.berth().origin());
  } catch (const std::exception&) {
    // Nobody answers before the process is seen to be gone.
    eventually([&] { return !host->is_running(); }, std::chrono::seconds(1));
    person.notice(*host);
    throw;
  }
  person.notice(*host);
  host->signal(SIGTERM);
  const Outcome ended = host->wait();
  if (ended.signal == SIGKILL) throw Killed();
  if (ended.exit != 0) throw std::runtime_error(shown(arguments, ended));
}

void must_answer(const Answer& answer, int status) {
  if (answer.status != status) throw std::runtime_error("answer " + std::to_string(answer.status) + ": " + answer.body);
}

/// Some invoice that is there and was there before.
std::string id_of_invoice(const Simulator& simulator) {
  const Value books = simulator.control("books");
  for (const auto& [id, invoice] : books.find("invoices")->members()) {
    if (invoice.text_of("status") == "paid") return id;
  }
  throw std::runtime_error("no invoice is paid");
}

/// Some invoice that is in the books and that nothing is applied to.
std::string unpaid_invoice(const Person& person) {
  const Value open = person.berth().json({"ledger", "receivables", "zoho"});
  for (const Value& one : open.find("receivables")->items()) {
    const bool is_opening = one.text_of("remote_id").starts_with("OLD");
    if (!is_opening && one.text_of("open") == one.text_of("total")) return "invoice/" + std::string(one.text_of("remote_id"));
  }
  throw std::runtime_error("something is applied to every invoice");
}

std::string id_of(const Value& made) { return std::string(made.text_of("id")); }

}  // namespace

std::unique_ptr<Process> Person::starts(const std::vector<std::string>& arguments) const {
  if (log_.empty()) return berth_.start(arguments);
  return berth_.start_program(std::string(BERTH_BINARY_DIR) + "/tests/berth_crash_points", arguments, {{"BERTH_CRASH_LOG", log_}, {at_.empty() ? "BERTH_CRASH_NOWHERE" : "BERTH_CRASH_AT", at_}});
}

std::string Person::does(const std::vector<std::string>& arguments, bool may_fail) const {
  const Outcome outcome = starts(arguments)->wait();
  if (outcome.signal == SIGKILL) throw Killed();
  if (outcome.exit != 0 && !may_fail) throw std::runtime_error(shown(arguments, outcome));
  return outcome.out + outcome.err;
}

void Person::does_or_did(const std::vector<std::string>& arguments) const {
  const Outcome outcome = starts(arguments)->wait();
  if (outcome.signal == SIGKILL) throw Killed();
  if (outcome.exit == 0) return;
  if (!is_again_) throw std::runtime_error(shown(arguments, outcome));
  // What it woke is applied by whatever runs next; here by a command that makes no call.
  does({"mapping", "apply", "zoho"});
}

void Person::notice(Process& process) const {
  if (at_.empty() || process.is_running()) return;
  if (process.wait().signal == SIGKILL) throw Killed();
}

bool Person::has_seen(const std::string& moment) const {
  if (log_.empty()) return true;
  std::ifstream in(log_);
  for (std::string line; std::getline(in, line);) {
    if (line == moment) return true;
  }
  return false;
}

std::vector<Step> life(const Simulator& simulator, int round) {
  const std::string number = std::to_string(round);
  std::vector<Step> steps;
  const auto add = [&](std::string what, std::function<void(const Person&)> act) -> Step& {
    Step step;
    step.what = std::move(what);
    step.act = std::move(act);
    steps.push_back(std::move(step));
    return steps.back();
  };
  const auto command = [&](std::vector<std::string> arguments) -> Step& {
    std::string what;
    for (const std::string& word : arguments) what += (what.empty() ? "" : " ") + word;
    return add(what, [arguments](const Person& person) { person.does(arguments); });
  };

  {
    Step& made = add("berth init, in a folder of its own", [number](const Person& person) {
      const std::string folder = "own" + number;
      person.does({"init", folder}, fs::exists(person.berth().folder() / folder / "berth.yaml"));
    });
    made.keeps_books = false;
    made.check = [number](const Person& person) {
      const std::string file = "own" + number + "/berth.yaml";
      person.does({"-c", file, "vault", "status"});
      person.does({"-c", file, "db", "check"});
      person.does({"-c", file, "token", "create", "again"});
    };
  }
  command({"plugin", "trust", "zoho_books"});
  if (round > 1) {
    // Copies of a folder share their grant, which only one of them can revoke: another is told so, and has forgotten it all the same.
    add("disconnect", [](const Person& person) {
      const std::string told = person.does({"disconnect", "zoho"}, true);
      if (told.find("isconnected") == std::string::npos && told.find("oauth.not_revoked") == std::string::npos && !person.is_again()) throw std::runtime_error(told);
    }).check = [](const Person& person) {
      if (person.berth().run({"test", "zoho"}).exit == 0) throw std::runtime_error("it is still connected");
      if (!person.berth().status().text_of("connected").empty()) throw std::runtime_error("it is still said to be connected");
    };
  }
  if (round < 3) add("connect, in the browser", connect);
  Step& by_code = add("connect --code", [&simulator](const Person& person) {
    person.does({"connect", "zoho", "--code", fresh_code(simulator, person.berth()), "--accounts-server", simulator.origin()});
  });
  by_code.check = [](const Person& person) { person.does({"test", "zoho"}); };
  add("organizations --choose", [](const Person& person) {
    const Value list = person.berth().json({"organizations", "zoho"});
    person.does({"organizations", "zoho", "--choose", std::string(list.find("organizations")->items().at(0).text_of("remote_id"))}, true);
  });

  // Customers that only invoices tell of: before the first sync of contacts they are made by hand, another is linked to one of them.
  const auto customers = std::make_shared<std::vector<std::string>>();
  // Later on, a run of the invoices alone that is cut leaves a customer it has asked for to the next run of everything.
  Step& invoices = round == 1 ? command({"sync", "zoho", "--phase", "invoices"}) : command({"sync", "zoho"});
  invoices.is_sync = true;
  invoices.remote = [&simulator, customers, number] {
    for (const char* name : {"One ", "Two ", "Three ", "Other "}) {
      customers->push_back(id_of(simulator.post("contacts", R"({"contact_name":")" + (name + number) + R"("})")));
      simulator.post("invoices", R"({"customer_id":")" + customers->back() + R"(","line_items":[{"name":"Work","rate":70.5,"quantity":2}]})");
    }
  };
  add("accounts map, row by row", map_everything);
  for (std::size_t i = 0; round == 1 && i < 3; ++i) {
    add("customers create, number " + std::to_string(i + 1), [customers, i](const Person& person) {
      person.does_or_did({"customers", "create", "zoho", customers->at(i), "Made by hand " + std::to_string(i + 1)});
    }).is_cut_anyway = true;
  }
  add("customers link", [customers, round](const Person& person) {
    person.does_or_did({"customers", "link", "zoho", customers->at(3), round == 1 ? "Made by hand 1" : "One 1"});   // as a sync has named it
  });

  Step& everything = command({"sync", "zoho"});
  everything.is_sync = true;
  if (round > 1) {
    everything.remote = [&simulator, round] {
      const std::string line = R"({"line_items":[{"name":"Work","rate":)" + std::to_string(100 + round) + R"(.25,"quantity":3}]})";
      std::vector<std::string> made;
      for (int i = 0; i < 8; ++i) made.push_back(id_of(simulator.post("invoices", line)));
      simulator.post("payments", R"({"invoice_id":")" + made[0] + R"("})");
      simulator.post("invoices/" + made[1] + "/void");
      int edited = 0;
      const Value books = simulator.control("books");
      for (const auto& [id, invoice] : books.find("invoices")->members()) {
        if (edited < 6 && invoice.text_of("status") == "sent" && invoice.find("balance")->text() == invoice.find("total")->text()) {
          simulator.post("invoices/" + id, line);
          ++edited;
        }
      }
      simulator.post("contacts", R"({"contact_name":"New )" + std::to_string(round) + R"("})");
    };
  }
  add("accounts map, row by row, after the sync", map_everything);
  Step& nothing = command({"sync", "zoho", "--full"});
  nothing.is_sync = true;
  add("customers unlink", [customers](const Person& person) { person.does_or_did({"customers", "unlink", "zoho", customers->at(3)}); });
  command({"sync", "zoho", "--dry-run"});
  command({"records", "retry", "zoho", "invoice/" + id_of_invoice(simulator)});
  // Done again after a cut, it is refused where it was done: that is no failure.
  const auto taken_out = std::make_shared<std::string>();
  add("records archive", [taken_out](const Person& person) {
    if (taken_out->empty()) *taken_out = unpaid_invoice(person);
    person.does_or_did({"records", "archive", "zoho", *taken_out, "--reason", "entered twice"});
  });
  add("records unarchive", [taken_out](const Person& person) { person.does_or_did({"records", "unarchive", "zoho", *taken_out}); });
  add("mapping apply, with other rules", [number](const Person& person) {
    replace_in(person.berth(), "mapping.yaml", "legal_name: {path: company_name}", "legal_name: {path: company_name, default: \"none " + number + "\"}");
    replace_in(person.berth(), "mapping.yaml", "default: \"none " + std::to_string(std::atoi(number.c_str()) - 1) + "\"", "default: \"none " + number + "\"");
    person.does({"mapping", "apply", "zoho"});
  });
  command({"pause", "zoho"});
  command({"resume", "zoho"});
  command({"quota", "reset", "zoho"});
  command({"confirm-deletions", "zoho"});
  command({"classifications", "add", "Region", "North " + number});
  add("classifications remove", [number](const Person& person) { person.does({"classifications", "remove", "Region", "North " + number}, person.is_again()); });
  command({"ledger", "period", "close", "acme_us", "2019-0" + number});
  command({"ledger", "period", "open", "acme_us", "2019-0" + number});
  command({"ledger", "revalue", "zoho", "--currency", "EUR", "--rate", "1.5" + number, "--date", "2030-0" + std::to_string(2 * round - 1) + "-31"});
  add("ledger opening import", [number](const Person& person) {
    const Value list = person.berth().json({"customers", "list", "zoho"});
    const std::string customer(list.find("customers")->items().at(0).text_of("remote_id"));
    person.berth().write("opening.csv", "invoice,number,customer,company,currency,open,base,date\nOLD" + number + ",INV-OLD-" + number + "," + customer + ",acme_us,USD,90.00,,2019-12-31\n");
    person.does({"ledger", "opening", "import", "zoho", "opening.csv"});
  });
  command({"token", "create", "somebody"});
  add("token revoke", [](const Person& person) {
    const Value list = person.berth().json({"token", "list"});
    for (const Value& token : list.find("tokens")->items()) {
      if (token.text_of("revoked").empty()) return static_cast<void>(person.does({"token", "revoke", std::string(token.text_of("id"))}));
    }
  });
  add("vault rotate", [number](const Person& person) {
    const std::string key = "./secrets/vault" + number + ".key";
    if (!fs::exists(person.berth().folder() / key)) {
      person.berth().write(key, std::string(64, static_cast<char>('a' + std::atoi(number.c_str()))) + "\n");
      fs::permissions(person.berth().folder() / key, fs::perms::owner_read | fs::perms::owner_write);
    }
    // The key in berth.yaml is the old one until the rotation is through; where that was cut behind its commit, it says so.
    const std::string told = person.does({"vault", "rotate", "file:" + key}, person.is_again());
    if (person.is_again() && told.find("sealed with the new key") == std::string::npos && told.find("vault.wrong_key") == std::string::npos) throw std::runtime_error(told);
    const std::string text = person.berth().read("berth.yaml");
    const auto at = text.find("vault: {key:");
    replace_in(person.berth(), "berth.yaml", text.substr(at, text.find('\n', at) - at), "vault: {key: file:" + key + "}");
  }).check = [](const Person& person) { person.does({"test", "zoho"}); };
  add("db backup", [number](const Person& person) { person.does({"db", "backup", "backup" + number + ".db"}, person.is_again()); }).check = [number](const Person& person) {
    person.does({"db", "backup", "another" + number + ".db"});
    if (!fs::exists(person.berth().folder() / ("backup" + number + ".db"))) throw std::runtime_error("there is no backup");
  };
  add("db restore", [number](const Person& person) {
    // Into the same folder, as after a disk was lost.
    const fs::path data = person.berth().folder() / "data";
    if (!fs::exists(data / "lost")) {
      for (const char* part : {"berth.db", "berth.db-wal", "berth.db-shm"}) fs::remove(data / part);
      std::ofstream(data / "lost").put('1');
    }
    const std::string told = person.does({"db", "restore", "backup" + number + ".db"}, person.is_again());
    if (person.is_again() && told.find("restored ") == std::string::npos && told.find("storage.file_exists") == std::string::npos) throw std::runtime_error(told);
    fs::remove(data / "lost");
  }).check = [](const Person& person) {
    for (const fs::directory_entry& file : fs::directory_iterator(person.berth().folder() / "data")) {
      if (file.path().filename().string().starts_with("restore-")) throw std::runtime_error("left over: " + file.path().string());
    }
  };
  add("serve: a sync is asked for over REST", [](const Person& person) {
    serve(person, {}, [&](const Headers& admin, const std::string& origin) {
      must_answer(http("POST", origin + "/api/v1/integrations/zoho/sync", "{}", admin), 202);
      const bool is_done = eventually([&] {
        const Answer runs = http("GET", origin + "/api/v1/runs?integration=zoho", {}, admin);
        if (runs.status != 200) throw std::runtime_error("no answer");
        const Value answer = runs.json();
        const auto& items = answer.find("runs")->items();
        return !items.empty() && items.front().text_of("trigger") == "api" && !items.front().find("ended")->is_null();
      }, std::chrono::seconds(100));   // who was killed behind schedule.take is followed up when that look is over
      if (!is_done) throw std::runtime_error("the sync that was asked for did not run");
    });
  });
  add("serve: an integration is made over REST, and another with a code that is not good", [&simulator](const Person& person) {
    serve(person, {"--safe-mode"}, [&](const Headers& admin, const std::string& origin) {
      const auto make = [&](const std::string& code, const std::string& integration) {
        Value body = Value::object({{"authorization_code", code}, {"accounts_server", simulator.origin()}, {"company_id", "acme_us"}});
        if (!integration.empty()) body.set("integration_id", integration);
        return http("POST", origin + "/api/integrations/zoho/", berth::json::dump(body), admin);
      };
      const Answer made = make(fresh_code(simulator, person.berth()), "zoho");   // connects it again
      if (made.status != 200 && made.status != 201) throw std::runtime_error("not connected: " + std::to_string(made.status) + made.body);
      must_answer(make("1000.used", {}), 424);
    });
  });
  return steps;
}

}  // namespace crash
