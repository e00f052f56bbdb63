#include <doctest/doctest.h>

#include "host/config/storage_address.hpp"

using berth::config::password_in;

TEST_CASE("a password in an address is found wherever libpq, or a person, would put it") {
  const struct {
    const char* address;
    const char* password;
  } cases[] = {
      {"postgresql://u:word@h/b", "word"},
      {"postgresql://u:w/ord@h:5432/b", "w/ord"},
      {"postgresql://u:w?ord@h/b", "w?ord"},
      {"postgresql://u:12?34@h/b", "u:12?34@h/b"},
      {"postgresql://u:12/34@h/b", "12/34"},
      {"postgresql://u:w@rd@h/b", "w@rd"},
      {"postgresql://u:word@[::1]:5432/b", "word"},
      {"postgresql://u:word/b", "word"},
      {"postgresql://u@h/b?password=word", "word"},
      {"postgresql://u@h/b?sslmode=require&PASSword=word", "word"},
      {"postgresql://u@h/b?p%61ssword=word&sslmode=require", "word"},
      {"postgresql://u@h/b?sslpassword=word", "word"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.address);
    const auto found = password_in(one.address);
    REQUIRE(found.has_value());
    CHECK(*found == one.password);
  }
}

TEST_CASE("an address without a password has none") {
  for (const char* address : {"sqlite", "", "postgresql://", "postgresql://h", "postgresql://h:5432/b", "postgresql://u@h:5432/b?sslmode=verify-full&sslrootcert=/a:b@c",
                              "postgresql://u@[::1]:5432/b", "postgresql://[fe80::1]/b", "postgresql://u@a:1,b:2,[::1]:3/b", "postgresql:///t1?host=/run/postgresql",
                              "postgresql://u@/b?host=/run/postgresql&user=a@b", "postgresql://u:@h/b", "postgresql://u@h/b?password=", "postgresql://h:5432/b?user=a@b"}) {
    CAPTURE(address);
    CHECK_FALSE(password_in(address).has_value());
  }
}

TEST_CASE("what libpq could never connect to is told by its word, without a server") {
  const struct {
    const char* address;
    const char* what;
    const char* hint;
  } cases[] = {
      {"postgresql://u@h/b?sslmod=require", "`sslmod`", "`sslmode`"},
      {"postgresql://u@h/b?connect_timeout=5&sslrootcrt=/a", "`sslrootcrt`", "`sslrootcert`"},
      {"postgresql://u@h/b?sslmode=requir", "`requir`", "`require`"},
      {"postgresql://u@h/b?sslmode=on", "`on`", "verify-full"},
      {"postgresql://u@h:99999/b", "`99999`", "65535"},
      {"postgresql://u@a:5432,b:0/b", "`0`", "65535"},
      {"postgresql://u@h/b?port=70000", "`70000`", "65535"},
      {"postgresql://u@[::1/b", "cannot be read", "postgresql://user@host:5432/name"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.address);
    const auto fault = berth::config::address_fault(one.address);
    REQUIRE(fault.has_value());
    CHECK_MESSAGE(fault->what.find(one.what) != std::string::npos, fault->what);
    CHECK_MESSAGE(fault->hint.find(one.hint) != std::string::npos, fault->hint);
  }
  for (const char* address : {"postgresql://h", "postgresql://u@h:5432/b?sslmode=verify-full&sslrootcert=/a:b@c", "postgresql://u@[::1]:5432/b", "postgresql://u@a:1,b:2,[::1]:3/b",
                              "postgresql:///t1?host=/run/postgresql&port=5433", "postgresql://u@a,b:2/b?target_session_attrs=read-write&application_name=x&options=-c%20a%3Db"}) {
    const auto fault = berth::config::address_fault(address);
    CHECK_MESSAGE(!fault.has_value(), std::string(address));
  }
}
