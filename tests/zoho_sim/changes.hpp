// Reads JSON bodies into records: those of Zoho's create calls and those of the control interface, which use the same
// names. Only what the body names is changed, so the same function serves for a new record and for an edit.
//
// A body that is no JSON object is refused with code 1038, a bad value with code 2 (thrown as ApiError).
#pragma once

#include "tests/zoho_sim/books.hpp"
#include "tests/zoho_sim/faults.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zoho_sim {

// A flat view of a JSON object, for what is read by name.
class Body {
 public:
  explicit Body(std::string_view text);  // an empty text is an empty object
  ~Body();
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  bool has(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;  // texts and numbers, as text
  std::optional<bool> flag(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name) const;
  std::optional<Minor> money(std::string_view name) const;
  std::optional<Id> id(std::string_view name) const;
  std::optional<Day> day(std::string_view name) const;

  void read(Invoice& invoice, Books& books) const;
  void read(CreditNote& note, Books& books) const;
  void read(Payment& payment) const;
  void read(Contact& contact) const;
  void read(Item& item, Books& books) const;
  Fault fault() const;

 private:
  void read_priced(Priced& document, Books& books) const;

  struct Object;
  std::unique_ptr<Object> object_;
};

}  // namespace zoho_sim
