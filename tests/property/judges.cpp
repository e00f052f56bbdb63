#include "property/judges.hpp"

#include <sys/wait.h>

#include <cstdio>
#include <map>

#include "host/core/decimal.hpp"
#include "host/core/text.hpp"

namespace berth::property {
namespace {

struct Output {
  int code = -1;
  std::string text;
};
Output run(const std::string& command) {
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[65536];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.text.append(buffer, n);
  const int status = pclose(pipe);
  output.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

struct Program {
  std::string version, check, balances;
  ledger::ExportFormat format;
};

constexpr std::string_view kBeancountSums = R"py(
import sys, collections, decimal
from beancount import loader
from beancount.core import convert
entries, errors, _ = loader.load_file(sys.argv[1])
assert not errors, errors
sums = collections.defaultdict(decimal.Decimal)
for entry in entries:
    for posting in getattr(entry, "postings", None) or []:
        weight = convert.get_weight(posting)
        sums[posting.account, weight.currency] += weight.number
for (account, currency), total in sums.items():
    print(account + "|" + str(total.quantize(decimal.Decimal("0.01"))) + " " + currency)
)py";

Program program_of(const std::string& name, const std::string& file) {
  if (name == "hledger")
    return {"hledger --version", "hledger -f " + file + " check -s",
            "hledger -f " + file + " bal --flat -N -B --format '%(account)|%(total)'", ledger::ExportFormat::kHledger};
  if (name == "ledger")
    return {"ledger --version", "ledger -f " + file + " --pedantic --strict bal --flat -B --no-total",
            "ledger -f " + file + " bal --flat -B --no-total --format '%(account)\t%(display_total)\n'",
            ledger::ExportFormat::kLedger};
  // bean-query cuts numbers off to the width of its column, so its library is asked: the sum of the weights of all postings.
  return {"bean-check --version", "bean-check " + file,
          "/usr/bin/python3 -c '" + std::string(kBeancountSums) + "' " + file, ledger::ExportFormat::kBeancount};
}

/// "-12.30 USD" in cents. "" and "0" are nothing; any other text, another currency too, is no answer.
std::optional<Minor> cents_of(std::string_view text) {
  std::string_view number = trim(text);
  if (number.empty() || number == "0") return 0;
  if (!number.ends_with("USD")) return std::nullopt;
  number = trim(number.substr(0, number.size() - 3));
  const auto parsed = Decimal::parse(number);
  if (!parsed.ok()) return std::nullopt;
  const auto cents = parsed->rounded(2).rescaled(2);
  return cents.ok() ? std::optional<Minor>(static_cast<Minor>(cents->coefficient())) : std::nullopt;
}

/// The account's names in this language, as the product writes them, by the reference's names.
std::string name_of(const std::string& program, const ledger::Companies& companies, const std::string& company_account) {
  const auto blank = company_account.find(' ');
  std::string name =
      ledger::full_account_name(companies, company_account.substr(0, blank), company_account.substr(blank + 1));
  if (program != "beancount") return name;
  bool is_first = true;
  for (char& c : name) {
    if (is_first) c = static_cast<char>(c - 'a' + 'A');
    if (c == '_') c = '-';
    is_first = c == ':';
  }
  return name;
}

}  // namespace

Judgement judge(const std::string& program, const std::filesystem::path& journal, const ledger::Companies& companies,
                const Nets& nets) {
  const Program how = program_of(program, journal.string());
  if (run(how.version).code != 0) return {false, ""};
  const Output checked = run(how.check);
  if (checked.code != 0) return {true, program + " refuses the journal: " + checked.text.substr(0, 2000)};
  const Output answer = run(how.balances);
  if (answer.code != 0) return {true, program + " says: " + answer.text.substr(0, 2000)};
  std::map<std::string, Minor> theirs;
  for (const std::string& line : split(answer.text, '\n')) {
    const auto mark = line.find(program == "ledger" ? '\t' : '|');
    if (mark == std::string::npos) continue;
    const std::string account(trim(line.substr(0, mark)));
    if (account.empty()) continue;
    const auto cents = cents_of(line.substr(mark + 1));
    if (!cents) return {true, program + " says: " + line};
    if (*cents != 0) theirs[account] = *cents;
  }
  std::string complaint;
  std::map<std::string, Minor> ours;
  for (const auto& [account, net] : nets) ours[name_of(program, companies, account)] = net;
  for (const auto& [account, net] : ours) {
    if (theirs[account] != net)
      complaint += program + ": " + account + " is " + std::to_string(theirs[account]) + ", ours is " + std::to_string(net) + "\n";
  }
  for (const auto& [account, net] : theirs) {
    if (net != 0 && !ours.contains(account)) complaint += program + ": " + account + " is " + std::to_string(net) + ", ours is nothing\n";
  }
  return {true, complaint};
}

}  // namespace berth::property
