#pragma once
// The newest that a remote said of a record, and what stands in it at a place: see documents/remote_balances.hpp.
//
//   const RemoteAnswer answer = BERTH_TRY(RemoteAnswer::load(connection, record));
//   answer.text("currency_code");                 // "USD"
//   answer.texts("invoices.invoice_id");          // {"4815", "4816"}
//
// Any thread. Errors: storage's. What is not there, or no text, number or list of them, is "" or nothing.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/storage/records.hpp"

namespace berth::ledger {

class RemoteAnswer {
 public:
  static Result<RemoteAnswer> load(storage::Connection& connection, const storage::Record& record);
  [[nodiscard]] std::vector<std::string> texts(std::string_view path) const;
  /// The first of them.
  [[nodiscard]] std::string text(std::string_view path) const;

 private:
  json::Value body_;
  std::map<std::string, json::Value, std::less<>> parts_;
};

}  // namespace berth::ledger
