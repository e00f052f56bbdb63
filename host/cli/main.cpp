#include "host/cli/main.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>

#include "host/cli/commands.hpp"
#include "host/core/text.hpp"
#include "host/plugins/host_process.hpp"
#include "host/plugins/worker_main.hpp"

namespace berth::cli {

namespace {

/// Which options exclude each other stands in their help: behind the name it takes up the whole column.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string text = CLI::Formatter::make_option_opts(option);
    return text.substr(0, text.find(" " + get_label("Excludes") + ":"));
  }
};

/// Collects what the parsed subcommand will do; it runs after parsing, so that errors of usage come first.
using Action = std::function<int()>;

struct Line {
  Global global;
  Action action;
  // Values that options are parsed into; a command uses those it declared.
  std::string id, second, third, fourth;
  std::vector<std::string> words;
  std::string entity, state;
  std::size_t limit = 100;
  bool flag = false;
  ServeOptions serve;
  ConnectOptions connect;
  SyncOptions sync;
  RemapOptions remap;
  RevalueOptions revalue;
};

CLI::App* command(CLI::App& parent, Line& line, const std::string& name, const std::string& help, Action action) {
  CLI::App* app = parent.add_subcommand(name, help);
  app->callback([&line, action = std::move(action)] { line.action = action; });
  return app;
}

CLI::App* group(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App* app = parent.add_subcommand(name, help);
  app->require_subcommand(1);
  return app;
}

void declare_setup(CLI::App& app, Line& line) {
  Global& global = line.global;
  command(app, line, "init", "Write berth.yaml, accounts, mapping, vault key and the first API token", [&] { return init(global, line.id.empty() ? "." : line.id); })
      ->add_option("DIR", line.id, "folder; made if it is not there (default: this one)");
  CLI::App* serve_app = command(app, line, "serve", "Run the host: scheduler and REST API, until a signal ends it", [&] { return serve(global, line.serve); });
  serve_app->add_flag("--json-log", line.serve.json_log, "log as JSON lines");
  serve_app->add_flag("--safe-mode", line.serve.safe_mode, "do not open plugins that do not come with Berth");
  command(app, line, "doctor", "What is wrong with this installation, and what to do about it", [&] { return doctor(global, line.flag); })
      ->add_flag("--online", line.flag, "also make one cheap call to each remote that is connected");
  command(app, line, "explain", "What a reason means, who has to act, and what to do", [&] { return explain(global, line.id); })
      ->add_option("REASON", line.id, "as errors, records and runs name it, e.g. ledger.unmapped (default: all of them)");
  CLI::App* config = group(app, "config", "The configuration file");
  command(*config, line, "validate", "Check berth.yaml offline: every mistake with file, line and column", [&] { return config_validate(global); });
  CLI::App* vault = group(app, "vault", "The vault of secrets");
  command(*vault, line, "init", "Make the vault key that berth.yaml names", [&] { return vault_init(global); });
  command(*vault, line, "status", "Key id and number of secrets", [&] { return vault_status(global); });
  command(*vault, line, "rotate", "Seal everything with a new key", [&] { return vault_rotate(global, line.id); })
      ->add_option("NEW_KEY", line.id, "file:PATH, env:NAME or credential:NAME of the new key")
      ->required();
  CLI::App* db = group(app, "db", "The database");
  command(*db, line, "check", "Is it sound: the engine's own structures, and the books", [&] { return db_check(global); });
  command(*db, line, "backup", "Everything at this moment, into a new file; nobody waits for it", [&] { return db_backup(global, line.id); })
      ->add_option("FILE", line.id, "must not be there yet")
      ->required();
  command(*db, line, "restore", "A backup into the configured storage, which must be empty", [&] { return db_restore(global, line.id); })
      ->add_option("FILE", line.id, "of `berth db backup`")
      ->required();
  CLI::App* migrate = command(*db, line, "migrate", "Apply what is missing; with --to, copy everything into another storage and compare",
                              [&] { return db_migrate(global, line.second, line.third); });
  migrate->add_option("--to", line.second, "sqlite or postgresql://user@host:5432/name; must be empty");
  migrate->add_option("--password", line.third, "of that storage: env:NAME or file:PATH");
  CLI::App* token = group(app, "token", "Tokens of the REST API");
  CLI::App* create = command(*token, line, "create", "Make a token; it is shown once", [&] { return token_create(global, line.id, line.second.empty() ? "viewer" : line.second); });
  create->add_option("NAME", line.id, "whose it is")->required();
  create->add_option("--role", line.second, "admin or viewer (default: viewer)");
  command(*token, line, "list", "All tokens, without their text", [&] { return token_list(global); });
  command(*token, line, "revoke", "Make a token invalid", [&] { return token_revoke(global, line.id); })->add_option("ID", line.id, "of `berth token list`")->required();
  CLI::App* plugin = group(app, "plugin", "Connector plugins");
  command(*plugin, line, "list", "Plugins in the configured folders, and why one is refused", [&] { return plugin_list(global); });
  command(*plugin, line, "trust", "Pin the library of a plugin as it is now", [&] { return plugin_trust(global, line.id); })
      ->add_option("PATH", line.id, "folder of the plugin, or its id")
      ->required();
}

void declare_integrations(CLI::App& app, Line& line) {
  Global& global = line.global;
  const auto with_id = [&](CLI::App* sub) {
    sub->add_option("ID", line.id, "integration")->required();
    return sub;
  };
  CLI::App* status_app = command(app, line, "status", "One line an integration", [&] { return status(global, line.id, line.flag); });
  status_app->add_option("ID", line.id, "only this one");
  status_app->add_flag("--watch", line.flag, "print again whenever something changes, until Ctrl-C");
  CLI::App* connect_app = with_id(command(app, line, "connect", "Print the authorisation URL and wait for the redirect", [&] {
    line.connect.id = line.id;
    return connect(global, line.connect);
  }));
  connect_app->add_option("--code", line.connect.code, "a code that came another way");
  connect_app->add_option("--accounts-server", line.connect.accounts_server, "the redirect's accounts-server, with --code");
  connect_app->add_option("--location", line.connect.location, "the redirect's location, with --code");
  connect_app->add_option("--self-client", line.connect.self_client, "a grant code of a self client");
  connect_app->add_option("--wait", line.connect.wait_seconds, "seconds to wait for the redirect (default: 900)");
  CLI::App* sync_app = with_id(command(app, line, "sync", "Sync now and print the run report", [&] {
    line.sync.id = line.id;
    line.sync.limit = line.limit;
    return line.sync.is_estimate ? sync_estimate(global, line.sync) : sync(global, line.sync);
  }));
  sync_app->add_option("--phase", line.sync.phases, "only this phase; may be given several times");
  sync_app->add_flag("--full", line.sync.full, "list everything and compare");
  sync_app->add_option("--since", line.sync.since, "list what changed since this date, YYYY-MM-DD");
  sync_app->add_flag("--strict", line.sync.strict, "exit 1 also when rate limited or incomplete");
  CLI::Option* dry_run = sync_app->add_flag("--dry-run", line.sync.is_dry_run, "show what it would post, and keep nothing; the calls are real");
  sync_app->add_flag("--estimate", line.sync.is_estimate, "only say what it would cost in calls; makes none; not with --dry-run")->excludes(dry_run);
  sync_app->add_option("--limit", line.limit, "entries and refusals that a dry run lists (default: 100)");
  with_id(command(app, line, "pause", "No runs until resumed", [&] { return change_desired(global, line.id, "pause"); }));
  with_id(command(app, line, "resume", "Runs go on", [&] { return change_desired(global, line.id, "resume"); }));
  with_id(command(app, line, "enable", "Runs, links and webhooks work", [&] { return change_desired(global, line.id, "enable"); }));
  with_id(command(app, line, "disable", "No runs; data stays readable", [&] { return change_desired(global, line.id, "disable"); }));
  with_id(command(app, line, "disconnect", "Revoke and forget the tokens; data stays", [&] { return disconnect(global, line.id); }));
  with_id(command(app, line, "schedule", "When its phases run next", [&] { return schedule_show(global, line.id); }));
  with_id(command(app, line, "confirm-deletions", "Lets a comparison go on that the deletion brake stopped", [&] { return confirm_deletions(global, line.id); }));
  with_id(command(app, line, "test", "One cheap call that proves the connection", [&] { return test(global, line.id); }));
  CLI::App* organizations_app = with_id(command(app, line, "organizations", "The organisations the account sees", [&] { return organizations(global, line.id, line.second); }));
  organizations_app->add_option("--choose", line.second, "take this one; only before the first sync");
  with_id(command(app, line, "runs", "Runs, newest first", [&] { return runs(global, line.id); }));
  CLI::App* run = group(app, "run", "One run");
  command(*run, line, "show", "The report of a run", [&] { return run_show(global, line.id); })->add_option("RUN", line.id, "of `berth runs`")->required();
  command(app, line, "hosts", "Who serves this database, and what each of them runs now", [&] { return hosts(global); });
  CLI::App* quota = group(app, "quota", "Limits of the remote systems, and what is used of them");
  command(*quota, line, "show", "The windows of each organisation: a minute, at once, a day; and what stands in the way", [&] { return quota_show(global, line.id); })
      ->add_option("ID", line.id, "only that of this integration");
  with_id(command(*quota, line, "reset", "Lift pauses and blocks, and forget what is known of the day", [&] { return quota_reset(global, line.id); }));
  CLI::App* records = group(app, "records", "Remote documents and what became of them");
  CLI::App* list = with_id(command(*records, line, "list", "Records and their state", [&] { return records_list(global, line.id, line.entity, line.state, line.limit); }));
  list->add_option("--entity", line.entity, "invoice, contact, item, ...");
  list->add_option("--state", line.state, "posted, parked, skipped, failed, ignored, pending or archived");
  list->add_option("--limit", line.limit, "rows at most (default: 100)");
  CLI::App* show = with_id(command(*records, line, "show", "Why a document became what it became: versions, rules, entries, reversals",
                                   [&] { return records_show(global, line.id, join(line.words, " ")); }));
  show->add_option("RECORD", line.words, "ENTITY/REMOTE_ID, a remote id, an invoice or payment number, entry/N, or line/N.M")->required()->expected(1, 2);
  CLI::App* retry = with_id(command(*records, line, "retry", "Apply a record again", [&] { return records_retry(global, line.id, line.second); }));
  retry->add_option("REF", line.second, "ENTITY/REMOTE_ID, e.g. invoice/4815162342000201001")->required();
  CLI::App* archive = with_id(command(*records, line, "archive", "Take a document, a customer or an item out of the books, whatever the remote says of it; its entries are reversed, with no remote call",
                                      [&] { return records_archive(global, line.id, line.words, line.second); }));
  archive->add_option("RECORD", line.words, "ENTITY/REMOTE_ID, ENTITY REMOTE_ID, a remote id, or a number such as INV-000317")->required()->expected(1, 2);
  archive->add_option("--reason", line.second, "why; it is kept with the record and in the audit log")->required();
  CLI::App* unarchive = with_id(command(*records, line, "unarchive", "Take that back: it posts again from what is stored, with no remote call",
                                        [&] { return records_unarchive(global, line.id, line.words); }));
  unarchive->add_option("RECORD", line.words, "as for archive")->required()->expected(1, 2);
  CLI::App* accounts = group(app, "accounts", "Placeholder rows and the accounts they post to");
  with_id(command(*accounts, line, "list", "Rows, unmapped first, with what waits for them", [&] { return accounts_list(global, line.id); }));
  CLI::App* map = with_id(command(*accounts, line, "map", "Map a row and apply what waited for it, with no remote call", [&] { return accounts_map(global, line.id, line.second, line.third); }));
  map->add_option("ROW", line.second, "KIND/KEY/COMPANY as `berth accounts list` shows it, e.g. payment_mode/Stripe/acme_us")->required();
  map->add_option("ACCOUNT", line.third, "account id of the company's chart")->required();
}

void declare_rows(CLI::App& app, Line& line) {
  Global& global = line.global;
  const auto of_integration = [&](CLI::App* sub) {
    sub->add_option("ID", line.id, "integration")->required();
    return sub;
  };
  CLI::App* customers = group(app, "customers", "Customers of the remote, and which of ours they are");
  of_integration(command(*customers, line, "list", "Customers, those that something waits for first", [&] { return customers_list(global, line.id); }));
  CLI::App* link = of_integration(command(*customers, line, "link", "A customer of the remote is one that is here; what waited for it posts, with no remote call",
                                          [&] { return customers_link(global, line.id, line.second, line.third); }));
  link->add_option("REMOTE", line.second, "its id at the remote, as `berth customers list` shows it")->required();
  link->add_option("LOCAL", line.third, "id or whole name of the customer here")->required();
  of_integration(command(*customers, line, "unlink", "Take a link back; what is posted in the other's name is posted again in its own, with no remote call",
                         [&] { return customers_unlink(global, line.id, line.second); }))
      ->add_option("REMOTE", line.second, "its id at the remote, as `berth customers list` shows it")
      ->required();
  CLI::App* create = of_integration(command(*customers, line, "create", "Make the customer that one of the remote is; what waited for it posts, with no remote call",
                                            [&] { return customers_create(global, line.id, line.second, line.third); }));
  create->add_option("REMOTE", line.second, "its id at the remote, as `berth customers list` shows it")->required();
  create->add_option("NAME", line.third, "its name here")->required();
  CLI::App* classifications = group(app, "classifications", "Classifications and their lines: dimensions of entries");
  command(*classifications, line, "list", "Classifications with their lines", [&] { return classifications_list(global); });
  CLI::App* add = command(*classifications, line, "add", "Add a classification or a line; what lacked the line posts again with it, with no remote call",
                          [&] { return classifications_add(global, line.id, line.second); });
  add->add_option("NAME", line.id, "the classification, e.g. \"Service Type\"")->required();
  add->add_option("LINE", line.second, "a line of it");
  CLI::App* removed = command(*classifications, line, "remove", "Take back a classification or a line that nothing uses",
                              [&] { return classifications_remove(global, line.id, line.second); });
  removed->add_option("NAME", line.id, "the classification")->required();
  removed->add_option("LINE", line.second, "a line of it");
}

void declare_mapping_and_ledger(CLI::App& app, Line& line) {
  Global& global = line.global;
  CLI::App* mapping = group(app, "mapping", "Mapping rules");
  CLI::App* validate = command(*mapping, line, "validate", "Check a rules file offline", [&] { return mapping_validate(global, line.id, line.flag); });
  validate->add_option("FILE", line.id, "mapping.yaml")->required();
  validate->add_flag("--deny-warnings", line.flag, "exit 1 on warnings too");
  CLI::App* cases = command(*mapping, line, "test", "Run the cases of mapping.test.yaml", [&] { return mapping_test(global, line.id, line.flag); });
  cases->add_option("DIR", line.id, "folder with mapping.yaml and mapping.test.yaml")->required();
  cases->add_flag("--coverage", line.flag, "exit 1 also where no case comes to a rule, branch, default or entry of a table");
  CLI::App* explained = command(*mapping, line, "explain", "How each value of a stored record comes about, and why what it waits for is not there",
                                [&] { return mapping_explain(global, line.id, line.second, line.third); });
  explained->add_option("ID", line.id, "integration")->required();
  explained->add_option("RECORD", line.second, "ENTITY/REMOTE_ID, a remote id, a number such as INV-000317, or entry/N")->required();
  explained->add_option("--mapping", line.third, "a rules file to try (default: the one of the integration)");
  const auto remapping = [&](CLI::App* sub) {
    sub->add_option("ID", line.remap.id, "integration")->required();
    sub->add_flag("--all", line.remap.all, "also records that these very rules decided: accounts or settings may have changed");
    sub->add_option("--limit", line.remap.limit, "changed records that are shown, 0 for all (default: 20); JSON has all");
    return sub;
  };
  remapping(command(*mapping, line, "diff", "What the rules would change in stored documents and entries; changes nothing", [&] { return mapping_diff(global, line.remap); }))
      ->add_option("--mapping", line.remap.file, "a rules file to try (default: the one of the integration)");
  remapping(command(*mapping, line, "apply", "Apply the installed rules to stored documents that other rules decided, with no remote call; to apply a file that `diff --mapping` has shown, install it first", [&] { return mapping_apply(global, line.remap); }))
      ->add_option("--wait", line.remap.wait_seconds, "seconds to wait while another process runs the integration (default: 120)");
  CLI::App* ledger = group(app, "ledger", "The books");
  command(*ledger, line, "balance", "Trial balance", [&] { return ledger_balance(global, line.id); })->add_option("--company", line.id, "only this company");
  CLI::App* entries = command(*ledger, line, "entries", "Journal entries, in order of recording", [&] { return ledger_entries(global, line.id, line.second, line.limit); });
  entries->add_option("--company", line.id, "only this company");
  entries->add_option("--source", line.second, "only of this document, ENTITY/REMOTE_ID");
  entries->add_option("--limit", line.limit, "entries at most (default: 100)");
  command(*ledger, line, "check", "Check the books against their invariants, tolerance zero", [&] { return ledger_check(global); });
  command(*ledger, line, "receivables", "Open amount of each posted invoice", [&] { return ledger_receivables(global, line.id); })
      ->add_option("ID", line.id, "only of this integration");
  CLI::App* exported = command(*ledger, line, "export", "The whole journal for another program",
                               [&] { return ledger_export(global, line.id, line.second.empty() ? "recording" : line.second); });
  exported->add_option("--format", line.id, "hledger, ledger, beancount, csv or jsonl")->required();
  exported->add_option("--sort", line.second, "recording (default), or source: the same bytes from every host that took the same documents");
  command(*ledger, line, "tie-out", "Differences between the receivables here and the remote's balances, as stored", [&] { return ledger_tie_out(global, line.id); })
      ->add_option("ID", line.id, "the integration")
      ->required();
  CLI::App* revalue = command(*ledger, line, "revalue", "Post what is open in a foreign currency at the rate of a period's last day, and take it back on the next",
                              [&] { return ledger_revalue(global, line.revalue); });
  revalue->add_option("ID", line.revalue.id, "the integration")->required();
  revalue->add_option("--currency", line.revalue.currency, "of the receivables")->required();
  revalue->add_option("--rate", line.revalue.rate, "base units for one unit of it")->required();
  revalue->add_option("--date", line.revalue.period_end, "the period's last day, YYYY-MM-DD")->required();
  revalue->add_option("--company", line.revalue.company, "company id (default: that of the integration)");
  CLI::App* opening = group(*ledger, "opening", "Receivables from before these books began");
  CLI::App* imported = command(*opening, line, "import", "Post open invoices that are older than the first pull, from a CSV file; all of it or nothing",
                               [&] { return ledger_opening(global, line.id, line.second); });
  imported->add_option("ID", line.id, "integration id")->required();
  imported->add_option("FILE", line.second, "invoice,number,customer,company,currency,open,base,date")->required();
  CLI::App* period = group(*ledger, "period", "Closed months");
  command(*period, line, "list", "Closed months", [&] { return ledger_period(global, "list", line.id, {}); })->add_option("--company", line.id, "only this company");
  for (const std::string verb : {"close", "open"}) {
    CLI::App* sub = command(*period, line, verb, verb == "close" ? "Nothing is posted into this month any more" : "Posting into this month is allowed again",
                            [&, verb] { return ledger_period(global, verb, line.id, line.second); });
    sub->add_option("COMPANY", line.id, "company id")->required();
    sub->add_option("MONTH", line.second, "YYYY-MM")->required();
  }
}

/// The error of a word that is no command, where that is what is wrong with the line: CLI11 would only say that a command
/// is needed. Words after an option that nobody knows may belong to it, so nothing is said of them.
std::optional<Error> unknown_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* at = &app;
  std::string path;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("-")) {
      const std::string name = word.substr(0, word.find('='));
      const CLI::Option* option = at->get_option_no_throw(name);
      if (option == nullptr) option = app.get_option_no_throw(name);
      if (option == nullptr) return std::nullopt;
      if (option->get_items_expected_max() > 0 && word.find('=') == std::string::npos) ++i;
      continue;
    }
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* each : at->get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(each->get_name());
      if (each->get_name() == word) next = each;
    }
    if (names.empty()) return std::nullopt;  // what follows a command are its arguments
    if (next == nullptr) {
      const std::string near = nearest(word, names);
      return make_error(Code::kInvalidArgument, "cli.command_unknown",
                        fmt::format("there is no command \"{}{}\"; {}", path, shortened(word, 60),
                                    near.empty() ? fmt::format("see `berth {}--help`", path) : fmt::format("did you mean \"{}{}\"?", path, near)));
    }
    path += word + " ";
    at = next;
  }
  return std::nullopt;
}

}  // namespace

int run(int argc, char** argv) {
  // Hidden: the process in which a plugin runs. Before anything else, because it must not touch its standard input.
  if (argc >= 2 && std::strcmp(argv[1], "worker") == 0) return plugins::worker_main();
  open_standard_streams();
  plugins::protect_host_process();
  Line line;
  const auto no_room = [&](const char* what) {
    return fail(line.global, make_error(Code::kEnvironment, "cli.out_of_memory", fmt::format("the machine gave no memory or thread: {}", what)));
  };
  try {
    CLI::App app{"Berth: an integration host with an exact double-entry ledger"};
    app.formatter(std::make_shared<HelpFormatter>());
    app.name("berth");
    app.require_subcommand(1);
    app.fallthrough();
    app.set_version_flag("--version", "berth 0.1.0");
    app.add_option("-c,--config", line.global.config, "configuration file (default: ./berth.yaml)");
    app.add_flag("--json", line.global.json, "print JSON with stable keys");
    app.add_flag("-q,--quiet", line.global.quiet, "print results only");
    app.add_flag("-v,--verbose", line.global.verbose, "print the log");
    app.add_option("--plugin-dir", line.global.plugin_dirs, "a folder of plugins, looked through first");
    declare_setup(app, line);
    declare_integrations(app, line);
    declare_rows(app, line);
    declare_mapping_and_ledger(app, line);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() != 0) {
        if (const auto unknown = unknown_command(app, argc, argv)) return fail(line.global, *unknown);
      }
      const int code = app.exit(error);
      return code == 0 ? kFine : kWrongUsage;
    }
    return finish_output(line.action ? line.action() : kWrongUsage);
  } catch (const std::bad_alloc&) {
    return no_room("out of memory");
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again || error.code() == std::errc::not_enough_memory) return no_room("no further thread");
    return fail(line.global, make_error(Code::kInternal, "cli.unexpected", error.what()));
  } catch (const std::exception& error) {
    return fail(line.global, make_error(Code::kInternal, "cli.unexpected", error.what()));
  }
}

}  // namespace berth::cli
