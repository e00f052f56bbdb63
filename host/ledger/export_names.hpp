#pragma once
// Inside exports: how accounts and texts are written where a language forbids characters.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "host/core/text.hpp"
#include "host/ledger/export.hpp"

namespace berth::ledger {

/// Text for one line: no line ends, and none of the characters that mean something there; blanks instead.
[[nodiscard]] std::string plain_text(std::string_view text, std::string_view forbidden);

/// Names of accounts in one journal. Two accounts never share a name: what escaping makes equal gets a number, in order
/// of company and id, so that the same books give the same names.
class AccountNames {
 public:
  using Escape = std::function<std::string(std::string_view full_name)>;
  AccountNames(const Companies& companies, Escape escape) : companies_(companies), escape_(std::move(escape)) {}
  void add(const JournalHead& head) {
    for (const JournalHead::UsedAccount& used : head.accounts) (void)of(used.company, used.account);
  }
  const std::string& of(const std::string& company, const std::string& account);

 private:
  const Companies& companies_;
  Escape escape_;
  std::map<std::pair<std::string, std::string>, std::string> names_;
  std::set<std::string> taken_;
};

}  // namespace berth::ledger
